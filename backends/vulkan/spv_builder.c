/* spv_builder.c: sections, ids and interned declarations of a SPIR-V module in text. */
#include "backends/vulkan/spv_builder.h"

#include <string.h>

static const struct {
    const char *name, *extension;
} caps[SPV_CAP_COUNT] = {
    [SPV_CAP_COOPERATIVE_MATRIX] = { "CooperativeMatrixKHR", "SPV_KHR_cooperative_matrix" },
    [SPV_CAP_DENORM_PRESERVE] = { "DenormPreserve", "SPV_KHR_float_controls" },
    [SPV_CAP_FLOAT16] = { "Float16", NULL },
    [SPV_CAP_FLOAT64] = { "Float64", NULL },
    [SPV_CAP_SUBGROUP] = { "GroupNonUniform", NULL },
    [SPV_CAP_SHUFFLE] = { "GroupNonUniformShuffle", NULL },
    [SPV_CAP_SHUFFLE_RELATIVE] = { "GroupNonUniformShuffleRelative", NULL },
    [SPV_CAP_INT16] = { "Int16", NULL },
    [SPV_CAP_INT64] = { "Int64", NULL },
    [SPV_CAP_INT64_ATOMICS] = { "Int64Atomics", NULL },
    [SPV_CAP_INT8] = { "Int8", NULL },
    [SPV_CAP_ROUND_EVEN] = { "RoundingModeRTE", "SPV_KHR_float_controls" },
    [SPV_CAP_SHADER] = { "Shader", NULL },
    [SPV_CAP_SPECIAL_PRESERVE] = { "SignedZeroInfNanPreserve", "SPV_KHR_float_controls" },
    [SPV_CAP_STORAGE16] = { "StorageBuffer16BitAccess", NULL },
    [SPV_CAP_STORAGE8] = { "StorageBuffer8BitAccess", "SPV_KHR_8bit_storage" },
    [SPV_CAP_VULKAN_MEMORY] = { "VulkanMemoryModel", "SPV_KHR_vulkan_memory_model" },
};

enum { RESULT_COLUMN = 16 }; /* where "=" stands, so that opcodes line up */

void
spv_init(spv_builder *b, weft_arena *arena)
{
    *b = (spv_builder){ .arena = arena, .interned = weft_map_create(arena), .next = 1 };
    weft_idents_init(&b->names, arena, NULL);
    b->cap[SPV_CAP_SHADER] = true;
}

/* Whether capability i is the first in use that needs its extension. */
static bool
needs_extension(const spv_builder *b, int i)
{
    if (!b->cap[i] || !caps[i].extension)
        return false;
    for (int k = 0; k < i; k++)
        if (b->cap[k] && caps[k].extension && strcmp(caps[k].extension, caps[i].extension) == 0)
            return false;
    return true;
}

void
spv_finish(spv_builder *b, weft_str *out)
{
    const int column = RESULT_COLUMN + 2;
    for (int i = 0; i < SPV_CAP_COUNT; i++)
        if (b->cap[i])
            weft_str_addf(out, "%*sOpCapability %s\n", column, "", caps[i].name);
    for (int i = 0; i < SPV_CAP_COUNT; i++)
        if (needs_extension(b, i))
            weft_str_addf(out, "%*sOpExtension \"%s\"\n", column, "", caps[i].extension);
    if (b->glsl)
        weft_str_addf(out, "%*s = OpExtInstImport \"GLSL.std.450\"\n", RESULT_COLUMN - 1, "%glsl");
    weft_str_addf(out, "%*sOpMemoryModel Logical %s\n", column, "",
                  b->cap[SPV_CAP_VULKAN_MEMORY] ? "Vulkan" : "GLSL450");
    for (int i = 0; i < SPV_SECTION_COUNT; i++) {
        weft_str_add(out, weft_str_text(&b->section[i]));
        weft_str_free(&b->section[i]);
    }
}

spv_id
spv_new(spv_builder *b, const char *hint)
{
    if (!hint)
        return weft_arena_printf(b->arena, "%%%u", b->next++);
    return weft_arena_printf(b->arena, "%%%s", weft_idents_add(&b->names, hint));
}

/* ---- instructions ---------------------------------------------------------------------------- */

static void
line(weft_str *section, spv_id result, const char *text)
{
    if (result)
        weft_str_addf(section, "%*s = %s\n", RESULT_COLUMN - 1, result, text);
    else
        weft_str_addf(section, "%*s%s\n", RESULT_COLUMN + 2, "", text);
}

#define FORMAT(text)                                                                               \
    weft_str text = { 0 };                                                                         \
    va_list ap;                                                                                    \
    va_start(ap, fmt);                                                                             \
    weft_str_vaddf(&text, fmt, ap);                                                                \
    va_end(ap)

void
spv_add(spv_builder *b, spv_section section, const char *fmt, ...)
{
    FORMAT(text);
    if (section == SPV_CODE) {
        b->last = b->section[SPV_CODE].n;
        b->last_decoration = 0;
    }
    line(&b->section[section], NULL, weft_str_text(&text));
    weft_str_free(&text);
}

static void
add_result(spv_builder *b, spv_id id, const char *text)
{
    b->last = b->section[SPV_CODE].n;
    b->last_decoration = 0;
    line(&b->section[SPV_CODE], id, text);
}

void
spv_decorate_last(spv_builder *b, spv_id id, const char *decoration)
{
    b->last_decoration = b->section[SPV_DECORATION].n;
    spv_add(b, SPV_DECORATION, "OpDecorate %s %s", id, decoration);
}

/* "OpDecorate %12 RelaxedPrecision" of the last result, with its new name. */
static void
rename_decoration(spv_builder *b, size_t begin, spv_id id, spv_id name)
{
    weft_str *section = &b->section[SPV_DECORATION];
    const char *at = strstr(section->at + begin, id) + strlen(id) + 1;
    char *decoration = weft_arena_strndup(b->arena, at, strcspn(at, "\n"));
    section->n = begin;
    spv_add(b, SPV_DECORATION, "OpDecorate %s %s", name, decoration);
}

spv_id
spv_op(spv_builder *b, const char *fmt, ...)
{
    FORMAT(text);
    spv_id id = spv_new(b, NULL);
    add_result(b, id, weft_str_text(&text));
    weft_str_free(&text);
    return id;
}

void
spv_op_as(spv_builder *b, spv_id id, const char *fmt, ...)
{
    FORMAT(text);
    add_result(b, id, weft_str_text(&text));
    weft_str_free(&text);
}

spv_id
spv_rename_last(spv_builder *b, spv_id id, const char *hint)
{
    weft_str *code = &b->section[SPV_CODE];
    size_t n = strlen(id);
    if (b->last >= code->n)
        return id;
    const char *at = code->at + b->last;
    at += strspn(at, " ");
    if (strcmp(id, weft_arena_printf(b->arena, "%%%u", b->next - 1)) != 0 ||
        strncmp(at, id, n) != 0 || strncmp(at + n, " = ", 3) != 0)
        return id;
    char *rest = weft_arena_strdup(b->arena, at + n + 3);
    rest[strlen(rest) - 1] = 0; /* the line's end */
    code->n = b->last;
    b->next--; /* its number was the last given out */
    spv_id name = spv_new(b, hint);
    size_t decoration = b->last_decoration;
    add_result(b, name, rest);
    if (decoration)
        rename_decoration(b, decoration, id, name);
    return name;
}

/* ---- declarations ---------------------------------------------------------------------------- */

bool
spv_is_new(const spv_builder *b, const char *text)
{
    return weft_map_get(b->interned, text, strlen(text)) < 0;
}

spv_id
spv_declare(spv_builder *b, const char *hint, const char *fmt, ...)
{
    FORMAT(text);
    int64_t *slot = weft_map_slot(b->interned, weft_str_text(&text), text.n);
    if (*slot < 0) {
        *slot = b->ids.n;
        *WEFT_PUSH(b->arena, &b->ids) = spv_new(b, hint);
        line(&b->section[SPV_TYPE], b->ids.at[*slot], weft_str_text(&text));
    }
    weft_str_free(&text);
    return b->ids.at[*slot];
}
