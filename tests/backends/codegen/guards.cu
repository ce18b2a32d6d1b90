// pad
//   launch    grid 16,1,1  block 256,1,1
extern "C" __global__ void __launch_bounds__(256)
pad(const float *__restrict__ A, float *__restrict__ C, long long n, int k)
{
    int bx = blockIdx.x;
    int tx = threadIdx.x;
    const long long i = bx * 256LL + tx;
    const bool inside = i >= 3LL && i - 3LL < n;
    const float v = inside ? A[i - 3LL] : 0.0f;
    C[i] = (v > 0.5f ? v : k == 1 ? -v : v * 2.0f) + (k > 0 ? (float)(bx / k) : 1.0f);
    C[i] = k > 2 ? (inside ? A[i - 3LL] / A[0LL] : -1.0f) : 2.0f;
}
