// intrinsics
//   launch    grid 1,1,1  block 64,1,1
extern "C" __global__ void __launch_bounds__(64)
intrinsics(const float *A, const int *I, const unsigned int *U, float *C, int *D, bool *E)
{
    int i = threadIdx.x;
    const float x = A[i];
    C[i] = expf(x) + exp2f(x) + logf(x) + log2f(x);
    C[i] = sqrtf(x) * rsqrtf(x);
    C[i] = sinf(x) + cosf(x) + tanf(x);
    C[i] = sinhf(x) + coshf(x) + tanhf(x) + asinhf(x) + acoshf(x) + atanhf(x);
    C[i] = floorf(x) + ceilf(x) + truncf(x) + rintf(x);
    C[i] = fmaf(x, x, 1.0f);
    D[i] = min(I[i], 3) * max(I[i], -3);
    D[i] = (int)min(U[i], 7u);
    E[i] = isnan(x) || isinf(x);
}
