/* emu: SPIR-V text as CUDA C, a line for a line, so that messages name the lines of the text.
 *
 * Every result is a variable of the kernel, blocks are labels, branches are gotos that first give
 * the phis of where they go their values.  Memory is what it was: buffers are parameters, arrays of
 * the workgroup are shared arrays, those of the function are the kernel's own.  What is read here
 * is what backends/vulkan prints; anything else is refused by name.  The text has been validated:
 * its ids are defined, its operands are there and have the types they need.
 */
#include "backends/emu/device_source.h"
#include "backends/vulkan/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WORDS = 20 };

typedef struct inst {
    int line;
    const char *id, *op, *word[MAX_WORDS];
    int n;
    bool longer; /* it has more words */
} inst;

/* A type: of values, or what a pointer or array holds. */
typedef struct shape {
    const char *c; /* "float", "v4float" */
    char kind;     /* f, i, u, b; m: a matrix; 0: no value */
    int bits, lanes;
} shape;

typedef struct spirv {
    weft_arena *arena;
    const char *file, *text;
    weft_diag *diag;
    weft_status status;
    weft_map *ids; /* id -> instruction that makes it */
    WEFT_VEC(inst) inst;
    weft_str out;
    const char *label; /* of the block */
} spirv;

static void
refuse(spirv *s, const inst *i, const char *what)
{
    weft_place place = { .file = s->file, .line = i->line, .column = 1, .source = s->text };
    if (!s->status)
        s->status =
            weft_fail_at(s->diag, WEFT_INVALID_INPUT, place,
                         "an emulated device cannot take %s%s%s", what, *what ? " of " : "", i->op);
}

/* ---- reading --------------------------------------------------------------------------------- */

static void
read_line(spirv *s, const char *at, const char *end, int line)
{
    inst i = { .line = line };
    while (at < end && *at != ';') {
        size_t n = strcspn(at, " \n;");
        if (n == 0) {
            at++;
            continue;
        }
        const char *word = weft_arena_strndup(s->arena, at, n);
        if (!i.op && *word == '%')
            i.id = word;
        else if (!i.op && *word != '=')
            i.op = word;
        else if (i.op && i.n < MAX_WORDS)
            i.word[i.n++] = word;
        else if (i.op)
            i.longer = true;
        at += n;
    }
    if (!i.op)
        return;
    for (int k = i.n; k < MAX_WORDS; k++)
        i.word[k] = "";
    if (i.id)
        *weft_map_slot(s->ids, i.id, strlen(i.id)) = s->inst.n;
    *WEFT_PUSH(s->arena, &s->inst) = i;
}

static const inst *
made(const spirv *s, const char *id)
{
    static const inst none = { .op = "" };
    int64_t at = weft_map_get(s->ids, id, strlen(id));
    return at < 0 ? &none : &s->inst.at[at];
}

static bool
is(const inst *i, const char *op)
{
    return strcmp(i->op, op) == 0;
}

/* ---- types ----------------------------------------------------------------------------------- */

static shape
shape_of(const spirv *s, const char *type)
{
    static const char *const signed_names[] = { "signed char", "short", "int", "long long" };
    static const char *const unsigned_names[] = { "unsigned char", "unsigned short", "unsigned",
                                                  "unsigned long long" };
    const inst *t = made(s, type);
    int bits = atoi(t->n ? t->word[0] : "0"), size = bits <= 8    ? 0
                                                     : bits <= 16 ? 1
                                                     : bits <= 32 ? 2
                                                                  : 3;
    if (is(t, "OpTypeBool"))
        return (shape){ "bool", 'b', 1, 1 };
    if (is(t, "OpTypeFloat"))
        return (shape){ bits == 16 ? "_Float16" : bits == 32 ? "float" : "double", 'f', bits, 1 };
    if (is(t, "OpTypeInt"))
        return t->word[1][0] == '1' ? (shape){ signed_names[size], 'i', bits, 1 }
                                    : (shape){ unsigned_names[size], 'u', bits, 1 };
    if (is(t, "OpTypeVector")) {
        shape of = shape_of(s, t->word[0]);
        of.lanes = atoi(t->word[1]);
        of.c = weft_arena_printf(s->arena, "weft_lanes<%s, %d>", of.c, of.lanes);
        return of;
    }
    if (is(t, "OpTypeCooperativeMatrixKHR")) {
        const char *text = weft_arena_printf(
            s->arena, "weft_coop<%s, %s, %s, %s>", shape_of(s, t->word[0]).c,
            made(s, t->word[2])->word[1], made(s, t->word[3])->word[1],
            made(s, t->word[4])->word[1]);
        return (shape){ text, 'm', 0, 1 };
    }
    return (shape){ "", 0, 0, 0 };
}

/* What a pointer type points to. */
static const char *
pointee(const spirv *s, const char *pointer)
{
    return made(s, pointer)->word[1];
}

/* The element that arrays and blocks hold, to the bottom. */
static const char *
element(const spirv *s, const char *type)
{
    const inst *t = made(s, type);
    return is(t, "OpTypeArray") || is(t, "OpTypeRuntimeArray") || is(t, "OpTypeStruct")
               ? element(s, t->word[0])
               : type;
}

/* ---- values ---------------------------------------------------------------------------------- */

static const char *
variable(const spirv *s, const char *id)
{
    return weft_arena_printf(s->arena, "m_%s", id + 1);
}

/* The number of an OpConstant as C++. */
static const char *
number(spirv *s, const inst *i)
{
    shape t = shape_of(s, i->word[0]);
    const char *text = i->word[1];
    if (t.kind == 'f') {
        const char *beyond = t.bits == 16 ? "p+16" : t.bits == 32 ? "p+128" : "p+1024";
        if (strstr(text, beyond)) /* the exponent of infinities and NaN */
            return weft_arena_printf(s->arena, "(%s)%s__builtin_%s", t.c, *text == '-' ? "-" : "",
                                     strstr(text, "1.8") ? "nanf(\"\")" : "inff()");
        return weft_arena_printf(s->arena, "(%s)(%s%s)", t.c, text,
                                 strpbrk(text, ".epx") ? "" : ".0");
    }
    uint64_t bits = t.kind == 'i' ? (uint64_t)strtoll(text, NULL, 10) : strtoull(text, NULL, 10);
    return weft_arena_printf(s->arena, "(%s)0x%" PRIx64 "ULL", t.c, bits);
}

/* A lane of a value, or the value of one lane; every vector is made of lanes. */
static const char *
lane(spirv *s, const char *id, int l)
{
    const inst *i = made(s, id);
    if (is(i, "OpConstant"))
        return number(s, i);
    if (is(i, "OpConstantTrue") || is(i, "OpConstantFalse"))
        return is(i, "OpConstantTrue") ? "true" : "false";
    if (is(i, "OpConstantComposite"))
        return lane(s, i->word[1 + l], 0);
    if (shape_of(s, i->word[0]).lanes > 1)
        return weft_arena_printf(s->arena, "v_%s.at[%d]", id + 1, l);
    return weft_arena_printf(s->arena, "v_%s", id + 1);
}

static const char *
value(spirv *s, const char *id)
{
    return lane(s, id, 0);
}

static int
lanes_of(const spirv *s, const char *id)
{
    return shape_of(s, made(s, id)->word[0]).lanes;
}

/* ---- operations ------------------------------------------------------------------------------ */

/* %0, %1, %2: operands; %t: the result's type.  One lane at a time. */
static const char *const operations[][2] = {
    { "OpFAdd", "%0 + %1" },
    { "OpFSub", "%0 - %1" },
    { "OpFMul", "%0 * %1" },
    { "OpFDiv", "%0 / %1" },
    { "OpIAdd", "%0 + %1" },
    { "OpISub", "%0 - %1" },
    { "OpIMul", "%0 * %1" },
    { "OpSDiv", "%0 / %1" },
    { "OpUDiv", "%0 / %1" },
    { "OpSRem", "%0 % %1" },
    { "OpUMod", "%0 % %1" },
    { "OpFNegate", "-%0" },
    { "OpSNegate", "-%0" },
    { "OpNot", "~%0" },
    { "OpLogicalNot", "!%0" },
    { "OpLogicalOr", "%0 | %1" },
    { "OpLogicalAnd", "%0 & %1" },
    { "OpLogicalEqual", "%0 == %1" },
    { "OpLogicalNotEqual", "%0 != %1" },
    { "OpBitwiseOr", "%0 | %1" },
    { "OpBitwiseXor", "%0 ^ %1" },
    { "OpBitwiseAnd", "%0 & %1" },
    { "OpShiftLeftLogical", "%0 << %1" },
    { "OpShiftRightLogical", "%0 >> %1" },
    { "OpShiftRightArithmetic", "%0 >> %1" },
    { "OpFOrdEqual", "%0 == %1" },
    { "OpFUnordNotEqual", "%0 != %1" },
    { "OpFOrdLessThan", "%0 < %1" },
    { "OpFOrdLessThanEqual", "%0 <= %1" },
    { "OpFOrdGreaterThan", "%0 > %1" },
    { "OpFOrdGreaterThanEqual", "%0 >= %1" },
    { "OpIEqual", "%0 == %1" },
    { "OpINotEqual", "%0 != %1" },
    { "OpSLessThan", "%0 < %1" },
    { "OpSLessThanEqual", "%0 <= %1" },
    { "OpSGreaterThan", "%0 > %1" },
    { "OpSGreaterThanEqual", "%0 >= %1" },
    { "OpULessThan", "%0 < %1" },
    { "OpULessThanEqual", "%0 <= %1" },
    { "OpUGreaterThan", "%0 > %1" },
    { "OpUGreaterThanEqual", "%0 >= %1" },
    { "OpSelect", "%0 ? %1 : %2" },
    { "OpUConvert", "%0" },
    { "OpSConvert", "%0" },
    { "OpFConvert", "%0" },
    { "OpConvertUToF", "%0" },
    { "OpConvertSToF", "%0" },
    { "OpConvertFToU", "%0" },
    { "OpConvertFToS", "%0" },
    { "OpBitcast", "__builtin_bit_cast(%t, %0)" },
    { "OpIsNan", "__builtin_isnan(%0)" },
    { "OpIsInf", "__builtin_isinf(%0)" },
};

/* The function of f32, which has no f at its end in f64, and its operands where they are not
 * one. */
static const char *const functions[][3] = {
    { "Exp", "expf" },     { "Exp2", "exp2f" },
    { "Log", "logf" },     { "Log2", "log2f" },
    { "Sqrt", "sqrtf" },   { "Sin", "sinf" },
    { "Cos", "cosf" },     { "Tan", "tanf" },
    { "Asin", "asinf" },   { "Acos", "acosf" },
    { "Sinh", "sinhf" },   { "Cosh", "coshf" },
    { "Tanh", "tanhf" },   { "Asinh", "asinhf" },
    { "Acosh", "acoshf" }, { "Atanh", "atanhf" },
    { "Floor", "floorf" }, { "Ceil", "ceilf" },
    { "Trunc", "truncf" }, { "RoundEven", "rintf" },
    { "FAbs", "fabsf" },   { "Fma", "fmaf", "%0, %1, %2" },
};

/* The pattern of an extended instruction of GLSL.std.450. */
static const char *
extended(spirv *s, const inst *i)
{
    const char *name = i->word[2];
    shape t = shape_of(s, i->word[0]);
    if (!strcmp(name, "SAbs"))
        return "%0 < 0 ? -%0 : %0";
    if (!strcmp(name, "SMin") || !strcmp(name, "UMin"))
        return "%0 < %1 ? %0 : %1";
    if (!strcmp(name, "SMax") || !strcmp(name, "UMax"))
        return "%0 > %1 ? %0 : %1";
    if (!strcmp(name, "InverseSqrt"))
        return t.bits == 64 ? "1.0 / sqrt(%0)" : "1.0f / sqrtf(%0)";
    for (size_t k = 0; k < sizeof functions / sizeof *functions; k++)
        if (!strcmp(name, functions[k][0]))
            return weft_arena_printf(s->arena, "%.*s(%s)",
                                     (int)strlen(functions[k][1]) - (t.bits == 64), functions[k][1],
                                     functions[k][2] ? functions[k][2] : "%0");
    refuse(s, i, "this function");
    return "%0";
}

static void
apply(spirv *s, const inst *i, const char *pattern, int first)
{
    shape t = shape_of(s, i->word[0]);
    const char *of_lane = t.lanes > 1 ? shape_of(s, made(s, i->word[0])->word[0]).c : t.c;
    for (int l = 0; l < t.lanes; l++) {
        weft_str_addf(&s->out, "%s = (%s)(", lane(s, i->id, l), of_lane);
        for (const char *p = pattern; *p; p++) {
            if (*p != '%' || (p[1] != 't' && (p[1] < '0' || p[1] > '2'))) {
                weft_str_addn(&s->out, p, 1);
                continue;
            }
            const char *from = *++p == 't' ? NULL : i->word[first + *p - '0'];
            weft_str_add(&s->out, from ? lane(s, from, lanes_of(s, from) > 1 ? l : 0) : of_lane);
        }
        weft_str_add(&s->out, "); ");
    }
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* "&m_A[index]", "&m_A[index].at[lane]" */
static void
access_chain(spirv *s, const inst *i)
{
    const inst *base = made(s, i->word[1]);
    const char *storage = base->word[1], *type = pointee(s, base->word[0]);
    int at = 2 + !strcmp(storage, "StorageBuffer");
    if (!strcmp(storage, "PushConstant")) {
        weft_str_addf(&s->out, "v_%s = &s_%d;", i->id + 1, atoi(made(s, i->word[2])->word[1]));
        return;
    }
    weft_str_addf(&s->out, "v_%s = &%s", i->id + 1, variable(s, i->word[1]));
    if (!is(made(s, type), "OpTypeVector") && !shape_of(s, type).kind && at < i->n)
        weft_str_addf(&s->out, "[%s]", value(s, i->word[at++]));
    if (at < i->n)
        weft_str_addf(&s->out, ".at[%s]", value(s, i->word[at]));
    weft_str_add(&s->out, ";");
}

static const char *
place(spirv *s, const char *pointer)
{
    return is(made(s, pointer), "OpVariable") ? variable(s, pointer)
                                              : weft_arena_printf(s->arena, "*v_%s", pointer + 1);
}

/* Subgroups and lanes are numbered from the block's last thread on: a kernel that takes them for
 * its places, x fastest, which nothing promises, has it wrong here. */
#define FROM_LAST                                                                                  \
    "(blockDim.x * blockDim.y * blockDim.z - 1 - threadIdx.x - blockDim.x * (threadIdx.y + "       \
    "blockDim.y * threadIdx.z))"

/* What a built-in variable is in CUDA, and its parts; NULL: it is none; no
 * parts: it is not known. */
static const char *
builtin(const spirv *s, const char *id, int *parts)
{
    static const struct {
        const char *name, *c;
        int parts;
    } all[] = { { "WorkgroupId", "blockIdx", 3 },
                { "LocalInvocationId", "threadIdx", 3 },
                { "SubgroupId", FROM_LAST " / warpSize", 1 },
                { "SubgroupLocalInvocationId", FROM_LAST " % warpSize", 1 } };
    *parts = 0;
    for (int k = 0; k < s->inst.n; k++) {
        const inst *i = &s->inst.at[k];
        if (!is(i, "OpDecorate") || strcmp(i->word[0], id) != 0 || strcmp(i->word[1], "BuiltIn"))
            continue;
        for (size_t n = 0; n < sizeof all / sizeof *all; n++)
            if (!strcmp(i->word[2], all[n].name)) {
                *parts = all[n].parts;
                return all[n].c;
            }
        return "";
    }
    return NULL;
}

static void
load(spirv *s, const inst *i)
{
    int parts;
    const char *input =
        is(made(s, i->word[1]), "OpVariable") ? builtin(s, i->word[1], &parts) : NULL;
    if (input && !parts)
        refuse(s, i, "the built-in");
    if (!input || parts == 1) {
        weft_str_addf(&s->out, "v_%s = %s;", i->id + 1, input ? input : place(s, i->word[1]));
        return;
    }
    for (int l = 0; l < parts; l++)
        weft_str_addf(&s->out, "v_%s.at[%d] = %s.%c; ", i->id + 1, l, input, "xyz"[l]);
}

static void
store(spirv *s, const inst *i)
{
    int lanes = lanes_of(s, i->word[1]);
    const char *to = place(s, i->word[0]);
    if (lanes == 1 || strncmp(made(s, i->word[1])->op, "OpConstant", 10) != 0) {
        weft_str_addf(&s->out, "%s = %s%s;", to, lanes == 1 ? "" : "v_",
                      lanes == 1 ? value(s, i->word[1]) : i->word[1] + 1);
        return;
    }
    for (int l = 0; l < lanes; l++)
        weft_str_addf(&s->out, "(%s).at[%d] = %s; ", to, l, lane(s, i->word[1], l));
}

static void
atomic(spirv *s, const inst *i)
{
    static const char *const names[][2] = { { "IAdd", "atomicAdd" }, { "SMin", "atomicMin" },
                                            { "UMin", "atomicMin" }, { "SMax", "atomicMax" },
                                            { "UMax", "atomicMax" }, { "And", "atomicAnd" },
                                            { "Or", "atomicOr" },    { "Xor", "atomicXor" } };
    shape t = shape_of(s, i->word[0]);
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (!strcmp(i->op + 8, names[k][0])) {
            bool wide =
                t.bits == 64 && strcmp(names[k][0] + 1, "Min") && strcmp(names[k][0] + 1, "Max");
            const char *cast = wide ? "(unsigned long long *)" : "";
            weft_str_addf(&s->out, "v_%s = (%s)%s(%s&%s, %s);", i->id + 1, t.c, names[k][1], cast,
                          place(s, i->word[1]), value(s, i->word[4]));
            return;
        }
    refuse(s, i, "the operation");
}

static uint64_t
constant(const spirv *s, const char *id)
{
    return strtoull(made(s, id)->word[1], NULL, 10);
}

/* Among lanes that are numbered from the last on. */
static void
shuffle(spirv *s, const inst *i)
{
    enum { SUBGROUP = 3 };
    static const char *const names[][2] = {
        { "Shuffle", "__shfl_sync(~0u, %s, warpSize - 1 - (%s))" },
        { "ShuffleXor", "__shfl_xor_sync(~0u, %s, %s)" },
        { "ShuffleDown", "__shfl_up_sync(~0u, %s, %s)" },
    };
    const char *name = i->op + strlen("OpGroupNonUniform");
    if (constant(s, i->word[1]) != SUBGROUP)
        refuse(s, i, "the scope");
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (!strcmp(name, names[k][0])) {
            weft_str_addf(&s->out, "v_%s = ", i->id + 1);
            weft_str_addf(&s->out, names[k][1], value(s, i->word[2]), value(s, i->word[3]));
            weft_str_add(&s->out, ";");
            return;
        }
    refuse(s, i, "the operation");
}

/* It orders the memory that its semantics name, and no other. */
static void
barrier(spirv *s, const inst *i)
{
    enum { WORKGROUP = 2, UNIFORM_MEMORY = 0x40, WORKGROUP_MEMORY = 0x100 };
    uint64_t semantics = constant(s, i->word[2]);
    int memory = (semantics & WORKGROUP_MEMORY ? WEFT_EMU_SHARED : 0) |
                 (semantics & UNIFORM_MEMORY ? WEFT_EMU_GLOBAL : 0);
    if (constant(s, i->word[0]) != WORKGROUP || constant(s, i->word[1]) != WORKGROUP)
        refuse(s, i, "a scope other than Workgroup");
    weft_str_addf(&s->out, "weft_barrier(\"OpControlBarrier\", __FILE__, __LINE__, %d);", memory);
}

/* ---- matrices -------------------------------------------------------------------------------- */

static void
matrix(spirv *s, const inst *i)
{
    const char *name = i->op + strlen("OpCooperativeMatrix");
    const char *what = i->id ? i->id + 1 : i->word[1] + 1;
    if (!strcmp(name, "LoadKHR"))
        weft_str_addf(&s->out, "weft_coop_load(v_%s, &%s, %s, %s);", what, place(s, i->word[1]),
                      value(s, i->word[2]), value(s, i->word[3]));
    else if (!strcmp(name, "StoreKHR"))
        weft_str_addf(&s->out, "weft_coop_store(&%s, v_%s, %s, %s);", place(s, i->word[0]), what,
                      value(s, i->word[2]), value(s, i->word[3]));
    else if (!strcmp(name, "MulAddKHR") && !strstr(i->word[4], "Saturating"))
        weft_str_addf(&s->out, "weft_coop_multiply(v_%s, %s, %s, %s);", what, value(s, i->word[1]),
                      value(s, i->word[2]), value(s, i->word[3]));
    else
        refuse(s, i, "the operation");
}

static void
construct(spirv *s, const inst *i)
{
    if (shape_of(s, i->word[0]).kind == 'm')
        weft_str_addf(&s->out, "weft_coop_fill(v_%s, %s);", i->id + 1, value(s, i->word[1]));
    else
        for (int l = 0; l < i->n - 1; l++)
            weft_str_addf(&s->out, "v_%s.at[%d] = %s; ", i->id + 1, l, value(s, i->word[1 + l]));
}

/* ---- control --------------------------------------------------------------------------------- */

/* What a phi takes, aside: "float t_0 = v_x; ". */
static void
incoming(spirv *s, const inst *phi, const char *id, int at)
{
    int lanes = shape_of(s, phi->word[0]).lanes;
    weft_str_addf(&s->out, "%s t_%d", shape_of(s, phi->word[0]).c, at);
    for (int l = 0; l < lanes; l++)
        weft_str_addf(&s->out, "%s%s", l ? ", " : lanes > 1 ? " = { { " : " = ", lane(s, id, l));
    weft_str_add(&s->out, lanes > 1 ? " } }; " : "; ");
}

/* Goes to a block: its phis first, all at once. */
static void
branch(spirv *s, const char *label)
{
    int at = (int)weft_map_get(s->ids, label, strlen(label)) + 1, first = at;
    weft_str_add(&s->out, "{ ");
    for (int pass = 0; pass < 2; pass++)
        for (at = first; at < s->inst.n && is(&s->inst.at[at], "OpPhi"); at++) {
            const inst *p = &s->inst.at[at];
            for (int k = 1; k + 1 < p->n; k += 2) {
                if (strcmp(p->word[k + 1], s->label) != 0)
                    continue;
                if (pass)
                    weft_str_addf(&s->out, "v_%s = t_%d; ", p->id + 1, at - first);
                else
                    incoming(s, p, p->word[k], at - first);
            }
        }
    weft_str_addf(&s->out, "goto L_%s; }", label + 1);
}

static void
statement(spirv *s, const inst *i)
{
    static const char *const nothing[] = { "OpSelectionMerge", "OpLoopMerge", "OpPhi", "OpNop",
                                           "OpVariable" };
    if (i->longer)
        refuse(s, i, "so many operands");
    for (size_t k = 0; k < sizeof nothing / sizeof *nothing; k++)
        if (is(i, nothing[k]))
            return;
    for (size_t k = 0; k < sizeof operations / sizeof *operations; k++)
        if (is(i, operations[k][0])) {
            apply(s, i, operations[k][1], 1);
            return;
        }
    if (is(i, "OpExtInst")) {
        apply(s, i, extended(s, i), 3);
    } else if (is(i, "OpLabel")) {
        s->label = i->id;
        weft_str_addf(&s->out, "L_%s:;", i->id + 1);
    } else if (is(i, "OpBranch")) {
        branch(s, i->word[0]);
    } else if (is(i, "OpBranchConditional")) {
        weft_str_addf(&s->out, "if (%s) ", value(s, i->word[0]));
        branch(s, i->word[1]);
        weft_str_add(&s->out, " else ");
        branch(s, i->word[2]);
    } else if (is(i, "OpReturn")) {
        weft_str_add(&s->out, "return;");
    } else if (is(i, "OpControlBarrier")) {
        barrier(s, i);
    } else if (is(i, "OpAccessChain")) {
        access_chain(s, i);
    } else if (is(i, "OpLoad")) {
        load(s, i);
    } else if (is(i, "OpStore")) {
        store(s, i);
    } else if (is(i, "OpCompositeExtract")) {
        weft_str_addf(&s->out, "v_%s = %s;", i->id + 1, lane(s, i->word[1], atoi(i->word[2])));
    } else if (is(i, "OpCompositeConstruct")) {
        construct(s, i);
    } else if (is(i, "OpArrayLength")) { /* of no use but to hide a zero: spv_expr.c */
        weft_str_addf(&s->out, "v_%s = 0;", i->id + 1);
    } else if (!strncmp(i->op, "OpAtomic", 8)) {
        atomic(s, i);
    } else if (!strncmp(i->op, "OpCooperativeMatrix", 19)) {
        matrix(s, i);
    } else if (!strncmp(i->op, "OpGroupNonUniform", 17)) {
        shuffle(s, i);
    } else {
        refuse(s, i, "");
    }
}

/* ---- the kernel ------------------------------------------------------------------------------ */

static int
binding_of(const spirv *s, const char *id)
{
    for (int k = 0; k < s->inst.n; k++) {
        const inst *i = &s->inst.at[k];
        if (is(i, "OpDecorate") && !strcmp(i->word[0], id) && !strcmp(i->word[1], "Binding"))
            return atoi(i->word[2]);
    }
    return -1;
}

static bool
is_written(const spirv *s, const char *id)
{
    for (int k = 0; k < s->inst.n; k++) {
        const inst *i = &s->inst.at[k];
        if (is(i, "OpDecorate") && !strcmp(i->word[0], id) && !strcmp(i->word[1], "NonWritable"))
            return false;
    }
    return true;
}

/* Buffers in the order of their bindings, then scalars. */
static void
parameters(spirv *s, const weft_source *source)
{
    int n = 0;
    for (int b = 0; b < source->nbuffer; b++)
        for (int k = 0; k < s->inst.n; k++) {
            const inst *i = &s->inst.at[k];
            if (!is(i, "OpVariable") || binding_of(s, i->id) != b)
                continue;
            weft_str_addf(&s->out, "%s%s%s *%s", n++ ? ", " : "",
                          is_written(s, i->id) ? "" : "const ",
                          shape_of(s, element(s, pointee(s, i->word[0]))).c, variable(s, i->id));
        }
    for (int i = 0; i < source->nscalar; i++)
        weft_str_addf(&s->out, "%s%s s_%d", n++ ? ", " : "",
                      source->scalar[i] == WEFT_I64 ? "long long" : "int", i);
}

static void
declare_memory(spirv *s, const inst *i)
{
    const char *type = pointee(s, i->word[0]);
    const inst *t = made(s, type);
    bool shared = !strcmp(i->word[1], "Workgroup");
    if (!shared && strcmp(i->word[1], "Function") != 0)
        return;
    weft_str_addf(&s->out, "%s%s %s", shared ? "__shared__ " : "", shape_of(s, element(s, type)).c,
                  variable(s, i->id));
    if (is(t, "OpTypeArray"))
        weft_str_addf(&s->out, "[%s]", made(s, t->word[1])->word[1]);
    weft_str_add(&s->out, "; ");
}

/* Everything that has a name in the kernel, ahead of its first label. */
static void
declare_all(spirv *s, int first)
{
    for (int k = 0; k < s->inst.n; k++)
        if (is(&s->inst.at[k], "OpVariable"))
            declare_memory(s, &s->inst.at[k]);
    for (int k = first; k < s->inst.n; k++) {
        const inst *i = &s->inst.at[k];
        if (!i->id || is(i, "OpLabel") || is(i, "OpVariable"))
            continue;
        if (is(i, "OpAccessChain")) {
            const inst *base = made(s, i->word[1]);
            bool constant = !strcmp(base->word[1], "StorageBuffer") && !is_written(s, i->word[1]);
            weft_str_addf(&s->out, "%s%s *v_%s; ", constant ? "const " : "",
                          shape_of(s, pointee(s, i->word[0])).c, i->id + 1);
        } else {
            weft_str_addf(&s->out, "%s v_%s; ", shape_of(s, i->word[0]).c, i->id + 1);
        }
    }
}

static const char *
launch_bounds(const spirv *s)
{
    for (int k = 0; k < s->inst.n; k++) {
        const inst *i = &s->inst.at[k];
        if (is(i, "OpExecutionMode") && !strcmp(i->word[1], "LocalSize"))
            return weft_arena_printf(s->arena, "%s * %s * %s", i->word[2], i->word[3], i->word[4]);
    }
    return "1024";
}

static void
to_line(spirv *s, int *line, int to)
{
    for (; *line < to; ++*line)
        weft_str_add(&s->out, "\n");
}

weft_status
weft_emu_spirv(const weft_source *source, const char *file, weft_arena *arena, const char **text,
               weft_diag *diag)
{
    spirv s = { .arena = arena, .file = file, .text = source->text, .diag = diag };
    int line = 1, first = -1;
    if ((s.status = weft_spirv_check(source, diag)))
        return s.status;
    s.ids = weft_map_create(arena);
    for (const char *at = source->text; *at; line++) {
        const char *end = at + strcspn(at, "\n");
        read_line(&s, at, end, line);
        at = end + (*end != 0);
    }
    weft_str_add(&s.out, "template <class T, int N> struct alignas(sizeof(T) * (N == 3 ? 4 : N)) "
                         "weft_lanes { T at[N]; };");
    line = 1;
    for (int k = 0; k < s.inst.n && !s.status; k++) {
        const inst *i = &s.inst.at[k];
        if (first < 0 && !is(i, "OpFunction"))
            continue;
        to_line(&s, &line, i->line);
        if (first < 0) {
            first = k + 1;
            weft_str_addf(&s.out, "extern \"C\" __global__ void __launch_bounds__(%s) %s(",
                          launch_bounds(&s), source->name);
            parameters(&s, source);
            weft_str_add(&s.out, ") { ");
            declare_all(&s, first);
        } else if (is(i, "OpFunctionEnd")) {
            weft_str_add(&s.out, "}");
        } else {
            statement(&s, i);
        }
    }
    if (first < 0 && !s.status)
        s.status = weft_fail(diag, WEFT_INVALID_INPUT, "%s has no function", file);
    weft_str_add(&s.out, "\n");
    *text = weft_arena_strdup(arena, weft_str_text(&s.out));
    weft_str_free(&s.out);
    return s.status;
}
