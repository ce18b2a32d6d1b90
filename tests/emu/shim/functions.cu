// block 32
// Vector types, bits, conversions, functions of integers.
struct both { int4 a; float2 b; };
template <class T> __device__ int aligned() { return (int)alignof(T); }
extern "C" __global__ void functions(const int *in, int *out)
{
    int t = threadIdx.x, wrong = 0;
    float inf = __int_as_float(0x7f800000), nan = __int_as_float(0x7fc00000);
    wrong += sizeof(float3) != 12 || aligned<float3>() != 4 || aligned<float4>() != 16 || aligned<int2>() != 8 ||
             aligned<uchar4>() != 4 || aligned<double2>() != 16 || sizeof(both) != 32 || aligned<short4>() != 8;
    const int4 v = *(const int4 *)&in[4 * t];
    wrong += v.x != 4 * t || v.w != 4 * t + 3 || make_uint3(1, 2, 3).z != 3 || dim3(2).y != 1;
    wrong += blockDim.x != 32 || gridDim.y != 1 || blockIdx.x != 0 || warpSize != 32;
    // Floats to integers saturate; NaN is 0.
    float big = 3e9f + in[0], minus = -1.0f - in[0];
    wrong += (int)big != 2147483647 || (int)-big != -2147483647 - 1 || (unsigned)minus != 0 || (int)(nan + in[0]) != 0;
    wrong += (unsigned char)(300.0f + in[0]) != 255 || (long long)(1e30f + in[0]) != 9223372036854775807ll;
    wrong += __float2int_rn(2.5f) != 2 || __float2int_rn(3.5f) != 4 || __float2int_ru(2.1f) != 3 || __float2int_rd(-2.1f) != -3;
    wrong += __double2int_rz(-7.9) != -7 || __float2uint_rz(inf) != 4294967295u || __float2ll_rn(nan) != 0;
    wrong += __int2float_rn(16777217) != 16777216.0f || __int2float_ru(16777217) != 16777218.0f ||
             __int2float_rz(-16777217) != -16777216.0f || __double2float_rd(1e40) != __int_as_float(0x7f7fffff);
    wrong += min(-1, 2) != -1 || max(1u, 2u) != 2 || min(-1, 2u) != 2 || max(1.0f, nan) != 1.0f || abs(-3) != 3 || llabs(-3ll) != 3;
    wrong += __clz(1) != 31 || __clz(0) != 32 || __clzll(1) != 63 || __ffs(8) != 4 || __ffs(0) != 0 || __popc(255) != 8 ||
             __popcll(-1ll) != 64 || __brev(1) != 0x80000000u || __brevll(1) != 1ull << 63;
    wrong += __byte_perm(0x33221100, 0x77665544, 0x7531) != 0x77553311 || __byte_perm(0x80, 0, 0x8888) != 0xffffffffu;
    wrong += __funnelshift_l(0x80000000u, 1, 1) != 3 || __funnelshift_r(2, 1, 1) != 0x80000001u || __funnelshift_lc(5, 9, 40) != 5;
    wrong += __mulhi(-1, 1) != -1 || __umulhi(1u << 31, 4) != 2 || __mul64hi(1ll << 62, 8) != 2 || __umul64hi(~0ull, 2) != 1;
    wrong += __mul24(0x1000003, 5) != 15 || __sad(-3, 4, 1) != 8 || __usad(4, 3, 1) != 2 || __hadd(-3, -2) != -3 ||
             __rhadd(-3, -2) != -2 || __uhadd(~0u, 1) != 0x80000000u;
    wrong += __dp4a(0x01ff02fe, 0x01010101, 10) != 10 || __dp4a(0x01ff02feu, 0x01010101u, 0u) != 512;
    wrong += __hiloint2double(__double2hiint(1.5), __double2loint(1.5)) != 1.5 || __float_as_uint(-0.0f) != 0x80000000u;
    wrong += __fdividef(1.0f, 4.0f) != 0.25f || __fdividef(1.0f, 0x1p127f) != 0 || __saturatef(nan) != 0 || __saturatef(2.0f) != 1;
    wrong += rsqrtf(0.25f) != 2 || exp2f(3.0f) != 8 || exp10f(2.0f) != 100 || sinpif(0.5f) != 1 || cospif(1.0f) != -1 || sinpif(3.0f) != 0;
    wrong += rintf(2.5f) != 2 || roundf(2.5f) != 3 || truncf(-2.5f) != -2 || floor(-2.5) != -3 || fmodf(-5, 3) != -2 || copysignf(2, -0.0f) != -2;
    wrong += !isnan(nan) || !isinf(-inf) || !isfinite(1.0f) || !signbit(-0.0f) || fminf(nan, 1) != 1 || sqrt(4) != 2;
    int e;
    wrong += frexpf(12.0f, &e) != 0.75f || e != 4 || ldexpf(1.0f, 5) != 32 || __fmaf_rn(2, 3, 4) != 10 || pow(2.0, 10) != 1024;
    out[t] = wrong;
}
