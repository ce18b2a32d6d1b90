// axpy
//   launch    grid 1,1,1  block 256,1,1
extern "C" __global__ void __launch_bounds__(256)
axpy(const float *__restrict__ A, const float *__restrict__ B, float *__restrict__ C)
{
    int i = threadIdx.x;
    const float p = A[i] * B[i];
    C[i] = p + A[i] / 3.0f - -B[i];
}
