// histogram
//   launch    grid 32,1,1  block 256,1,1  shared 1.0 KiB
extern "C" __global__ void __launch_bounds__(256)
histogram(const unsigned char *__restrict__ A,
          unsigned int *__restrict__ H,
          int *__restrict__ M,
          int n)
{
    __shared__ unsigned int bins[256];
    int bx = blockIdx.x;
    int tx = threadIdx.x;
    bins[tx] = 0u;
    __syncthreads();
    const int i = bx * 256 + tx;
    if (i < n) {
        atomicAdd(&bins[(int)A[i]], 1u);
        atomicMax(&M[0], (int)A[i]);
    }
    __syncthreads();
    atomicAdd(&H[tx], bins[tx]);
}
