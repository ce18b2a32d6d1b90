// error: a scalar argument is an integer
struct size { int x, y; };
extern "C" __global__ void structure_argument(const int *in, int *out, size s)
{
    out[threadIdx.x] = in[s.x];
}
