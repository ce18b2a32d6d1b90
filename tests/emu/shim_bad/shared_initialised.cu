// error: shared_initialised.cu:5
// error: shared memory 'tile' cannot have a first value
extern "C" __global__ void shared_initialised(const int *in, int *out)
{
    __shared__ float tile[2] = { 1, 2 };
    out[threadIdx.x] = (int)tile[in[0]];
}
