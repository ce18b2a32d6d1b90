// subgroup
//   launch    grid 2,1,1  block 16,8,2
extern "C" __global__ void __launch_bounds__(256)
subgroup(const float *A, float *C)
{
    int bx = blockIdx.x;
    int tz = threadIdx.z;
    int ty = threadIdx.y;
    int tx = threadIdx.x;
    const float x = A[bx * 256 + tz * 128 + ty * 16 + tx];
    C[bx * 256 + tz * 128 + ty * 16 + tx] = x + __shfl_xor_sync(0xffffffffu, x, 1) + __shfl_down_sync(0xffffffffu, x, 1) + __shfl_sync(0xffffffffu, x, 0);
}
