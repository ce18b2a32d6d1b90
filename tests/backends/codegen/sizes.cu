// sizes
//   launch    grid 1,1,1  block 64,1,1
extern "C" __global__ void __launch_bounds__(64)
sizes(const float *A, const int *I, float *C, int *D)
{
    int i = threadIdx.x;
    C[i] = fabsf(A[i]);
    D[i] = abs(I[i]);
}
