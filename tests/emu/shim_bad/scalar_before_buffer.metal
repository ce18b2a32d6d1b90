// error: 'n' is [[buffer(1)]]; pointers come first
kernel void scalar_before_buffer(device const int *in [[buffer(0)]], constant int &n [[buffer(1)]],
                                 device int *out [[buffer(2)]])
{
    out[n] = in[0];
}
