/* OpenCL: a device's profile from what it reports. */
#include "backends/opencl/device_priv.h"

#include <string.h>
#include <unistd.h>

/* A text that a device reports, cut to fit. */
static void
device_text(const weft_cl_device *d, cl_device_info what, char *out, size_t size)
{
    weft_arena arena = { 0 };
    size_t n = 0;
    out[0] = 0;
    if (d->api.clGetDeviceInfo(d->id, what, 0, NULL, &n) == CL_SUCCESS && n) {
        char *text = weft_arena_alloc(&arena, n + 1);
        d->api.clGetDeviceInfo(d->id, what, n, text, NULL);
        snprintf(out, size, "%s", text);
    }
    weft_arena_reset(&arena);
}

/* A number of whatever width the device reports it in; 0 where it does not. */
static int64_t
get_number(const weft_cl_device *d, cl_device_info what)
{
    uint64_t wide = 0;
    uint32_t narrow = 0;
    size_t n = 0;
    if (d->api.clGetDeviceInfo(d->id, what, 0, NULL, &n) != CL_SUCCESS)
        return 0;
    if (n == sizeof wide)
        d->api.clGetDeviceInfo(d->id, what, n, &wide, NULL);
    else if (n == sizeof narrow)
        d->api.clGetDeviceInfo(d->id, what, n, &narrow, NULL);
    else
        return 0;
    uint64_t v = n == sizeof wide ? wide : narrow;
    return v > INT64_MAX ? INT64_MAX : (int64_t)v;
}

/* The widths of floats, added up, for which the device reports the property. */
static int
float_widths(const weft_cl_device *d, cl_device_fp_config property)
{
    static const struct {
        cl_device_info what;
        int width;
    } floats[] = { { CL_DEVICE_HALF_FP_CONFIG, 16 },
                   { CL_DEVICE_SINGLE_FP_CONFIG, 32 },
                   { CL_DEVICE_DOUBLE_FP_CONFIG, 64 } };
    int widths = 0;
    for (size_t i = 0; i < sizeof floats / sizeof *floats; i++)
        if ((cl_device_fp_config)get_number(d, floats[i].what) & property)
            widths += floats[i].width;
    return widths;
}

static bool
has_extension(const char *all, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = all; (p = strstr(p, name)); p += n)
        if ((p == all || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
            return true;
    return false;
}

static void
query_launch(const weft_cl_device *d, weft_target *t)
{
    size_t sizes[3] = { 1, 1, 1 };
    d->api.clGetDeviceInfo(d->id, CL_DEVICE_MAX_WORK_ITEM_SIZES, sizeof sizes, sizes, NULL);
    t->max_threads = get_number(d, CL_DEVICE_MAX_WORK_GROUP_SIZE);
    for (int i = 0; i < 3; i++) {
        t->max_block[i] = (int64_t)sizes[i];
        t->max_grid[i] = INT32_MAX;
    }
    t->shared_bytes = get_number(d, CL_DEVICE_LOCAL_MEM_SIZE);
    t->subgroup = 1;
}

static void
query_memory(const weft_cl_device *d, weft_target *t)
{
    int64_t arguments = get_number(d, CL_DEVICE_MAX_PARAMETER_SIZE);
    t->max_alloc = get_number(d, CL_DEVICE_MAX_MEM_ALLOC_SIZE);
    t->max_range = t->max_alloc;
    t->offset_align = get_number(d, CL_DEVICE_MEM_BASE_ADDR_ALIGN) / 8;
    if (t->offset_align < 4)
        t->offset_align = 4;
    t->scalar_bytes = arguments / 4; /* a quarter for scalars, the rest for pointers */
    t->max_buffers = (int)((arguments - t->scalar_bytes) / 8);
}

static void
query_arithmetic(const weft_cl_device *d, weft_target *t)
{
    char extensions[8192];
    device_text(d, CL_DEVICE_EXTENSIONS, extensions, sizeof extensions);
    t->vector_lanes = t->cls == WEFT_CLASS_VECTOR_CPU
                          ? (int)get_number(d, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT)
                          : WEFT_GPU_LANES;
    if (t->vector_lanes < 1)
        t->vector_lanes = 1;
    t->f16 = has_extension(extensions, "cl_khr_fp16");
    t->f64 = get_number(d, CL_DEVICE_DOUBLE_FP_CONFIG) != 0;
    t->denorm_preserve = float_widths(d, CL_FP_DENORM);
    t->round_division = float_widths(d, CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT);
    if (t->f64)
        t->round_division |= 64; /* of double, OpenCL has no other */
    t->i8 = t->i16 = t->i64 = true;
    t->storage8 = t->storage16 = true;
}

/* Rough figures: OpenCL reports clocks and units, not throughput. */
static void
query_cost(const weft_cl_device *d, bool is_cpu, weft_target *t)
{
    double ghz = (double)get_number(d, CL_DEVICE_MAX_CLOCK_FREQUENCY) * 1e-3;
    t->cores = (int)get_number(d, CL_DEVICE_MAX_COMPUTE_UNITS);
    if (ghz <= 0)
        ghz = 1;
    double lanes = is_cpu ? 2.0 * t->vector_lanes : 64;
    t->gflops = 2 * lanes * ghz * t->cores;
    t->gbytes = is_cpu ? 8.0 * t->cores : 10.0 * t->cores;
    t->cache_bytes = 512 << 10;
    t->registers = is_cpu                        ? (t->vector_lanes >= 16 ? 32 : 16)
                   : t->cls == WEFT_CLASS_MOBILE ? 64
                                                 : 128;
#ifdef _SC_LEVEL2_CACHE_SIZE
    if (is_cpu && sysconf(_SC_LEVEL2_CACHE_SIZE) > 0)
        t->cache_bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
}

/* A profile's name from the device's: lower case, words joined by '-'. */
static void
profile_name(char *out, size_t size, const char *name)
{
    size_t n = 0;
    for (; *name && n + 1 < size; name++) {
        char c = *name >= 'A' && *name <= 'Z' ? (char)(*name - 'A' + 'a') : *name;
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.';
        if (plain)
            out[n++] = c;
        else if (n && out[n - 1] != '-')
            out[n++] = '-';
    }
    while (n && out[n - 1] == '-')
        n--;
    out[n] = 0;
}

/* OpenCL does not say: by the name of the family. */
static bool
is_mobile(const char *name)
{
    static const char *const families[] = { "Mali",    "Immortalis", "Adreno",
                                            "PowerVR", "Vivante",    "VideoCore" };
    bool any = false;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        any = any || strstr(name, families[i]);
    return any;
}

void
weft_cl_query(weft_cl_device *d, int index)
{
    weft_device_info *info = &d->base.info;
    weft_target *t = &info->target;
    char version[64], driver[48], language[64];
    bool is_cpu = (get_number(d, CL_DEVICE_TYPE) & CL_DEVICE_TYPE_CPU) != 0;
    snprintf(info->id, sizeof info->id, index ? "opencl:%d" : "opencl", index);
    device_text(d, CL_DEVICE_NAME, info->name, sizeof info->name);
    device_text(d, CL_DEVICE_VERSION, version, sizeof version);
    device_text(d, CL_DRIVER_VERSION, driver, sizeof driver);
    snprintf(info->driver, sizeof info->driver, "%s, driver %s", version, driver);
    device_text(d, CL_DEVICE_OPENCL_C_VERSION, language, sizeof language);
    snprintf(d->cl_std, sizeof d->cl_std,
             strncmp(language, "OpenCL C 1.1", 12) ? "CL1.2" : "CL1.1");
    d->global_bytes = get_number(d, CL_DEVICE_GLOBAL_MEM_SIZE);
    bool is_pocl = is_cpu && strstr(version, "PoCL");
    d->keeps_kernels = strstr(version, "PoCL") != NULL;
    info->checks_bounds = strstr(version, "Oclgrind") || strstr(info->name, "Oclgrind");
    profile_name(t->name, sizeof t->name, is_pocl ? "pocl" : info->name);
    bool is_llvmpipe = is_cpu && !strncmp(info->name, "llvmpipe", 8);
    t->max_iterations = is_llvmpipe ? WEFT_LLVMPIPE_ITERATIONS : 0;
    t->api = WEFT_API_OPENCL;
    t->cls = is_cpu                  ? WEFT_CLASS_VECTOR_CPU
             : is_mobile(info->name) ? WEFT_CLASS_MOBILE
                                     : WEFT_CLASS_GPU;
    t->one_program = is_cpu;
    query_launch(d, t);
    query_memory(d, t);
    query_arithmetic(d, t);
    query_cost(d, is_cpu, t);
    d->workers = is_pocl ? t->cores : 0;
}
