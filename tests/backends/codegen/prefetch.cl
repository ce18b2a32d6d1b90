// ahead
//   launch    grid 1,1,1  block 1,1,1
#pragma OPENCL FP_CONTRACT ON
#ifdef POCL_DEVICE_ADDRESS_BITS
#define PREFETCH(p) __builtin_prefetch(p)
#else
#define PREFETCH(p) prefetch(p, 1)
#endif
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void ahead(__global const float *A, __global float *C)
{
    for (int i = 0; i < 1024; i++) {
        PREFETCH(&A[i + 1024L]);
        PREFETCH(&C[i + 1024L]);
        C[i] = A[i] * 2.0f;
    }
}
