// softexp
//   launch    grid 16,1,1  block 64,1,1  shared 256 B
extern "C" __global__ void __launch_bounds__(64)
softexp(const float *A, float *C)
{
    __shared__ float tile[64];
    int bx = blockIdx.x;
    int tx = threadIdx.x;
    tile[tx] = A[bx * 64 + tx];
    __syncthreads();
    for (int k = 0; k < 64; k++) {
        if (k < tx) {
            C[bx * 64 + tx] += expf(tile[tx] - tile[min(k, 63)]) * 0.5f;
        }
    }
    __syncthreads();
}
