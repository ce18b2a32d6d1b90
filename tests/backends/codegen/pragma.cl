// pragmas
//   launch    grid n,1,1  block 1,1,1
#pragma OPENCL FP_CONTRACT ON
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void pragmas(__global const float *A, __global float *C, int n)
{
    int b = get_group_id(0);
    int t = get_local_id(0);
    float sum = 0.0f;
    #pragma unroll 1
    for (int i = 0; i < n; i++) {
        #pragma unroll 4
        for (int j = 0; j < n; j++) {
            #pragma unroll 4
            for (int k = 0; k < 4; k++) {
                sum += A[b * 4 + k];
            }
        }
    }
    C[b] = sum;
}
