// overlay
//   launch    grid 1,1,1  block 64,1,1  shared 528 B
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
extern "C" __global__ void __launch_bounds__(64)
overlay(const float *__restrict__ A, float *__restrict__ C)
{
    __align__(32) __shared__ unsigned char shared[512];
    __shared__ unsigned int apart[4];
    unsigned char *small = (unsigned char *)shared;
    short *lead = (short *)(shared + 64);
    float *tile = (float *)shared;
    int *late = (int *)shared;
    int t = threadIdx.x;
    small[t] = (unsigned char)A[t];
    lead[t] = (short)((int)A[t] + 1);
    if (t < 4) {
        apart[t] = (unsigned int)t;
    }
    __syncthreads();
    const int x = (int)small[63 - t] + (int)lead[63 - t];
    __syncthreads();
    tile[t] = (float)x;
    __syncthreads();
    const float y = tile[63 - t];
    __syncthreads();
    *(int2 *)&late[2 * t] = weft_splat2<int2>((int)y);
    __syncthreads();
    C[t] = (float)late[127 - t] + (float)apart[t / 16];
}
