// doubles
//   launch    grid 1,1,1  block 64,1,1
extern "C" __global__ void __launch_bounds__(64)
doubles(const double *A, const long long *I, const bool *B, const float *F, double *C, int *D)
{
    int i = threadIdx.x;
    C[i] = (double)F[i] + (double)I[i] * (double)B[i];
    C[i] = sqrt(A[i]) + fma(A[i], C[i], 0.1) - floor(A[i]);
    C[i] = 1e+300 + __longlong_as_double(0x7ff0000000000000LL);
    D[i] = (int)A[i];
}
