// masks
//   launch    grid 4,1,1  block 256,1,1
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(256, 1, 1)))
void masks(__global const float *restrict A,
           __global const int *restrict I,
           __global const long *restrict H,
           __global float *restrict C,
           __global long *restrict D,
           __global uchar *restrict E)
{
    int bx = get_group_id(0);
    int tx = get_local_id(0);
    const float4 v = vload4(0, &A[(bx * 256 + tx) * 4]);
    const int4 n = vload4(0, &I[(bx * 256 + tx) * 4]);
    const int4 pos = v > (float4)(0.0f);
    vstore4(select((float4)(0.0f), v, pos & ~(n == (int4)(3))), 0, &C[(bx * 256 + tx) * 4]);
    vstore4(select((long4)(-1L), vload4(0, &H[(bx * 256 + tx) * 4]), convert_long4(pos)), 0, &D[(bx * 256 + tx) * 4]);
    C[tx] = pos.s1 != 0 ? 1.0f : 0.0f;
    vstore4(select((float4)(0.0f), (float4)(1.0f), pos) + (tx > 3 ? v : -v), 0, &C[(bx * 256 + tx) * 4]);
    const int4 lanes = isnan(v) | pos;
    E[(bx * 256 + tx) * 4] = lanes.s0 != 0;
    E[(bx * 256 + tx) * 4 + 1] = lanes.s1 != 0;
    E[(bx * 256 + tx) * 4 + 2] = lanes.s2 != 0;
    E[(bx * 256 + tx) * 4 + 3] = lanes.s3 != 0;
}
