// matmul: fc1 (MatMul)                                                              model: mlp.onnx
//   C         f32[128,128]           4.19 MFLOP   0.13 MB read, 65.5 kB written   21.3 FLOP/byte
//   schedule  contraction/gpu: tile 32x32x8, 4x4 registers
//   launch    grid 4,4,1  block 8,8,1  shared 2.0 KiB
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(8, 8, 1)))
void matmul(__global const float *restrict A,
            __global const float *restrict B,
            __global float *restrict C)
{
    __local float As[256];
    __local float Bs[256];
    int by = get_group_id(1);
    int bx = get_group_id(0);
    int ty = get_local_id(1);
    int tx = get_local_id(0);
    float acc[16];
    for (int i = 0; i < 16; i++) {
        acc[i] = 0.0f;
    }
    for (int ko = 0; ko < 16; ko++) {
        barrier(CLK_LOCAL_MEM_FENCE);
        vstore4(vload4(0, &A[((by * 32 + ty * 4 + tx / 2) * 32 + ko * 2 + tx % 2) * 4]), 0, &As[(ty * 8 + tx) * 4]);
        vstore4(vload4(0, &B[((ko * 8 + ty) * 32 + bx * 8 + tx) * 4]), 0, &Bs[(ty * 8 + tx) * 4]);
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int ki = 0; ki < 8; ki++) {
            for (int i = 0; i < 4; i++) {
                for (int j = 0; j < 4; j++) {
                    acc[i * 4 + j] += As[(ty * 4 + i) * 8 + ki] * Bs[ki * 32 + tx * 4 + j];
                }
            }
        }
    }
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            C[(by * 32 + ty * 4 + i) * 128 + bx * 32 + tx * 4 + j] = acc[i * 4 + j];
        }
    }
}
