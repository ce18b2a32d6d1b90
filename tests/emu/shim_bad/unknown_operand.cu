// error: unknown_operand.cu:7
// error: there is no operand of this number at '%2;'
// error: inline PTX
extern "C" __global__ void unknown_operand(const int *in, int *out)
{
    int x;
    asm("mov.u32 %0, %2;" : "=r"(x) : "r"(in[0]));
    out[threadIdx.x] = x;
}
