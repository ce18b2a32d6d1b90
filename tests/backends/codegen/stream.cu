// halve
//   launch    grid 4,1,1  block 1,1,1
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
#ifndef WEFT_float4_OPS
#define WEFT_float4_OPS
WEFT_OP4(float4, +)
WEFT_OP4(float4, -)
WEFT_OP4(float4, *)
WEFT_OP4(float4, /)
WEFT_NEG4(float4)
#endif
extern "C" __global__ void __launch_bounds__(1)
halve(const float *__restrict__ A, float *__restrict__ C)
{
    int b = blockIdx.x;
    for (int i = 0; i < 32; i++) {
        *(float4 *)&C[b * 128 + i * 4] = *(const float4 *)&A[b * 128 + i * 4] * weft_splat4<float4>(0.5f);
    }
}
