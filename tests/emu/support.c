/* What the tests of emulated devices share. */
#include "support.h"

const char *const support_device[NLANGUAGE] = { "cuda-emu", "metal-emu" };

static const char *const head[NLANGUAGE] = {
    "extern \"C\" __global__ void\n"
    "%s(const float *in, float *out, int n)\n"
    "{\n"
    "    int tx = threadIdx.x, bx = blockIdx.x;\n",
    "#include <metal_stdlib>\n"
    "using namespace metal;\n"
    "kernel void %s(device const float *in [[buffer(0)]], device float *out [[buffer(1)]],\n"
    "    constant int &n [[buffer(2)]], uint3 block_at [[threadgroup_position_in_grid]],\n"
    "    uint3 thread_at [[thread_position_in_threadgroup]]) {\n"
    "    int tx = thread_at.x, bx = block_at.x;\n",
};

static const char *const word[][1 + NLANGUAGE] = {
    { "@sharedp", "", "threadgroup" },
    { "@shared", "__shared__", "threadgroup" },
    { "@devicep", "", "device" },
    { "@barriers", "__syncthreads()",
      "threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device)" },
    { "@add1_to", "atomicAdd((int *)", "atomic_fetch_add_explicit((threadgroup atomic_int *)" },
    { "@atomically", ", 1)", ", 1, memory_order_relaxed)" },
    { "@barrier", "__syncthreads()", "threadgroup_barrier(mem_flags::mem_threadgroup)" },
};

char *
support_text(int language, const kernel *k)
{
    weft_str text = { 0 };
    char line[800];
    snprintf(line, sizeof line, language ? head[1] : head[0], k->name);
    weft_str_add(&text, line);
    for (const char *p = k->body; *p;) {
        size_t skip = 0;
        for (size_t i = 0; i < sizeof word / sizeof *word && !skip && *p == '@'; i++)
            if (!strncmp(p, word[i][0], strlen(word[i][0]))) {
                weft_str_add(&text, word[i][1 + language]);
                skip = strlen(word[i][0]);
            }
        if (!skip)
            weft_str_addn(&text, p, 1);
        p += skip ? skip : 1;
    }
    weft_str_add(&text, "\n}\n");
    return weft_str_take(&text);
}

weft_device *
support_open(int language, const char *order)
{
    weft_drivers all = weft_linked_drivers();
    weft_diag *diag = weft_diag_create();
    weft_device *device = NULL;
    weft_str why = { 0 };
    bool usable = true;
    for (int i = 0; i < all.n; i++)
        if (!strcmp(all.at[i]->name, support_device[language]))
            usable = all.at[i]->count(&why) > 0;
    if (!usable)
        print_message("%s: %s\n", support_device[language], weft_str_text(&why));
    weft_str_free(&why);
    if (!usable)
        return NULL;
    setenv("WEFT_EMU_ORDER", order, 1);
    if (weft_device_open(&all, support_device[language], diag, &device))
        fail_msg("%s", weft_diag_text(diag));
    weft_diag_destroy(diag);
    return device;
}

weft_code *
support_load(weft_device *device, int language, const kernel *k, int n)
{
    static const uint8_t scalar[] = { WEFT_I32 };
    weft_source *source = calloc((size_t)n, sizeof *source);
    weft_diag *diag = weft_diag_create();
    weft_code *code = NULL;
    for (int i = 0; i < n; i++) {
        char *text = support_text(language, &k[i]);
        source[i] = (weft_source){ .name = k[i].name,
                                   .text = text,
                                   .size = strlen(text),
                                   .nbuffer = 2,
                                   .nscalar = 1,
                                   .scalar = scalar,
                                   .block = { k[i].block, 1, 1 } };
    }
    if (device->driver->load(device, source, n, WEFT_DEFAULT, &code, diag))
        fail_msg("%s", weft_diag_text(diag));
    for (int i = 0; i < n; i++) {
        void *text;
        memcpy(&text, &source[i].text, sizeof text);
        free(text);
    }
    free(source);
    weft_diag_destroy(diag);
    return code;
}

run
support_run(weft_device *device, const weft_code *code, const kernel *k, int index)
{
    return support_run_with(device, code, k, index, 1);
}

run
support_run_with(weft_device *device, const weft_code *code, const kernel *k, int index,
                 int nscalar)
{
    const weft_driver *d = device->driver;
    weft_diag *diag = weft_diag_create();
    weft_memory *in, *out;
    weft_batch *batch = NULL;
    run r = { 0 };
    float data[N];
    for (int i = 0; i < N; i++)
        data[i] = (float)i;
    assert_int_equal(d->alloc(device, sizeof data, &in, diag), WEFT_OK);
    assert_int_equal(d->alloc(device, sizeof data, &out, diag), WEFT_OK);
    assert_int_equal(d->upload(device, in, 0, data, sizeof data, diag), WEFT_OK);
    memset(data, 0, sizeof data);
    assert_int_equal(d->upload(device, out, 0, data, sizeof data, diag), WEFT_OK);
    bool kept = strstr(k->name, "read_only") != NULL; /* the launch does not say that it writes */
    const weft_arg arg[] = { { in, 0, sizeof data, false }, { out, 0, sizeof data, !kept } };
    const int64_t n = N;
    weft_launch l = { .name = k->name,
                      .code = code,
                      .kernel = index,
                      .grid = { k->grid, 1, 1 },
                      .block = { k->block, 1, 1 },
                      .nbuffer = 2,
                      .nscalar = nscalar,
                      .buffer = arg,
                      .scalar = &n };
    r.status = d->record(device, &l, 1, &batch, diag);
    if (!r.status)
        r.status = d->submit(device, batch, NULL, diag);
    if (!r.status)
        r.status = d->sync(device, diag);
    assert_int_equal(d->download(device, out, 0, r.out, sizeof r.out, diag), WEFT_OK);
    if (batch)
        d->discard(device, batch);
    d->free(device, in);
    d->free(device, out);
    r.message = strdup(weft_diag_text(diag));
    weft_diag_destroy(diag);
    return r;
}

void
support_free(run *r)
{
    free(r->message);
    r->message = NULL;
}

weft_device *
support_open_spirv(void)
{
    weft_drivers all = weft_linked_drivers();
    weft_device *device = NULL;
    weft_diag *diag = weft_diag_create();
    if (weft_vulkan_emu_driver.count(NULL) > 0 &&
        weft_device_open(&all, "vulkan-emu", diag, &device))
        fail_msg("%s", weft_diag_text(diag));
    weft_diag_destroy(diag);
    return device;
}

run
support_run_spirv(weft_device *device, const char *text, const char *lines, int threads, int subgroup)
{
    const kernel turn = { "turn", NULL, 1, threads, { NULL } };
    weft_diag *diag = weft_diag_create();
    weft_str whole = { 0 };
    weft_code *code = NULL;
    run r = { 0 };
    const char *at = strchr(text, '@');
    weft_str_addn(&whole, text, (size_t)(at - text));
    weft_str_add(&whole, lines);
    weft_str_add(&whole, at + 1);
    weft_source source = { .name = "turn",
                           .text = weft_str_text(&whole),
                           .size = whole.n,
                           .nbuffer = 2,
                           .block = { threads, 1, 1 },
                           .subgroup = subgroup };
    r.status = device->driver->load(device, &source, 1, WEFT_DEFAULT, &code, diag);
    if (r.status) {
        r.message = strdup(weft_diag_text(diag));
    } else {
        r = support_run_with(device, code, &turn, 0, 0);
        device->driver->unload(device, code);
    }
    weft_str_free(&whole);
    weft_diag_destroy(diag);
    return r;
}
