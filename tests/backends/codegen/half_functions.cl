// half_functions
//   launch    grid 1,1,1  block 256,1,1
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(256, 1, 1)))
void half_functions(__global const half *restrict A,
                    __global half *restrict C,
                    __global uchar *restrict E)
{
    int i = get_local_id(0);
    const half x = A[i];
    C[i] = exp(x) + log2(x * x) - tanh(-x);
    C[i + 256] = sqrt(x) * rsqrt(x) + floor(x);
    C[i + 512] = fma(x, x, 0.5h) * 2.0h;
    C[i + 768] = (half)i + (half)((float)x * 0.1f);
    C[i + 1024] = as_half((ushort)i);
    C[i + 1280] = x != 0.0h && x < 3.0h ? 1.0h / x : (half)NAN;
    E[i] = isnan(x) || isinf(x);
}
