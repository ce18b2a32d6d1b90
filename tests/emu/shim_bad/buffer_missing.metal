// error: no parameter is [[buffer(1)]]
kernel void buffer_missing(device const int *in [[buffer(0)]], device int *out [[buffer(2)]])
{
    out[0] = in[0];
}
