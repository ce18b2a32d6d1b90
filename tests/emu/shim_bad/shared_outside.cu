// error: shared_outside.cu:3
// error: '__shared__ float tile[32]' stands outside of a function
__shared__ float tile[32];
extern "C" __global__ void shared_outside(const int *in, int *out)
{
    tile[threadIdx.x] = in[0];
    out[threadIdx.x] = (int)tile[threadIdx.x];
}
