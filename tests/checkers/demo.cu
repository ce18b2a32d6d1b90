==== cuda-sm_80/conv1_relu.cu
// conv1_relu: conv1 (Conv) + relu1 (Relu)                                           model: digits.onnx
//   out       f32[1,8,28,28]         0.12 MFLOP   3.46 kB read, 25.1 kB written   4.2 FLOP/byte
//   schedule  contraction/gpu: tile 8 m 1 y 16 x_1, 1x1 registers, ky by 4 through shared
//   launch    grid 56,1,1  block 16,8,1  shared 512 B
#include <cuda_pipeline.h>
extern "C" __global__ void __launch_bounds__(128)
conv1_relu(const float *__restrict__ x,
           const float *__restrict__ weight,
           const float *__restrict__ bias,
           float *__restrict__ relu)
{
    __shared__ float pad[54];
    __shared__ float weight_shared[72];
    int i_j_o_k_o_l_o = blockIdx.x;
    int j_i_o = threadIdx.y;
    int k_i_o_l_i_o = threadIdx.x;
    const int at = j_i_o * 16 + k_i_o_l_i_o;
    const int i_j_o_k_o_l_o_div = i_j_o_k_o_l_o / 2;
    const int at_div = at / 18;
    const int at_1 = i_j_o_k_o_l_o_div + at_div;
    const int i_j_o_k_o_l_o_off = i_j_o_k_o_l_o % 2 * 16;
    const int at_mod = at % 18;
    const int at_2 = i_j_o_k_o_l_o_off + at_mod;
    const int i_j_o_k_o_l_o_off_1 = i_j_o_k_o_l_o_div * 28;
    float conv = 0.0f;
    if (at < 72) {
        __pipeline_memcpy_async(&weight_shared[at], &weight[at], 4);
    }
    if (at < 54) {
        __pipeline_memcpy_async(&pad[at], &x[i_j_o_k_o_l_o_off_1 + at_div * 28 + i_j_o_k_o_l_o_off + at_mod - 29], 4, at_1 >= 1 && at_1 < 29 && at_2 >= 1 && at_2 < 29 ? 0 : 4);
    }
    __pipeline_commit();
    __pipeline_wait_prior(0);
    __syncthreads();
    for (int ky_i = 0; ky_i < 3; ky_i++) {
        const int weight_shared_base = j_i_o * 9 + ky_i * 3;
        for (int kx = 0; kx < 3; kx++) {
            conv += pad[k_i_o_l_i_o + ky_i * 18 + kx] * weight_shared[weight_shared_base + kx];
        }
    }
    if (i_j_o_k_o_l_o_off + k_i_o_l_i_o < 28) {
        const float a = conv + bias[j_i_o];
        relu[j_i_o * 784 + i_j_o_k_o_l_o_off_1 + i_j_o_k_o_l_o_off + k_i_o_l_i_o] = a < 0.0f ? 0.0f : a;
    }
}
==== cuda-sm_80/conv2_relu.cu
// conv2_relu: conv2 (Conv) + relu2 (Relu)                                           model: digits.onnx
//   out       f32[1,16,14,14]        0.45 MFLOP   10.9 kB read, 12.5 kB written   19.4 FLOP/byte
//   schedule  contraction/gpu: tile 16 m 1 y 16 x_1, 1x1 registers, c by 2 through shared, double buffered
//   launch    grid 14,1,1  block 16,16,1  shared 3.5 KiB
#include <cuda_pipeline.h>
extern "C" __global__ void __launch_bounds__(256)
conv2_relu(const float *__restrict__ x,
           const float *__restrict__ weight,
           const float *__restrict__ bias,
           float *__restrict__ relu)
{
    __shared__ float pad[256];
    __align__(16) __shared__ float weight_shared[640];
    int i_j_o_k_o_l_o = blockIdx.x;
    int j_i_o = threadIdx.y;
    int k_i_o_l_i_o = threadIdx.x;
    const int at = j_i_o * 16 + k_i_o_l_i_o;
    const int weight_shared_base = j_i_o * 32 + k_i_o_l_i_o * 2;
    const int weight_base = at / 9 * 72 + at % 9 * 2;
    const int at_mod = at / 18 % 3;
    const int at_1 = i_j_o_k_o_l_o + at_mod;
    const int at_mod_1 = at % 18;
    const int x_base = at / 54 * 196 + i_j_o_k_o_l_o * 14 + at_mod * 14 + at_mod_1;
    float conv = 0.0f;
    if (j_i_o < 9) {
        __pipeline_memcpy_async(&weight_shared[weight_shared_base], &weight[weight_base], 8);
    }
    if (at < 108) {
        __pipeline_memcpy_async(&pad[at], &x[x_base - 15], 4, at_1 >= 1 && at_1 < 15 && at_mod_1 >= 1 && at_mod_1 < 15 ? 0 : 4);
    }
    for (int c_o = 0; c_o < 3; c_o++) {
        const int c_o_mod = (c_o + 1) % 2;
        __pipeline_commit();
        __pipeline_wait_prior(0);
        __syncthreads();
        if (j_i_o < 9) {
            __pipeline_memcpy_async(&weight_shared[weight_shared_base + c_o_mod * 320], &weight[weight_base + c_o * 18 + 18], 8);
        }
        if (at < 108) {
            __pipeline_memcpy_async(&pad[at + c_o_mod * 128], &x[x_base + c_o * 392 + 377], 4, at_1 >= 1 && at_1 < 15 && at_mod_1 >= 1 && at_mod_1 < 15 ? 0 : 4);
        }
        for (int c_i = 0; c_i < 2; c_i++) {
            for (int ky = 0; ky < 3; ky++) {
                const int pad_base = k_i_o_l_i_o + c_o % 2 * 128 + c_i * 54 + ky * 18;
                const int weight_shared_base_1 = j_i_o * 18 + c_o % 2 * 320 + c_i * 9 + ky * 3;
                for (int kx = 0; kx < 3; kx++) {
                    conv += pad[pad_base + kx] * weight_shared[weight_shared_base_1 + kx];
                }
            }
        }
    }
    __pipeline_commit();
    __pipeline_wait_prior(0);
    __syncthreads();
    for (int c_i = 0; c_i < 2; c_i++) {
        for (int ky = 0; ky < 3; ky++) {
            const int weight_shared_base_1 = j_i_o * 18 + c_i * 9 + ky * 3;
            const int pad_base = k_i_o_l_i_o + c_i * 54 + ky * 18;
            for (int kx = 0; kx < 3; kx++) {
                conv += pad[pad_base + kx + 128] * weight_shared[weight_shared_base_1 + kx + 320];
            }
        }
    }
    if (k_i_o_l_i_o < 14) {
        const float a = conv + bias[j_i_o];
        relu[j_i_o * 196 + i_j_o_k_o_l_o * 14 + k_i_o_l_i_o] = a < 0.0f ? 0.0f : a;
    }
}
==== cuda-sm_80/fc_add.cu
// fc_add: fc (Gemm)                                                                 model: digits.onnx
//   out       f32[1,10]              15.7 kFLOP   34.5 kB read, 40 B written   0.5 FLOP/byte
//   schedule  reduction/gpu: a block a result, 256 threads
//   launch    grid 10,1,1  block 256,1,1  shared 32 B
extern "C" __global__ void __launch_bounds__(256)
fc_add(const float *__restrict__ a,
       const float *__restrict__ b,
       const float *__restrict__ y,
       float *__restrict__ add)
{
    __shared__ float red[8];
    int i_j = blockIdx.x;
    int r_i = threadIdx.x;
    const int b_base = i_j * 784 + r_i;
    float matmul_part = 0.0f;
    float matmul;
    for (int r_o = 0; r_o < 3; r_o++) {
        matmul_part += a[r_i + r_o * 256] * b[b_base + r_o * 256];
    }
    if (r_i < 16) {
        matmul_part += a[r_i + 768] * b[b_base + 768];
    }
    const float matmul_all = matmul_part;
    const float matmul_all_1 = matmul_all + __shfl_xor_sync(0xffffffffu, matmul_all, 16);
    const float matmul_all_2 = matmul_all_1 + __shfl_xor_sync(0xffffffffu, matmul_all_1, 8);
    const float matmul_all_3 = matmul_all_2 + __shfl_xor_sync(0xffffffffu, matmul_all_2, 4);
    const float matmul_all_4 = matmul_all_3 + __shfl_xor_sync(0xffffffffu, matmul_all_3, 2);
    const float matmul_all_5 = matmul_all_4 + __shfl_xor_sync(0xffffffffu, matmul_all_4, 1);
    if (r_i % 32 == 0) {
        red[r_i / 32] = matmul_all_5;
    }
    __syncthreads();
    const float matmul_all_6 = red[r_i % 8];
    const float matmul_all_7 = matmul_all_6 + __shfl_xor_sync(0xffffffffu, matmul_all_6, 4);
    const float matmul_all_8 = matmul_all_7 + __shfl_xor_sync(0xffffffffu, matmul_all_7, 2);
    const float matmul_all_9 = matmul_all_8 + __shfl_xor_sync(0xffffffffu, matmul_all_8, 1);
    matmul = matmul_all_9;
    if (r_i == 0) {
        add[i_j] = matmul + y[i_j];
    }
}
==== cuda-sm_80/pool1_0.cu
// pool1_0: pool1 (MaxPool)                                                          model: digits.onnx
//   out       f32[1,8,14,14]         6.27 kFLOP   25.1 kB read, 6.27 kB written   0.2 FLOP/byte
//   schedule  reduction/gpu: a thread a result
//   launch    grid 25,1,1  block 64,1,1
extern "C" __global__ void __launch_bounds__(64)
pool1_0(const float *__restrict__ x, float *__restrict__ max_pool)
{
    int i_j_k_l_o = blockIdx.x;
    int i_j_k_l_i = threadIdx.x;
    const int at = i_j_k_l_o * 64 + i_j_k_l_i;
    if (at < 1568) {
        max_pool[at] = -__int_as_float(0x7f800000);
    }
    if (at < 1568) {
        for (int r0 = 0; r0 < 2; r0++) {
            const int x_base = at / 14 * 56 + at % 14 * 2 + r0 * 28;
            for (int r1 = 0; r1 < 2; r1++) {
                const float a = max_pool[at];
                const float b = x[x_base + r1];
                max_pool[at] = a >= b || a != a ? a : b;
            }
        }
    }
}
==== cuda-sm_80/pool2_0.cu
// pool2_0: pool2 (MaxPool)                                                          model: digits.onnx
//   out       f32[1,16,7,7]          3.14 kFLOP   12.5 kB read, 3.14 kB written   0.2 FLOP/byte
//   schedule  reduction/gpu: a thread a result
//   launch    grid 13,1,1  block 64,1,1
extern "C" __global__ void __launch_bounds__(64)
pool2_0(const float *__restrict__ x, float *__restrict__ max_pool)
{
    int i_j_k_l_o = blockIdx.x;
    int i_j_k_l_i = threadIdx.x;
    const int at = i_j_k_l_o * 64 + i_j_k_l_i;
    if (at < 784) {
        max_pool[at] = -__int_as_float(0x7f800000);
    }
    if (at < 784) {
        for (int r0 = 0; r0 < 2; r0++) {
            const int x_base = at / 7 * 28 + at % 7 * 2 + r0 * 14;
            for (int r1 = 0; r1 < 2; r1++) {
                const float a = max_pool[at];
                const float b = x[x_base + r1];
                max_pool[at] = a >= b || a != a ? a : b;
            }
        }
    }
}
==== cuda-sm_80/softmax_0.cu
// softmax_0: softmax (Softmax)                                                      model: digits.onnx
//   out       f32[1,10]              50 FLOP   40 B read, 40 B written   0.6 FLOP/byte
//   schedule  rowwise/gpu: a block a row, 32 threads
//   launch    grid 1,1,1  block 32,1,1
extern "C" __global__ void __launch_bounds__(32)
softmax_0(const float *__restrict__ x, float *__restrict__ softmax)
{
    int i = blockIdx.x;
    int j_i = threadIdx.x;
    float max_part = -__int_as_float(0x7f800000);
    float max_1;
    if (j_i < 10) {
        max_part = x[j_i] > max_part ? x[j_i] : max_part;
    }
    const float max_all = max_part;
    const float other = __shfl_xor_sync(0xffffffffu, max_all, 16);
    const float max_all_1 = other > max_all ? other : max_all;
    const float other_1 = __shfl_xor_sync(0xffffffffu, max_all_1, 8);
    const float max_all_2 = other_1 > max_all_1 ? other_1 : max_all_1;
    const float other_2 = __shfl_xor_sync(0xffffffffu, max_all_2, 4);
    const float max_all_3 = other_2 > max_all_2 ? other_2 : max_all_2;
    const float other_3 = __shfl_xor_sync(0xffffffffu, max_all_3, 2);
    const float max_all_4 = other_3 > max_all_3 ? other_3 : max_all_3;
    const float other_4 = __shfl_xor_sync(0xffffffffu, max_all_4, 1);
    const float max_all_5 = other_4 > max_all_4 ? other_4 : max_all_4;
    max_1 = max_all_5;
    float sum_part = 0.0f;
    float sum;
    if (j_i < 10) {
        sum_part += expf(x[j_i] - max_1);
    }
    const float sum_all = sum_part;
    const float sum_all_1 = sum_all + __shfl_xor_sync(0xffffffffu, sum_all, 16);
    const float sum_all_2 = sum_all_1 + __shfl_xor_sync(0xffffffffu, sum_all_1, 8);
    const float sum_all_3 = sum_all_2 + __shfl_xor_sync(0xffffffffu, sum_all_2, 4);
    const float sum_all_4 = sum_all_3 + __shfl_xor_sync(0xffffffffu, sum_all_3, 2);
    const float sum_all_5 = sum_all_4 + __shfl_xor_sync(0xffffffffu, sum_all_4, 1);
    sum = sum_all_5;
    if (j_i < 10) {
        softmax[j_i] = expf(x[j_i] - max_1) * (1.0f / sum);
    }
}
