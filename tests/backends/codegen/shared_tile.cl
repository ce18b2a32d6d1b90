// softexp
//   launch    grid 16,1,1  block 64,1,1  shared 256 B
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void softexp(__global const float *A, __global float *C)
{
    __local float tile[64];
    int bx = get_group_id(0);
    int tx = get_local_id(0);
    tile[tx] = A[bx * 64 + tx];
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int k = 0; k < 64; k++) {
        if (k < tx) {
            C[bx * 64 + tx] += exp(tile[tx] - tile[min(k, 63)]) * 0.5f;
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
}
