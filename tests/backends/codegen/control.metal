// control
//   launch    grid tdiv(n + t - 1, t),1,1  block t,1,1
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
kernel void control(device const int *A [[buffer(0)]],
                    device int *C [[buffer(1)]],
                    constant int &n [[buffer(2)]],
                    constant int &t [[buffer(3)]],
                    uint3 block_id [[threadgroup_position_in_grid]],
                    uint3 thread_id [[thread_position_in_threadgroup]])
{
    int bx = block_id.x;
    int tx = thread_id.x;
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
