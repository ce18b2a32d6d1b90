// 31 buffers are all there are.
#include <metal_stdlib>
using namespace metal;

kernel void bad(device float *B0 [[buffer(0)]], device float *B1 [[buffer(1)]], device float *B2 [[buffer(2)]], device float *B3 [[buffer(3)]], device float *B4 [[buffer(4)]], device float *B5 [[buffer(5)]], device float *B6 [[buffer(6)]], device float *B7 [[buffer(7)]], device float *B8 [[buffer(8)]], device float *B9 [[buffer(9)]], device float *B10 [[buffer(10)]], device float *B11 [[buffer(11)]], device float *B12 [[buffer(12)]], device float *B13 [[buffer(13)]], device float *B14 [[buffer(14)]], device float *B15 [[buffer(15)]], device float *B16 [[buffer(16)]], device float *B17 [[buffer(17)]], device float *B18 [[buffer(18)]], device float *B19 [[buffer(19)]], device float *B20 [[buffer(20)]], device float *B21 [[buffer(21)]], device float *B22 [[buffer(22)]], device float *B23 [[buffer(23)]], device float *B24 [[buffer(24)]], device float *B25 [[buffer(25)]], device float *B26 [[buffer(26)]], device float *B27 [[buffer(27)]], device float *B28 [[buffer(28)]], device float *B29 [[buffer(29)]], device float *B30 [[buffer(30)]], device float *B31 [[buffer(31)]], uint3 t [[thread_position_in_threadgroup]])
{
    int i = t.x;
    B0[i] = B31[i];
}
