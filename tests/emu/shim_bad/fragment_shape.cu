// error: sm_80 has no wmma fragments of this type and shape
#include <mma.h>
extern "C" __global__ void fragment_shape(const int *in, int *out)
{
    nvcuda::wmma::fragment<nvcuda::wmma::accumulator, 8, 8, 16, float> f;
    out[threadIdx.x] = in[0] + (int)f.x[0];
}
