// matmul
//   launch    grid 16,32,1  block 1,1,1
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void matmul(__global const float *restrict A,
            __global const float *restrict B,
            __global float *restrict C)
{
    int by = get_group_id(1);
    int bx = get_group_id(0);
    float16 acc[8];
    for (int i = 0; i < 8; i++) {
        acc[i] = (float16)(0.0f);
    }
    for (int k = 0; k < 256; k++) {
        const float16 b = vload16(0, &B[k * 256 + bx * 16]);
        for (int i = 0; i < 8; i++) {
            acc[i] = fma((float16)(A[(by * 8 + i) * 256 + k]), b, acc[i]);
        }
    }
    for (int i = 0; i < 8; i++) {
        vstore16(acc[i], 0, &C[(by * 8 + i) * 256 + bx * 16]);
    }
}
