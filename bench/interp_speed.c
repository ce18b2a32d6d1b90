/* How many multiply-adds the interpreter does in a second of a core's time (which other programs do
 * not disturb) and of the clock: unscheduled convolutions and matrix products, and scheduled ones
 * in shared tiles, with checks, without, and on all cores. */
#include "ir/interp.h"

#include <stdlib.h>
#include <time.h>

typedef struct bench {
    const char *name, *text;
    int64_t count[3]; /* elements of A, B and the output C */
    double macs;
} bench;

static const bench benches[] = {
    { "convolution 3x3, padded",
      "kernel loops conv(A: f32[32, 28, 28], B: f32[64, 32, 3, 3], C: inout f32[64, 28, 28]) {\n"
      "  for oc in 0..64 parallel { for oy in 0..28 parallel { for ox in 0..28 parallel {\n"
      "    C[oc, oy, ox] = 0.0\n"
      "    for ic in 0..32 { for ky in 0..3 { for kx in 0..3 {\n"
      "      C[oc, oy, ox] = C[oc, oy, ox] + guard(oy + ky >= 1 && oy + ky < 29 && ox + kx >= 1 "
      "&&\n"
      "          ox + kx < 29, A[ic, oy + ky - 1, ox + kx - 1], 0.0) * B[oc, ic, ky, kx]\n"
      "    } } } } } } }",
      { 32 * 28 * 28, 64 * 32 * 9, 64 * 28 * 28 },
      64.0 * 28 * 28 * 32 * 9 },
    { "convolution 3x3, stride 2",
      "kernel loops conv(A: f32[32, 57, 57], B: f32[64, 32, 3, 3], C: inout f32[64, 28, 28]) {\n"
      "  for oc in 0..64 parallel { for oy in 0..28 parallel { for ox in 0..28 parallel {\n"
      "    C[oc, oy, ox] = 0.0\n"
      "    for ic in 0..32 { for ky in 0..3 { for kx in 0..3 {\n"
      "      C[oc, oy, ox] = C[oc, oy, ox] + A[ic, oy * 2 + ky, ox * 2 + kx] * B[oc, ic, ky, kx]\n"
      "    } } } } } } }",
      { 32 * 57 * 57, 64 * 32 * 9, 64 * 28 * 28 },
      64.0 * 28 * 28 * 32 * 9 },
    { "matrix product",
      "kernel loops gemm(A: f32[256, 256], B: f32[256, 256], C: inout f32[256, 256]) {\n"
      "  for i in 0..256 parallel { for j in 0..256 parallel {\n"
      "    C[i, j] = 0.0\n"
      "    for k in 0..256 { C[i, j] = C[i, j] + A[i, k] * B[k, j] } } } }",
      { 65536, 65536, 65536 },
      256.0 * 256 * 256 },
    { "matrix product, rows of 10",
      "kernel loops gemm(A: f32[1000, 512], B: f32[512, 10], C: inout f32[1000, 10]) {\n"
      "  for i in 0..1000 parallel { for j in 0..10 parallel {\n"
      "    C[i, j] = 0.0\n"
      "    for k in 0..512 { C[i, j] = C[i, j] + A[i, k] * B[k, j] } } } }",
      { 512000, 5120, 10000 },
      1000.0 * 10 * 512 },
    { "matrix product, 64 threads, shared tiles, 4x4 each",
      "kernel device gemm(A: f32[65536], B: f32[65536], C: out f32[65536]) no_alias\n"
      "  grid(8, 8, 1) block(8, 8, 1) {\n"
      "  alloc As: shared f32[256] alloc Bs: shared f32[256] alloc acc: local f32[16]\n"
      "  for by in 0..8 on block.y { for bx in 0..8 on block.x {\n"
      "  for ty in 0..8 on thread.y { for tx in 0..8 on thread.x {\n"
      "    for i in 0..16 { acc[i] = 0.0 }\n"
      "    for ko in 0..32 {\n"
      "      barrier shared\n"
      "      for c in 0..4 {\n"
      "        As[(ty * 8 + tx) + c * 64] = A[(by * 32 + c * 8 + ty) * 256 + ko * 8 + tx]\n"
      "        Bs[(ty * 8 + tx) + c * 64] = B[(ko * 8 + ty) * 256 + bx * 32 + c * 8 + tx]\n"
      "      }\n"
      "      barrier shared\n"
      "      for k in 0..8 { for i in 0..4 { for j in 0..4 {\n"
      "        acc[i * 4 + j] = acc[i * 4 + j] + As[i * 64 + ty * 8 + k] * Bs[j * 64 + k * 8 + "
      "tx]\n"
      "      } } }\n"
      "    }\n"
      "    for i in 0..4 { for j in 0..4 {\n"
      "      C[(by * 32 + i * 8 + ty) * 256 + bx * 32 + j * 8 + tx] = acc[i * 4 + j]\n"
      "    } }\n"
      "  } } } } }",
      { 65536, 65536, 65536 },
      256.0 * 256 * 256 },
    { "matrix product, 256 threads, shared tiles, 2x2 each",
      "kernel device gemm(A: f32[65536], B: f32[65536], C: out f32[65536]) no_alias\n"
      "  grid(8, 8, 1) block(16, 16, 1) {\n"
      "  alloc As: shared f32[512] alloc Bs: shared f32[512] alloc acc: local f32[4]\n"
      "  for by in 0..8 on block.y { for bx in 0..8 on block.x {\n"
      "  for ty in 0..16 on thread.y { for tx in 0..16 on thread.x {\n"
      "    for i in 0..4 { acc[i] = 0.0 }\n"
      "    for ko in 0..16 {\n"
      "      barrier shared\n"
      "      for c in 0..2 {\n"
      "        As[(ty * 16 + tx) + c * 256] = A[(by * 32 + c * 16 + ty) * 256 + ko * 16 + tx]\n"
      "        Bs[(ty * 16 + tx) + c * 256] = B[(ko * 16 + ty) * 256 + bx * 32 + c * 16 + tx]\n"
      "      }\n"
      "      barrier shared\n"
      "      for k in 0..16 { for i in 0..2 { for j in 0..2 {\n"
      "        acc[i * 2 + j] = acc[i * 2 + j] + As[i * 256 + ty * 16 + k] * Bs[j * 256 + k * 16 + "
      "tx]\n"
      "      } } }\n"
      "    }\n"
      "    for i in 0..2 { for j in 0..2 {\n"
      "      C[(by * 32 + i * 16 + ty) * 256 + bx * 32 + j * 16 + tx] = acc[i * 2 + j]\n"
      "    } }\n"
      "  } } } } }",
      { 65536, 65536, 65536 },
      256.0 * 256 * 256 },
};

typedef struct took {
    double core, clock; /* seconds */
} took;

/* The quickest of a few runs; core is negative after an error. */
static took
quickest(weft_interp *in, const weft_interp_buffer *b, weft_diag *diag)
{
    took best = { 1e9, 1e9 };
    for (int i = 0; i < 5; i++) {
        double start = weft_now();
        clock_t cpu = clock();
        if (weft_interp_run(in, b, NULL, diag))
            return (took){ -1, -1 };
        double core = (double)(clock() - cpu) / CLOCKS_PER_SEC, wall = weft_now() - start;
        best.core = core < best.core ? core : best.core;
        best.clock = wall < best.clock ? wall : best.clock;
    }
    return best;
}

static bool
measure(const bench *b, int threads, bool no_checks)
{
    weft_diag *diag = weft_diag_create();
    weft_ir *ir = weft_ir_create(diag);
    weft_interp_options options = { .threads = threads, .no_checks = no_checks };
    weft_kernel *const *kernel = NULL;
    int n = 0;
    float *data[3];
    weft_interp_buffer arg[3];
    for (int i = 0; i < 3; i++) {
        data[i] = calloc((size_t)b->count[i], sizeof(float));
        for (int64_t k = 0; data[i] && k < b->count[i]; k++)
            data[i][k] = (float)(k * 7919 % 1009) * 0x1p-10f;
        arg[i] = (weft_interp_buffer){ data[i], b->count[i], i < 2, i == 2 };
    }
    weft_interp *in = NULL;
    if (weft_parse_kernels(ir, b->name, b->text, &n, &kernel) == WEFT_OK)
        in = weft_interp_create(kernel[0], &options, diag);
    took t = in ? quickest(in, arg, diag) : (took){ -1, -1 };
    if (t.core >= 0)
        printf("%-52s %d thread%s %s  M multiply-adds/s: %7.1f a core, %7.1f by the clock\n",
               b->name, threads, threads == 1 ? " " : "s", no_checks ? "unchecked" : "checked  ",
               b->macs / t.core / 1e6, b->macs / t.clock / 1e6);
    else
        fputs(weft_diag_text(diag), stderr);
    weft_interp_destroy(in);
    weft_ir_destroy(ir);
    weft_diag_destroy(diag);
    for (int i = 0; i < 3; i++)
        free(data[i]);
    return t.core >= 0;
}

int
main(void)
{
    bool ok = true;
    for (size_t i = 0; i < sizeof benches / sizeof *benches; i++) {
        ok &= measure(&benches[i], 1, false);
        ok &= measure(&benches[i], 1, true);
        if (weft_cpu_count() > 1)
            ok &= measure(&benches[i], weft_cpu_count(), false);
    }
    return ok ? 0 : 1;
}
