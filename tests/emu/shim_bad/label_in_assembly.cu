// error: labels and directives but .reg are not known
extern "C" __global__ void label_in_assembly(const int *in, int *out)
{
    asm volatile("LOOP: bra LOOP;" ::);
    out[threadIdx.x] = in[0];
}
