// intrinsics
//   launch    grid 1,1,1  block 64,1,1
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void intrinsics(__global const float *A,
                __global const int *I,
                __global const uint *U,
                __global float *C,
                __global int *D,
                __global uchar *E)
{
    int i = get_local_id(0);
    const float x = A[i];
    C[i] = exp(x) + exp2(x) + log(x) + log2(x);
    C[i] = sqrt(x) * rsqrt(x);
    C[i] = sin(x) + cos(x) + tan(x);
    C[i] = sinh(x) + cosh(x) + tanh(x) + asinh(x) + acosh(x) + atanh(x);
    C[i] = floor(x) + ceil(x) + trunc(x) + rint(x);
    C[i] = fma(x, x, 1.0f);
    D[i] = min(I[i], 3) * max(I[i], -3);
    D[i] = (int)min(U[i], 7u);
    E[i] = isnan(x) || isinf(x);
}
