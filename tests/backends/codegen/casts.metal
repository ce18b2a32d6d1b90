// casts
//   launch    grid 1,1,1  block 64,1,1
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(64)]]
kernel void casts(device const bool *B [[buffer(0)]],
                  device const char *I8 [[buffer(1)]],
                  device const uchar *U8 [[buffer(2)]],
                  device const short *I16 [[buffer(3)]],
                  device const ushort *U16 [[buffer(4)]],
                  device const int *I32 [[buffer(5)]],
                  device const uint *U32 [[buffer(6)]],
                  device const long *I64 [[buffer(7)]],
                  device const float *F32 [[buffer(8)]],
                  device bool *Bo [[buffer(9)]],
                  device char *I8o [[buffer(10)]],
                  device uchar *U8o [[buffer(11)]],
                  device short *I16o [[buffer(12)]],
                  device ushort *U16o [[buffer(13)]],
                  device int *I32o [[buffer(14)]],
                  device uint *U32o [[buffer(15)]],
                  device long *I64o [[buffer(16)]],
                  device float *F32o [[buffer(17)]],
                  uint3 block_id [[threadgroup_position_in_grid]],
                  uint3 thread_id [[thread_position_in_threadgroup]])
{
    int i = thread_id.x;
    I32o[i] = (int)B[i];
    I32o[i] = (int)I8[i] + (int)U8[i] * 3;
    I32o[i] = (int)I64[i] - (int)U32[i];
    I32o[i] = (int)F32[i];
    U32o[i] = (uint)I8[i] + (uint)U16[i];
    U32o[i] = (uint)I32[i];
    U32o[i] = as_type<uint>(F32[i]) ^ 2147483648u;
    I64o[i] = I32[i] * 4294967296L + (long)U32[i];
    F32o[i] = (float)I8[i] + (float)U8[i] + (float)I16[i] + (float)U16[i];
    F32o[i] = (float)I32[i] + (float)U32[i] + (float)I64[i];
    F32o[i] = as_type<float>(I32[i]);
    I8o[i] = (char)I32[i];
    U8o[i] = (uchar)F32[i];
    I16o[i] = (short)I32[i];
    U16o[i] = (ushort)U32[i];
    Bo[i] = F32[i] != 0.0f || I32[i] != 0;
    Bo[i] = U8[i] != 0;
    I32o[i] = -I32[i] + (I32[i] << 3);
    I8o[i] = I8[i];
}
