// error: parameters 'in' and 'out' are both buffer 0
kernel void buffer_twice(device const int *in [[buffer(0)]], device int *out [[buffer(0)]])
{
    out[0] = in[0];
}
