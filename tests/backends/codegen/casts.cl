// casts
//   launch    grid 1,1,1  block 64,1,1
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void casts(__global const uchar *restrict B,
           __global const char *restrict I8,
           __global const uchar *restrict U8,
           __global const short *restrict I16,
           __global const ushort *restrict U16,
           __global const int *restrict I32,
           __global const uint *restrict U32,
           __global const long *restrict I64,
           __global const float *restrict F32,
           __global uchar *restrict Bo,
           __global char *restrict I8o,
           __global uchar *restrict U8o,
           __global short *restrict I16o,
           __global ushort *restrict U16o,
           __global int *restrict I32o,
           __global uint *restrict U32o,
           __global long *restrict I64o,
           __global float *restrict F32o)
{
    int i = get_local_id(0);
    I32o[i] = (int)B[i];
    I32o[i] = (int)I8[i] + (int)U8[i] * 3;
    I32o[i] = (int)I64[i] - (int)U32[i];
    I32o[i] = (int)F32[i];
    U32o[i] = (uint)I8[i] + (uint)U16[i];
    U32o[i] = (uint)I32[i];
    U32o[i] = as_uint(F32[i]) ^ 2147483648u;
    I64o[i] = I32[i] * 4294967296L + (long)U32[i];
    F32o[i] = (float)I8[i] + (float)U8[i] + (float)I16[i] + (float)U16[i];
    F32o[i] = (float)I32[i] + (float)U32[i] + (float)I64[i];
    F32o[i] = as_float(I32[i]);
    I8o[i] = (char)I32[i];
    U8o[i] = (uchar)F32[i];
    I16o[i] = (short)I32[i];
    U16o[i] = (ushort)U32[i];
    Bo[i] = F32[i] != 0.0f || I32[i] != 0;
    Bo[i] = U8[i] != 0;
    I32o[i] = -I32[i] + (I32[i] << 3);
    I8o[i] = I8[i];
}
