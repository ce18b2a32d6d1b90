// control
//   launch    grid tdiv(n + t - 1, t),1,1  block t,1,1
#pragma OPENCL FP_CONTRACT ON
__kernel void control(__global const int *A, __global int *C, int n, int t)
{
    int bx = get_group_id(0);
    int tx = get_local_id(0);
    int steps;
    int x;
    const int i = bx * t + tx;
    if (i < n) {
        steps = 0;
        x = A[i];
        while (x > 1 ? C[x] != 0 : false) {
            if ((x & 1) == 0) {
                x = x / 2;
            } else if (x % 3 == 0) {
                x = x / 3;
            } else {
                for (int k = 0; k < t; k++) {
                    x += k;
                }
            }
            steps += 1;
        }
        C[i] = steps;
    }
}
