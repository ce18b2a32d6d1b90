// zeros
//   launch    grid 1,1,1  block 64,1,1
extern "C" __global__ void __launch_bounds__(64)
zeros(const float *__restrict__ A, float *__restrict__ B)
{
    int i = threadIdx.x;
    B[i] = A[i] * 0.0f;
    B[64 + i] = 0.0f / A[i];
    B[128 + i] = 0.0f - A[i];
}
