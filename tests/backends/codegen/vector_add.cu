// vector_add: add1 (Add)                                                            model: add.onnx
//   C         f32[n]
//   schedule  injective/gpu: 256 threads
//   launch    grid tdiv(n + 255, 256),1,1  block 256,1,1
extern "C" __global__ void __launch_bounds__(256)
vector_add(const float *__restrict__ A, const float *__restrict__ B, float *__restrict__ C, int n)
{
    int bx = blockIdx.x;
    int tx = threadIdx.x;
    if (bx * 256 + tx < n) {
        C[bx * 256 + tx] = A[bx * 256 + tx] + B[bx * 256 + tx];
    }
}
