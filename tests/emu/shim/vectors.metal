// block 32
// Vectors: constructors, lanes by name and number, operators, comparisons, what is asked of them.
#include <metal_stdlib>
using namespace metal;

constant float4 table[2] = { float4(1, 2, 3, 4), float4(0.5) };

[[max_total_threads_per_threadgroup(32)]]
kernel void vectors(device const int *in [[buffer(0)]],
                    device int *out [[buffer(1)]],
                    uint3 thread_id [[thread_position_in_threadgroup]])
{
    int t = thread_id.x, wrong = 0;
    wrong += sizeof(float3) != 16 || sizeof(packed_float3) != 12 || sizeof(half4) != 8 || sizeof(bool4) != 4 || sizeof(ulong2) != 16;
    float4 v = table[0];
    wrong += any(v.wzyx != float4(4, 3, 2, 1)) || any(v.xy != float2(1, 2)) || v.bgra.x != 3 || v[2] != 3 || v.a != 4;
    v.xw = float2(7, 8);
    v.yz += 1.0;
    v.rg *= float2(2, 3);
    wrong += any(v != float4(14, 9, 4, 8));
    v = float4(v.xy, 1, float2(5, 6).y);
    wrong += any(v != float4(14, 9, 1, 6)) || any(float3(1, v.zw) != float3(1, 1, 6)) || any(float4(float3(1), 2) != float4(1, 1, 1, 2));
    wrong += any(float4(1, v.xy, 2).yz != v.xy) || any(float2(3) != float2(3, 3)) || any(-v != 0 - v) || any(2 * v != v + v);
    int4 i = int4(v) % 4;
    wrong += any(i != int4(2, 1, 1, 2)) || any((i << 2 | 1) != int4(9, 5, 5, 9)) || any(~i != -i - 1) || any((i & 1) != int4(0, 1, 1, 0));
    bool4 less = v < 7.0;
    wrong += any(less != bool4(false, false, true, true)) || any(int4(less) != int4(0, 0, 1, 1)) || !any(less) || all(less);
    wrong += any(select(v, float4(0), less) != float4(14, 9, 0, 0)) || any((less && !less) || (v == 0)) || select(1, 2, true) != 2;
    wrong += any(int4(float4(1.9, -1.9, 3e9, NAN)) != int4(1, -1, 2147483647, 0)) || any(uchar2(float2(300, -5)) != uchar2(255, 0));
    half2 h = half2(float2(1, 2049));
    wrong += h.y != 2048.0h || any(h * 0.5h != half2(0.5, 1024)) || h.x + 1.0f != 2.0f || float(half(65520.0f)) != INFINITY;
    wrong += as_type<uint>(1.0f) != 0x3f800000u || as_type<ushort>(1.0h) != 0x3c00 || any(as_type<ushort2>(0x00020001) != ushort2(1, 2));
    ulong2 wide = ulong2(1, 2) << 40;
    wrong += wide.y != 1ul << 41 || any(long4(i) * 3 != long4(6, 3, 3, 6));
    packed_float3 packed = float3(1, 2, 3);
    float3 unpacked = packed;
    wrong += unpacked.z != 3 || packed[1] != 2;
    wrong += dot(float3(1, 2, 3), float3(4, 5, 6)) != 32 || any(cross(float3(1, 0, 0), float3(0, 1, 0)) != float3(0, 0, 1)) || length(float2(3, 4)) != 5;
    wrong += any(clamp(v, 2.0, 10.0) != float4(10, 9, 2, 6)) || any(mix(float2(0), float2(4), 0.25) != float2(1)) || any(max(i, 2) != int4(2, 2, 2, 2));
    wrong += any(*(device const int4 *)&in[4 * t] != int4(4 * t, 4 * t + 1, 4 * t + 2, 4 * t + 3));
    vec<float, 2> generic = vec<float, 2>(v.x, 1);
    generic.y += 1;
    wrong += generic.y != 2 || any((v > 1.0) == (v <= 1.0));
    bfloat b = bfloat(1.00390625f), one = 1.0bf;
    wrong += float(b) != 1.0f || float(b + one) != 2.0f || b * 1.5f != 1.5f || sizeof(bfloat4) != 8;
    out[t] = wrong;
}
