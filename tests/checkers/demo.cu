==== cuda-sm_80/conv1_relu.cu
// conv1_relu: conv1 (Conv) + relu1 (Relu)                                           model: digits.onnx
//   out       f32[1,8,28,28]         0.12 MFLOP   3.46 kB read, 25.1 kB written   4.2 FLOP/byte
//   schedule  product/gpu: direct, 751 cycles, implicit GEMM 820; contraction/gpu: tile 8 m 1 y 32 x_1, 1x2 registers, ky by 4 through shared
//   launch    grid 28,1,1  block 16,8,1  shared 704 B
#include <cuda_pipeline.h>
extern "C" __global__ void __launch_bounds__(128)
conv1_relu(const float *__restrict__ x,
           const float *__restrict__ weight,
           const float *__restrict__ bias,
           float *__restrict__ relu)
{
    __shared__ float pad[102];
    __shared__ float weight_shared[72];
    int i_j_o_k_o_l_o = blockIdx.x;
    int j_i_o = threadIdx.y;
    int k_i_o_l_i_i_o = threadIdx.x;
    const int at = j_i_o * 16 + k_i_o_l_i_i_o;
    const int relu_base = j_i_o * 784 + i_j_o_k_o_l_o * 28 + k_i_o_l_i_i_o;
    const int at_div = at / 34;
    const int at_1 = i_j_o_k_o_l_o + at_div;
    const int at_mod = at % 34;
    float conv[2];
    conv[0] = 0.0f;
    conv[1] = 0.0f;
    if (at < 72) {
        __pipeline_memcpy_async(&weight_shared[at], &weight[at], 4);
    }
    if (at < 102) {
        __pipeline_memcpy_async(&pad[at], &x[i_j_o_k_o_l_o * 28 + at_div * 28 + at_mod - 29], 4, at_1 >= 1 && at_1 < 29 && at_mod >= 1 && at_mod < 29 ? 0 : 4);
    }
    __pipeline_commit();
    __pipeline_wait_prior(0);
    __syncthreads();
    for (int ky_i = 0; ky_i < 3; ky_i++) {
        const int weight_shared_base = j_i_o * 9 + ky_i * 3;
        #pragma unroll 3
        for (int kx = 0; kx < 3; kx++) {
            const int weight_shared_base_1 = weight_shared_base + kx;
            const int pad_base = k_i_o_l_i_i_o + ky_i * 34 + kx;
            conv[0] += pad[pad_base] * weight_shared[weight_shared_base_1];
            conv[1] += pad[pad_base + 16] * weight_shared[weight_shared_base_1];
        }
    }
    if (k_i_o_l_i_i_o < 12) {
        const float a = conv[0] + bias[j_i_o];
        relu[relu_base] = a < 0.0f ? 0.0f : a;
        const float a_1 = conv[1] + bias[j_i_o];
        relu[relu_base + 16] = a_1 < 0.0f ? 0.0f : a_1;
    } else {
        const float a = conv[0] + bias[j_i_o];
        relu[relu_base] = a < 0.0f ? 0.0f : a;
    }
}
==== cuda-sm_80/conv2_relu.cu
// conv2_relu: conv2 (Conv) + relu2 (Relu)                                           model: digits.onnx
//   out       f32[1,16,14,14]        0.45 MFLOP   10.9 kB read, 12.5 kB written   19.4 FLOP/byte
//   schedule  product/gpu: implicit GEMM, 2013 cycles, direct 2124; contraction/gpu: tile 8 i 32 p, 1x4 registers, k by 72 through shared
//   launch    grid 14,1,1  block 8,4,2  shared 11.2 KiB
#include <cuda_pipeline.h>
#ifndef WEFT_VECTORS4
#define WEFT_VECTORS4
#define WEFT_STRUCT4(V, S, BYTES) \
    struct alignas(BYTES) V { S x, y, z, w; }; \
    __device__ inline V make_##V(S x, S y, S z, S w) { return V{x, y, z, w}; }
#define WEFT_OP4(V, OP) \
    __device__ inline V operator OP(V a, V b) \
    { \
        return make_##V(a.x OP b.x, a.y OP b.y, a.z OP b.z, a.w OP b.w); \
    }
#define WEFT_NEG4(V) \
    __device__ inline V operator-(V a) { return make_##V(-a.x, -a.y, -a.z, -a.w); }
template <class V, class S> __device__ inline V weft_splat4(S s) { return V{s, s, s, s}; }
template <class V, class F> __device__ inline V weft_cast4(F f)
{
    return V{(decltype(V::x))f.x, (decltype(V::x))f.y, (decltype(V::x))f.z, (decltype(V::x))f.w};
}
template <class V, class F, class... A> __device__ inline V weft_map4(F f, A... a)
{
    return V{f(a.x...), f(a.y...), f(a.z...), f(a.w...)};
}
#endif
#ifndef WEFT_float4_OPS
#define WEFT_float4_OPS
WEFT_OP4(float4, +)
WEFT_OP4(float4, -)
WEFT_OP4(float4, *)
WEFT_OP4(float4, /)
WEFT_NEG4(float4)
#endif
extern "C" __global__ void __launch_bounds__(64)
conv2_relu(const float *__restrict__ x,
           const float *__restrict__ weight,
           const float *__restrict__ bias,
           float *__restrict__ relu)
{
    __align__(16) __shared__ float conv_columns[2304];
    __align__(16) __shared__ float conv_rows[576];
    int i_j_o_k_l_o = blockIdx.x;
    int j_i_o_o = threadIdx.z;
    int j_i_o_i = threadIdx.y;
    int k_l_i_o = threadIdx.x;
    const int conv_rows_base = j_i_o_o * 288 + j_i_o_i * 72;
    const int i_j_o_k_l_o_div = i_j_o_k_l_o / 7;
    const int i_j_o_k_l_o_mod = i_j_o_k_l_o % 7;
    const int at = i_j_o_k_l_o_mod * 32 + j_i_o_i * 8 + k_l_i_o;
    const int at_div = at / 14;
    const int at_mod = (i_j_o_k_l_o * 32 + j_i_o_i * 8 + k_l_i_o) % 14;
    const int relu_base = i_j_o_k_l_o_div * 1568 + j_i_o_o * 784 + j_i_o_i * 196 + i_j_o_k_l_o_mod * 32 + k_l_i_o * 4;
    const int bias_base = i_j_o_k_l_o_div * 8 + j_i_o_o * 4 + j_i_o_i;
    const int conv_rows_base_1 = j_i_o_o * 128 + j_i_o_i * 32 + k_l_i_o * 4;
    const int weight_base = i_j_o_k_l_o_div * 576 + j_i_o_o * 128 + j_i_o_i * 32 + k_l_i_o * 4;
    const int conv_columns_base = j_i_o_o * 1152 + j_i_o_i * 8 + k_l_i_o;
    const int x_base = j_i_o_o * 784 + i_j_o_k_l_o_mod * 32 + j_i_o_i * 8 + k_l_i_o;
    float4 conv_product = weft_splat4<float4>(0.0f);
    for (int i_k_o_o = 0; i_k_o_o < 2; i_k_o_o++) {
        __pipeline_memcpy_async(&conv_rows[conv_rows_base_1 + i_k_o_o * 256], &weight[weight_base + i_k_o_o * 256], 16);
    }
    if (j_i_o_o * 4 + j_i_o_i < 2) {
        __pipeline_memcpy_async(&conv_rows[j_i_o_i * 32 + k_l_i_o * 4 + 512], &weight[i_j_o_k_l_o_div * 576 + j_i_o_i * 32 + k_l_i_o * 4 + 512], 16);
    }
    for (int k_i_1_o = 0; k_i_1_o < 4; k_i_1_o++) {
        const int conv_columns_base_1 = conv_columns_base + k_i_1_o * 288;
        const int x_base_1 = x_base + k_i_1_o * 196;
        __pipeline_memcpy_async(&conv_columns[conv_columns_base_1], &x[x_base_1 - 15], 4, at < 196 && at_div >= 1 && at_mod >= 1 ? 0 : 4);
        __pipeline_memcpy_async(&conv_columns[conv_columns_base_1 + 32], &x[x_base_1 - 14], 4, at < 196 && at_div >= 1 ? 0 : 4);
        __pipeline_memcpy_async(&conv_columns[conv_columns_base_1 + 64], &x[x_base_1 - 13], 4, at < 196 && at_div >= 1 && at_mod < 13 ? 0 : 4);
        __pipeline_memcpy_async(&conv_columns[conv_columns_base_1 + 96], &x[x_base_1 - 1], 4, at < 196 && at_mod >= 1 ? 0 : 4);
        __pipeline_memcpy_async(&conv_columns[conv_columns_base_1 + 128], &x[x_base_1], 4, at < 196 ? 0 : 4);
        __pipeline_memcpy_async(&conv_columns[conv_columns_base_1 + 160], &x[x_base_1 + 1], 4, at < 196 && at_mod < 13 ? 0 : 4);
        __pipeline_memcpy_async(&conv_columns[conv_columns_base_1 + 192], &x[x_base_1 + 13], 4, at_div < 13 && at_mod >= 1 ? 0 : 4);
        __pipeline_memcpy_async(&conv_columns[conv_columns_base_1 + 224], &x[x_base_1 + 14], 4, at_div < 13 ? 0 : 4);
        __pipeline_memcpy_async(&conv_columns[conv_columns_base_1 + 256], &x[x_base_1 + 15], 4, at_div < 13 && at_mod < 13 ? 0 : 4);
    }
    __pipeline_commit();
    __pipeline_wait_prior(0);
    __syncthreads();
    #pragma unroll 72
    for (int k_i = 0; k_i < 72; k_i++) {
        conv_product = conv_product + weft_splat4<float4>(conv_rows[conv_rows_base + k_i]) * *(const float4 *)&conv_columns[k_l_i_o * 4 + k_i * 32];
    }
    if (i_j_o_k_l_o_mod * 8 + k_l_i_o < 49) {
        const float a = conv_product.x + bias[bias_base];
        relu[relu_base] = a < 0.0f ? 0.0f : a;
        const float a_1 = conv_product.y + bias[bias_base];
        relu[relu_base + 1] = a_1 < 0.0f ? 0.0f : a_1;
        const float a_2 = conv_product.z + bias[bias_base];
        relu[relu_base + 2] = a_2 < 0.0f ? 0.0f : a_2;
        const float a_3 = conv_product.w + bias[bias_base];
        relu[relu_base + 3] = a_3 < 0.0f ? 0.0f : a_3;
    }
}
==== cuda-sm_80/fc_add.cu
// fc_add: fc (Gemm)                                                                 model: digits.onnx
//   out       f32[1,10]              15.7 kFLOP   34.5 kB read, 40 B written   0.5 FLOP/byte
//   schedule  reduction/gpu: 64 threads a result, 2 results a block, 4 lanes
//   launch    grid 5,1,1  block 64,2,1  shared 16 B
extern "C" __global__ void __launch_bounds__(128)
fc_add(const float *__restrict__ a,
       const float *__restrict__ b,
       const float *__restrict__ y,
       float *__restrict__ add)
{
    __shared__ float red[4];
    int i_j_o = blockIdx.x;
    int i_j_i = threadIdx.y;
    int r_i_o = threadIdx.x;
    const int i_j_o_i_j_i = i_j_o * 2 + i_j_i;
    const int b_base = i_j_o * 1568 + i_j_i * 784 + r_i_o * 4;
    float matmul_part = 0.0f;
    float matmul;
    for (int r_o = 0; r_o < 3; r_o++) {
        float4 b_local = *(const float4 *)&b[b_base + r_o * 256];
        float4 a_local = *(const float4 *)&a[r_i_o * 4 + r_o * 256];
        matmul_part += a_local.x * b_local.x;
        matmul_part += a_local.y * b_local.y;
        matmul_part += a_local.z * b_local.z;
        matmul_part += a_local.w * b_local.w;
    }
    if (r_i_o < 4) {
        float4 b_local = *(const float4 *)&b[b_base + 768];
        float4 a_local = *(const float4 *)&a[r_i_o * 4 + 768];
        matmul_part += a_local.x * b_local.x;
        matmul_part += a_local.y * b_local.y;
        matmul_part += a_local.z * b_local.z;
        matmul_part += a_local.w * b_local.w;
    }
    const float matmul_all = matmul_part;
    const float matmul_all_1 = matmul_all + __shfl_xor_sync(0xffffffffu, matmul_all, 16);
    const float matmul_all_2 = matmul_all_1 + __shfl_xor_sync(0xffffffffu, matmul_all_1, 8);
    const float matmul_all_3 = matmul_all_2 + __shfl_xor_sync(0xffffffffu, matmul_all_2, 4);
    const float matmul_all_4 = matmul_all_3 + __shfl_xor_sync(0xffffffffu, matmul_all_3, 2);
    const float matmul_all_5 = matmul_all_4 + __shfl_xor_sync(0xffffffffu, matmul_all_4, 1);
    if (r_i_o % 32 == 0) {
        red[i_j_i * 2 + r_i_o / 32] = matmul_all_5;
    }
    __syncthreads();
    const float matmul_all_6 = red[i_j_i * 2 + r_i_o % 2];
    const float matmul_all_7 = matmul_all_6 + __shfl_xor_sync(0xffffffffu, matmul_all_6, 1);
    matmul = matmul_all_7;
    if (r_i_o == 0) {
        add[i_j_o_i_j_i] = matmul + y[i_j_o_i_j_i];
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
//   schedule  rowwise/gpu: 8 threads a row, 1 rows a block, kept in shared
//   launch    grid 1,1,1  block 8,1,1  shared 48 B
extern "C" __global__ void __launch_bounds__(8)
softmax_0(const float *__restrict__ x, float *__restrict__ softmax)
{
    __shared__ float exp_1[10];
    int i_o = blockIdx.x;
    int j_i = threadIdx.x;
    float max_part = -__int_as_float(0x7f800000);
    float max_1;
    max_part = x[j_i] > max_part ? x[j_i] : max_part;
    if (j_i < 2) {
        max_part = x[j_i + 8] > max_part ? x[j_i + 8] : max_part;
    }
    const float max_all = max_part;
    const float other = __shfl_xor_sync(0xffffffffu, max_all, 4);
    const float max_all_1 = other > max_all ? other : max_all;
    const float other_1 = __shfl_xor_sync(0xffffffffu, max_all_1, 2);
    const float max_all_2 = other_1 > max_all_1 ? other_1 : max_all_1;
    const float other_2 = __shfl_xor_sync(0xffffffffu, max_all_2, 1);
    const float max_all_3 = other_2 > max_all_2 ? other_2 : max_all_2;
    max_1 = max_all_3;
    exp_1[j_i] = expf(x[j_i] - max_1);
    if (j_i < 2) {
        exp_1[j_i + 8] = expf(x[j_i + 8] - max_1);
    }
    float sum_part = 0.0f;
    float sum;
    sum_part += exp_1[j_i];
    if (j_i < 2) {
        sum_part += exp_1[j_i + 8];
    }
    const float sum_all = sum_part;
    const float sum_all_1 = sum_all + __shfl_xor_sync(0xffffffffu, sum_all, 4);
    const float sum_all_2 = sum_all_1 + __shfl_xor_sync(0xffffffffu, sum_all_1, 2);
    const float sum_all_3 = sum_all_2 + __shfl_xor_sync(0xffffffffu, sum_all_2, 1);
    sum = sum_all_3;
    softmax[j_i] = exp_1[j_i] * (1.0f / sum);
    if (j_i < 2) {
        softmax[j_i + 8] = exp_1[j_i + 8] * (1.0f / sum);
    }
}
