// vectors
//   launch    grid 4,1,1  block 256,1,1
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(256, 1, 1)))
void vectors(__global const float *restrict A,
             __global const int *restrict I,
             __global float *restrict C,
             __global int *restrict D)
{
    int bx = get_group_id(0);
    int tx = get_local_id(0);
    const int i = (bx * 256 + tx) * 4;
    float4 t[2];
    const float4 v = vload4(0, &A[(bx * 256 + tx) * 4]);
    const float s = v.s0 + v.s3;
    t[0] = v * (float4)(2.0f) + (float4)(s, 1.0f, 2.0f, s);
    t[1] = sqrt(v) - -v;
    vstore4(t[0] / t[1] + (float4)(t[1].s1), 0, &C[i]);
    C[tx] = v.s0;
    C[tx + 256] = v.s1;
    C[tx + 512] = v.s2;
    C[tx + 768] = v.s3;
    const float4 lanes = v + (float4)(A[tx], A[tx + 512], A[tx + 1024], A[tx + 1536]);
    C[tx] = lanes.s0;
    C[tx + 256] = lanes.s1;
    C[tx + 512] = lanes.s2;
    C[tx + 768] = lanes.s3;
    vstore4(convert_int4(v) + vload4(0, &I[i]) * (int4)(tx, tx + 1, tx + 2, tx + 3), 0, &D[i]);
    vstore2(s > 0.0f ? vload2(0, &A[i]) : (float2)(0.0f, s), 0, &C[i]);
}
