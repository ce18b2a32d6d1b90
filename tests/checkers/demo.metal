==== metal-apple8/conv1_relu.metal
// conv1_relu: conv1 (Conv) + relu1 (Relu)                                           model: digits.onnx
//   out       f32[1,8,28,28]         0.12 MFLOP   3.46 kB read, 25.1 kB written   4.2 FLOP/byte
//   schedule  contraction/gpu: tile 8 m 2 y 32 x_1, 1x4 registers, ky by 4 through shared
//   launch    grid 14,1,1  block 16,8,1  shared 768 B
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(128)]]
kernel void conv1_relu(device const float *x [[buffer(0)]],
                       device const float *weight [[buffer(1)]],
                       device const float *bias [[buffer(2)]],
                       device float *relu [[buffer(3)]],
                       uint3 block_id [[threadgroup_position_in_grid]],
                       uint3 thread_id [[thread_position_in_threadgroup]])
{
    threadgroup float pad[120];
    threadgroup float weight_shared[72];
    int i_j_o_k_o_l_o = block_id.x;
    int j_i_o = thread_id.y;
    int k_i_o_l_i_o = thread_id.x;
    const int at = j_i_o * 16 + k_i_o_l_i_o;
    const int relu_base = j_i_o * 784 + i_j_o_k_o_l_o * 56 + k_i_o_l_i_o * 2;
    const int at_div = at / 30;
    const int at_1 = i_j_o_k_o_l_o * 2 + at_div;
    const int at_mod = at % 30;
    float conv[4];
    if (k_i_o_l_i_o < 14) {
        conv[0] = 0.0f;
        conv[1] = 0.0f;
        conv[2] = 0.0f;
        conv[3] = 0.0f;
    }
    if (at < 72) {
        weight_shared[at] = weight[at];
    }
    if (at < 120) {
        pad[at] = at_1 >= 1 && at_1 < 29 && at_mod >= 1 && at_mod < 29 ? x[i_j_o_k_o_l_o * 56 + at_div * 28 + at_mod - 29] : 0.0f;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (k_i_o_l_i_o < 14) {
        for (int ky_i = 0; ky_i < 3; ky_i++) {
            const int weight_shared_base = j_i_o * 9 + ky_i * 3;
            const int pad_base = k_i_o_l_i_o * 2 + ky_i * 30;
            for (int kx = 0; kx < 3; kx++) {
                const int weight_shared_base_1 = weight_shared_base + kx;
                const int pad_base_1 = pad_base + kx;
                conv[0] += pad[pad_base_1] * weight_shared[weight_shared_base_1];
                conv[1] += pad[pad_base_1 + 1] * weight_shared[weight_shared_base_1];
                conv[2] += pad[pad_base_1 + 30] * weight_shared[weight_shared_base_1];
                conv[3] += pad[pad_base_1 + 31] * weight_shared[weight_shared_base_1];
            }
        }
    }
    if (k_i_o_l_i_o < 14) {
        const float a = conv[0] + bias[j_i_o];
        relu[relu_base] = a < 0.0f ? 0.0f : a;
        const float a_1 = conv[1] + bias[j_i_o];
        relu[relu_base + 1] = a_1 < 0.0f ? 0.0f : a_1;
        const float a_2 = conv[2] + bias[j_i_o];
        relu[relu_base + 28] = a_2 < 0.0f ? 0.0f : a_2;
        const float a_3 = conv[3] + bias[j_i_o];
        relu[relu_base + 29] = a_3 < 0.0f ? 0.0f : a_3;
    }
}
==== metal-apple8/conv2_relu.metal
// conv2_relu: conv2 (Conv) + relu2 (Relu)                                           model: digits.onnx
//   out       f32[1,16,14,14]        0.45 MFLOP   10.9 kB read, 12.5 kB written   19.4 FLOP/byte
//   schedule  contraction/gpu: tile 16 m 2 y 16 x_1, 1x2 registers, c by 8 through shared
//   launch    grid 7,1,1  block 16,16,1  shared 6.5 KiB
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
    threadgroup float weight_shared[1152];
    int i_j_o_k_o_l_o = block_id.x;
    int j_i_o = thread_id.y;
    int k_i_o_l_i_o = thread_id.x;
    const int at = j_i_o * 16 + k_i_o_l_i_o;
    const int relu_base = j_i_o * 196 + i_j_o_k_o_l_o * 28 + k_i_o_l_i_o;
    const int at_1 = i_j_o_k_o_l_o * 2 + j_i_o % 4;
    const int x_base = j_i_o / 4 * 196 + i_j_o_k_o_l_o * 28 + j_i_o % 4 * 14 + k_i_o_l_i_o;
    float conv[2];
    if (k_i_o_l_i_o < 14) {
        conv[0] = 0.0f;
        conv[1] = 0.0f;
    }
    for (int i0_i1_i2_i3_o = 0; i0_i1_i2_i3_o < 4; i0_i1_i2_i3_o++) {
        const int at_2 = at + i0_i1_i2_i3_o * 256;
        weight_shared[at_2] = weight[at_2];
    }
    if (j_i_o < 8) {
        weight_shared[at + 1024] = weight[at + 1024];
    }
    for (int i_j_k_l_o = 0; i_j_k_l_o < 2; i_j_k_l_o++) {
        pad[at + i_j_k_l_o * 256] = at_1 >= 1 && at_1 < 15 && k_i_o_l_i_o >= 1 && k_i_o_l_i_o < 15 ? x[x_base + i_j_k_l_o * 784 - 15] : 0.0f;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (k_i_o_l_i_o < 14) {
        for (int c_i = 0; c_i < 8; c_i++) {
            for (int ky = 0; ky < 3; ky++) {
                const int weight_shared_base = j_i_o * 72 + c_i * 9 + ky * 3;
                const int pad_base = k_i_o_l_i_o + c_i * 64 + ky * 16;
                for (int kx = 0; kx < 3; kx++) {
                    const int weight_shared_base_1 = weight_shared_base + kx;
                    const int pad_base_1 = pad_base + kx;
                    conv[0] += pad[pad_base_1] * weight_shared[weight_shared_base_1];
                    conv[1] += pad[pad_base_1 + 16] * weight_shared[weight_shared_base_1];
                }
            }
        }
    }
    if (k_i_o_l_i_o < 14) {
        const float a = conv[0] + bias[j_i_o];
        relu[relu_base] = a < 0.0f ? 0.0f : a;
        const float a_1 = conv[1] + bias[j_i_o];
        relu[relu_base + 14] = a_1 < 0.0f ? 0.0f : a_1;
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
        const float a = max_part;
        const float b = x[j_i];
        max_part = a >= b || a != a ? a : b;
    }
    const float max_all = max_part;
    const float b = simd_shuffle_xor(max_all, (ushort)(16));
    const float max_all_1 = max_all >= b || max_all != max_all ? max_all : b;
    const float b_1 = simd_shuffle_xor(max_all_1, (ushort)(8));
    const float max_all_2 = max_all_1 >= b_1 || max_all_1 != max_all_1 ? max_all_1 : b_1;
    const float b_2 = simd_shuffle_xor(max_all_2, (ushort)(4));
    const float max_all_3 = max_all_2 >= b_2 || max_all_2 != max_all_2 ? max_all_2 : b_2;
    const float b_3 = simd_shuffle_xor(max_all_3, (ushort)(2));
    const float max_all_4 = max_all_3 >= b_3 || max_all_3 != max_all_3 ? max_all_3 : b_3;
    const float b_4 = simd_shuffle_xor(max_all_4, (ushort)(1));
    const float max_all_5 = max_all_4 >= b_4 || max_all_4 != max_all_4 ? max_all_4 : b_4;
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
