// block 32
// ldmatrix: lane l gets, of each 8 x 8 matrix, columns 2 (l % 4) and 2 (l % 4) + 1 of row l / 4.
extern "C" __global__ void ldmatrix(const int *in, int *out)
{
    __shared__ __align__(16) unsigned short tile[16][24]; // rows are 48 bytes apart
    int lane = threadIdx.x, wrong = in[0];
    for (int i = lane; i < 16 * 16; i += 32)
        tile[i / 16][i % 16] = (unsigned short)(i / 16 * 100 + i % 16);
    __syncthreads();
    // Lanes 8 m to 8 m + 7 give the rows of matrix m: the four quarters of the tile.
    const void *row = &tile[lane % 8 + lane / 8 % 2 * 8][lane / 16 * 8];
    unsigned at = (unsigned)__cvta_generic_to_shared(row), r[4];
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];\n"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(at));
    for (int m = 0; m < 4; m++) {
        unsigned first = (lane / 4 + m % 2 * 8) * 100 + m / 2 * 8 + lane % 4 * 2;
        wrong += r[m] != (first | (first + 1) << 16);
    }
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];\n"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(at));
    for (int m = 0; m < 4; m++) {
        unsigned first = (lane % 4 * 2 + m % 2 * 8) * 100 + m / 2 * 8 + lane / 4;
        wrong += r[m] != (first | (first + 100) << 16);
    }
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared::cta.b16 {%0, %1}, [%2+16];" : "=r"(r[0]), "=r"(r[1]) : "r"(at));
    unsigned first = lane / 4 * 100 + 8 + lane % 4 * 2;
    wrong += r[0] != (first | (first + 1) << 16);
    wrong += r[1] != (first + 800 | (first + 801) << 16);
    out[lane] = wrong;
}
