==== metal-apple8/conv1_relu.metal
// conv1_relu: conv1 (Conv) + relu1 (Relu)                                           model: digits.onnx
//   out       f32[1,8,28,28]         0.12 MFLOP   3.46 kB read, 25.1 kB written   4.2 FLOP/byte
//   schedule  product/gpu: implicit GEMM, 1208 cycles, direct 1298; contraction/gpu: tile 8 i 64 p, 2x4 registers, k by 9 through shared
//   launch    grid 13,1,1  block 16,4,1  shared 2.5 KiB
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(64)]]
kernel void conv1_relu(device const float *x [[buffer(0)]],
                       device const float *weight [[buffer(1)]],
                       device const float *bias [[buffer(2)]],
                       device float *relu [[buffer(3)]],
                       uint3 block_id [[threadgroup_position_in_grid]],
                       uint3 thread_id [[thread_position_in_threadgroup]])
{
    alignas(16) threadgroup float conv_columns[576];
    threadgroup float conv_rows[72];
    int i_j_o_k_l_o = block_id.x;
    int j_i_o = thread_id.y;
    int k_l_i_o = thread_id.x;
    const int j_i_o_k_l_i_o = j_i_o * 16 + k_l_i_o;
    const int at = i_j_o_k_l_o * 64 + j_i_o * 16 + k_l_i_o;
    const int at_1 = i_j_o_k_l_o * 4 + j_i_o;
    const int relu_base = j_i_o * 1568 + i_j_o_k_l_o * 64 + k_l_i_o * 4;
    const int at_div = at / 28;
    const int at_mod = at % 28;
    float4 conv_product[2];
    conv_product[0] = float4(0.0f);
    conv_product[1] = float4(0.0f);
    conv_rows[j_i_o_k_l_i_o] = weight[j_i_o_k_l_i_o];
    if (j_i_o_k_l_i_o < 8) {
        conv_rows[k_l_i_o + 64] = weight[k_l_i_o + 64];
    }
    conv_columns[j_i_o_k_l_i_o] = at_1 < 49 && at_div >= 1 && at_mod >= 1 ? x[at - 29] : 0.0f;
    conv_columns[j_i_o_k_l_i_o + 64] = at_1 < 49 && at_div >= 1 ? x[at - 28] : 0.0f;
    conv_columns[j_i_o_k_l_i_o + 128] = at_1 < 49 && at_div >= 1 && at_mod < 27 ? x[at - 27] : 0.0f;
    conv_columns[j_i_o_k_l_i_o + 192] = at_1 < 49 && at_mod >= 1 ? x[at - 1] : 0.0f;
    conv_columns[j_i_o_k_l_i_o + 256] = at_1 < 49 ? x[at] : 0.0f;
    conv_columns[j_i_o_k_l_i_o + 320] = at_1 < 49 && at_mod < 27 ? x[at + 1] : 0.0f;
    conv_columns[j_i_o_k_l_i_o + 384] = at_div < 27 && at_mod >= 1 ? x[at + 27] : 0.0f;
    conv_columns[j_i_o_k_l_i_o + 448] = at_div < 27 ? x[at + 28] : 0.0f;
    conv_columns[j_i_o_k_l_i_o + 512] = at_div < 27 && at_mod < 27 ? x[at + 29] : 0.0f;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (int k_i = 0; k_i < 9; k_i++) {
        const int conv_rows_base = j_i_o * 18 + k_i;
        const int conv_columns_base = k_l_i_o * 4 + k_i * 64;
        conv_product[0] += float4(conv_rows[conv_rows_base]) * *(threadgroup const float4 *)&conv_columns[conv_columns_base];
        conv_product[1] += float4(conv_rows[conv_rows_base + 9]) * *(threadgroup const float4 *)&conv_columns[conv_columns_base];
    }
    if (i_j_o_k_l_o * 16 + k_l_i_o < 196) {
        const float4 a = conv_product[0] + float4(bias[j_i_o * 2]);
        *(device float4 *)&relu[relu_base] = select(a, float4(0.0f), a < float4(0.0f));
        const float4 a_1 = conv_product[1] + float4(bias[j_i_o * 2 + 1]);
        *(device float4 *)&relu[relu_base + 784] = select(a_1, float4(0.0f), a_1 < float4(0.0f));
    }
}
==== metal-apple8/conv2_relu.metal
// conv2_relu: conv2 (Conv) + relu2 (Relu)                                           model: digits.onnx
//   out       f32[1,16,14,14]        0.45 MFLOP   10.9 kB read, 12.5 kB written   19.4 FLOP/byte
//   schedule  product/gpu: implicit GEMM, 2647 cycles, direct 2993; contraction/gpu: tile 16 i 64 p, 2x4 registers, k by 72 through shared
//   launch    grid 4,1,1  block 16,4,2  shared 22.5 KiB
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(128)]]
kernel void conv2_relu(device const float *x [[buffer(0)]],
                       device const float *weight [[buffer(1)]],
                       device const float *bias [[buffer(2)]],
                       device float *relu [[buffer(3)]],
                       uint3 block_id [[threadgroup_position_in_grid]],
                       uint3 thread_id [[thread_position_in_threadgroup]])
{
    alignas(16) threadgroup float conv_columns[4608];
    alignas(16) threadgroup float conv_rows[1152];
    int i_j_o_k_l_o = block_id.x;
    int j_i_o_o = thread_id.z;
    int j_i_o_i = thread_id.y;
    int k_l_i_o = thread_id.x;
    const int bias_base = j_i_o_o * 8 + j_i_o_i * 2;
    const int at = i_j_o_k_l_o * 64 + j_i_o_i * 16 + k_l_i_o;
    const int conv_rows_base = j_i_o_o * 576 + j_i_o_i * 144;
    const int j_i_o_i_k_l_i_o = j_i_o_i * 64 + k_l_i_o * 4;
    const int relu_base = j_i_o_o * 1568 + j_i_o_i * 392 + i_j_o_k_l_o * 64 + k_l_i_o * 4;
    const int at_div = at / 14;
    const int at_mod = at % 14;
    const int conv_rows_base_1 = j_i_o_o * 256 + j_i_o_i * 64 + k_l_i_o * 4;
    const int conv_columns_base = j_i_o_o * 2304 + j_i_o_i * 16 + k_l_i_o;
    const int x_base = j_i_o_o * 784 + i_j_o_k_l_o * 64 + j_i_o_i * 16 + k_l_i_o;
    float4 conv_product[2];
    conv_product[0] = float4(0.0f);
    conv_product[1] = float4(0.0f);
    for (int i_k_o_o = 0; i_k_o_o < 2; i_k_o_o++) {
        const int at_1 = conv_rows_base_1 + i_k_o_o * 512;
        *(threadgroup float4 *)&conv_rows[at_1] = *(device const float4 *)&weight[at_1];
    }
    if (j_i_o_o * 4 + j_i_o_i < 2) {
        *(threadgroup float4 *)&conv_rows[j_i_o_i_k_l_i_o + 1024] = *(device const float4 *)&weight[j_i_o_i_k_l_i_o + 1024];
    }
    for (int k_i_1_o = 0; k_i_1_o < 4; k_i_1_o++) {
        const int conv_columns_base_1 = conv_columns_base + k_i_1_o * 576;
        const int x_base_1 = x_base + k_i_1_o * 196;
        conv_columns[conv_columns_base_1] = at < 196 && at_div >= 1 && at_mod >= 1 ? x[x_base_1 - 15] : 0.0f;
        conv_columns[conv_columns_base_1 + 64] = at < 196 && at_div >= 1 ? x[x_base_1 - 14] : 0.0f;
        conv_columns[conv_columns_base_1 + 128] = at < 196 && at_div >= 1 && at_mod < 13 ? x[x_base_1 - 13] : 0.0f;
        conv_columns[conv_columns_base_1 + 192] = at < 196 && at_mod >= 1 ? x[x_base_1 - 1] : 0.0f;
        conv_columns[conv_columns_base_1 + 256] = at < 196 ? x[x_base_1] : 0.0f;
        conv_columns[conv_columns_base_1 + 320] = at < 196 && at_mod < 13 ? x[x_base_1 + 1] : 0.0f;
        conv_columns[conv_columns_base_1 + 384] = at_div < 13 && at_mod >= 1 ? x[x_base_1 + 13] : 0.0f;
        conv_columns[conv_columns_base_1 + 448] = at_div < 13 ? x[x_base_1 + 14] : 0.0f;
        conv_columns[conv_columns_base_1 + 512] = at_div < 13 && at_mod < 13 ? x[x_base_1 + 15] : 0.0f;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (int k_i = 0; k_i < 72; k_i++) {
        const int conv_rows_base_2 = conv_rows_base + k_i;
        const int conv_columns_base_1 = k_l_i_o * 4 + k_i * 64;
        conv_product[0] += float4(conv_rows[conv_rows_base_2]) * *(threadgroup const float4 *)&conv_columns[conv_columns_base_1];
        conv_product[1] += float4(conv_rows[conv_rows_base_2 + 72]) * *(threadgroup const float4 *)&conv_columns[conv_columns_base_1];
    }
    if (i_j_o_k_l_o * 16 + k_l_i_o < 49) {
        const float a = conv_product[0].x + bias[bias_base];
        relu[relu_base] = a < 0.0f ? 0.0f : a;
        const float a_1 = conv_product[0].y + bias[bias_base];
        relu[relu_base + 1] = a_1 < 0.0f ? 0.0f : a_1;
        const float a_2 = conv_product[0].z + bias[bias_base];
        relu[relu_base + 2] = a_2 < 0.0f ? 0.0f : a_2;
        const float a_3 = conv_product[0].w + bias[bias_base];
        relu[relu_base + 3] = a_3 < 0.0f ? 0.0f : a_3;
        const float a_4 = conv_product[1].x + bias[bias_base + 1];
        relu[relu_base + 196] = a_4 < 0.0f ? 0.0f : a_4;
        const float a_5 = conv_product[1].y + bias[bias_base + 1];
        relu[relu_base + 197] = a_5 < 0.0f ? 0.0f : a_5;
        const float a_6 = conv_product[1].z + bias[bias_base + 1];
        relu[relu_base + 198] = a_6 < 0.0f ? 0.0f : a_6;
        const float a_7 = conv_product[1].w + bias[bias_base + 1];
        relu[relu_base + 199] = a_7 < 0.0f ? 0.0f : a_7;
    }
}
==== metal-apple8/fc_add.metal
// fc_add: fc (Gemm)                                                                 model: digits.onnx
//   out       f32[1,10]              15.7 kFLOP   34.5 kB read, 40 B written   0.5 FLOP/byte
//   schedule  reduction/gpu: 64 threads a result, 2 results a block, 4 lanes
//   launch    grid 5,1,1  block 64,2,1  shared 16 B
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(128)]]
kernel void fc_add(device const float *a [[buffer(0)]],
                   device const float *b [[buffer(1)]],
                   device const float *y [[buffer(2)]],
                   device float *add [[buffer(3)]],
                   uint3 block_id [[threadgroup_position_in_grid]],
                   uint3 thread_id [[thread_position_in_threadgroup]])
{
    threadgroup float red[4];
    int i_j_o = block_id.x;
    int i_j_i = thread_id.y;
    int r_i_o = thread_id.x;
    const int i_j_o_i_j_i = i_j_o * 2 + i_j_i;
    const int b_base = i_j_o * 1568 + i_j_i * 784 + r_i_o * 4;
    float matmul_part = 0.0f;
    float matmul;
    for (int r_o = 0; r_o < 3; r_o++) {
        float4 b_local = *(device const float4 *)&b[b_base + r_o * 256];
        float4 a_local = *(device const float4 *)&a[r_i_o * 4 + r_o * 256];
        matmul_part += a_local.x * b_local.x;
        matmul_part += a_local.y * b_local.y;
        matmul_part += a_local.z * b_local.z;
        matmul_part += a_local.w * b_local.w;
    }
    if (r_i_o < 4) {
        float4 b_local = *(device const float4 *)&b[b_base + 768];
        float4 a_local = *(device const float4 *)&a[r_i_o * 4 + 768];
        matmul_part += a_local.x * b_local.x;
        matmul_part += a_local.y * b_local.y;
        matmul_part += a_local.z * b_local.z;
        matmul_part += a_local.w * b_local.w;
    }
    const float matmul_all = matmul_part;
    const float matmul_all_1 = matmul_all + simd_shuffle_xor(matmul_all, (ushort)(16));
    const float matmul_all_2 = matmul_all_1 + simd_shuffle_xor(matmul_all_1, (ushort)(8));
    const float matmul_all_3 = matmul_all_2 + simd_shuffle_xor(matmul_all_2, (ushort)(4));
    const float matmul_all_4 = matmul_all_3 + simd_shuffle_xor(matmul_all_3, (ushort)(2));
    const float matmul_all_5 = matmul_all_4 + simd_shuffle_xor(matmul_all_4, (ushort)(1));
    if (r_i_o % 32 == 0) {
        red[i_j_i * 2 + r_i_o / 32] = matmul_all_5;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    const float matmul_all_6 = red[i_j_i * 2 + r_i_o % 2];
    const float matmul_all_7 = matmul_all_6 + simd_shuffle_xor(matmul_all_6, (ushort)(1));
    matmul = matmul_all_7;
    if (r_i_o == 0) {
        add[i_j_o_i_j_i] = matmul + y[i_j_o_i_j_i];
    }
}
==== metal-apple8/pool1_0.metal
// pool1_0: pool1 (MaxPool)                                                          model: digits.onnx
//   out       f32[1,8,14,14]         6.27 kFLOP   25.1 kB read, 6.27 kB written   0.2 FLOP/byte
//   schedule  reduction/gpu: a thread a result
//   launch    grid 25,1,1  block 64,1,1
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(64)]]
kernel void pool1_0(device const float *x [[buffer(0)]],
                    device float *max_pool [[buffer(1)]],
                    uint3 block_id [[threadgroup_position_in_grid]],
                    uint3 thread_id [[thread_position_in_threadgroup]])
{
    int i_j_k_l_o = block_id.x;
    int i_j_k_l_i = thread_id.x;
    const int at = i_j_k_l_o * 64 + i_j_k_l_i;
    if (at < 1568) {
        max_pool[at] = -INFINITY;
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
==== metal-apple8/pool2_0.metal
// pool2_0: pool2 (MaxPool)                                                          model: digits.onnx
//   out       f32[1,16,7,7]          3.14 kFLOP   12.5 kB read, 3.14 kB written   0.2 FLOP/byte
//   schedule  reduction/gpu: a thread a result
//   launch    grid 13,1,1  block 64,1,1
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(64)]]
kernel void pool2_0(device const float *x [[buffer(0)]],
                    device float *max_pool [[buffer(1)]],
                    uint3 block_id [[threadgroup_position_in_grid]],
                    uint3 thread_id [[thread_position_in_threadgroup]])
{
    int i_j_k_l_o = block_id.x;
    int i_j_k_l_i = thread_id.x;
    const int at = i_j_k_l_o * 64 + i_j_k_l_i;
    if (at < 784) {
        max_pool[at] = -INFINITY;
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
==== metal-apple8/softmax_0.metal
// softmax_0: softmax (Softmax)                                                      model: digits.onnx
//   out       f32[1,10]              50 FLOP   40 B read, 40 B written   0.6 FLOP/byte
//   schedule  rowwise/gpu: 8 threads a row, 1 rows a block, kept in shared
//   launch    grid 1,1,1  block 8,1,1  shared 48 B
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(8)]]
kernel void softmax_0(device const float *x [[buffer(0)]],
                      device float *softmax [[buffer(1)]],
                      uint3 block_id [[threadgroup_position_in_grid]],
                      uint3 thread_id [[thread_position_in_threadgroup]])
{
    threadgroup float exp_1[10];
    int i_o = block_id.x;
    int j_i = thread_id.x;
    float max_part = -INFINITY;
    float max_1;
    max_part = x[j_i] > max_part ? x[j_i] : max_part;
    if (j_i < 2) {
        max_part = x[j_i + 8] > max_part ? x[j_i + 8] : max_part;
    }
    const float max_all = max_part;
    const float other = simd_shuffle_xor(max_all, (ushort)(4));
    const float max_all_1 = other > max_all ? other : max_all;
    const float other_1 = simd_shuffle_xor(max_all_1, (ushort)(2));
    const float max_all_2 = other_1 > max_all_1 ? other_1 : max_all_1;
    const float other_2 = simd_shuffle_xor(max_all_2, (ushort)(1));
    const float max_all_3 = other_2 > max_all_2 ? other_2 : max_all_2;
    max_1 = max_all_3;
    exp_1[j_i] = exp(x[j_i] - max_1);
    if (j_i < 2) {
        exp_1[j_i + 8] = exp(x[j_i + 8] - max_1);
    }
    float sum_part = 0.0f;
    float sum;
    sum_part += exp_1[j_i];
    if (j_i < 2) {
        sum_part += exp_1[j_i + 8];
    }
    const float sum_all = sum_part;
    const float sum_all_1 = sum_all + simd_shuffle_xor(sum_all, (ushort)(4));
    const float sum_all_2 = sum_all_1 + simd_shuffle_xor(sum_all_1, (ushort)(2));
    const float sum_all_3 = sum_all_2 + simd_shuffle_xor(sum_all_2, (ushort)(1));
    sum = sum_all_3;
    softmax[j_i] = exp_1[j_i] * (1.0f / sum);
    if (j_i < 2) {
        softmax[j_i + 8] = exp_1[j_i + 8] * (1.0f / sum);
    }
}
