// axpy
//   launch    grid 1,1,1  block 256,1,1
#pragma OPENCL FP_CONTRACT OFF
__kernel __attribute__((reqd_work_group_size(256, 1, 1)))
void axpy(__global const float *restrict A,
          __global const float *restrict B,
          __global float *restrict C)
{
    int i = get_local_id(0);
    const float p = A[i] * B[i];
    C[i] = p + A[i] / 3.0f - -B[i];
}
