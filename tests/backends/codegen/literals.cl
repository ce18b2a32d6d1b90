// literals
//   launch    grid 1,1,1  block 64,1,1
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void literals(__global float *float_1,
              __global int *int_1,
              __global long *half_1,
              __global uint *kernel_1)
{
    int for_ = get_local_id(0);
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
