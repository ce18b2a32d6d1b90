// pad
//   launch    grid 16,1,1  block 256,1,1
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(256, 1, 1)))
void pad(__global const float *restrict A, __global float *restrict C, long n, int k)
{
    int bx = get_group_id(0);
    int tx = get_local_id(0);
    const long i = bx * 256L + tx;
    const bool inside = i >= 3L && i - 3L < n;
    const float v = inside ? A[i - 3L] : 0.0f;
    C[i] = (v > 0.5f ? v : k == 1 ? -v : v * 2.0f) + (k > 0 ? (float)(bx / k) : 1.0f);
    C[i] = k > 2 ? (inside ? A[i - 3L] / A[0L] : -1.0f) : 2.0f;
}
