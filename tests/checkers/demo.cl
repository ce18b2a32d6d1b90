==== opencl-generic-gpu/conv1_relu.cl
// conv1_relu: conv1 (Conv) + relu1 (Relu)                                           model: digits.onnx
//   out       f32[1,8,28,28]         0.12 MFLOP   3.46 kB read, 25.1 kB written   4.2 FLOP/byte
//   schedule  product/gpu: direct, 846 cycles, implicit GEMM 910; contraction/gpu: tile 8 m 2 y 32 x_1, 1x4 registers, ky by 4 through shared
//   launch    grid 14,1,1  block 16,8,1  shared 832 B
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(16, 8, 1)))
void conv1_relu(__global const float *restrict x,
                __global const float *restrict weight,
                __global const float *restrict bias,
                __global float *restrict relu)
{
    __local float pad[136];
    __local float weight_shared[72];
    int i_j_o_k_o_l_o = get_group_id(0);
    int j_i_o = get_local_id(1);
    int k_i_o_l_i_i_o = get_local_id(0);
    const int at = j_i_o * 16 + k_i_o_l_i_i_o;
    const int relu_base = j_i_o * 784 + i_j_o_k_o_l_o * 56 + k_i_o_l_i_i_o;
    const int at_div = at / 34;
    const int at_1 = i_j_o_k_o_l_o * 2 + at_div;
    const int at_mod = at % 34;
    float conv[4];
    conv[0] = 0.0f;
    conv[2] = 0.0f;
    conv[1] = 0.0f;
    conv[3] = 0.0f;
    if (at < 72) {
        weight_shared[at] = weight[at];
    }
    pad[at] = at_1 >= 1 && at_1 < 29 && at_mod >= 1 && at_mod < 29 ? x[i_j_o_k_o_l_o * 56 + at_div * 28 + at_mod - 29] : 0.0f;
    if (at < 8) {
        pad[k_i_o_l_i_i_o + 128] = i_j_o_k_o_l_o < 13 && k_i_o_l_i_i_o < 3 ? x[i_j_o_k_o_l_o * 56 + k_i_o_l_i_i_o + 81] : 0.0f;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int ky_i = 0; ky_i < 3; ky_i++) {
        const int weight_shared_base = j_i_o * 9 + ky_i * 3;
        for (int kx = 0; kx < 3; kx++) {
            const int weight_shared_base_1 = weight_shared_base + kx;
            const int pad_base = k_i_o_l_i_i_o + ky_i * 34 + kx;
            conv[0] += pad[pad_base] * weight_shared[weight_shared_base_1];
            conv[2] += pad[pad_base + 16] * weight_shared[weight_shared_base_1];
            conv[1] += pad[pad_base + 34] * weight_shared[weight_shared_base_1];
            conv[3] += pad[pad_base + 50] * weight_shared[weight_shared_base_1];
        }
    }
    if (k_i_o_l_i_i_o < 12) {
        const float a = conv[0] + bias[j_i_o];
        relu[relu_base] = a < 0.0f ? 0.0f : a;
        const float a_1 = conv[2] + bias[j_i_o];
        relu[relu_base + 16] = a_1 < 0.0f ? 0.0f : a_1;
        const float a_2 = conv[1] + bias[j_i_o];
        relu[relu_base + 28] = a_2 < 0.0f ? 0.0f : a_2;
        const float a_3 = conv[3] + bias[j_i_o];
        relu[relu_base + 44] = a_3 < 0.0f ? 0.0f : a_3;
    } else {
        const float a = conv[0] + bias[j_i_o];
        relu[relu_base] = a < 0.0f ? 0.0f : a;
        const float a_1 = conv[1] + bias[j_i_o];
        relu[relu_base + 28] = a_1 < 0.0f ? 0.0f : a_1;
    }
}
==== opencl-generic-gpu/conv2_relu.cl
// conv2_relu: conv2 (Conv) + relu2 (Relu)                                           model: digits.onnx
//   out       f32[1,16,14,14]        0.45 MFLOP   10.9 kB read, 12.5 kB written   19.4 FLOP/byte
//   schedule  product/gpu: implicit GEMM, 2013 cycles, direct 2124; contraction/gpu: tile 8 i 32 p, 1x4 registers, k by 72 through shared
//   launch    grid 14,1,1  block 8,4,2  shared 11.2 KiB
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(8, 4, 2)))
void conv2_relu(__global const float *restrict x,
                __global const float *restrict weight,
                __global const float *restrict bias,
                __global float *restrict relu)
{
    __local float conv_columns[2304];
    __local float conv_rows[576];
    int i_j_o_k_l_o = get_group_id(0);
    int j_i_o_o = get_local_id(2);
    int j_i_o_i = get_local_id(1);
    int k_l_i_o = get_local_id(0);
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
    float4 conv_product = (float4)(0.0f);
    for (int i_k_o_o = 0; i_k_o_o < 2; i_k_o_o++) {
        vstore4(vload4(0, &weight[weight_base + i_k_o_o * 256]), 0, &conv_rows[conv_rows_base_1 + i_k_o_o * 256]);
    }
    if (j_i_o_o * 4 + j_i_o_i < 2) {
        vstore4(vload4(0, &weight[i_j_o_k_l_o_div * 576 + j_i_o_i * 32 + k_l_i_o * 4 + 512]), 0, &conv_rows[j_i_o_i * 32 + k_l_i_o * 4 + 512]);
    }
    for (int k_i_1_o = 0; k_i_1_o < 4; k_i_1_o++) {
        const int conv_columns_base_1 = conv_columns_base + k_i_1_o * 288;
        const int x_base_1 = x_base + k_i_1_o * 196;
        conv_columns[conv_columns_base_1] = at < 196 && at_div >= 1 && at_mod >= 1 ? x[x_base_1 - 15] : 0.0f;
        conv_columns[conv_columns_base_1 + 32] = at < 196 && at_div >= 1 ? x[x_base_1 - 14] : 0.0f;
        conv_columns[conv_columns_base_1 + 64] = at < 196 && at_div >= 1 && at_mod < 13 ? x[x_base_1 - 13] : 0.0f;
        conv_columns[conv_columns_base_1 + 96] = at < 196 && at_mod >= 1 ? x[x_base_1 - 1] : 0.0f;
        conv_columns[conv_columns_base_1 + 128] = at < 196 ? x[x_base_1] : 0.0f;
        conv_columns[conv_columns_base_1 + 160] = at < 196 && at_mod < 13 ? x[x_base_1 + 1] : 0.0f;
        conv_columns[conv_columns_base_1 + 192] = at_div < 13 && at_mod >= 1 ? x[x_base_1 + 13] : 0.0f;
        conv_columns[conv_columns_base_1 + 224] = at_div < 13 ? x[x_base_1 + 14] : 0.0f;
        conv_columns[conv_columns_base_1 + 256] = at_div < 13 && at_mod < 13 ? x[x_base_1 + 15] : 0.0f;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int k_i = 0; k_i < 72; k_i++) {
        conv_product += (float4)(conv_rows[conv_rows_base + k_i]) * vload4(0, &conv_columns[k_l_i_o * 4 + k_i * 32]);
    }
    if (i_j_o_k_l_o_mod * 8 + k_l_i_o < 49) {
        const float a = conv_product.s0 + bias[bias_base];
        relu[relu_base] = a < 0.0f ? 0.0f : a;
        const float a_1 = conv_product.s1 + bias[bias_base];
        relu[relu_base + 1] = a_1 < 0.0f ? 0.0f : a_1;
        const float a_2 = conv_product.s2 + bias[bias_base];
        relu[relu_base + 2] = a_2 < 0.0f ? 0.0f : a_2;
        const float a_3 = conv_product.s3 + bias[bias_base];
        relu[relu_base + 3] = a_3 < 0.0f ? 0.0f : a_3;
    }
}
==== opencl-generic-gpu/fc_add.cl
// fc_add: fc (Gemm)                                                                 model: digits.onnx
//   out       f32[1,10]              15.7 kFLOP   34.5 kB read, 40 B written   0.5 FLOP/byte
//   schedule  reduction/gpu: 64 threads a result, 2 results a block, 4 lanes
//   launch    grid 5,1,1  block 64,2,1  shared 512 B
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(64, 2, 1)))
void fc_add(__global const float *restrict a,
            __global const float *restrict b,
            __global const float *restrict y,
            __global float *restrict add)
{
    __local float red[128];
    int i_j_o = get_group_id(0);
    int i_j_i = get_local_id(1);
    int r_i_o = get_local_id(0);
    const int i_j_o_i_j_i = i_j_o * 2 + i_j_i;
    const int b_base = i_j_o * 1568 + i_j_i * 784 + r_i_o * 4;
    const int red_base = i_j_i * 64 + r_i_o;
    float matmul_part = 0.0f;
    float matmul;
    for (int r_o = 0; r_o < 3; r_o++) {
        float4 b_local = vload4(0, &b[b_base + r_o * 256]);
        float4 a_local = vload4(0, &a[r_i_o * 4 + r_o * 256]);
        matmul_part += a_local.s0 * b_local.s0;
        matmul_part += a_local.s1 * b_local.s1;
        matmul_part += a_local.s2 * b_local.s2;
        matmul_part += a_local.s3 * b_local.s3;
    }
    if (r_i_o < 4) {
        float4 b_local = vload4(0, &b[b_base + 768]);
        float4 a_local = vload4(0, &a[r_i_o * 4 + 768]);
        matmul_part += a_local.s0 * b_local.s0;
        matmul_part += a_local.s1 * b_local.s1;
        matmul_part += a_local.s2 * b_local.s2;
        matmul_part += a_local.s3 * b_local.s3;
    }
    red[red_base] = matmul_part;
    barrier(CLK_LOCAL_MEM_FENCE);
    if (r_i_o < 32) {
        red[red_base] += red[red_base + 32];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (r_i_o < 16) {
        red[red_base] += red[red_base + 16];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (r_i_o < 8) {
        red[red_base] += red[red_base + 8];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (r_i_o < 4) {
        red[red_base] += red[red_base + 4];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (r_i_o < 2) {
        red[red_base] += red[red_base + 2];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (r_i_o < 1) {
        red[i_j_i * 64] += red[i_j_i * 64 + 1];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    const float matmul_all = red[i_j_i * 64];
    matmul = matmul_all;
    if (r_i_o == 0) {
        add[i_j_o_i_j_i] = matmul + y[i_j_o_i_j_i];
    }
}
==== opencl-generic-gpu/pool1_0.cl
// pool1_0: pool1 (MaxPool)                                                          model: digits.onnx
//   out       f32[1,8,14,14]         6.27 kFLOP   25.1 kB read, 6.27 kB written   0.2 FLOP/byte
//   schedule  reduction/gpu: a thread a result
//   launch    grid 25,1,1  block 64,1,1
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void pool1_0(__global const float *restrict x, __global float *restrict max_pool)
{
    int i_j_k_l_o = get_group_id(0);
    int i_j_k_l_i = get_local_id(0);
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
==== opencl-generic-gpu/pool2_0.cl
// pool2_0: pool2 (MaxPool)                                                          model: digits.onnx
//   out       f32[1,16,7,7]          3.14 kFLOP   12.5 kB read, 3.14 kB written   0.2 FLOP/byte
//   schedule  reduction/gpu: a thread a result
//   launch    grid 13,1,1  block 64,1,1
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void pool2_0(__global const float *restrict x, __global float *restrict max_pool)
{
    int i_j_k_l_o = get_group_id(0);
    int i_j_k_l_i = get_local_id(0);
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
==== opencl-generic-gpu/softmax_0.cl
// softmax_0: softmax (Softmax)                                                      model: digits.onnx
//   out       f32[1,10]              50 FLOP   40 B read, 40 B written   0.6 FLOP/byte
//   schedule  rowwise/gpu: 8 threads a row, 1 rows a block, kept in shared
//   launch    grid 1,1,1  block 8,1,1  shared 112 B
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(8, 1, 1)))
void softmax_0(__global const float *restrict x, __global float *restrict softmax)
{
    __local float red[8];
    __local float red_1[8];
    __local float exp_1[10];
    int i_o = get_group_id(0);
    int j_i = get_local_id(0);
    float max_part = -INFINITY;
    float max_1;
    max_part = x[j_i] > max_part ? x[j_i] : max_part;
    if (j_i < 2) {
        max_part = x[j_i + 8] > max_part ? x[j_i + 8] : max_part;
    }
    red[j_i] = max_part;
    barrier(CLK_LOCAL_MEM_FENCE);
    if (j_i < 4) {
        red[j_i] = red[j_i + 4] > red[j_i] ? red[j_i + 4] : red[j_i];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (j_i < 2) {
        red[j_i] = red[j_i + 2] > red[j_i] ? red[j_i + 2] : red[j_i];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (j_i < 1) {
        red[0] = red[1] > red[0] ? red[1] : red[0];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    const float max_all = red[0];
    max_1 = max_all;
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
    red_1[j_i] = sum_part;
    barrier(CLK_LOCAL_MEM_FENCE);
    if (j_i < 4) {
        red_1[j_i] += red_1[j_i + 4];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (j_i < 2) {
        red_1[j_i] += red_1[j_i + 2];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (j_i < 1) {
        red_1[0] += red_1[1];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    const float sum_all = red_1[0];
    sum = sum_all;
    softmax[j_i] = exp_1[j_i] * (1.0f / sum);
    if (j_i < 2) {
        softmax[j_i + 8] = exp_1[j_i + 8] * (1.0f / sum);
    }
}
==== opencl-pocl/conv1_relu_step0.cl
// conv1_relu_step0: conv1 (Conv) + relu1 (Relu)                                     model: digits.onnx
//   out       f32[1,8,28,28]         0 FLOP   3.14 kB read, 3.60 kB written   0.0 FLOP/byte
//   schedule  contraction/vector-cpu: 16 lanes of x_1 x 4 m x 2 y x 2 x_1 vectors in registers; injective/vector-cpu: rows of 16 lanes
//   launch    grid 4,1,1  block 1,1,1
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void conv1_relu_step0(__global const float *restrict x, __global float *restrict pad)
{
    int i_j_k_o = get_group_id(0);
    for (int i_j_k_i = 0; i_j_k_i < 6; i_j_k_i++) {
        const int i_j_k_o_i_j_k_i = i_j_k_o * 8 + i_j_k_i;
        const int pad_base = i_j_k_o * 240 + i_j_k_i * 30;
        const int x_base = i_j_k_o * 224 + i_j_k_i * 28;
        pad[pad_base] = 0.0f;
        vstore8(i_j_k_o_i_j_k_i >= 1 && i_j_k_o_i_j_k_i < 29 ? vload8(0, &x[x_base - 28L]) : (float8)(0.0f), 0, &pad[pad_base + 1L]);
        vstore4(i_j_k_o_i_j_k_i >= 1 && i_j_k_o_i_j_k_i < 29 ? vload4(0, &x[x_base - 20L]) : (float4)(0.0f), 0, &pad[pad_base + 9L]);
        vstore2(i_j_k_o_i_j_k_i >= 1 && i_j_k_o_i_j_k_i < 29 ? vload2(0, &x[x_base - 16L]) : (float2)(0.0f), 0, &pad[pad_base + 13L]);
        pad[pad_base + 15L] = i_j_k_o_i_j_k_i >= 1 && i_j_k_o_i_j_k_i < 29 ? x[x_base - 14L] : 0.0f;
        vstore8(i_j_k_o_i_j_k_i >= 1 && i_j_k_o_i_j_k_i < 29 ? vload8(0, &x[x_base - 13L]) : (float8)(0.0f), 0, &pad[pad_base + 16L]);
        vstore4(i_j_k_o_i_j_k_i >= 1 && i_j_k_o_i_j_k_i < 29 ? vload4(0, &x[x_base - 5L]) : (float4)(0.0f), 0, &pad[pad_base + 24L]);
        pad[pad_base + 28L] = i_j_k_o_i_j_k_i >= 1 && i_j_k_o_i_j_k_i < 29 ? x[x_base - 1L] : 0.0f;
        pad[pad_base + 29L] = 0.0f;
    }
    for (int i_j_k_i = 0; i_j_k_i < 2; i_j_k_i++) {
        const int pad_base = i_j_k_o * 240 + i_j_k_i * 30;
        const int x_base = i_j_k_o * 224 + i_j_k_i * 28;
        if (i_j_k_o < 3) {
            pad[pad_base + 180L] = 0.0f;
            vstore8(vload8(0, &x[x_base + 140L]), 0, &pad[pad_base + 181L]);
            vstore4(vload4(0, &x[x_base + 148L]), 0, &pad[pad_base + 189L]);
            vstore2(vload2(0, &x[x_base + 152L]), 0, &pad[pad_base + 193L]);
            pad[pad_base + 195L] = x[x_base + 154L];
            vstore8(vload8(0, &x[x_base + 155L]), 0, &pad[pad_base + 196L]);
            vstore4(vload4(0, &x[x_base + 163L]), 0, &pad[pad_base + 204L]);
            pad[pad_base + 208L] = x[x_base + 167L];
            pad[pad_base + 209L] = 0.0f;
        }
    }
}
==== opencl-pocl/conv1_relu_step1.cl
// conv1_relu_step1: conv1 (Conv) + relu1 (Relu)                                     model: digits.onnx
//   out       f32[1,8,28,28]         0.12 MFLOP   3.92 kB read, 25.1 kB written   4.1 FLOP/byte
//   schedule  contraction/vector-cpu: 16 lanes of x_1 x 4 m x 2 y x 2 x_1 vectors in registers; injective/vector-cpu: rows of 16 lanes
//   launch    grid 14,1,1  block 1,1,1
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void conv1_relu_step1(__global const float *restrict weight,
                      __global const float *restrict bias,
                      __global const float *restrict pad,
                      __global float *restrict relu)
{
    int i_j_o_k_o_l_o_o_o = get_group_id(0);
    const int relu_base = i_j_o_k_o_l_o_o_o / 7 * 3136 + i_j_o_k_o_l_o_o_o % 7 * 112;
    const int bias_base = i_j_o_k_o_l_o_o_o / 7 * 4;
    for (int i_j_o_k_o_l_o_o_i = 0; i_j_o_k_o_l_o_o_i < 2; i_j_o_k_o_l_o_o_i++) {
        const int relu_base_1 = relu_base + i_j_o_k_o_l_o_o_i * 56;
        float16 conv[8];
        float8 conv_8[8];
        float4 conv_4[8];
        conv[0] = (float16)(0.0f);
        conv_8[0] = (float8)(0.0f);
        conv_4[0] = (float4)(0.0f);
        conv[2] = (float16)(0.0f);
        conv_8[2] = (float8)(0.0f);
        conv_4[2] = (float4)(0.0f);
        conv[4] = (float16)(0.0f);
        conv_8[4] = (float8)(0.0f);
        conv_4[4] = (float4)(0.0f);
        conv[6] = (float16)(0.0f);
        conv_8[6] = (float8)(0.0f);
        conv_4[6] = (float4)(0.0f);
        conv[1] = (float16)(0.0f);
        conv_8[1] = (float8)(0.0f);
        conv_4[1] = (float4)(0.0f);
        conv[3] = (float16)(0.0f);
        conv_8[3] = (float8)(0.0f);
        conv_4[3] = (float4)(0.0f);
        conv[5] = (float16)(0.0f);
        conv_8[5] = (float8)(0.0f);
        conv_4[5] = (float4)(0.0f);
        conv[7] = (float16)(0.0f);
        conv_8[7] = (float8)(0.0f);
        conv_4[7] = (float4)(0.0f);
        for (int ky = 0; ky < 3; ky++) {
            const int pad_base = i_j_o_k_o_l_o_o_o % 7 * 120 + i_j_o_k_o_l_o_o_i * 60 + ky * 30;
            const int weight_base = i_j_o_k_o_l_o_o_o / 7 * 36 + ky * 3;
            for (int kx = 0; kx < 3; kx++) {
                const int pad_base_1 = pad_base + kx;
                const int weight_base_1 = weight_base + kx;
                conv[0] += vload16(0, &pad[pad_base_1]) * (float16)(weight[weight_base_1]);
                conv_8[0] += vload8(0, &pad[pad_base_1 + 16L]) * (float8)(weight[weight_base_1]);
                conv_4[0] += vload4(0, &pad[pad_base_1 + 24L]) * (float4)(weight[weight_base_1]);
                conv[2] += vload16(0, &pad[pad_base_1]) * (float16)(weight[weight_base_1 + 9L]);
                conv_8[2] += vload8(0, &pad[pad_base_1 + 16L]) * (float8)(weight[weight_base_1 + 9L]);
                conv_4[2] += vload4(0, &pad[pad_base_1 + 24L]) * (float4)(weight[weight_base_1 + 9L]);
                conv[4] += vload16(0, &pad[pad_base_1]) * (float16)(weight[weight_base_1 + 18L]);
                conv_8[4] += vload8(0, &pad[pad_base_1 + 16L]) * (float8)(weight[weight_base_1 + 18L]);
                conv_4[4] += vload4(0, &pad[pad_base_1 + 24L]) * (float4)(weight[weight_base_1 + 18L]);
                conv[6] += vload16(0, &pad[pad_base_1]) * (float16)(weight[weight_base_1 + 27L]);
                conv_8[6] += vload8(0, &pad[pad_base_1 + 16L]) * (float8)(weight[weight_base_1 + 27L]);
                conv_4[6] += vload4(0, &pad[pad_base_1 + 24L]) * (float4)(weight[weight_base_1 + 27L]);
                conv[1] += vload16(0, &pad[pad_base_1 + 30L]) * (float16)(weight[weight_base_1]);
                conv_8[1] += vload8(0, &pad[pad_base_1 + 46L]) * (float8)(weight[weight_base_1]);
                conv_4[1] += vload4(0, &pad[pad_base_1 + 54L]) * (float4)(weight[weight_base_1]);
                conv[3] += vload16(0, &pad[pad_base_1 + 30L]) * (float16)(weight[weight_base_1 + 9L]);
                conv_8[3] += vload8(0, &pad[pad_base_1 + 46L]) * (float8)(weight[weight_base_1 + 9L]);
                conv_4[3] += vload4(0, &pad[pad_base_1 + 54L]) * (float4)(weight[weight_base_1 + 9L]);
                conv[5] += vload16(0, &pad[pad_base_1 + 30L]) * (float16)(weight[weight_base_1 + 18L]);
                conv_8[5] += vload8(0, &pad[pad_base_1 + 46L]) * (float8)(weight[weight_base_1 + 18L]);
                conv_4[5] += vload4(0, &pad[pad_base_1 + 54L]) * (float4)(weight[weight_base_1 + 18L]);
                conv[7] += vload16(0, &pad[pad_base_1 + 30L]) * (float16)(weight[weight_base_1 + 27L]);
                conv_8[7] += vload8(0, &pad[pad_base_1 + 46L]) * (float8)(weight[weight_base_1 + 27L]);
                conv_4[7] += vload4(0, &pad[pad_base_1 + 54L]) * (float4)(weight[weight_base_1 + 27L]);
            }
        }
        const float16 a = conv[0] + (float16)(bias[bias_base]);
        vstore16(select(a, (float16)(0.0f), a < (float16)(0.0f)), 0, &relu[relu_base_1]);
        const float8 a_1 = conv_8[0] + (float8)(bias[bias_base]);
        vstore8(select(a_1, (float8)(0.0f), a_1 < (float8)(0.0f)), 0, &relu[relu_base_1 + 16L]);
        const float4 a_2 = conv_4[0] + (float4)(bias[bias_base]);
        vstore4(select(a_2, (float4)(0.0f), a_2 < (float4)(0.0f)), 0, &relu[relu_base_1 + 24L]);
        const float16 a_3 = conv[2] + (float16)(bias[bias_base + 1L]);
        vstore16(select(a_3, (float16)(0.0f), a_3 < (float16)(0.0f)), 0, &relu[relu_base_1 + 784L]);
        const float8 a_4 = conv_8[2] + (float8)(bias[bias_base + 1L]);
        vstore8(select(a_4, (float8)(0.0f), a_4 < (float8)(0.0f)), 0, &relu[relu_base_1 + 800L]);
        const float4 a_5 = conv_4[2] + (float4)(bias[bias_base + 1L]);
        vstore4(select(a_5, (float4)(0.0f), a_5 < (float4)(0.0f)), 0, &relu[relu_base_1 + 808L]);
        const float16 a_6 = conv[4] + (float16)(bias[bias_base + 2L]);
        vstore16(select(a_6, (float16)(0.0f), a_6 < (float16)(0.0f)), 0, &relu[relu_base_1 + 1568L]);
        const float8 a_7 = conv_8[4] + (float8)(bias[bias_base + 2L]);
        vstore8(select(a_7, (float8)(0.0f), a_7 < (float8)(0.0f)), 0, &relu[relu_base_1 + 1584L]);
        const float4 a_8 = conv_4[4] + (float4)(bias[bias_base + 2L]);
        vstore4(select(a_8, (float4)(0.0f), a_8 < (float4)(0.0f)), 0, &relu[relu_base_1 + 1592L]);
        const float16 a_9 = conv[6] + (float16)(bias[bias_base + 3L]);
        vstore16(select(a_9, (float16)(0.0f), a_9 < (float16)(0.0f)), 0, &relu[relu_base_1 + 2352L]);
        const float8 a_10 = conv_8[6] + (float8)(bias[bias_base + 3L]);
        vstore8(select(a_10, (float8)(0.0f), a_10 < (float8)(0.0f)), 0, &relu[relu_base_1 + 2368L]);
        const float4 a_11 = conv_4[6] + (float4)(bias[bias_base + 3L]);
        vstore4(select(a_11, (float4)(0.0f), a_11 < (float4)(0.0f)), 0, &relu[relu_base_1 + 2376L]);
        const float16 a_12 = conv[1] + (float16)(bias[bias_base]);
        vstore16(select(a_12, (float16)(0.0f), a_12 < (float16)(0.0f)), 0, &relu[relu_base_1 + 28L]);
        const float8 a_13 = conv_8[1] + (float8)(bias[bias_base]);
        vstore8(select(a_13, (float8)(0.0f), a_13 < (float8)(0.0f)), 0, &relu[relu_base_1 + 44L]);
        const float4 a_14 = conv_4[1] + (float4)(bias[bias_base]);
        vstore4(select(a_14, (float4)(0.0f), a_14 < (float4)(0.0f)), 0, &relu[relu_base_1 + 52L]);
        const float16 a_15 = conv[3] + (float16)(bias[bias_base + 1L]);
        vstore16(select(a_15, (float16)(0.0f), a_15 < (float16)(0.0f)), 0, &relu[relu_base_1 + 812L]);
        const float8 a_16 = conv_8[3] + (float8)(bias[bias_base + 1L]);
        vstore8(select(a_16, (float8)(0.0f), a_16 < (float8)(0.0f)), 0, &relu[relu_base_1 + 828L]);
        const float4 a_17 = conv_4[3] + (float4)(bias[bias_base + 1L]);
        vstore4(select(a_17, (float4)(0.0f), a_17 < (float4)(0.0f)), 0, &relu[relu_base_1 + 836L]);
        const float16 a_18 = conv[5] + (float16)(bias[bias_base + 2L]);
        vstore16(select(a_18, (float16)(0.0f), a_18 < (float16)(0.0f)), 0, &relu[relu_base_1 + 1596L]);
        const float8 a_19 = conv_8[5] + (float8)(bias[bias_base + 2L]);
        vstore8(select(a_19, (float8)(0.0f), a_19 < (float8)(0.0f)), 0, &relu[relu_base_1 + 1612L]);
        const float4 a_20 = conv_4[5] + (float4)(bias[bias_base + 2L]);
        vstore4(select(a_20, (float4)(0.0f), a_20 < (float4)(0.0f)), 0, &relu[relu_base_1 + 1620L]);
        const float16 a_21 = conv[7] + (float16)(bias[bias_base + 3L]);
        vstore16(select(a_21, (float16)(0.0f), a_21 < (float16)(0.0f)), 0, &relu[relu_base_1 + 2380L]);
        const float8 a_22 = conv_8[7] + (float8)(bias[bias_base + 3L]);
        vstore8(select(a_22, (float8)(0.0f), a_22 < (float8)(0.0f)), 0, &relu[relu_base_1 + 2396L]);
        const float4 a_23 = conv_4[7] + (float4)(bias[bias_base + 3L]);
        vstore4(select(a_23, (float4)(0.0f), a_23 < (float4)(0.0f)), 0, &relu[relu_base_1 + 2404L]);
    }
}
==== opencl-pocl/conv2_relu_step0.cl
// conv2_relu_step0: conv2 (Conv) + relu2 (Relu)                                     model: digits.onnx
//   out       f32[1,1,14,14,16]      0 FLOP   6.27 kB read, 8.19 kB written   0.0 FLOP/byte
//   schedule  contraction/vector-cpu: 16 lanes of m x 14 x_1 in registers; injective/vector-cpu: rows of 16 lanes
//   launch    grid 4,1,1  block 1,1,1
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void conv2_relu_step0(__global const float *restrict x, __global float *restrict pad)
{
    int i_j_k_o = get_group_id(0);
    for (int i_j_k_i = 0; i_j_k_i < 32; i_j_k_i++) {
        const int pad_base = i_j_k_o * 512 + i_j_k_i * 16;
        const int i_j_k_i_mod = i_j_k_i % 16;
        const int x_base = i_j_k_o * 392 + i_j_k_i / 16 * 196 + i_j_k_i_mod * 14;
        pad[pad_base] = 0.0f;
        vstore8(i_j_k_i_mod >= 1 && i_j_k_i_mod < 15 ? vload8(0, &x[x_base - 14L]) : (float8)(0.0f), 0, &pad[pad_base + 1L]);
        vstore4(i_j_k_i_mod >= 1 && i_j_k_i_mod < 15 ? vload4(0, &x[x_base - 6L]) : (float4)(0.0f), 0, &pad[pad_base + 9L]);
        vstore2(i_j_k_i_mod >= 1 && i_j_k_i_mod < 15 ? vload2(0, &x[x_base - 2L]) : (float2)(0.0f), 0, &pad[pad_base + 13L]);
        pad[pad_base + 15L] = 0.0f;
    }
}
==== opencl-pocl/conv2_relu_step1.cl
// conv2_relu_step1: conv2 (Conv) + relu2 (Relu)                                     model: digits.onnx
//   out       f32[1,1,14,14,16]      0.45 MFLOP   12.9 kB read, 12.5 kB written   17.9 FLOP/byte
//   schedule  contraction/vector-cpu: 16 lanes of m x 14 x_1 in registers; injective/vector-cpu: rows of 16 lanes
//   launch    grid 14,1,1  block 1,1,1
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void conv2_relu_step1(__global const float *restrict weight,
                      __global const float *restrict bias,
                      __global const float *restrict pad,
                      __global float *restrict relu)
{
    int i_k_l_o_j_m_o = get_group_id(0);
    const int relu_base = i_k_l_o_j_m_o * 224;
    float16 conv[14];
    conv[0] = (float16)(0.0f);
    conv[1] = (float16)(0.0f);
    conv[2] = (float16)(0.0f);
    conv[3] = (float16)(0.0f);
    conv[4] = (float16)(0.0f);
    conv[5] = (float16)(0.0f);
    conv[6] = (float16)(0.0f);
    conv[7] = (float16)(0.0f);
    conv[8] = (float16)(0.0f);
    conv[9] = (float16)(0.0f);
    conv[10] = (float16)(0.0f);
    conv[11] = (float16)(0.0f);
    conv[12] = (float16)(0.0f);
    conv[13] = (float16)(0.0f);
    for (int c = 0; c < 8; c++) {
        for (int ky = 0; ky < 3; ky++) {
            const int weight_base = c * 144 + ky * 48;
            const int pad_base = i_k_l_o_j_m_o * 16 + c * 256 + ky * 16;
            for (int kx = 0; kx < 3; kx++) {
                const int weight_base_1 = weight_base + kx * 16;
                const int pad_base_1 = pad_base + kx;
                conv[0] += (float16)(pad[pad_base_1]) * vload16(0, &weight[weight_base_1]);
                conv[1] += (float16)(pad[pad_base_1 + 1L]) * vload16(0, &weight[weight_base_1]);
                conv[2] += (float16)(pad[pad_base_1 + 2L]) * vload16(0, &weight[weight_base_1]);
                conv[3] += (float16)(pad[pad_base_1 + 3L]) * vload16(0, &weight[weight_base_1]);
                conv[4] += (float16)(pad[pad_base_1 + 4L]) * vload16(0, &weight[weight_base_1]);
                conv[5] += (float16)(pad[pad_base_1 + 5L]) * vload16(0, &weight[weight_base_1]);
                conv[6] += (float16)(pad[pad_base_1 + 6L]) * vload16(0, &weight[weight_base_1]);
                conv[7] += (float16)(pad[pad_base_1 + 7L]) * vload16(0, &weight[weight_base_1]);
                conv[8] += (float16)(pad[pad_base_1 + 8L]) * vload16(0, &weight[weight_base_1]);
                conv[9] += (float16)(pad[pad_base_1 + 9L]) * vload16(0, &weight[weight_base_1]);
                conv[10] += (float16)(pad[pad_base_1 + 10L]) * vload16(0, &weight[weight_base_1]);
                conv[11] += (float16)(pad[pad_base_1 + 11L]) * vload16(0, &weight[weight_base_1]);
                conv[12] += (float16)(pad[pad_base_1 + 12L]) * vload16(0, &weight[weight_base_1]);
                conv[13] += (float16)(pad[pad_base_1 + 13L]) * vload16(0, &weight[weight_base_1]);
            }
        }
    }
    const float16 a = conv[0] + vload16(0, &bias[0]);
    vstore16(select(a, (float16)(0.0f), a < (float16)(0.0f)), 0, &relu[relu_base]);
    const float16 a_1 = conv[1] + vload16(0, &bias[0]);
    vstore16(select(a_1, (float16)(0.0f), a_1 < (float16)(0.0f)), 0, &relu[relu_base + 16L]);
    const float16 a_2 = conv[2] + vload16(0, &bias[0]);
    vstore16(select(a_2, (float16)(0.0f), a_2 < (float16)(0.0f)), 0, &relu[relu_base + 32L]);
    const float16 a_3 = conv[3] + vload16(0, &bias[0]);
    vstore16(select(a_3, (float16)(0.0f), a_3 < (float16)(0.0f)), 0, &relu[relu_base + 48L]);
    const float16 a_4 = conv[4] + vload16(0, &bias[0]);
    vstore16(select(a_4, (float16)(0.0f), a_4 < (float16)(0.0f)), 0, &relu[relu_base + 64L]);
    const float16 a_5 = conv[5] + vload16(0, &bias[0]);
    vstore16(select(a_5, (float16)(0.0f), a_5 < (float16)(0.0f)), 0, &relu[relu_base + 80L]);
    const float16 a_6 = conv[6] + vload16(0, &bias[0]);
    vstore16(select(a_6, (float16)(0.0f), a_6 < (float16)(0.0f)), 0, &relu[relu_base + 96L]);
    const float16 a_7 = conv[7] + vload16(0, &bias[0]);
    vstore16(select(a_7, (float16)(0.0f), a_7 < (float16)(0.0f)), 0, &relu[relu_base + 112L]);
    const float16 a_8 = conv[8] + vload16(0, &bias[0]);
    vstore16(select(a_8, (float16)(0.0f), a_8 < (float16)(0.0f)), 0, &relu[relu_base + 128L]);
    const float16 a_9 = conv[9] + vload16(0, &bias[0]);
    vstore16(select(a_9, (float16)(0.0f), a_9 < (float16)(0.0f)), 0, &relu[relu_base + 144L]);
    const float16 a_10 = conv[10] + vload16(0, &bias[0]);
    vstore16(select(a_10, (float16)(0.0f), a_10 < (float16)(0.0f)), 0, &relu[relu_base + 160L]);
    const float16 a_11 = conv[11] + vload16(0, &bias[0]);
    vstore16(select(a_11, (float16)(0.0f), a_11 < (float16)(0.0f)), 0, &relu[relu_base + 176L]);
    const float16 a_12 = conv[12] + vload16(0, &bias[0]);
    vstore16(select(a_12, (float16)(0.0f), a_12 < (float16)(0.0f)), 0, &relu[relu_base + 192L]);
    const float16 a_13 = conv[13] + vload16(0, &bias[0]);
    vstore16(select(a_13, (float16)(0.0f), a_13 < (float16)(0.0f)), 0, &relu[relu_base + 208L]);
}
==== opencl-pocl/fc_add.cl
// fc_add: fc (Gemm)                                                                 model: digits.onnx
//   out       f32[1,10]              15.7 kFLOP   34.5 kB read, 40 B written   0.5 FLOP/byte
//   schedule  reduction/vector-cpu: 16 lanes along each row
//   launch    grid 10,1,1  block 1,1,1
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void fc_add(__global const float *restrict a,
            __global const float *restrict b,
            __global const float *restrict y,
            __global float *restrict add)
{
    int i_j = get_group_id(0);
    float16 matmul_rf[4];
    matmul_rf[0] = (float16)(0.0f);
    matmul_rf[1] = (float16)(0.0f);
    matmul_rf[2] = (float16)(0.0f);
    matmul_rf[3] = (float16)(0.0f);
    for (int r_o = 0; r_o < 12; r_o++) {
        const int b_base = i_j * 784 + r_o * 64;
        matmul_rf[0] += vload16(0, &a[r_o * 64]) * vload16(0, &b[b_base]);
        matmul_rf[1] += vload16(0, &a[r_o * 64 + 16L]) * vload16(0, &b[b_base + 16L]);
        matmul_rf[2] += vload16(0, &a[r_o * 64 + 32L]) * vload16(0, &b[b_base + 32L]);
        matmul_rf[3] += vload16(0, &a[r_o * 64 + 48L]) * vload16(0, &b[b_base + 48L]);
    }
    matmul_rf[0] += vload16(0, &a[768]) * vload16(0, &b[i_j * 784 + 768L]);
    float16 matmul_rf_1 = (float16)(0.0f);
    matmul_rf_1 += matmul_rf[0];
    matmul_rf_1 += matmul_rf[1];
    matmul_rf_1 += matmul_rf[2];
    matmul_rf_1 += matmul_rf[3];
    float8 matmul_rf_2 = (float8)(0.0f);
    matmul_rf_2 += ((float8 *)&matmul_rf_1)[0];
    matmul_rf_2 += ((float8 *)&matmul_rf_1)[1];
    float4 matmul_rf_3 = (float4)(0.0f);
    matmul_rf_3 += ((float4 *)&matmul_rf_2)[0];
    matmul_rf_3 += ((float4 *)&matmul_rf_2)[1];
    float2 matmul_rf_4 = (float2)(0.0f);
    matmul_rf_4 += ((float2 *)&matmul_rf_3)[0];
    matmul_rf_4 += ((float2 *)&matmul_rf_3)[1];
    float matmul = 0.0f;
    matmul += matmul_rf_4.s0;
    matmul += matmul_rf_4.s1;
    add[i_j] = matmul + y[i_j];
}
==== opencl-pocl/pool1_0.cl
// pool1_0: pool1 (MaxPool)                                                          model: digits.onnx
//   out       f32[1,8,14,14]         6.27 kFLOP   25.1 kB read, 6.27 kB written   0.2 FLOP/byte
//   schedule  reduction/vector-cpu: a loop over l
//   launch    grid 8,1,1  block 1,1,1
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void pool1_0(__global const float *restrict x, __global float *restrict max_pool)
{
    int i_j_k_o = get_group_id(0);
    for (int i_j_k_i = 0; i_j_k_i < 14; i_j_k_i++) {
        const int max_pool_base = i_j_k_o * 196 + i_j_k_i * 14;
        const int x_base = i_j_k_o * 784 + i_j_k_i * 56;
        for (int l = 0; l < 14; l++) {
            const int x_base_1 = x_base + l * 2;
            float max_pool_local = -INFINITY;
            const float a = max_pool_local;
            const float b = x[x_base_1];
            max_pool_local = a >= b || a != a ? a : b;
            const float a_1 = max_pool_local;
            const float b_1 = x[x_base_1 + 1L];
            max_pool_local = a_1 >= b_1 || a_1 != a_1 ? a_1 : b_1;
            const float a_2 = max_pool_local;
            const float b_2 = x[x_base_1 + 28L];
            max_pool_local = a_2 >= b_2 || a_2 != a_2 ? a_2 : b_2;
            const float a_3 = max_pool_local;
            const float b_3 = x[x_base_1 + 29L];
            max_pool_local = a_3 >= b_3 || a_3 != a_3 ? a_3 : b_3;
            max_pool[max_pool_base + l] = max_pool_local;
        }
    }
}
==== opencl-pocl/pool2_0.cl
// pool2_0: pool2 (MaxPool)                                                          model: digits.onnx
//   out       f32[1,1,7,7,16]        3.14 kFLOP   12.5 kB read, 3.14 kB written   0.2 FLOP/byte
//   schedule  reduction/vector-cpu: 16 lanes of m x 7 k x 3 l in registers
//   launch    grid 3,1,1  block 1,1,1
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void pool2_0(__global const float *restrict x, __global float *restrict max_pool)
{
    int i_j_k_o_l_o_m_o = get_group_id(0);
    const int max_pool_base = i_j_k_o_l_o_m_o * 48;
    if (i_j_k_o_l_o_m_o < 2) {
        float16 max_pool_local[21];
        max_pool_local[0] = (float16)(-INFINITY);
        max_pool_local[1] = (float16)(-INFINITY);
        max_pool_local[2] = (float16)(-INFINITY);
        max_pool_local[3] = (float16)(-INFINITY);
        max_pool_local[4] = (float16)(-INFINITY);
        max_pool_local[5] = (float16)(-INFINITY);
        max_pool_local[6] = (float16)(-INFINITY);
        max_pool_local[7] = (float16)(-INFINITY);
        max_pool_local[8] = (float16)(-INFINITY);
        max_pool_local[9] = (float16)(-INFINITY);
        max_pool_local[10] = (float16)(-INFINITY);
        max_pool_local[11] = (float16)(-INFINITY);
        max_pool_local[12] = (float16)(-INFINITY);
        max_pool_local[13] = (float16)(-INFINITY);
        max_pool_local[14] = (float16)(-INFINITY);
        max_pool_local[15] = (float16)(-INFINITY);
        max_pool_local[16] = (float16)(-INFINITY);
        max_pool_local[17] = (float16)(-INFINITY);
        max_pool_local[18] = (float16)(-INFINITY);
        max_pool_local[19] = (float16)(-INFINITY);
        max_pool_local[20] = (float16)(-INFINITY);
        for (int r0 = 0; r0 < 2; r0++) {
            const int x_base = i_j_k_o_l_o_m_o * 96 + r0 * 224;
            for (int r1 = 0; r1 < 2; r1++) {
                const int x_base_1 = x_base + r1 * 16;
                const float16 a = max_pool_local[0];
                const float16 b = vload16(0, &x[x_base_1]);
                max_pool_local[0] = select(b, a, a >= b | a != a);
                const float16 a_1 = max_pool_local[1];
                const float16 b_1 = vload16(0, &x[x_base_1 + 32L]);
                max_pool_local[1] = select(b_1, a_1, a_1 >= b_1 | a_1 != a_1);
                const float16 a_2 = max_pool_local[2];
                const float16 b_2 = vload16(0, &x[x_base_1 + 64L]);
                max_pool_local[2] = select(b_2, a_2, a_2 >= b_2 | a_2 != a_2);
                const float16 a_3 = max_pool_local[3];
                const float16 b_3 = vload16(0, &x[x_base_1 + 448L]);
                max_pool_local[3] = select(b_3, a_3, a_3 >= b_3 | a_3 != a_3);
                const float16 a_4 = max_pool_local[4];
                const float16 b_4 = vload16(0, &x[x_base_1 + 480L]);
                max_pool_local[4] = select(b_4, a_4, a_4 >= b_4 | a_4 != a_4);
                const float16 a_5 = max_pool_local[5];
                const float16 b_5 = vload16(0, &x[x_base_1 + 512L]);
                max_pool_local[5] = select(b_5, a_5, a_5 >= b_5 | a_5 != a_5);
                const float16 a_6 = max_pool_local[6];
                const float16 b_6 = vload16(0, &x[x_base_1 + 896L]);
                max_pool_local[6] = select(b_6, a_6, a_6 >= b_6 | a_6 != a_6);
                const float16 a_7 = max_pool_local[7];
                const float16 b_7 = vload16(0, &x[x_base_1 + 928L]);
                max_pool_local[7] = select(b_7, a_7, a_7 >= b_7 | a_7 != a_7);
                const float16 a_8 = max_pool_local[8];
                const float16 b_8 = vload16(0, &x[x_base_1 + 960L]);
                max_pool_local[8] = select(b_8, a_8, a_8 >= b_8 | a_8 != a_8);
                const float16 a_9 = max_pool_local[9];
                const float16 b_9 = vload16(0, &x[x_base_1 + 1344L]);
                max_pool_local[9] = select(b_9, a_9, a_9 >= b_9 | a_9 != a_9);
                const float16 a_10 = max_pool_local[10];
                const float16 b_10 = vload16(0, &x[x_base_1 + 1376L]);
                max_pool_local[10] = select(b_10, a_10, a_10 >= b_10 | a_10 != a_10);
                const float16 a_11 = max_pool_local[11];
                const float16 b_11 = vload16(0, &x[x_base_1 + 1408L]);
                max_pool_local[11] = select(b_11, a_11, a_11 >= b_11 | a_11 != a_11);
                const float16 a_12 = max_pool_local[12];
                const float16 b_12 = vload16(0, &x[x_base_1 + 1792L]);
                max_pool_local[12] = select(b_12, a_12, a_12 >= b_12 | a_12 != a_12);
                const float16 a_13 = max_pool_local[13];
                const float16 b_13 = vload16(0, &x[x_base_1 + 1824L]);
                max_pool_local[13] = select(b_13, a_13, a_13 >= b_13 | a_13 != a_13);
                const float16 a_14 = max_pool_local[14];
                const float16 b_14 = vload16(0, &x[x_base_1 + 1856L]);
                max_pool_local[14] = select(b_14, a_14, a_14 >= b_14 | a_14 != a_14);
                const float16 a_15 = max_pool_local[15];
                const float16 b_15 = vload16(0, &x[x_base_1 + 2240L]);
                max_pool_local[15] = select(b_15, a_15, a_15 >= b_15 | a_15 != a_15);
                const float16 a_16 = max_pool_local[16];
                const float16 b_16 = vload16(0, &x[x_base_1 + 2272L]);
                max_pool_local[16] = select(b_16, a_16, a_16 >= b_16 | a_16 != a_16);
                const float16 a_17 = max_pool_local[17];
                const float16 b_17 = vload16(0, &x[x_base_1 + 2304L]);
                max_pool_local[17] = select(b_17, a_17, a_17 >= b_17 | a_17 != a_17);
                const float16 a_18 = max_pool_local[18];
                const float16 b_18 = vload16(0, &x[x_base_1 + 2688L]);
                max_pool_local[18] = select(b_18, a_18, a_18 >= b_18 | a_18 != a_18);
                const float16 a_19 = max_pool_local[19];
                const float16 b_19 = vload16(0, &x[x_base_1 + 2720L]);
                max_pool_local[19] = select(b_19, a_19, a_19 >= b_19 | a_19 != a_19);
                const float16 a_20 = max_pool_local[20];
                const float16 b_20 = vload16(0, &x[x_base_1 + 2752L]);
                max_pool_local[20] = select(b_20, a_20, a_20 >= b_20 | a_20 != a_20);
            }
        }
        vstore16(max_pool_local[0], 0, &max_pool[max_pool_base]);
        vstore16(max_pool_local[1], 0, &max_pool[max_pool_base + 16L]);
        vstore16(max_pool_local[2], 0, &max_pool[max_pool_base + 32L]);
        vstore16(max_pool_local[3], 0, &max_pool[max_pool_base + 112L]);
        vstore16(max_pool_local[4], 0, &max_pool[max_pool_base + 128L]);
        vstore16(max_pool_local[5], 0, &max_pool[max_pool_base + 144L]);
        vstore16(max_pool_local[6], 0, &max_pool[max_pool_base + 224L]);
        vstore16(max_pool_local[7], 0, &max_pool[max_pool_base + 240L]);
        vstore16(max_pool_local[8], 0, &max_pool[max_pool_base + 256L]);
        vstore16(max_pool_local[9], 0, &max_pool[max_pool_base + 336L]);
        vstore16(max_pool_local[10], 0, &max_pool[max_pool_base + 352L]);
        vstore16(max_pool_local[11], 0, &max_pool[max_pool_base + 368L]);
        vstore16(max_pool_local[12], 0, &max_pool[max_pool_base + 448L]);
        vstore16(max_pool_local[13], 0, &max_pool[max_pool_base + 464L]);
        vstore16(max_pool_local[14], 0, &max_pool[max_pool_base + 480L]);
        vstore16(max_pool_local[15], 0, &max_pool[max_pool_base + 560L]);
        vstore16(max_pool_local[16], 0, &max_pool[max_pool_base + 576L]);
        vstore16(max_pool_local[17], 0, &max_pool[max_pool_base + 592L]);
        vstore16(max_pool_local[18], 0, &max_pool[max_pool_base + 672L]);
        vstore16(max_pool_local[19], 0, &max_pool[max_pool_base + 688L]);
        vstore16(max_pool_local[20], 0, &max_pool[max_pool_base + 704L]);
    } else {
        float16 max_pool_local[21];
        max_pool_local[0] = (float16)(-INFINITY);
        max_pool_local[3] = (float16)(-INFINITY);
        max_pool_local[6] = (float16)(-INFINITY);
        max_pool_local[9] = (float16)(-INFINITY);
        max_pool_local[12] = (float16)(-INFINITY);
        max_pool_local[15] = (float16)(-INFINITY);
        max_pool_local[18] = (float16)(-INFINITY);
        for (int r0 = 0; r0 < 2; r0++) {
            for (int r1 = 0; r1 < 2; r1++) {
                const int x_base = r0 * 224 + r1 * 16;
                const float16 a = max_pool_local[0];
                const float16 b = vload16(0, &x[x_base + 192L]);
                max_pool_local[0] = select(b, a, a >= b | a != a);
                const float16 a_1 = max_pool_local[3];
                const float16 b_1 = vload16(0, &x[x_base + 640L]);
                max_pool_local[3] = select(b_1, a_1, a_1 >= b_1 | a_1 != a_1);
                const float16 a_2 = max_pool_local[6];
                const float16 b_2 = vload16(0, &x[x_base + 1088L]);
                max_pool_local[6] = select(b_2, a_2, a_2 >= b_2 | a_2 != a_2);
                const float16 a_3 = max_pool_local[9];
                const float16 b_3 = vload16(0, &x[x_base + 1536L]);
                max_pool_local[9] = select(b_3, a_3, a_3 >= b_3 | a_3 != a_3);
                const float16 a_4 = max_pool_local[12];
                const float16 b_4 = vload16(0, &x[x_base + 1984L]);
                max_pool_local[12] = select(b_4, a_4, a_4 >= b_4 | a_4 != a_4);
                const float16 a_5 = max_pool_local[15];
                const float16 b_5 = vload16(0, &x[x_base + 2432L]);
                max_pool_local[15] = select(b_5, a_5, a_5 >= b_5 | a_5 != a_5);
                const float16 a_6 = max_pool_local[18];
                const float16 b_6 = vload16(0, &x[x_base + 2880L]);
                max_pool_local[18] = select(b_6, a_6, a_6 >= b_6 | a_6 != a_6);
            }
        }
        vstore16(max_pool_local[0], 0, &max_pool[96]);
        vstore16(max_pool_local[3], 0, &max_pool[208]);
        vstore16(max_pool_local[6], 0, &max_pool[320]);
        vstore16(max_pool_local[9], 0, &max_pool[432]);
        vstore16(max_pool_local[12], 0, &max_pool[544]);
        vstore16(max_pool_local[15], 0, &max_pool[656]);
        vstore16(max_pool_local[18], 0, &max_pool[768]);
    }
}
==== opencl-pocl/pool2_0_1.cl
// pool2_0_1: pool2 (MaxPool)                                                        model: digits.onnx
//   out       f32[1,16,7,7]          0 FLOP   3.14 kB read, 3.14 kB written   0.0 FLOP/byte
//   schedule  injective/vector-cpu: 1 lanes
//   launch    grid 4,1,1  block 1,1,1
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void pool2_0_1(__global const float *restrict x, __global float *restrict unblock)
{
    int i_j_o = get_group_id(0);
    for (int i_j_i = 0; i_j_i < 4; i_j_i++) {
        const int unblock_base = i_j_o * 196 + i_j_i * 49;
        for (int k_l = 0; k_l < 49; k_l++) {
            unblock[unblock_base + k_l] = x[i_j_o * 4 + i_j_i + k_l * 16];
        }
    }
}
==== opencl-pocl/softmax_0.cl
// softmax_0: softmax (Softmax)                                                      model: digits.onnx
//   out       f32[1,10]              50 FLOP   40 B read, 40 B written   0.6 FLOP/byte
//   schedule  rowwise/vector-cpu: rows in groups
//   launch    grid 1,1,1  block 1,1,1
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void softmax_0(__global const float *restrict x, __global float *restrict softmax)
{
    int i = get_group_id(0);
    float max_1 = -INFINITY;
    for (int r0 = 0; r0 < 10; r0++) {
        max_1 = x[r0] > max_1 ? x[r0] : max_1;
    }
    float exp_1[10];
    for (int j = 0; j < 10; j++) {
        const float x_1 = x[j] - max_1;
        const float x_2 = x_1 < -87.8f ? -87.8f : x_1;
        const float k = x_2 * 1.442695f + 12583039.0f;
        const float k_1 = 12583166.0f < k ? 12583166.0f : k;
        const uint u = as_uint(k_1);
        const float n = k_1 - 12583039.0f;
        const float r = x_2 - n * 0.69314575f - n * 1.4286068e-06f;
        exp_1[j] = ((((((0.0016314499f * r + 0.008318899f) * r + 0.04161998f) * r + 0.16667202f) * r + 0.50000226f) * r + 0.9999999f) * r + 1.0f) * as_float(u << 23u);
    }
    float sum = 0.0f;
    for (int r0 = 0; r0 < 10; r0++) {
        sum += exp_1[r0];
    }
    for (int j = 0; j < 10; j++) {
        softmax[j] = exp_1[j] * (1.0f / sum);
    }
}
