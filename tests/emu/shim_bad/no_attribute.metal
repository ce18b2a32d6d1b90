// error: parameter 'n' has no attribute
kernel void no_attribute(device const int *in [[buffer(0)]], device int *out [[buffer(1)]], constant int &n)
{
    out[n] = in[0];
}
