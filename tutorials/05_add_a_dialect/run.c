/* Calls the kernels that weft printed from mean.te for every thread of their launches, and compares
 * with sums made here. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>

enum { ROWS = 37, COLUMNS = 64, THREADS = 16 };

typedef void kernel(const float *A, float *out, int32_t n, const int block[3], const int thread[3]);
kernel mean_step0, mean_step1;

/* grid (n + 15) // 16,1,1  block 16,1,1 */
static void
launch(kernel *k, const float *A, float *out)
{
    for (int b = 0; b < (ROWS + THREADS - 1) / THREADS; b++)
        for (int t = 0; t < THREADS; t++)
            k(A, out, ROWS, (const int[3]){ b, 0, 0 }, (const int[3]){ t, 0, 0 });
}

int
main(void)
{
    static float A[ROWS * COLUMNS], M[ROWS], R[ROWS];
    double worst = 0;
    for (int i = 0; i < ROWS * COLUMNS; i++)
        A[i] = (float)((i * 37 + 11) % 101) / 50 - 1;
    launch(mean_step0, A, M);
    launch(mean_step1, A, R);
    for (int i = 0; i < ROWS; i++) {
        double sum = 0, squares = 0;
        for (int j = 0; j < COLUMNS; j++) {
            sum += A[i * COLUMNS + j];
            squares += (double)A[i * COLUMNS + j] * A[i * COLUMNS + j];
        }
        worst = fmax(worst, fabs(M[i] - sum / COLUMNS));
        worst = fmax(worst, fabs(R[i] - 1 / sqrt(squares / COLUMNS + 1e-5)));
    }
    printf("row 0: mean %.4f, scale %.4f; ", M[0], R[0]);
    printf("%s\n", worst < 1e-5 ? "all rows agree" : "ROWS DIFFER");
    return worst >= 1e-5;
}
