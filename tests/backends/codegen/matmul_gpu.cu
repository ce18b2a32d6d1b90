// matmul: fc1 (MatMul)                                                              model: mlp.onnx
//   C         f32[128,128]           4.19 MFLOP   0.13 MB read, 65.5 kB written   21.3 FLOP/byte
//   schedule  contraction/gpu: tile 32x32x8, 4x4 registers
//   launch    grid 4,4,1  block 8,8,1  shared 2.0 KiB
extern "C" __global__ void __launch_bounds__(64)
matmul(const float *__restrict__ A, const float *__restrict__ B, float *__restrict__ C)
{
    __align__(16) __shared__ float As[256];
    __align__(16) __shared__ float Bs[256];
    int by = blockIdx.y;
    int bx = blockIdx.x;
    int ty = threadIdx.y;
    int tx = threadIdx.x;
    float acc[16];
    for (int i = 0; i < 16; i++) {
        acc[i] = 0.0f;
    }
    for (int ko = 0; ko < 16; ko++) {
        __syncthreads();
        *(float4 *)&As[(ty * 8 + tx) * 4] = *(const float4 *)&A[((by * 32 + ty * 4 + tx / 2) * 32 + ko * 2 + tx % 2) * 4];
        *(float4 *)&Bs[(ty * 8 + tx) * 4] = *(const float4 *)&B[((ko * 8 + ty) * 32 + bx * 8 + tx) * 4];
        __syncthreads();
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
