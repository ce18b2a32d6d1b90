// error: the text has no kernel 'no_such_kernel'
extern "C" __global__ void another_kernel(const int *in, int *out)
{
    out[threadIdx.x] = in[0];
}
