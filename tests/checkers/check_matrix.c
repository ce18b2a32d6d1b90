/* check_matrix.c: products in tiles, compiled by NVRTC: the machine code of those that the rules give to
 * matrix units has matrix instructions and no products of its own; what is fetched is copied asynchronously,
 * nothing is spilled, and a gathered product has no more instructions around its multiplications than it
 * should.  77 where there is no NVRTC. */
#include "compiler/compiler.h"

#include "backends/cuda/nvrtc.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Opcodes are the low 12 bits of an instruction of 16 bytes. */
enum { FFMA = 0x223, HMMA = 0x23c, IMMA = 0x237, LDGSTS = 0xfae, NOP = 0x918 };

typedef struct product {
    const char *name, *text;
    int multiplies; /* with this instruction */
    int bytes;      /* that a copy moves which may be on its way, the widest; 0: none is */
    double most;    /* instructions of the kernel for each multiplication in it; 0: any */
} product;

static const product products[] = {
    { "f16, whole tiles",
      "te p(A: f16[256, 512], B: f16[512, 384]) {\n"
      "    C[i < 256, j < 384] = sum(r < 512) f32(A[i, r]) * f32(B[r, j])\n}\n",
      HMMA, 16, 0 },
    { "f16, many tiles",
      "te p(A: f16[4096, 4096], B: f16[4096, 4096]) {\n"
      "    C[i < 4096, j < 4096] = sum(r < 4096) f32(A[i, r]) * f32(B[r, j])\n}\n",
      HMMA, 16, 8 },
    { "bf16, odd sizes, bias",
      "te p(A: bf16[100, 70], B: bf16[90, 70], bias: f32[90]) {\n"
      "    C[i < 100, j < 90] = sum(r < 70) f32(A[i, r]) * f32(B[j, r])\n"
      "    D[i < 100, j < 90] = bf16(max(C[i, j] + bias[j], 0.0))\n}\n",
      HMMA, 4, 0 },
    { "i8",
      "te p(A: i8[128, 256], B: i8[192, 256]) {\n"
      "    C[i < 128, j < 192] = sum(r < 256) i32(A[i, r]) * i32(B[j, r])\n}\n",
      IMMA, 16, 0 },
    { "f16, batches, sizes of the launch",
      "te p(A: f16[b, m, k], B: f16[k, n]) {\n"
      "    C[h < b, i < m, j < n] = sum(r < k) f32(A[h, i, r]) * f32(B[r, j])\n}\n",
      HMMA, 0, 0 },
    { "f16, convolution",
      "te p(X: f16[2, 64, 58, 58], W: f16[64, 64, 3, 3]) {\n"
      "    C[n < 2, m < 64, y < 56, x < 56] = sum(c < 64, ky < 3, kx < 3)\n"
      "        f32(X[n, c, y + ky, x + kx]) * f32(W[m, c, ky, kx])\n}\n",
      HMMA, 16, 10 },
    { "f16, convolution, batch of the launch",
      "te p(X: f16[b, 64, 58, 58], W: f16[64, 64, 3, 3]) {\n"
      "    C[n < b, m < 64, y < 56, x < 56] = sum(c < 64, ky < 3, kx < 3)\n"
      "        f32(X[n, c, y + ky, x + kx]) * f32(W[m, c, ky, kx])\n}\n",
      HMMA, 16, 15 },
    { "bf16, convolution, stride, edge, bias",
      "te p(X: bf16[2, 48, 29, 29], W: bf16[40, 48, 3, 3], bias: f32[40]) {\n"
      "    P[n < 2, c < 48, y < 31, x < 31] =\n"
      "        guard(y >= 1 && y < 30 && x >= 1 && x < 30, X[n, c, y - 1, x - 1], bf16(0.0))\n"
      "    C[n < 2, m < 40, y < 15, x < 15] = sum(c < 48, ky < 3, kx < 3)\n"
      "        f32(P[n, c, y * 2 + ky, x * 2 + kx]) * f32(W[m, c, ky, kx])\n"
      "    D[n < 2, m < 40, y < 15, x < 15] = bf16(max(C[n, m, y, x] + bias[m], 0.0))\n}\n",
      HMMA, 16, 24 },
    { "f16, convolution of points",
      "te p(X: f16[1, 256, 56, 56], W: f16[64, 256, 1, 1]) {\n"
      "    C[n < 1, m < 64, y < 56, x < 56] = sum(c < 256, ky < 1, kx < 1)\n"
      "        f32(X[n, c, y + ky, x + kx]) * f32(W[m, c, ky, kx])\n}\n",
      HMMA, 16, 8 },
    { "bf16, padded convolution by steps",
      "te p(X: bf16[1, 64, 28, 28], W: bf16[128, 64, 3, 3]) {\n"
      "    P[n < 1, c < 64, y < 30, x < 30] = guard(y >= 1 && y < 29 && x >= 1 && x < 29,\n"
      "        X[n, c, y - 1, x - 1], 0.0bf16)\n"
      "    C[n < 1, m < 128, y < 14, x < 14] = sum(c < 64, ky < 3, kx < 3)\n"
      "        f32(P[n, c, y * 2 + ky, x * 2 + kx]) * f32(W[m, c, ky, kx])\n}\n",
      HMMA, 16, 20 },
    { "f16, convolution of odd windows",
      "te p(X: f16[1, 3, 118, 118], W: f16[64, 3, 7, 7]) {\n"
      "    C[n < 1, m < 64, y < 112, x < 112] = sum(c < 3, ky < 7, kx < 7)\n"
      "        f32(X[n, c, y + ky, x + kx]) * f32(W[m, c, ky, kx])\n}\n",
      HMMA, 0, 0 },
    { "f32, many tiles",
      "te p(A: f32[4096, 4096], B: f32[4096, 4096]) {\n"
      "    C[i < 4096, j < 4096] = sum(r < 4096) A[i, r] * B[r, j]\n}\n",
      FFMA, 16, 1.3 },
    { "f32, odd sizes, B transposed",
      "te p(A: f32[1001, 333], B: f32[777, 333]) {\n"
      "    C[i < 1001, j < 777] = sum(r < 333) A[i, r] * B[j, r]\n}\n",
      FFMA, 4, 2 },
    { "f32, convolution",
      "te p(X: f32[1, 64, 58, 58], W: f32[64, 64, 3, 3]) {\n"
      "    C[n < 1, m < 64, y < 56, x < 56] = sum(c < 64, ky < 3, kx < 3)\n"
      "        X[n, c, y + ky, x + kx] * W[m, c, ky, kx]\n}\n",
      FFMA, 16, 1.8 },
    { "f32, convolution of points",
      "te p(X: f32[1, 256, 56, 56], W: f32[64, 256, 1, 1]) {\n"
      "    C[n < 1, m < 64, y < 56, x < 56] = sum(c < 256, ky < 1, kx < 1)\n"
      "        X[n, c, y + ky, x + kx] * W[m, c, ky, kx]\n}\n",
      FFMA, 16, 1.6 },
    { "f32, convolution of a small map",
      "te p(X: f32[1, 256, 16, 16], W: f32[256, 256, 3, 3]) {\n"
      "    C[n < 1, m < 256, y < 14, x < 14] = sum(c < 256, ky < 3, kx < 3)\n"
      "        X[n, c, y + ky, x + kx] * W[m, c, ky, kx]\n}\n",
      FFMA, 16, 1.8 },
    { "f32, sizes of the launch",
      "te p(A: f32[m, k], B: f32[k, n]) {\n"
      "    C[i < m, j < n] = sum(r < k) A[i, r] * B[r, j]\n}\n",
      FFMA, 4, 2.2 },
};

/* How often each opcode stands in the code of a CUBIN's kernels; how many instructions there are. */
static int
count(const char *image, int *times)
{
    const Elf64_Ehdr *head = (const void *)image;
    const Elf64_Shdr *section = (const void *)(image + head->e_shoff);
    const char *names = image + section[head->e_shstrndx].sh_offset;
    int n = 0;
    for (int i = 0; i < head->e_shnum; i++) {
        if (strncmp(names + section[i].sh_name, ".text.", 6) != 0)
            continue;
        for (size_t at = 0; at + 16 <= section[i].sh_size; at += 16) {
            uint64_t word;
            memcpy(&word, image + section[i].sh_offset + at, sizeof word);
            times[word & 0xfff]++;
            n += (word & 0xfff) != NOP;
        }
    }
    return n;
}

/* Bytes of the widest asynchronous copy in a kernel's text: copy(&to[..], &from[..], bytes..); */
static int
widest_copy(const char *text)
{
    int most = 0;
    while ((text = strstr(text, "__pipeline_memcpy_async("))) {
        size_t line = strcspn(text, "\n");
        const char *bytes = text + line;
        while (bytes > text && strncmp(bytes, "], ", 3) != 0)
            bytes--;
        most = atoi(bytes + 3) > most ? atoi(bytes + 3) : most;
        text += line;
    }
    return most;
}

static int
check(const weft_nvrtc *n, const product *p, const char *target, int arch)
{
    int times[4096] = { 0 };
    weft_diag *diag = weft_diag_create();
    weft_str options = { 0 }, log = { 0 };
    bool exact = false;
    void *image = NULL;
    size_t size;
    weft_te *te = weft_te_parse(p->name, p->text, diag);
    char *text = te ? weft_te_show(te, target, "source", diag) : NULL;
    bool made = text && !weft_nvrtc_options(n, arch, WEFT_DEFAULT, &exact, &options, diag) &&
                !weft_nvrtc_image(n, "p", text, options.at, exact, diag, &log, &image, &size);
    int bad = !made || !exact;
    if (bad) {
        printf("%s on %s: %s\n", p->name, target, weft_diag_text(diag));
    } else {
        int all = count(image, times);
        double each = times[p->multiplies] ? (double)all / times[p->multiplies] : 0;
        bool spills = !strstr(weft_str_text(&log), "0 bytes spill stores, 0 bytes spill loads");
        printf("%-38s %s: %3d HMMA %3d IMMA %4d FFMA %3d LDGSTS of %2d %5.2f a product%s\n",
               p->name, target, times[HMMA], times[IMMA], times[FFMA], times[LDGSTS],
               widest_copy(text), each, spills ? ", spills" : "");
        bad = times[p->multiplies] == 0 || (p->multiplies != FFMA && times[FFMA] > 0) || spills ||
              (times[LDGSTS] > 0) != (p->bytes > 0) || widest_copy(text) != p->bytes ||
              (p->most > 0 && each > p->most);
        if (bad)
            printf("%s\n%s\n", weft_str_text(&log), text);
    }
    if (te)
        weft_te_destroy(te);
    free(text);
    free(image);
    weft_str_free(&options);
    weft_str_free(&log);
    weft_diag_destroy(diag);
    return bad;
}

int
main(void)
{
    weft_nvrtc n;
    weft_str why = { 0 };
    int bad = 0;
    if (!weft_nvrtc_open(&n, &why)) {
        printf("skipped: %s\n", weft_str_text(&why));
        weft_str_free(&why);
        return 77;
    }
    for (size_t i = 0; i < sizeof products / sizeof *products; i++) {
        bad += check(&n, &products[i], "cuda:sm_80", 80);
        bad += check(&n, &products[i], "cuda:sm_90", 90);
    }
    return bad != 0;
}
