// block 64
// Copies go on while the thread does: in groups, with what is not read as zeros, and under a guard.
#include <cuda_pipeline.h>

__device__ __forceinline__ void copy16(unsigned to, const void *from, bool wanted)
{
    int n = wanted ? 16 : 0;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(to), "l"(from), "r"(n));
}

extern "C" __global__ void cp_async(const int *in, int *out)
{
    __shared__ __align__(16) int stage[2][256];
    __shared__ int other[64];
    int t = threadIdx.x, wrong = 0;
    for (int s = 0; s < 2; s++) {
        copy16((unsigned)__cvta_generic_to_shared(&stage[s][t * 4]), in + s * 256 + t * 4, t < 60 || s == 0);
        asm volatile("cp.async.commit_group;\n" ::);
    }
    asm volatile("cp.async.wait_group %0;\n" ::"n"(1));
    __syncthreads();
    for (int i = 0; i < 4; i++)
        wrong += stage[0][(t * 4 + i + 100) % 256] != in[(t * 4 + i + 100) % 256];
    asm volatile("cp.async.wait_all;" ::: "memory");
    __syncthreads();
    for (int i = 0; i < 4; i++) {
        int at = (t * 4 + i + 100) % 256;
        wrong += stage[1][at] != (at < 240 ? in[256 + at] : 0);
    }
    __syncthreads();
    // Under a predicate of PTX's own.
    int seven = 1;
    asm volatile("{\n"
                 "  .reg .pred p;\n"
                 "  .reg .u64 full; // the address as cvta gives it\n"
                 "  setp.ne.b32 p, %3, 0;\n"
                 "  cvta.to.shared.u64 full, %1;\n"
                 "  @p cp.async.ca.shared.global [full], [%2], 4;\n"
                 "  @!p mov.b32 %0, 7;\n"
                 "}\n"
                 : "+r"(seven)
                 : "l"(&other[t]), "l"(in + t), "r"(t % 2));
    wrong += seven != (t % 2 ? 1 : 7);
    if (t % 2 == 0)
        other[t] = -1;
    asm volatile("cp.async.commit_group;\ncp.async.wait_group 0;" ::);
    __syncthreads();
    wrong += other[63 - t] != (t % 2 ? -1 : in[63 - t]);
    __syncthreads();
    __pipeline_memcpy_async(&stage[0][t * 4], in + t * 4, 16, 8);
    __pipeline_commit();
    __pipeline_wait_prior(0);
    for (int i = 0; i < 4; i++)
        wrong += stage[0][t * 4 + i] != (i < 2 ? in[t * 4 + i] : 0);
    out[t] = wrong;
}
