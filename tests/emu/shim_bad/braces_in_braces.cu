// error: braces_in_braces.cu:7
// error: a word is expected at '{%0, %1}}, %2;'
// error: inline PTX
extern "C" __global__ void braces_in_braces(const int *in, int *out)
{
    unsigned short lo, hi;
    asm("mov.b32 {{%0, %1}}, %2;" : "=h"(lo), "=h"(hi) : "r"(in[0]));
    out[threadIdx.x] = lo + hi;
}
