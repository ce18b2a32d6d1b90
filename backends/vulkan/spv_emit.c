/* spv_emit.c: kernels and statements as SPIR-V text: structured control flow, phis for loop
 * variables. */
#include "backends/vulkan/spv_emit.h"

#include <string.h>

static void emit_stmt(spv_emit *c, const weft_stmt *s);

void
spv_fail(spv_emit *c, const char *what, const char *detail)
{
    if (c->status == WEFT_OK)
        c->status = weft_fail(c->diag, WEFT_INTERNAL,
                              "kernel %s: %s%s%s is not legal for %s:%s and was not legalised",
                              c->kernel->name, what, *detail ? " " : "", detail,
                              weft_api_name(c->target->api), c->target->name);
}

/* ---- thread and block indices ---------------------------------------------------------------- */

typedef struct bound { /* a launch axis the kernel reads, as a type */
    weft_bind bind;
    weft_dtype dtype;
    const char *name;
    spv_id value;
} bound;

typedef struct survey {
    spv_emit *c;
    WEFT_VEC(bound) bounds;
    weft_str inputs; /* built-ins that are read: " %a %b" */
} survey;

static bound *
find_bound(survey *s, weft_bind bind, weft_dtype t)
{
    for (int i = 0; i < s->bounds.n; i++)
        if (s->bounds.at[i].bind == bind && s->bounds.at[i].dtype == t)
            return &s->bounds.at[i];
    return NULL;
}

/* Arrays and bound axes are declared ahead of the code that uses them. */
static bool
survey_stmt(void *user, const weft_stmt *stmt)
{
    survey *s = user;
    if (stmt->kind == WEFT_SK_ALLOC) {
        weft_space space = stmt->u.alloc.buf->space;
        if (space == WEFT_SHARED || space == WEFT_LOCAL)
            spv_declare_array(s->c, stmt->u.alloc.buf);
        else if (space == WEFT_FRAGMENT)
            spv_declare_fragments(s->c, stmt->u.alloc.buf);
        else
            spv_fail(s->c, "an alloc in space", weft_space_name(space));
    }
    if (stmt->kind == WEFT_SK_FOR &&
        (weft_is_block(stmt->u.loop.bind) || weft_is_thread(stmt->u.loop.bind))) {
        const weft_var *var = stmt->u.loop.var;
        if (!find_bound(s, stmt->u.loop.bind, (weft_dtype)var->type.dtype))
            *WEFT_PUSH(&s->c->arena, &s->bounds) =
                (bound){ stmt->u.loop.bind, (weft_dtype)var->type.dtype, var->name, NULL };
    }
    return true;
}

static bool
bind_stmt(void *user, const weft_stmt *stmt)
{
    survey *s = user;
    if (stmt->kind == WEFT_SK_FOR &&
        (weft_is_block(stmt->u.loop.bind) || weft_is_thread(stmt->u.loop.bind))) {
        const weft_var *var = stmt->u.loop.var;
        s->c->var[var->id] = find_bound(s, stmt->u.loop.bind, (weft_dtype)var->type.dtype)->value;
    }
    return true;
}

/* Loads a built-in of numbers of 32 bits at the top of the function. */
static spv_id
load_builtin(survey *s, weft_type type, const char *type_name, const char *name,
             const char *builtin)
{
    spv_emit *c = s->c;
    spv_id value = spv_type(c, type), pointer = spv_pointer(c, "Input", value, type_name);
    spv_id id = spv_new(&c->b, name);
    weft_str_addf(&c->b.section[SPV_TYPE], "%15s = OpVariable %s Input\n", id, pointer);
    spv_add(&c->b, SPV_DECORATION, "OpDecorate %s BuiltIn %s", id, builtin);
    weft_str_addf(&s->inputs, " %s", id);
    return spv_op(&c->b, "OpLoad %s %s", value, id);
}

/* `at`, just added, is where the axis is. */
static void
set_bound(spv_emit *c, bound *b, spv_id at)
{
    b->value = spv_rename_last(&c->b, spv_cast(c, weft_scalar(b->dtype), weft_scalar(WEFT_U32), at),
                               b->name);
}

/* Whether it is an axis of the three from `first` on. */
static bool
is_among(const bound *b, weft_bind first)
{
    return b->bind >= first && b->bind <= first + 2;
}

/* What is read of a built-in of three axes. */
static void
load_axes(survey *s, weft_bind first, const char *name, const char *builtin)
{
    spv_emit *c = s->c;
    spv_id all = NULL;
    for (int i = 0; i < s->bounds.n; i++) {
        bound *b = &s->bounds.at[i];
        if (!is_among(b, first))
            continue;
        if (!all)
            all = load_builtin(s, spv_lanes(WEFT_U32, 3), "v3uint", name, builtin);
        set_bound(c, b,
                  spv_op(&c->b, "OpCompositeExtract %s %s %d", spv_type(c, weft_scalar(WEFT_U32)),
                         all, (int)b->bind - (int)first));
    }
}

/* The block; 1 where only the launch knows. */
static bool
constant_block(const weft_kernel *k, int64_t block[3])
{
    bool known = true;
    for (int i = 0; i < 3; i++) {
        block[i] = 1;
        if (k->block[i] && !weft_as_int(k->block[i], &block[i]))
            known = false;
    }
    return known;
}

/* The thread's number, from its place in its subgroup: of n lanes each, which all are there. */
static spv_id
thread_number(survey *s)
{
    spv_emit *c = s->c;
    weft_type uint = weft_scalar(WEFT_U32);
    spv_id group = load_builtin(s, uint, "uint", "gl_SubgroupID", "SubgroupId");
    spv_id lane =
        load_builtin(s, uint, "uint", "gl_SubgroupInvocationID", "SubgroupLocalInvocationId");
    spv_id type = spv_type(c, uint), lanes = spv_uint(c, c->kernel->subgroup);
    spv_id first = spv_op(&c->b, "OpIMul %s %s %s", type, group, lanes);
    c->b.cap[SPV_CAP_SUBGROUP] = true;
    return spv_op(&c->b, "OpIAdd %s %s %s", type, first, lane);
}

/* Where thread `number` is along an axis, x fastest. */
static spv_id
place_along(spv_emit *c, spv_id number, const int64_t block[3], int axis)
{
    int64_t below = 1, above = 1;
    spv_id type = spv_type(c, weft_scalar(WEFT_U32));
    for (int i = 0; i < 3; i++) {
        below *= i < axis ? block[i] : 1;
        above *= i > axis ? block[i] : 1;
    }
    if (below > 1)
        number = spv_op(&c->b, "OpUDiv %s %s %s", type, number, spv_uint(c, below));
    if (above > 1)
        number = spv_op(&c->b, "OpUMod %s %s %s", type, number, spv_uint(c, block[axis]));
    return number;
}

/* Threads that exchange values have to be where the IR says, neighbours in the block, and nothing
 * tells where the device puts them ("There is no direct relationship between
 * SubgroupLocalInvocationId and LocalInvocationId").  So a thread takes the place that its subgroup
 * and lane number; subgroups are full, which the pipeline asks for, and each place is taken
 * once. */
static void
load_lanes(survey *s)
{
    int64_t block[3];
    spv_id number = NULL;
    if (!constant_block(s->c->kernel, block))
        spv_fail(s->c, "a block of subgroups whose size is no constant", "");
    for (int i = 0; i < s->bounds.n; i++) {
        bound *b = &s->bounds.at[i];
        if (!is_among(b, WEFT_THREAD_X))
            continue;
        if (!number)
            number = thread_number(s);
        set_bound(s->c, b, place_along(s->c, number, block, (int)b->bind - WEFT_THREAD_X));
    }
}

/* ---- statements --------------------------------------------------------------------------- */

static void
branch(spv_emit *c, spv_id to)
{
    spv_add(&c->b, SPV_CODE, "OpBranch %s", to);
}

static spv_id
label(spv_emit *c, const char *base, const char *what)
{
    return spv_new(&c->b, weft_arena_printf(&c->arena, "%s_%s", base, what));
}

/* How a loop is to be unrolled: SPIR-V 1.3 can say not at all, or wholly. */
static const char *
loop_control(const weft_stmt *s)
{
    int64_t n;
    if (s->u.loop.unroll == 1)
        return "DontUnroll";
    return weft_as_int(s->u.loop.extent, &n) && n <= s->u.loop.unroll ? "Unroll" : "None";
}

static void
emit_loop(spv_emit *c, const weft_stmt *s)
{
    const weft_var *var = s->u.loop.var;
    weft_dtype t = (weft_dtype)var->type.dtype;
    spv_id type = spv_type(c, var->type), extent = spv_expr(c, s->u.loop.extent), before = c->label;
    spv_id i = spv_new(&c->b, var->name), step = label(c, i + 1, "next");
    spv_id head = label(c, i + 1, "loop"), body = label(c, i + 1, "body");
    spv_id again = label(c, i + 1, "continue"), end = label(c, i + 1, "end");
    int mark = c->memoised.n;
    branch(c, head);
    spv_block(c, head);
    spv_op_as(&c->b, i, "OpPhi %s %s %s %s %s", type, spv_int(c, t, 0), before, step, again);
    spv_id more =
        spv_op(&c->b, "OpSLessThan %s %s %s", spv_type(c, weft_scalar(WEFT_BOOL)), i, extent);
    spv_add(&c->b, SPV_CODE, "OpLoopMerge %s %s %s", end, again, loop_control(s));
    spv_add(&c->b, SPV_CODE, "OpBranchConditional %s %s %s", more, body, end);
    spv_block(c, body);
    c->var[var->id] = i;
    emit_stmt(c, s->u.loop.body);
    branch(c, again);
    spv_block(c, again);
    spv_op_as(&c->b, step, "OpIAdd %s %s %s", type, i, spv_int(c, t, 1));
    branch(c, head);
    spv_block(c, end);
    spv_forget(c, mark);
}

static void
emit_for(spv_emit *c, const weft_stmt *s)
{
    switch (s->u.loop.bind) {
    case WEFT_SERIAL:
        emit_loop(c, s);
        return;
    case WEFT_BLOCK_X:
    case WEFT_BLOCK_Y:
    case WEFT_BLOCK_Z:
    case WEFT_THREAD_X:
    case WEFT_THREAD_Y:
    case WEFT_THREAD_Z:
        emit_stmt(c, s->u.loop.body);
        return;
    case WEFT_PARALLEL:
    case WEFT_UNROLL:
    case WEFT_VECTORIZE:
    case WEFT_VTHREAD:
    case WEFT_BIND_COUNT:
        break;
    }
    spv_fail(c, "a loop bound to", weft_bind_name(s->u.loop.bind));
}

static void
emit_while(spv_emit *c, const weft_stmt *s)
{
    spv_id head = spv_new(&c->b, "while_loop"), test = spv_new(&c->b, "while_test");
    spv_id body = spv_new(&c->b, "while_body"), again = spv_new(&c->b, "while_continue");
    spv_id end = spv_new(&c->b, "while_end");
    int mark = c->memoised.n;
    branch(c, head);
    spv_block(c, head);
    spv_add(&c->b, SPV_CODE, "OpLoopMerge %s %s None", end, again);
    branch(c, test);
    spv_block(c, test);
    spv_id more = spv_expr(c, s->u.loop.extent);
    spv_add(&c->b, SPV_CODE, "OpBranchConditional %s %s %s", more, body, end);
    spv_block(c, body);
    emit_stmt(c, s->u.loop.body);
    branch(c, again);
    spv_block(c, again);
    branch(c, head);
    spv_block(c, end);
    spv_forget(c, mark);
}

static void
emit_arm(spv_emit *c, const weft_stmt *s, spv_id at, spv_id end)
{
    int mark = c->memoised.n;
    spv_block(c, at);
    emit_stmt(c, s);
    branch(c, end);
    spv_forget(c, mark);
}

static void
emit_if(spv_emit *c, const weft_stmt *s)
{
    spv_id cond = spv_expr(c, s->u.iff.cond), then = spv_new(&c->b, "then");
    spv_id els = s->u.iff.els ? spv_new(&c->b, "else") : NULL, end = spv_new(&c->b, "endif");
    spv_add(&c->b, SPV_CODE, "OpSelectionMerge %s None", end);
    spv_add(&c->b, SPV_CODE, "OpBranchConditional %s %s %s", cond, then, els ? els : end);
    emit_arm(c, s->u.iff.then, then, end);
    if (els)
        emit_arm(c, s->u.iff.els, els, end);
    spv_block(c, end);
}

/* A value gets its variable's name where nothing refers to it yet. */
static void
emit_let(spv_emit *c, const weft_stmt *s)
{
    const weft_expr *value = s->u.let.value;
    spv_id v = spv_expr(c, value);
    spv_id named = spv_rename_last(&c->b, v, s->u.let.var->name);
    if (named != v && value->id < c->nmemo && c->memo[value->id])
        c->memo[value->id] = named;
    c->var[s->u.let.var->id] = named;
    emit_stmt(c, s->u.let.body);
}

/* AcquireRelease with the memory that is ordered; Vulkan has no stronger semantics.  Its memory
 * model has to be told that what was written is to be seen. */
static void
emit_barrier(spv_emit *c, int fence)
{
    enum { ACQUIRE_RELEASE = 0x8, UNIFORM_MEMORY = 0x40, WORKGROUP_MEMORY = 0x100 };
    enum { MAKE_AVAILABLE = 0x2000, MAKE_VISIBLE = 0x4000 };
    int64_t semantics = fence ? ACQUIRE_RELEASE : 0;
    if (fence & WEFT_FENCE_SHARED)
        semantics |= WORKGROUP_MEMORY;
    if (fence & WEFT_FENCE_GLOBAL)
        semantics |= UNIFORM_MEMORY;
    if (fence && c->b.cap[SPV_CAP_VULKAN_MEMORY])
        semantics |= MAKE_AVAILABLE | MAKE_VISIBLE;
    spv_id workgroup = spv_uint(c, 2);
    spv_add(&c->b, SPV_CODE, "OpControlBarrier %s %s %s", workgroup, workgroup,
            spv_uint(c, semantics));
}

static void
emit_stmt(spv_emit *c, const weft_stmt *s)
{
    switch (s->kind) {
    case WEFT_SK_SEQ:
        for (int i = 0; i < s->u.seq.n; i++)
            emit_stmt(c, s->u.seq.at[i]);
        return;
    case WEFT_SK_FOR:
        emit_for(c, s);
        return;
    case WEFT_SK_WHILE:
        emit_while(c, s);
        return;
    case WEFT_SK_IF:
        emit_if(c, s);
        return;
    case WEFT_SK_LET:
        emit_let(c, s);
        return;
    case WEFT_SK_STORE:
        spv_store(c, s->u.store.buf, s->u.store.index[0], s->u.store.value);
        return;
    case WEFT_SK_ATOMIC:
        spv_atomic(c, s);
        return;
    case WEFT_SK_ALLOC:
        emit_stmt(c, s->u.alloc.body);
        return;
    case WEFT_SK_BARRIER:
        emit_barrier(c, s->u.barrier.fence);
        return;
    case WEFT_SK_EVAL:
        spv_expr(c, s->u.eval.call);
        return;
    case WEFT_SK_PREFETCH:
        return;
    case WEFT_SK_MATRIX:
        spv_matrix(c, s);
        return;
    case WEFT_SK_ASYNC:
        spv_fail(c, "an asynchronous copy", "");
        return;
    case WEFT_SK_ALLREDUCE:
    case WEFT_SK_COUNT:
        spv_fail(c, "a reduction across threads", "");
        return;
    }
}

/* ---- kernels ------------------------------------------------------------------------------ */

/* The block, or specialisation constants 0, 1, 2 where only the launch knows it. */
static void
emit_block_size(spv_emit *c, spv_id entry)
{
    const weft_kernel *k = c->kernel;
    int64_t block[3];
    bool known = constant_block(k, block);
    if (k->subgroup) { /* full ones are given along x alone */
        block[0] *= block[1] * block[2];
        block[1] = block[2] = 1;
    }
    spv_add(&c->b, SPV_MODE, "OpExecutionMode %s LocalSize %d %d %d", entry,
            known ? (int)block[0] : 1, known ? (int)block[1] : 1, known ? (int)block[2] : 1);
    if (known)
        return;
    spv_id size[3], uint = spv_type(c, weft_scalar(WEFT_U32)),
                    all = spv_new(&c->b, "gl_WorkGroupSize");
    for (int i = 0; i < 3; i++) {
        size[i] = spv_new(&c->b, weft_arena_printf(&c->arena, "block_%c", "xyz"[i]));
        weft_str_addf(&c->b.section[SPV_TYPE], "%15s = OpSpecConstant %s 1\n", size[i], uint);
        spv_add(&c->b, SPV_DECORATION, "OpDecorate %s SpecId %d", size[i], i);
    }
    weft_str_addf(&c->b.section[SPV_TYPE], "%15s = OpSpecConstantComposite %s %s %s %s\n", all,
                  spv_type(c, spv_lanes(WEFT_U32, 3)), size[0], size[1], size[2]);
    spv_add(&c->b, SPV_DECORATION, "OpDecorate %s BuiltIn WorkgroupSize", all);
}

/* What a level asks of a device's arithmetic, as far as the target can be asked. */
static void
emit_float_modes(spv_emit *c, spv_id entry)
{
    const weft_target *t = c->target;
    bool strict = c->numerics == WEFT_STRICT;
    const struct {
        const char *name;
        spv_cap cap;
        int widths;
    } modes[] = {
        { "DenormPreserve", SPV_CAP_DENORM_PRESERVE, strict ? t->denorm_preserve : 0 },
        { "RoundingModeRTE", SPV_CAP_ROUND_EVEN, strict ? t->round_even : 0 },
        { "SignedZeroInfNanPreserve", SPV_CAP_SPECIAL_PRESERVE,
          c->numerics != WEFT_FAST ? t->special_preserve & spv_float_widths(c) : 0 },
    };
    if (!spv_float_widths(c))
        return;
    /* Asked for one width, the first two may have to be asked for all; the third never has. */
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        for (int width = 16; width <= 64; width *= 2)
            if (modes[i].widths & width) {
                c->b.cap[modes[i].cap] = true;
                spv_add(&c->b, SPV_MODE, "OpExecutionMode %s %s %d", entry, modes[i].name, width);
            }
}

static void
emit_kernel(spv_emit *c)
{
    const weft_kernel *k = c->kernel;
    survey s = { .c = c };
    weft_walker walker = { NULL, survey_stmt, &s }, binder = { NULL, bind_stmt, &s };
    spv_id entry = spv_new(&c->b, k->name), none = spv_declare(&c->b, "void", "OpTypeVoid");
    spv_id type = spv_declare(&c->b, "void_fn", "OpTypeFunction %s", none),
           start = spv_new(&c->b, "start");
    weft_str_addf(&c->b.section[SPV_FUNCTION], "%15s = OpFunction %s None %s\n%15s = OpLabel\n",
                  entry, none, type, start);
    c->label = start;
    spv_find_matrices(c);
    for (int i = 0; i < k->nparam; i++)
        spv_declare_param(c, i);
    weft_walk_stmt(&walker, k->body);
    spv_declare_scalars(c);
    load_axes(&s, WEFT_BLOCK_X, "gl_WorkGroupID", "WorkgroupId");
    if (k->subgroup)
        load_lanes(&s);
    else
        load_axes(&s, WEFT_THREAD_X, "gl_LocalInvocationID", "LocalInvocationId");
    weft_walk_stmt(&binder, k->body);
    spv_add(&c->b, SPV_ENTRY, "OpEntryPoint GLCompute %s \"%s\"%s", entry, k->name,
            weft_str_text(&s.inputs));
    weft_str_free(&s.inputs);
    emit_block_size(c, entry);
    emit_stmt(c, k->body);
    spv_add(&c->b, SPV_CODE, "OpReturn");
    spv_add(&c->b, SPV_CODE, "OpFunctionEnd");
    emit_float_modes(c, entry);
    spv_settle_caps(c);
}

/* Only what is loaded and stored by whole aligned vectors everywhere is declared as vectors. */
static const uint8_t *
layout(spv_emit *c)
{
    uint32_t n = c->kernel->ir->nbuf;
    uint8_t *lanes = memcpy(WEFT_NEW_ARRAY(&c->arena, n + 1, uint8_t),
                            weft_vector_layout(&c->arena, c->kernel, WEFT_PIECE_LANE), n);
    for (uint32_t i = 0; i < n; i++)
        lanes[i] = lanes[i] == 2 || lanes[i] == 4 ? lanes[i] : 1;
    return lanes;
}

static weft_status
print(weft_str *out, const weft_kernel *kernel, const weft_target *target, weft_numerics numerics,
      weft_diag *diag)
{
    spv_emit c = { .kernel = kernel, .target = target, .numerics = numerics, .diag = diag };
    weft_str text = { 0 };
    if (kernel->level != WEFT_LEVEL_DEVICE)
        return weft_fail(diag, WEFT_INTERNAL,
                         "kernel %s is at level %s: only level device is printed", kernel->name,
                         weft_level_name(kernel->level));
    c.var = WEFT_NEW_ARRAY(&c.arena, kernel->ir->nvar + 1, spv_id);
    c.buf = WEFT_NEW_ARRAY(&c.arena, kernel->ir->nbuf + 1, spv_id);
    c.nmemo = kernel->ir->nexpr;
    c.memo = WEFT_NEW_ARRAY(&c.arena, c.nmemo + 1, spv_id);
    c.layout = layout(&c);
    spv_init(&c.b, &c.arena);
    emit_kernel(&c);
    weft_print_header(&text, kernel, "; ");
    spv_finish(&c.b, &text);
    if (c.status == WEFT_OK)
        weft_str_add(out, weft_str_text(&text));
    weft_str_free(&text);
    weft_arena_reset(&c.arena);
    return c.status;
}

static void
caps(const weft_target *t, weft_caps *caps)
{
    *caps = (weft_caps){ .lanes = 1u << 1 | 1u << 2 | 1u << 3 | 1u << 4,
                         .vector_load = true,
                         .vector_compare = true,
                         .lanes_in_order = true,
                         .bool_storage = t->storage8 };
    static const weft_dtype words[] = { WEFT_BOOL, WEFT_I32, WEFT_U32, WEFT_F32 };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        caps->arith[words[i]] = caps->storage[words[i]] = true;
    caps->arith[WEFT_I64] = caps->storage[WEFT_I64] = caps->arith[WEFT_U64] =
        caps->storage[WEFT_U64] = t->i64;
    caps->arith[WEFT_F64] = caps->storage[WEFT_F64] = t->f64;
    caps->arith[WEFT_F16] = t->f16;
    caps->storage[WEFT_F16] = caps->storage[WEFT_I16] = caps->storage[WEFT_U16] = t->storage16;
    caps->storage[WEFT_I8] = caps->storage[WEFT_U8] = caps->storage[WEFT_BOOL] = t->storage8;
    spv_call_caps(t, caps);
}

const weft_backend weft_vulkan_backend = { WEFT_API_VULKAN, caps, print };
