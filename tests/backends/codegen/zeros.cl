// zeros
//   launch    grid 1,1,1  block 64,1,1
#pragma OPENCL FP_CONTRACT OFF
__kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void zeros(__global const float *restrict A, __global float *restrict B)
{
    int i = get_local_id(0);
    B[i] = A[i] * 0.0f;
    B[64 + i] = 0.0f / A[i];
    B[128 + i] = 0.0f - A[i];
}
