// error: kernel 'scalar_first': buffer 'out' comes behind a scalar
extern "C" __global__ void scalar_first(const int *in, int n, int *out)
{
    out[threadIdx.x] = in[n];
}
