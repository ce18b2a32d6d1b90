// grown
//   launch    grid 1,1,1  block 64,1,1  shared 64.0 KiB
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void grown(__global const float *restrict A, __global float *restrict C)
{
    __attribute__((aligned(32))) __local uchar shared[65536];
    __local uint apart[4];
    __local float *tile = (__local float *)shared;
    int t = get_local_id(0);
    for (int i = 0; i < 256; i++) {
        tile[i * 64 + t] = A[i * 64 + t];
    }
    if (t < 4) {
        apart[t] = (uint)t;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    C[t] = tile[16383 - t] + (float)apart[t / 16];
}
