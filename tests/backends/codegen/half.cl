// half_scale
//   launch    grid 4,1,1  block 256,1,1
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(256, 1, 1)))
void half_scale(__global const half *restrict A,
                __global const float *restrict S,
                __global half *restrict C)
{
    int bx = get_group_id(0);
    int tx = get_local_id(0);
    const float s = S[0];
    vstore_half_rte(vload_half(0, &A[bx * 256 + tx]) * s, 0, &C[bx * 256 + tx]);
    vstore_half4_rte(vload_half4(0, &A[(bx * 256 + tx) * 4]) * (float4)(s), 0, &C[(bx * 256 + tx) * 4]);
    vstore_half_rte(vload_half(0, &A[tx + 1]), 0, &C[tx]);
}
