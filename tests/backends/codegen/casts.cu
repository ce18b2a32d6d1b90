// casts
//   launch    grid 1,1,1  block 64,1,1
#ifndef WEFT_BITS
#define WEFT_BITS
template <class T, class S> __device__ inline T weft_bits(S s)
{
    T t;
    memcpy(&t, &s, sizeof t);
    return t;
}
#endif
extern "C" __global__ void __launch_bounds__(64)
casts(const bool *__restrict__ B,
      const signed char *__restrict__ I8,
      const unsigned char *__restrict__ U8,
      const short *__restrict__ I16,
      const unsigned short *__restrict__ U16,
      const int *__restrict__ I32,
      const unsigned int *__restrict__ U32,
      const long long *__restrict__ I64,
      const float *__restrict__ F32,
      bool *__restrict__ Bo,
      signed char *__restrict__ I8o,
      unsigned char *__restrict__ U8o,
      short *__restrict__ I16o,
      unsigned short *__restrict__ U16o,
      int *__restrict__ I32o,
      unsigned int *__restrict__ U32o,
      long long *__restrict__ I64o,
      float *__restrict__ F32o)
{
    int i = threadIdx.x;
    I32o[i] = (int)B[i];
    I32o[i] = (int)I8[i] + (int)U8[i] * 3;
    I32o[i] = (int)I64[i] - (int)U32[i];
    I32o[i] = (int)F32[i];
    U32o[i] = (unsigned int)I8[i] + (unsigned int)U16[i];
    U32o[i] = (unsigned int)I32[i];
    U32o[i] = weft_bits<unsigned int>(F32[i]) ^ 2147483648u;
    I64o[i] = I32[i] * 4294967296LL + (long long)U32[i];
    F32o[i] = (float)I8[i] + (float)U8[i] + (float)I16[i] + (float)U16[i];
    F32o[i] = (float)I32[i] + (float)U32[i] + (float)I64[i];
    F32o[i] = weft_bits<float>(I32[i]);
    I8o[i] = (signed char)I32[i];
    U8o[i] = (unsigned char)F32[i];
    I16o[i] = (short)I32[i];
    U16o[i] = (unsigned short)U32[i];
    Bo[i] = F32[i] != 0.0f || I32[i] != 0;
    Bo[i] = U8[i] != 0;
    I32o[i] = -I32[i] + (I32[i] << 3);
    I8o[i] = I8[i];
}
