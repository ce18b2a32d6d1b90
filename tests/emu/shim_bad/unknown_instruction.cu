// error: unknown_instruction.cu:5
// error: wgmma_fence_sync_aligned
extern "C" __global__ void unknown_instruction(const int *in, int *out)
{
    asm volatile("wgmma.fence.sync.aligned;\n" ::: "memory");
    out[threadIdx.x] = in[0];
}
