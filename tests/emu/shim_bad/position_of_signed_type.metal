// error: its parameter 't' is 'int3'
kernel void position_of_signed_type(device const int *in [[buffer(0)]], device int *out [[buffer(1)]],
                                    int3 t [[thread_position_in_threadgroup]])
{
    out[t.x] = in[t.x];
}
