// vector_add: add1 (Add)                                                            model: add.onnx
//   C         f32[n]
//   schedule  injective/gpu: 256 threads
//   launch    grid tdiv(n + 255, 256),1,1  block 256,1,1
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(256, 1, 1)))
void vector_add(__global const float *restrict A,
                __global const float *restrict B,
                __global float *restrict C,
                int n)
{
    int bx = get_group_id(0);
    int tx = get_local_id(0);
    if (bx * 256 + tx < n) {
        C[bx * 256 + tx] = A[bx * 256 + tx] + B[bx * 256 + tx];
    }
}
