==== metal-apple8/conv1_relu.metal
// conv1_relu: conv1 (Conv) + relu1 (Relu)                                           model: digits.onnx
//   out       f32[1,8,28,28]         0.12 MFLOP   3.46 kB read, 25.1 kB written   4.2 FLOP/byte
//   schedule  contraction/gpu: tile 8 m 2 y 32 x_1, 2x4 registers, ky by 4 through shared
//   launch    grid 14,1,1  block 16,4,1  shared 832 B
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
    threadgroup float pad[136];
    threadgroup float weight_shared[72];
    int i_j_o_k_o_l_o = block_id.x;
    int j_i_o = thread_id.y;
    int k_i_o_l_i_i_o = thread_id.x;
    const int bias_base = j_i_o * 2;
    const int at = j_i_o * 16 + k_i_o_l_i_i_o;
    const int relu_base = j_i_o * 1568 + i_j_o_k_o_l_o * 56 + k_i_o_l_i_i_o;
    float conv[8];
    conv[0] = 0.0f;
    conv[4] = 0.0f;
    conv[1] = 0.0f;
    conv[5] = 0.0f;
    conv[2] = 0.0f;
    conv[6] = 0.0f;
    conv[3] = 0.0f;
    conv[7] = 0.0f;
    weight_shared[at] = weight[at];
    if (at < 8) {
        weight_shared[k_i_o_l_i_i_o + 64] = weight[k_i_o_l_i_i_o + 64];
    }
    for (int i_j_k_l_o = 0; i_j_k_l_o < 2; i_j_k_l_o++) {
        const int at_1 = at + i_j_k_l_o * 64;
        const int at_div = at_1 / 34;
        const int at_2 = i_j_o_k_o_l_o * 2 + at_div;
        const int at_mod = at_1 % 34;
        pad[at_1] = at_2 >= 1 && at_2 < 29 && at_mod >= 1 && at_mod < 29 ? x[i_j_o_k_o_l_o * 56 + at_div * 28 + at_mod - 29] : 0.0f;
    }
    if (at < 8) {
        pad[k_i_o_l_i_i_o + 128] = i_j_o_k_o_l_o < 13 && k_i_o_l_i_i_o < 3 ? x[i_j_o_k_o_l_o * 56 + k_i_o_l_i_i_o + 81] : 0.0f;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (int ky_i = 0; ky_i < 3; ky_i++) {
        const int weight_shared_base = j_i_o * 18 + ky_i * 3;
        for (int kx = 0; kx < 3; kx++) {
            const int weight_shared_base_1 = weight_shared_base + kx;
            const int pad_base = k_i_o_l_i_i_o + ky_i * 34 + kx;
            conv[0] += pad[pad_base] * weight_shared[weight_shared_base_1];
            conv[4] += pad[pad_base + 16] * weight_shared[weight_shared_base_1];
            conv[1] += pad[pad_base + 34] * weight_shared[weight_shared_base_1];
            conv[5] += pad[pad_base + 50] * weight_shared[weight_shared_base_1];
            conv[2] += pad[pad_base] * weight_shared[weight_shared_base_1 + 9];
            conv[6] += pad[pad_base + 16] * weight_shared[weight_shared_base_1 + 9];
            conv[3] += pad[pad_base + 34] * weight_shared[weight_shared_base_1 + 9];
            conv[7] += pad[pad_base + 50] * weight_shared[weight_shared_base_1 + 9];
        }
    }
    if (k_i_o_l_i_i_o < 12) {
        const float a = conv[0] + bias[bias_base];
        relu[relu_base] = a < 0.0f ? 0.0f : a;
        const float a_1 = conv[4] + bias[bias_base];
        relu[relu_base + 16] = a_1 < 0.0f ? 0.0f : a_1;
        const float a_2 = conv[1] + bias[bias_base];
        relu[relu_base + 28] = a_2 < 0.0f ? 0.0f : a_2;
        const float a_3 = conv[5] + bias[bias_base];
        relu[relu_base + 44] = a_3 < 0.0f ? 0.0f : a_3;
        const float a_4 = conv[2] + bias[bias_base + 1];
        relu[relu_base + 784] = a_4 < 0.0f ? 0.0f : a_4;
        const float a_5 = conv[6] + bias[bias_base + 1];
        relu[relu_base + 800] = a_5 < 0.0f ? 0.0f : a_5;
        const float a_6 = conv[3] + bias[bias_base + 1];
        relu[relu_base + 812] = a_6 < 0.0f ? 0.0f : a_6;
        const float a_7 = conv[7] + bias[bias_base + 1];
        relu[relu_base + 828] = a_7 < 0.0f ? 0.0f : a_7;
    } else {
        const float a = conv[0] + bias[bias_base];
        relu[relu_base] = a < 0.0f ? 0.0f : a;
        const float a_1 = conv[1] + bias[bias_base];
        relu[relu_base + 28] = a_1 < 0.0f ? 0.0f : a_1;
        const float a_2 = conv[2] + bias[bias_base + 1];
        relu[relu_base + 784] = a_2 < 0.0f ? 0.0f : a_2;
        const float a_3 = conv[3] + bias[bias_base + 1];
        relu[relu_base + 812] = a_3 < 0.0f ? 0.0f : a_3;
    }
}
==== metal-apple8/conv2_relu.metal
// conv2_relu: conv2 (Conv) + relu2 (Relu)                                           model: digits.onnx
//   out       f32[1,16,14,14]        0.45 MFLOP   10.9 kB read, 12.5 kB written   19.4 FLOP/byte
//   schedule  contraction/gpu: tile 16 m 4 y 16 x_1, 1x4 registers, c by 2 through shared, double buffered
//   launch    grid 4,1,1  block 16,16,1  shared 4.5 KiB
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(256)]]
kernel void conv2_relu(device const float *x [[buffer(0)]],
                       device const float *weight [[buffer(1)]],
                       device const float *bias [[buffer(2)]],
                       device float *relu [[buffer(3)]],
                       uint3 block_id [[threadgroup_position_in_grid]],
                       uint3 thread_id [[thread_position_in_threadgroup]])
{
    threadgroup float pad[512];
    alignas(16) threadgroup float weight_shared[640];
    int i_j_o_k_o_l_o = block_id.x;
    int j_i_o = thread_id.y;
    int k_i_o_l_i_o = thread_id.x;
    const int at = j_i_o * 16 + k_i_o_l_i_o;
    const int weight_shared_base = j_i_o * 32 + k_i_o_l_i_o * 2;
    const int relu_base = j_i_o * 196 + i_j_o_k_o_l_o * 56 + k_i_o_l_i_o;
    const int relu_base_1 = j_i_o * 196 + k_i_o_l_i_o;
    const int weight_base = at / 9 * 72 + at % 9 * 2;
    const int at_mod = at / 18 % 6;
    const int at_1 = i_j_o_k_o_l_o * 4 + at_mod;
    const int at_mod_1 = at % 18;
    const int x_base = at / 108 * 196 + i_j_o_k_o_l_o * 56 + at_mod * 14 + at_mod_1;
    float conv[4];
    conv[0] = 0.0f;
    conv[1] = 0.0f;
    conv[2] = 0.0f;
    conv[3] = 0.0f;
    if (j_i_o < 9) {
        *(threadgroup float2 *)&weight_shared[weight_shared_base] = *(device const float2 *)&weight[weight_base];
    }
    if (at < 216) {
        pad[at] = at_1 >= 1 && at_1 < 15 && at_mod_1 >= 1 && at_mod_1 < 15 ? x[x_base - 15] : 0.0f;
    }
    for (int c_o = 0; c_o < 3; c_o++) {
        const int c_o_mod = (c_o + 1) % 2;
        float2 weight_shared_next;
        float pad_next;
        if (j_i_o < 9) {
            weight_shared_next = *(device const float2 *)&weight[weight_base + c_o * 18 + 18];
        }
        if (at < 216) {
            pad_next = at_1 >= 1 && at_1 < 15 && at_mod_1 >= 1 && at_mod_1 < 15 ? x[x_base + c_o * 392 + 377] : 0.0f;
        }
        threadgroup_barrier(mem_flags::mem_threadgroup);
        for (int c_i = 0; c_i < 2; c_i++) {
            for (int ky = 0; ky < 3; ky++) {
                const int pad_base = k_i_o_l_i_o + c_o % 2 * 256 + c_i * 108 + ky * 18;
                const int weight_shared_base_1 = j_i_o * 18 + c_o % 2 * 320 + c_i * 9 + ky * 3;
                for (int kx = 0; kx < 3; kx++) {
                    const int pad_base_1 = pad_base + kx;
                    const int weight_shared_base_2 = weight_shared_base_1 + kx;
                    conv[0] += pad[pad_base_1] * weight_shared[weight_shared_base_2];
                    conv[1] += pad[pad_base_1 + 18] * weight_shared[weight_shared_base_2];
                    conv[2] += pad[pad_base_1 + 36] * weight_shared[weight_shared_base_2];
                    conv[3] += pad[pad_base_1 + 54] * weight_shared[weight_shared_base_2];
                }
            }
        }
        if (j_i_o < 9) {
            *(threadgroup float2 *)&weight_shared[weight_shared_base + c_o_mod * 320] = weight_shared_next;
        }
        if (at < 216) {
            pad[at + c_o_mod * 256] = pad_next;
        }
    }
    float weight_shared_next[2];
    float pad_next;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (int c_i = 0; c_i < 2; c_i++) {
        for (int ky = 0; ky < 3; ky++) {
            const int weight_shared_base_1 = j_i_o * 18 + c_i * 9 + ky * 3;
            const int pad_base = k_i_o_l_i_o + c_i * 108 + ky * 18;
            for (int kx = 0; kx < 3; kx++) {
                const int weight_shared_base_2 = weight_shared_base_1 + kx;
                const int pad_base_1 = pad_base + kx;
                conv[0] += pad[pad_base_1 + 256] * weight_shared[weight_shared_base_2 + 320];
                conv[1] += pad[pad_base_1 + 274] * weight_shared[weight_shared_base_2 + 320];
                conv[2] += pad[pad_base_1 + 292] * weight_shared[weight_shared_base_2 + 320];
                conv[3] += pad[pad_base_1 + 310] * weight_shared[weight_shared_base_2 + 320];
            }
        }
    }
    if (k_i_o_l_i_o < 14) {
        if (i_j_o_k_o_l_o < 3) {
            const float a = conv[0] + bias[j_i_o];
            relu[relu_base] = a < 0.0f ? 0.0f : a;
            const float a_1 = conv[1] + bias[j_i_o];
            relu[relu_base + 14] = a_1 < 0.0f ? 0.0f : a_1;
            const float a_2 = conv[2] + bias[j_i_o];
            relu[relu_base + 28] = a_2 < 0.0f ? 0.0f : a_2;
            const float a_3 = conv[3] + bias[j_i_o];
            relu[relu_base + 42] = a_3 < 0.0f ? 0.0f : a_3;
        } else {
            const float a = conv[0] + bias[j_i_o];
            relu[relu_base_1 + 168] = a < 0.0f ? 0.0f : a;
            const float a_1 = conv[1] + bias[j_i_o];
            relu[relu_base_1 + 182] = a_1 < 0.0f ? 0.0f : a_1;
        }
    }
}
==== metal-apple8/fc_add.metal
// fc_add: fc (Gemm)                                                                 model: digits.onnx
//   out       f32[1,10]              15.7 kFLOP   34.5 kB read, 40 B written   0.5 FLOP/byte
//   schedule  reduction/gpu: a block a result, 256 threads
//   launch    grid 10,1,1  block 256,1,1  shared 32 B
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(256)]]
kernel void fc_add(device const float *a [[buffer(0)]],
                   device const float *b [[buffer(1)]],
                   device const float *y [[buffer(2)]],
                   device float *add [[buffer(3)]],
                   uint3 block_id [[threadgroup_position_in_grid]],
                   uint3 thread_id [[thread_position_in_threadgroup]])
{
    threadgroup float red[8];
    int i_j = block_id.x;
    int r_i = thread_id.x;
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
    const float matmul_all_1 = matmul_all + simd_shuffle_xor(matmul_all, (ushort)(16));
    const float matmul_all_2 = matmul_all_1 + simd_shuffle_xor(matmul_all_1, (ushort)(8));
    const float matmul_all_3 = matmul_all_2 + simd_shuffle_xor(matmul_all_2, (ushort)(4));
    const float matmul_all_4 = matmul_all_3 + simd_shuffle_xor(matmul_all_3, (ushort)(2));
    const float matmul_all_5 = matmul_all_4 + simd_shuffle_xor(matmul_all_4, (ushort)(1));
    if (r_i % 32 == 0) {
        red[r_i / 32] = matmul_all_5;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    const float matmul_all_6 = red[r_i % 8];
    const float matmul_all_7 = matmul_all_6 + simd_shuffle_xor(matmul_all_6, (ushort)(4));
    const float matmul_all_8 = matmul_all_7 + simd_shuffle_xor(matmul_all_7, (ushort)(2));
    const float matmul_all_9 = matmul_all_8 + simd_shuffle_xor(matmul_all_8, (ushort)(1));
    matmul = matmul_all_9;
    if (r_i == 0) {
        add[i_j] = matmul + y[i_j];
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
==== metal-apple8/softmax_0.metal
// softmax_0: softmax (Softmax)                                                      model: digits.onnx
//   out       f32[1,10]              50 FLOP   40 B read, 40 B written   0.6 FLOP/byte
//   schedule  rowwise/gpu: a block a row, 32 threads
//   launch    grid 1,1,1  block 32,1,1
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(32)]]
kernel void softmax_0(device const float *x [[buffer(0)]],
                      device float *softmax [[buffer(1)]],
                      uint3 block_id [[threadgroup_position_in_grid]],
                      uint3 thread_id [[thread_position_in_threadgroup]])
{
    int i = block_id.x;
    int j_i = thread_id.x;
    float max_part = -INFINITY;
    float max_1;
    if (j_i < 10) {
        max_part = x[j_i] > max_part ? x[j_i] : max_part;
    }
    const float max_all = max_part;
    const float other = simd_shuffle_xor(max_all, (ushort)(16));
    const float max_all_1 = other > max_all ? other : max_all;
    const float other_1 = simd_shuffle_xor(max_all_1, (ushort)(8));
    const float max_all_2 = other_1 > max_all_1 ? other_1 : max_all_1;
    const float other_2 = simd_shuffle_xor(max_all_2, (ushort)(4));
    const float max_all_3 = other_2 > max_all_2 ? other_2 : max_all_2;
    const float other_3 = simd_shuffle_xor(max_all_3, (ushort)(2));
    const float max_all_4 = other_3 > max_all_3 ? other_3 : max_all_3;
    const float other_4 = simd_shuffle_xor(max_all_4, (ushort)(1));
    const float max_all_5 = other_4 > max_all_4 ? other_4 : max_all_4;
    max_1 = max_all_5;
    float sum_part = 0.0f;
    float sum;
    if (j_i < 10) {
        sum_part += exp(x[j_i] - max_1);
    }
    const float sum_all = sum_part;
    const float sum_all_1 = sum_all + simd_shuffle_xor(sum_all, (ushort)(16));
    const float sum_all_2 = sum_all_1 + simd_shuffle_xor(sum_all_1, (ushort)(8));
    const float sum_all_3 = sum_all_2 + simd_shuffle_xor(sum_all_2, (ushort)(4));
    const float sum_all_4 = sum_all_3 + simd_shuffle_xor(sum_all_3, (ushort)(2));
    const float sum_all_5 = sum_all_4 + simd_shuffle_xor(sum_all_4, (ushort)(1));
    sum = sum_all_5;
    if (j_i < 10) {
        softmax[j_i] = exp(x[j_i] - max_1) * (1.0f / sum);
    }
}
