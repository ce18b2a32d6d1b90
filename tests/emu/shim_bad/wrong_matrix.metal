// error: a simdgroup_matrix has 8 rows and 8 columns
#include <metal_stdlib>
using namespace metal;
kernel void wrong_matrix(device const int *in [[buffer(0)]], device int *out [[buffer(1)]])
{
    simdgroup_matrix<float, 4, 8> m;
    out[0] = in[0] + (int)m.thread_elements().x;
}
