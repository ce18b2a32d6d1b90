// arcs
//   launch    grid 1,1,1  block 64,1,1
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void arcs(__global const float *A, __global float *C)
{
    int i = get_local_id(0);
    C[i] = asin(A[i]) + acos(A[i]);
}
