/* test_shim_halves.c: half and bfloat16 in both languages against base's conversions: every value,
 * roundings of floats, doubles and integers, arithmetic rounded once. */
#include "support.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 65536, BLOCK = 256 };

/* One text: results of 16 bits from two arrays of 16 bits, one of floats, one of doubles' bits. */
typedef struct program {
    int language;
    weft_dtype dtype;
    const char *name, *text;
    int nresult;
} program;

#define CUDA_HEAD(NAME)                                                                            \
    "extern \"C\" __global__ void " NAME "(const unsigned short *a, const unsigned short *b,\n"    \
    "    const float *f, const long long *d, unsigned short *out)\n"                               \
    "{\n    int i = blockIdx.x * 256 + threadIdx.x;\n"
#define METAL_HEAD(NAME)                                                                           \
    "#include <metal_stdlib>\nusing namespace metal;\n"                                            \
    "kernel void " NAME "(device const ushort *a [[buffer(0)]],\n"                                 \
    "    device const ushort *b [[buffer(1)]], device const float *f [[buffer(2)]],\n"             \
    "    device const long *d [[buffer(3)]], device ushort *out [[buffer(4)]],\n"                  \
    "    uint i [[thread_position_in_grid]])\n{\n"

/* Result k of element i: out[k * 65536 + i].  0 to 4: sum, difference, product, quotient, fma(x, y,
 * x); 5: of the float; 6: of x as float; then, in CUDA, of the double and of the integer. */
static const program programs[] = {
    { 0, WEFT_F16, "halves",
      "#include <cuda_fp16.h>\n" CUDA_HEAD(
          "halves") "    __half x = __ushort_as_half(a[i]), y = __ushort_as_half(b[i]);\n"
                    "    __half r[] = { x + y, x - y, x * y, x / y, __hfma(x, y, x), "
                    "__float2half(f[i]),\n"
                    "                   __float2half(__half2float(x)),\n"
                    "                   __double2half(__longlong_as_double(d[i])), __half(d[i] >> "
                    "20) };\n"
                    "    for (int k = 0; k < 9; k++)\n"
                    "        out[k * 65536 + i] = __half_as_ushort(r[k]);\n}\n",
      9 },
    { 0, WEFT_BF16, "bfloats",
      "#include <cuda_bf16.h>\n" CUDA_HEAD(
          "bfloats") "    __nv_bfloat16 x = __ushort_as_bfloat16(a[i]), y = "
                     "__ushort_as_bfloat16(b[i]);\n"
                     "    __nv_bfloat16 r[] = { x + y, x - y, x * y, x / y, __hfma(x, y, x),\n"
                     "        __float2bfloat16(f[i]), __float2bfloat16(__bfloat162float(x)),\n"
                     "        __double2bfloat16(__longlong_as_double(d[i])), __nv_bfloat16(d[i]) "
                     "};\n"
                     "    for (int k = 0; k < 9; k++)\n"
                     "        out[k * 65536 + i] = __bfloat16_as_ushort(r[k]);\n}\n",
      9 },
    { 1, WEFT_F16, "halves",
      METAL_HEAD("halves") "    half x = as_type<half>(a[i]), y = as_type<half>(b[i]);\n"
                           "    half r[] = { x + y, x - y, x * y, x / y, fma(x, y, x), half(f[i]), "
                           "half(float(x)) };\n"
                           "    for (int k = 0; k < 7; k++)\n"
                           "        out[k * 65536 + i] = as_type<ushort>(r[k]);\n}\n",
      7 },
    { 1, WEFT_BF16, "bfloats",
      METAL_HEAD("bfloats") "    bfloat x = as_type<bfloat>(a[i]), y = as_type<bfloat>(b[i]);\n"
                            "    bfloat r[] = { x + y, x - y, x * y, x / y, fma(x, y, x), "
                            "bfloat(f[i]), bfloat(float(x)) };\n"
                            "    for (int k = 0; k < 7; k++)\n"
                            "        out[k * 65536 + i] = as_type<ushort>(r[k]);\n}\n",
      7 },
};

typedef struct arguments {
    uint16_t a[COUNT], b[COUNT];
    float f[COUNT];
    union {
        double d;
        int64_t i;
    } d[COUNT];
    uint16_t out[9 * COUNT];
} arguments;

static uint64_t
next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return *state >> 11;
}

/* Every x; floats and doubles near the middle between two neighbours, and beyond all of them. */
static void
fill(arguments *v, weft_dtype t)
{
    uint64_t state = 1;
    for (int i = 0; i < COUNT; i++) {
        v->a[i] = (uint16_t)i;
        v->b[i] = (uint16_t)next(&state);
        double x = weft_get_f64(t, v->a, i),
               y = weft_get_f64(t, &(uint16_t){ (uint16_t)(i + 1) }, 0);
        double middle = (x + y) / 2, off = (double)((int)(next(&state) % 5) - 2);
        v->f[i] = nextafterf((float)middle, (float)(off * INFINITY));
        v->d[i].d = off == 0 ? middle : nextafter(middle, off * INFINITY);
        if (off == 0)
            v->f[i] = (float)middle;
        if (i % 16 == 0)
            v->f[i] =
                (float)ldexp((double)next(&state) - ldexp(1, 52), (int)(next(&state) % 200) - 150);
    }
}

/* x y + x in double.  Where that is not exact, the one of its two neighbours whose last bit is 1,
 * which is neither a number of 16 bits nor in the middle of two. */
static double
multiply_add(double x, double y)
{
    double p = x * y, s = p + x, other = s - p, lost = (p - (s - other)) + (x - other);
    bool odd = fmod(frexp(s, &(int){ 0 }) * 0x1p53, 2) != 0;
    return (lost > 0 || lost < 0) && !odd ? nextafter(s, lost * INFINITY) : s;
}

/* Rounded once to 16 bits by base; doubles hold the two's products exactly, and their sums but for
 * what no rounding sees. */
static uint16_t
expected(const arguments *v, weft_dtype t, int k, int i)
{
    double x = weft_get_f64(t, v->a, i), y = weft_get_f64(t, v->b, i), r = 0;
    uint16_t bits = 0;
    switch (k) {
    case 0:
        r = x + y;
        break;
    case 1:
        r = x - y;
        break;
    case 2:
        r = x * y;
        break;
    case 3:
        r = x / y;
        break;
    case 4:
        r = multiply_add(x, y);
        break;
    case 5:
        r = (double)v->f[i];
        break;
    case 6:
        r = x;
        break;
    case 7:
        r = v->d[i].d;
        break;
    default:
        r = t == WEFT_F16 ? (double)(v->d[i].i >> 20) : (double)v->d[i].i;
        break;
    }
    weft_set_f64(t, &bits, 0, r);
    return bits;
}

static bool
is_nan(weft_dtype t, uint16_t bits)
{
    return isnan(weft_get_f64(t, &bits, 0));
}

static int
compare(const arguments *v, const program *p)
{
    int wrong = 0;
    for (int k = 0; k < p->nresult; k++)
        for (int i = 0; i < COUNT; i++) {
            uint16_t want = expected(v, p->dtype, k, i), got = v->out[k * COUNT + i];
            bool same = got == want || (is_nan(p->dtype, want) && is_nan(p->dtype, got));
            if (!same && wrong++ < 10)
                print_error("%s, %s: result %d of %04x, %04x, %a, %a is %04x, not %04x\n",
                            support_device[p->language], p->name, k, (unsigned)v->a[i],
                            (unsigned)v->b[i], (double)v->f[i], v->d[i].d, (unsigned)got,
                            (unsigned)want);
        }
    return wrong;
}

#define CHECK(call)                                                                                \
    do {                                                                                           \
        if ((call) != WEFT_OK)                                                                     \
            fail_msg("%s", weft_diag_text(diag));                                                  \
    } while (0)

static void
run_program(weft_device *device, const program *p, arguments *v)
{
    const weft_driver *d = device->driver;
    weft_diag *diag = weft_diag_create();
    void *const data[] = { v->a, v->b, v->f, v->d, v->out };
    const int64_t bytes[] = { sizeof v->a, sizeof v->b, sizeof v->f, sizeof v->d, sizeof v->out };
    const weft_source source = { .name = p->name,
                                 .text = p->text,
                                 .size = strlen(p->text),
                                 .nbuffer = 5,
                                 .block = { BLOCK, 1, 1 } };
    weft_arg arg[5];
    weft_code *code = NULL;
    weft_batch *batch = NULL;
    CHECK(d->load(device, &source, 1, WEFT_STRICT, &code, diag));
    for (int i = 0; i < 5; i++) {
        arg[i] = (weft_arg){ NULL, 0, bytes[i], i == 4 };
        CHECK(d->alloc(device, bytes[i], &arg[i].memory, diag));
        CHECK(d->upload(device, arg[i].memory, 0, data[i], bytes[i], diag));
    }
    const weft_launch l = { .name = p->name,
                            .code = code,
                            .grid = { COUNT / BLOCK, 1, 1 },
                            .block = { BLOCK, 1, 1 },
                            .nbuffer = 5,
                            .buffer = arg };
    CHECK(d->record(device, &l, 1, &batch, diag));
    CHECK(d->submit(device, batch, NULL, diag));
    CHECK(d->sync(device, diag));
    CHECK(d->download(device, arg[4].memory, 0, v->out, sizeof v->out, diag));
    for (int i = 0; i < 5; i++)
        d->free(device, arg[i].memory);
    d->discard(device, batch);
    d->unload(device, code);
    weft_diag_destroy(diag);
}

static void
halves_are_rounded_once_as_base_rounds_them(void **state)
{
    arguments *v = calloc(1, sizeof *v);
    int wrong = 0;
    (void)state;
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        weft_device *device = support_open(programs[i].language, "forward");
        if (!device) {
            free(v);
            skip();
        }
        fill(v, programs[i].dtype);
        run_program(device, &programs[i], v);
        wrong += compare(v, &programs[i]);
        device->driver->close(device);
    }
    free(v);
    assert_int_equal(wrong, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(halves_are_rounded_once_as_base_rounds_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
