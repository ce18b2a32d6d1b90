// doubles
//   launch    grid 1,1,1  block 64,1,1
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void doubles(__global const double *A,
             __global const long *I,
             __global const uchar *B,
             __global const float *F,
             __global double *C,
             __global int *D)
{
    int i = get_local_id(0);
    C[i] = (double)F[i] + (double)I[i] * (double)B[i];
    C[i] = sqrt(A[i]) + fma(A[i], C[i], 0.1) - floor(A[i]);
    C[i] = 1e+300 + (double)INFINITY;
    D[i] = (int)A[i];
}
