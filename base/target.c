/* Names of APIs, device classes, numerics levels and needs. */
#include "base/target.h"

static const struct {
    const char *name, *extension;
} apis[WEFT_API_COUNT] = { /* ORDER: weft_api */
    [WEFT_API_INTERP] = { "interp", "wir" }, [WEFT_API_NULL] = { "null", "wir" },
    [WEFT_API_OPENCL] = { "opencl", "cl" },  [WEFT_API_VULKAN] = { "vulkan", "spvasm" },
    [WEFT_API_CUDA] = { "cuda", "cu" },      [WEFT_API_METAL] = { "metal", "metal" },
};

static const char *const classes[WEFT_CLASS_COUNT] = {
    [WEFT_CLASS_REFERENCE] = "reference",   [WEFT_CLASS_GPU] = "gpu",
    [WEFT_CLASS_MOBILE] = "mobile",         [WEFT_CLASS_VECTOR_CPU] = "vector-cpu",
    [WEFT_CLASS_LANE_CPU] = "lane-cpu",
};

static const char *const numerics[] = {
    [WEFT_STRICT] = "strict",
    [WEFT_DEFAULT] = "default",
    [WEFT_FAST] = "fast",
};

const char *
weft_api_name(weft_api a)
{
    return (unsigned)a < WEFT_API_COUNT ? apis[a].name : NULL;
}

const char *
weft_api_extension(weft_api a)
{
    return (unsigned)a < WEFT_API_COUNT ? apis[a].extension : NULL;
}

const char *
weft_class_name(weft_class c)
{
    return (unsigned)c < WEFT_CLASS_COUNT ? classes[c] : NULL;
}

const char *
weft_numerics_name(weft_numerics level)
{
    return (unsigned)level <= WEFT_FAST ? numerics[level] : NULL;
}

static const struct {
    const char *name, *words;
} needs[WEFT_NEED_COUNT] = {
#define NEED(field, text) { #field, text },
#include "base/need.def"
#undef NEED
};

const char *
weft_need_name(weft_need n)
{
    return needs[n].name;
}

const char *
weft_need_words(weft_need n)
{
    return needs[n].words;
}

bool
weft_target_has(const weft_target *t, weft_need n)
{
    const bool has[WEFT_NEED_COUNT] = {
#define NEED(field, words) t->field,
#include "base/need.def"
#undef NEED
    };
    return has[n];
}
