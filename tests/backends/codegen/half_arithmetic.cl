// half_gelu
//   launch    grid 16,1,1  block 256,1,1
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(256, 1, 1)))
void half_gelu(__global const half *restrict A, __global half *restrict C)
{
    int bx = get_group_id(0);
    int tx = get_local_id(0);
    const half x = A[bx * 256 + tx];
    C[bx * 256 + tx] = x * 0.5h * (1.0h + tanh(x)) - sqrt(x * x) - 1.7753906h;
    C[bx * 256 + tx] = x > 0.0h ? x : -(half)INFINITY;
}
