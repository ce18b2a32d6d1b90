// error: an operand's size is not that of its constraint
extern "C" __global__ void wrong_operand_size(const int *in, int *out)
{
    unsigned x;
    asm("mov.u32 %0, %1;" : "=r"(x) : "r"(in));
    out[threadIdx.x] = x;
}
