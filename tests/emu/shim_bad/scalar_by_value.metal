// error: parameter 'n' is no pointer, and no reference to a constant
kernel void scalar_by_value(device const int *in [[buffer(0)]], device int *out [[buffer(1)]], int n [[buffer(2)]])
{
    out[n] = in[0];
}
