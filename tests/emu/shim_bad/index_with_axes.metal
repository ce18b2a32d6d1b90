// error: [[thread_index_in_simdgroup]] is a uint or ushort, and its parameter 't' is 'uint3'
kernel void index_with_axes(device const int *in [[buffer(0)]], device int *out [[buffer(1)]],
                            uint3 t [[thread_index_in_simdgroup]])
{
    out[t.x] = in[t.x];
}
