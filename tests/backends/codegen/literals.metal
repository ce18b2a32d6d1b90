// literals
//   launch    grid 1,1,1  block 64,1,1
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(64)]]
kernel void literals(device float *float_1 [[buffer(0)]],
                     device int *int_1 [[buffer(1)]],
                     device long *half_1 [[buffer(2)]],
                     device uint *kernel_1 [[buffer(3)]],
                     uint3 block_id [[threadgroup_position_in_grid]],
                     uint3 thread_id [[thread_position_in_threadgroup]])
{
    int for_ = thread_id.x;
    float_1[for_] = 0.1f + 1.0f + 3.4028235e+38f + 1.1754944e-38f + 1e-45f;
    float_1[for_] = INFINITY + -INFINITY;
    float_1[for_] = NAN;
    float_1[for_] = -0.0f - -1.5f;
    float_1[for_] = -(-float_1[for_]);
    int_1[for_] = (-2147483647 - 1) + 2147483647 - -5;
    half_1[for_] = (-9223372036854775807L - 1) + half_1[for_] + 9223372036854775807L;
    kernel_1[for_] = 4294967295u - kernel_1[for_];
    for (int i = 0; i < 2; i++) {
        for (int auto_1 = 0; auto_1 < 2; auto_1++) {
            int_1[i] = auto_1;
        }
    }
    for (int i = 0; i < 2; i++) {
        int_1[i] = (int_1[i] - (2 - i)) * (int_1[i] & 1 | 2) + (int_1[i] >> 1 << 2);
    }
}
