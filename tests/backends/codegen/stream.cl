// halve
//   launch    grid 4,1,1  block 1,1,1
#pragma OPENCL FP_CONTRACT ON
#ifdef POCL_DEVICE_ADDRESS_BITS
#define STREAM(type, p, v) __builtin_nontemporal_store(v, (__global type *)(p))
#else
#define STREAM(type, p, v) *(__global type *)(p) = (v)
#endif
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void halve(__global const float *restrict A, __global float *restrict C)
{
    int b = get_group_id(0);
    for (int i = 0; i < 32; i++) {
        STREAM(float4, &C[b * 128 + i * 4], vload4(0, &A[b * 128 + i * 4]) * (float4)(0.5f));
    }
}
