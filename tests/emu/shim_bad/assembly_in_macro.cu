// error: emulated devices take inline PTX in functions, not in macros
#define COPY(d, a) asm("mov.u32 %0, %1;" : "=r"(d) : "r"(a))
extern "C" __global__ void assembly_in_macro(const int *in, int *out)
{
    COPY(out[threadIdx.x], in[0]);
}
