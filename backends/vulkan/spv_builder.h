/* backends/vulkan/spv_builder.h: a SPIR-V module as text for spirv-as, section by section.
 *
 * Instructions may be added in any order: each goes to its section, and the sections are joined in
 * the order the specification lays down.  An id is its text, "%float"; ids made for results are
 * numbers, declarations and whatever a person would name have names.
 */
#ifndef WEFT_SPV_BUILDER_H
#define WEFT_SPV_BUILDER_H

#include "backends/idents.h"

typedef const char *spv_id;

/* ORDER: SPIR-V specification, 2.4 Logical Layout of a Module */
typedef enum spv_section {
    SPV_ENTRY,
    SPV_MODE,
    SPV_DECORATION,
    SPV_TYPE,
    SPV_FUNCTION,
    SPV_VARIABLE,
    SPV_CODE,
    SPV_SECTION_COUNT
} spv_section;

/* ORDER: by name; spv_builder.c has the names */
typedef enum spv_cap {
    SPV_CAP_COOPERATIVE_MATRIX,
    SPV_CAP_DENORM_PRESERVE,
    SPV_CAP_FLOAT16,
    SPV_CAP_FLOAT64,
    SPV_CAP_SUBGROUP,
    SPV_CAP_SHUFFLE,
    SPV_CAP_SHUFFLE_RELATIVE,
    SPV_CAP_INT16,
    SPV_CAP_INT64,
    SPV_CAP_INT64_ATOMICS,
    SPV_CAP_INT8,
    SPV_CAP_ROUND_EVEN,
    SPV_CAP_SHADER,
    SPV_CAP_SPECIAL_PRESERVE,
    SPV_CAP_STORAGE16,
    SPV_CAP_STORAGE8,
    SPV_CAP_VULKAN_MEMORY, /* and then that memory model */
    SPV_CAP_COUNT
} spv_cap;

typedef struct spv_builder {
    weft_arena *arena;
    weft_str section[SPV_SECTION_COUNT];
    weft_map *interned; /* "OpTypeInt 32 1" -> index into ids */
    WEFT_VEC(spv_id) ids;
    weft_idents names;
    bool cap[SPV_CAP_COUNT], glsl; /* glsl: the extended instructions are used */
    uint32_t next;                 /* number of the next unnamed result */
    size_t last;                   /* where the last instruction of SPV_CODE begins */
    size_t last_decoration;        /* where its decoration begins; 0: it has none */
} spv_builder;

void spv_init(spv_builder *, weft_arena *);
/* The whole module, appended; frees the sections. */
void spv_finish(spv_builder *, weft_str *);

/* A new id named after `hint`; NULL: a number. */
spv_id spv_new(spv_builder *, const char *hint);
/* An instruction without a result. */
void spv_add(spv_builder *, spv_section, const char *fmt, ...) WEFT_PRINTF(3, 4);
/* The type, constant or global variable of that text; the same text is the same id ("Two different
 * type <id>s form, by definition, two different types": the specification forbids such twins). */
spv_id spv_declare(spv_builder *, const char *hint, const char *fmt, ...) WEFT_PRINTF(3, 4);
/* True if spv_declare would make a new one: then decorations are due. */
bool spv_is_new(const spv_builder *, const char *text);
/* An instruction of SPV_CODE with a result. */
spv_id spv_op(spv_builder *, const char *fmt, ...) WEFT_PRINTF(2, 3);
/* The same with an id made before. */
void spv_op_as(spv_builder *, spv_id, const char *fmt, ...) WEFT_PRINTF(3, 4);
/* A decoration of the result of the instruction added last. */
void spv_decorate_last(spv_builder *, spv_id, const char *decoration);
/* If `id` is the result of the instruction added last, and no more than one
 * decoration refers to it yet: the same
 * instruction under a name. */
spv_id spv_rename_last(spv_builder *, spv_id id, const char *hint);

#endif
