/* support_numerics.c: running a kernel unlegalised and legalised, and comparing. */
#include "support_numerics.h"

#include "ir/interp.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CHECK(call)                                                                                \
    do {                                                                                           \
        if ((call) != WEFT_OK)                                                                     \
            fail_msg("%s: %s", #call, weft_diag_text(diag));                                       \
    } while (0)

static size_t
bytes_of(const numeric_case *t, int param)
{
    return (size_t)t->count[param] * (size_t)weft_dtype_bits(t->dtype[param]) / 8;
}

static int
add_param(numeric_case *t, weft_dtype dtype, int64_t n)
{
    int i = t->ninput + t->noutput;
    assert_true(i < NUMERIC_PARAMS);
    t->dtype[i] = dtype;
    t->count[i] = n;
    t->data[i] = calloc(1, bytes_of(t, i) + 1);
    return i;
}

int
add_input(numeric_case *t, weft_dtype dtype, int64_t n)
{
    assert_int_equal(t->noutput, 0);
    int i = add_param(t, dtype, n);
    t->ninput++;
    return i;
}

int
add_output(numeric_case *t, weft_dtype dtype, int64_t n)
{
    int i = add_param(t, dtype, n);
    t->noutput++;
    return i;
}

void
drop_case(numeric_case *t)
{
    for (int i = 0; i < t->ninput + t->noutput; i++)
        free(t->data[i]);
    weft_str_free(&t->text);
    free(t);
}

static bool
lives_in_bytes(weft_dtype t)
{
    return (weft_is_float(t) && weft_dtype_bits(t) == 8) || weft_dtype_bits(t) < 8;
}

bool
has_types(const numeric_case *t, const weft_target *target)
{
    weft_caps caps;
    weft_backend_of(target->api)->caps(target, &caps);
    for (int i = 0; i < t->ninput + t->noutput; i++)
        if (!caps.storage[t->dtype[i]] && t->dtype[i] != WEFT_BF16 && t->dtype[i] != WEFT_BOOL &&
            !lives_in_bytes(t->dtype[i]))
            return false;
    return true;
}

/* ---- kernels --------------------------------------------------------------------------------- */

static weft_kernel *
read_kernel(const numeric_case *t, weft_ir *ir, weft_diag *diag)
{
    weft_kernel *const *kernels;
    int n = 0;
    ir->diag = diag;
    if (weft_parse_kernels(ir, t->name, weft_str_text(&t->text), &n, &kernels) != WEFT_OK)
        fail_msg("%s\n%s", weft_diag_text(diag), weft_str_text(&t->text));
    assert_int_equal(n, 1);
    return kernels[0];
}

static weft_status
legalise(weft_kernel *k, const weft_target *target, weft_diag *diag)
{
    weft_caps caps;
    weft_lower_options options = {
        .target = target, .caps = &caps, .numerics = WEFT_DEFAULT, .roundtrip = true
    };
    weft_backend_of(target->api)->caps(target, &caps);
    return weft_run_passes(k, "vectorize,simplify,barriers,legalize,hoist", &options, diag);
}

static weft_kernel *
legalised(const numeric_case *t, weft_ir *ir, const weft_target *target, weft_diag *diag)
{
    weft_kernel *k = read_kernel(t, ir, diag);
    if (legalise(k, target, diag) != WEFT_OK)
        fail_msg("%s for %s:%s: %s", t->name, weft_api_name(target->api), target->name,
                 weft_diag_text(diag));
    return k;
}

bool
is_refused(const numeric_case *t, const weft_target *target)
{
    weft_diag *diag = weft_diag_create();
    weft_ir *ir = weft_ir_create(diag);
    bool refused =
        t->may_refuse && legalise(read_kernel(t, ir, diag), target, diag) == WEFT_UNSUPPORTED;
    if (refused)
        assert_non_null(strstr(weft_diag_text(diag), target->name));
    weft_ir_destroy(ir);
    weft_diag_destroy(diag);
    return refused;
}

static void
interpret(const weft_kernel *k, const numeric_case *t, void *const *data, weft_diag *diag)
{
    weft_interp_buffer buffer[NUMERIC_PARAMS];
    weft_interp_options options = { .threads = 1 };
    for (int i = 0; i < k->nparam; i++)
        buffer[i] = (weft_interp_buffer){ data[i], t->count[i], i < t->ninput, i >= t->ninput };
    weft_interp *interp = weft_interp_create(k, &options, diag);
    if (!interp || weft_interp_run(interp, buffer, NULL, diag) != WEFT_OK)
        fail_msg("%s: %s", t->name, weft_diag_text(diag));
    weft_interp_destroy(interp);
}

void
settle(numeric_case *t)
{
    weft_diag *diag = weft_diag_create();
    weft_ir *ir = weft_ir_create(diag);
    interpret(read_kernel(t, ir, diag), t, t->data, diag);
    weft_ir_destroy(ir);
    weft_diag_destroy(diag);
}

/* ---- comparing ------------------------------------------------------------------------------- */

static double
ulp_of(weft_dtype t, double v)
{
    static const int least[WEFT_DTYPE_COUNT] = {
        [WEFT_F16] = -14, [WEFT_BF16] = -126, [WEFT_F32] = -126, [WEFT_F64] = -1022
    };
    int e;
    (void)frexp(v, &e);
    e = e - 1 < least[t] ? least[t] : e - 1;
    return ldexp(1, e - weft_dtype_mantissa(t));
}

static bool
same_float(weft_dtype t, double got, double want, const budget *b, bool on_device)
{
    double ulp = on_device ? b->device_ulp : b->ulp, most = weft_dtype_greatest(t);
    if (isnan(want) || isnan(got))
        return isnan(want) == isnan(got);
    if (isinf(want)) /* within the budget of overflow */
        return got == want ||
               (ulp > 1 &&
                fabs(got) > 0.99 * (isinf(most) ? ldexp(1, t == WEFT_F16 ? 16 : 128) : most));
    if (isinf(got))
        return false;
    double off = fabs(got - want), limit = ulp * ulp_of(t, want);
    bool tiny = fabs(want) < ldexp(1, t == WEFT_F64 ? -1021 : t == WEFT_F16 ? -14 : -125);
    if (tiny && off <= fabs(want) + limit && (got == 0 || ulp > 1)) /* flushed */
        return true;
    return off <= limit || (on_device && off <= b->device_abs);
}

static bool
same_element(const numeric_case *t, int param, int64_t i, const void *got, const budget *b,
             bool on_device)
{
    weft_dtype dtype = t->dtype[param];
    if (!weft_is_float(dtype))
        return weft_get_i64(dtype, got, i) == weft_get_i64(dtype, t->data[param], i);
    double want = weft_get_f64(dtype, t->data[param], i), have = weft_get_f64(dtype, got, i);
    double x = weft_get_f64(t->dtype[t->first], t->data[t->first], i % t->step);
    bool special = isnan(x) || isinf(x) || x == 0;
    if (!special && (x < b->lo || x > b->hi))
        return true;
    return same_float(dtype, have, want, b, on_device);
}

static int
compare(const numeric_case *t, int param, const void *got, const char *where, bool on_device)
{
    static const budget exact = { "", 0, 0, 0, -INFINITY, INFINITY };
    int differ = 0, last = -1;
    for (int64_t i = 0; i < t->count[param]; i++) {
        int s = (int)(i / t->step);
        const budget *b = s < t->nsection ? &t->section[s] : &exact;
        if (same_element(t, param, i, got, b, on_device))
            continue;
        differ++;
        if (s == last)
            continue;
        last = s;
        weft_str in = { 0 };
        for (int k = 0; k < t->ninput; k++)
            weft_str_addf(&in, " %.17g",
                          weft_get_f64(t->dtype[k], t->data[k], i % t->step % t->count[k]));
        print_error("%s on %s: parameter %d (%s) section %d (%s) [%lld] of%s is %.17g, not %.17g\n",
                    t->name, where, param, weft_dtype_name(t->dtype[param]), s, b->what,
                    (long long)(i % t->step), weft_str_text(&in),
                    weft_get_f64(t->dtype[param], got, i),
                    weft_get_f64(t->dtype[param], t->data[param], i));
        weft_str_free(&in);
    }
    return differ;
}

/* Inputs as they are, outputs empty. */
static void
copy_arguments(const numeric_case *t, void **data)
{
    for (int i = 0; i < t->ninput + t->noutput; i++) {
        data[i] = calloc(1, bytes_of(t, i) + 1);
        if (i < t->ninput)
            memcpy(data[i], t->data[i], bytes_of(t, i));
    }
}

int
check_legalised(const numeric_case *t, const weft_target *target)
{
    weft_diag *diag = weft_diag_create();
    weft_ir *ir = weft_ir_create(diag);
    void *data[NUMERIC_PARAMS];
    int differ = 0;
    copy_arguments(t, data);
    const weft_kernel *k = legalised(t, ir, target, diag);
    weft_str text = { 0 };
    if (weft_backend_of(target->api)->print(&text, k, target, WEFT_DEFAULT, diag) != WEFT_OK) {
        weft_print_kernel(&text, k);
        fail_msg("%s: %s", weft_diag_text(diag), weft_str_text(&text));
    }
    weft_str_free(&text);
    interpret(k, t, data, diag);
    for (int i = 0; i < t->ninput + t->noutput; i++) {
        if (i >= t->ninput)
            differ += compare(t, i, data[i], target->name, false);
        free(data[i]);
    }
    if (differ && getenv("WEFT_TEST_SHOW")) {
        weft_print_kernel(&text, k);
        print_message("%s", weft_str_text(&text));
        weft_str_free(&text);
    }
    weft_ir_destroy(ir);
    weft_diag_destroy(diag);
    return differ;
}

/* ---- devices --------------------------------------------------------------------------------- */

/* What a device's results are shown to. */
typedef struct verdict {
    numeric_judge *judge;
    void *user;
    int differ;
} verdict;

static void
run_case(weft_device *device, const weft_code *code, int index, const numeric_case *t,
         const weft_kernel *k, verdict *v, weft_diag *diag)
{
    const weft_driver *driver = device->driver;
    weft_arg arg[NUMERIC_PARAMS];
    weft_launch launch = {
        .name = t->name, .code = code, .kernel = index, .nbuffer = k->nparam, .buffer = arg
    };
    weft_batch *batch = NULL;
    void *data[NUMERIC_PARAMS];
    copy_arguments(t, data);
    for (int i = 0; i < k->nparam; i++) {
        arg[i] = (weft_arg){ NULL, 0, (int64_t)bytes_of(t, i), i >= t->ninput };
        CHECK(driver->alloc(device, arg[i].size, &arg[i].memory, diag));
        CHECK(driver->upload(device, arg[i].memory, 0, data[i], arg[i].size, diag));
    }
    for (int i = 0; i < 3; i++) {
        weft_as_int(k->grid[i], &launch.grid[i]);
        weft_as_int(k->block[i], &launch.block[i]);
    }
    CHECK(driver->record(device, &launch, 1, &batch, diag));
    CHECK(driver->submit(device, batch, NULL, diag));
    CHECK(driver->sync(device, diag));
    for (int i = 0; i < k->nparam; i++) {
        CHECK(driver->download(device, arg[i].memory, 0, data[i], arg[i].size, diag));
        if (i >= t->ninput)
            v->differ += v->judge(v->user, t, i, data[i], &device->info);
        driver->free(device, arg[i].memory);
        free(data[i]);
    }
    driver->discard(device, batch);
}

static weft_source
print_source(const weft_kernel *k, const weft_target *target, weft_numerics level, weft_diag *diag)
{
    weft_str text = { 0 };
    weft_source source = { .name = k->name, .nbuffer = k->nparam };
    CHECK(weft_backend_of(target->api)->print(&text, k, target, level, diag));
    for (int i = 0; i < 3; i++)
        weft_as_int(k->block[i], &source.block[i]);
    source.size = text.n;
    source.text = weft_str_take(&text);
    return source;
}

int
judge_on_device(const weft_driver *driver, weft_numerics level, int n, numeric_case *const *cases,
                numeric_judge *judge, void *user)
{
    verdict v = { judge, user, 0 };
    weft_diag *diag = weft_diag_create();
    weft_device *device = NULL;
    weft_code *code = NULL;
    weft_str why = { 0 };
    int found = driver->count(&why);
    if (found == 0) {
        print_message("no device: %s\n", weft_str_text(&why));
        weft_str_free(&why);
        weft_diag_destroy(diag);
        skip();
    }
    weft_str_free(&why);
    CHECK(driver->open(0, diag, &device));
    weft_source *source = calloc((size_t)n, sizeof *source);
    weft_kernel **kernel = calloc((size_t)n, sizeof *kernel);
    const numeric_case **can = calloc((size_t)n, sizeof *can);
    int ncan = 0;
    for (int i = 0; i < n; i++) {
        if (!has_types(cases[i], &device->info.target) ||
            is_refused(cases[i], &device->info.target))
            continue;
        weft_ir *ir = weft_ir_create(diag);
        kernel[ncan] = legalised(cases[i], ir, &device->info.target, diag);
        source[ncan] = print_source(kernel[ncan], &device->info.target, level, diag);
        can[ncan++] = cases[i];
    }
    CHECK(driver->load(device, source, ncan, level, &code, diag));
    for (int i = 0; i < ncan; i++) {
        run_case(device, code, i, can[i], kernel[i], &v, diag);
        weft_ir_destroy(kernel[i]->ir);
        free((char *)(uintptr_t)source[i].text);
    }
    driver->unload(device, code);
    driver->close(device);
    free(source);
    free(kernel);
    free(can);
    weft_diag_destroy(diag);
    return v.differ;
}

static int
judge_by_budget(void *user, const numeric_case *t, int param, const void *got,
                const weft_device_info *info)
{
    (void)user;
    return compare(t, param, got, info->id, true);
}

int
check_on_device(const weft_driver *driver, weft_numerics level, int n, numeric_case *const *cases)
{
    return judge_on_device(driver, level, n, cases, judge_by_budget, NULL);
}
