// pragmas
//   launch    grid n,1,1  block 1,1,1
extern "C" __global__ void __launch_bounds__(1)
pragmas(const float *A, float *C, int n)
{
    int b = blockIdx.x;
    int t = threadIdx.x;
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
