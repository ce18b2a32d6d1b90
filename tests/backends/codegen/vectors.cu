// vectors
//   launch    grid 4,1,1  block 256,1,1
#ifndef WEFT_VECTORS2
#define WEFT_VECTORS2
#define WEFT_STRUCT2(V, S, BYTES) \
    struct alignas(BYTES) V { S x, y; }; \
    __device__ inline V make_##V(S x, S y) { return V{x, y}; }
#define WEFT_OP2(V, OP) \
    __device__ inline V operator OP(V a, V b) { return make_##V(a.x OP b.x, a.y OP b.y); }
#define WEFT_NEG2(V) __device__ inline V operator-(V a) { return make_##V(-a.x, -a.y); }
template <class V, class S> __device__ inline V weft_splat2(S s) { return V{s, s}; }
template <class V, class F> __device__ inline V weft_cast2(F f)
{
    return V{(decltype(V::x))f.x, (decltype(V::x))f.y};
}
template <class V, class F, class... A> __device__ inline V weft_map2(F f, A... a)
{
    return V{f(a.x...), f(a.y...)};
}
#endif
#ifndef WEFT_VECTORS4
#define WEFT_VECTORS4
#define WEFT_STRUCT4(V, S, BYTES) \
    struct alignas(BYTES) V { S x, y, z, w; }; \
    __device__ inline V make_##V(S x, S y, S z, S w) { return V{x, y, z, w}; }
#define WEFT_OP4(V, OP) \
    __device__ inline V operator OP(V a, V b) \
    { \
        return make_##V(a.x OP b.x, a.y OP b.y, a.z OP b.z, a.w OP b.w); \
    }
#define WEFT_NEG4(V) \
    __device__ inline V operator-(V a) { return make_##V(-a.x, -a.y, -a.z, -a.w); }
template <class V, class S> __device__ inline V weft_splat4(S s) { return V{s, s, s, s}; }
template <class V, class F> __device__ inline V weft_cast4(F f)
{
    return V{(decltype(V::x))f.x, (decltype(V::x))f.y, (decltype(V::x))f.z, (decltype(V::x))f.w};
}
template <class V, class F, class... A> __device__ inline V weft_map4(F f, A... a)
{
    return V{f(a.x...), f(a.y...), f(a.z...), f(a.w...)};
}
#endif
#ifndef WEFT_int4_OPS
#define WEFT_int4_OPS
WEFT_OP4(int4, +)
WEFT_OP4(int4, -)
WEFT_OP4(int4, *)
WEFT_OP4(int4, /)
WEFT_OP4(int4, &)
WEFT_OP4(int4, |)
WEFT_OP4(int4, ^)
WEFT_OP4(int4, <<)
WEFT_OP4(int4, >>)
WEFT_OP4(int4, %)
WEFT_NEG4(int4)
#endif
#ifndef WEFT_float4_OPS
#define WEFT_float4_OPS
WEFT_OP4(float4, +)
WEFT_OP4(float4, -)
WEFT_OP4(float4, *)
WEFT_OP4(float4, /)
WEFT_NEG4(float4)
#endif
extern "C" __global__ void __launch_bounds__(256)
vectors(const float *__restrict__ A,
        const int *__restrict__ I,
        float *__restrict__ C,
        int *__restrict__ D)
{
    int bx = blockIdx.x;
    int tx = threadIdx.x;
    const int i = (bx * 256 + tx) * 4;
    float4 t[2];
    const float4 v = *(const float4 *)&A[(bx * 256 + tx) * 4];
    const float s = v.x + v.w;
    t[0] = v * weft_splat4<float4>(2.0f) + make_float4(s, 1.0f, 2.0f, s);
    t[1] = weft_map4<float4>([](float a) { return sqrtf(a); }, v) - -v;
    *(float4 *)&C[i] = t[0] / t[1] + weft_splat4<float4>(t[1].y);
    C[tx] = v.x;
    C[tx + 256] = v.y;
    C[tx + 512] = v.z;
    C[tx + 768] = v.w;
    const float4 lanes = v + make_float4(A[tx], A[tx + 512], A[tx + 1024], A[tx + 1536]);
    C[tx] = lanes.x;
    C[tx + 256] = lanes.y;
    C[tx + 512] = lanes.z;
    C[tx + 768] = lanes.w;
    *(int4 *)&D[i] = weft_cast4<int4>(v) + *(const int4 *)&I[i] * make_int4(tx, tx + 1, tx + 2, tx + 3);
    *(float2 *)&C[i] = s > 0.0f ? *(const float2 *)&A[i] : make_float2(0.0f, s);
}
