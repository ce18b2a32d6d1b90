// block 64
// A kernel may take all the shared memory there is and count threads beside.
extern "C" __global__ void full(const int *in, int *out)
{
    __shared__ int all[12288];
    int t = threadIdx.x;
    for (int i = t; i < 12288; i += 64)
        all[i] = i;
    int wrong = __syncthreads_count(t < 5) != 5;
    wrong += all[12287 - t] != 12287 - t;
#if __CUDA_ARCH__ != 900
    wrong++;
#endif
    out[t] = wrong + in[0];
}
