// overlay
//   launch    grid 1,1,1  block 64,1,1  shared 528 B
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void overlay(__global const float *restrict A, __global float *restrict C)
{
    __attribute__((aligned(32))) __local uchar shared[512];
    __local uint apart[4];
    __local uchar *small = (__local uchar *)shared;
    __local short *lead = (__local short *)(shared + 64);
    __local float *tile = (__local float *)shared;
    __local int *late = (__local int *)shared;
    int t = get_local_id(0);
    small[t] = (uchar)A[t];
    lead[t] = (short)((int)A[t] + 1);
    if (t < 4) {
        apart[t] = (uint)t;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    const int x = (int)small[63 - t] + (int)lead[63 - t];
    barrier(CLK_LOCAL_MEM_FENCE);
    tile[t] = (float)x;
    barrier(CLK_LOCAL_MEM_FENCE);
    const float y = tile[63 - t];
    barrier(CLK_LOCAL_MEM_FENCE);
    vstore2((int2)((int)y), 0, &late[2 * t]);
    barrier(CLK_LOCAL_MEM_FENCE);
    C[t] = (float)late[127 - t] + (float)apart[t / 16];
}
