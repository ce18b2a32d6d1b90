// histogram
//   launch    grid 32,1,1  block 256,1,1  shared 1.0 KiB
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(256, 1, 1)))
void histogram(__global const uchar *restrict A,
               __global uint *restrict H,
               __global int *restrict M,
               int n)
{
    __local uint bins[256];
    int bx = get_group_id(0);
    int tx = get_local_id(0);
    bins[tx] = 0u;
    barrier(CLK_LOCAL_MEM_FENCE);
    const int i = bx * 256 + tx;
    if (i < n) {
        atomic_add(&bins[(int)A[i]], 1u);
        atomic_max(&M[0], (int)A[i]);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    atomic_add(&H[tx], bins[tx]);
}
