// error: double_precision.metal:5
// error: weft_metal_has_no_double
kernel void double_precision(device const int *in [[buffer(0)]], device int *out [[buffer(1)]])
{
    double x = in[0];
    out[0] = (int)x;
}
