// error: unknown_attribute.metal:4
// error: emulated devices know no attribute 'thread_position_in_warp' (of parameter 't')
kernel void unknown_attribute(device const int *in [[buffer(0)]], device int *out [[buffer(1)]],
                              uint t [[thread_position_in_warp]])
{
    out[t] = in[t];
}
