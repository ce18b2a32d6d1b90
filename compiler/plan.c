/* compiler/plan.c: the pieces of a module's plan: tensors, kernels, launches and lifetimes. */
#include "compiler/priv.h"

#include <string.h>

int
weft_draft_tensor(weft_draft *b, const char *name, weft_role role, weft_dtype dtype, int ndim,
                  const weft_expr *const *dim)
{
    weft_assert(b->p->ntensor < b->cap, "tensors were counted wrong");
    const char **text = WEFT_NEW_ARRAY(b->arena, ndim + 1, const char *);
    for (int d = 0; d < ndim; d++)
        text[d] = weft_plan_text(b->arena, dim[d]);
    b->p->tensor[b->p->ntensor] = (weft_mod_tensor){
        .name = weft_arena_strdup(b->arena, name),
        .role = role,
        .dtype = dtype,
        .ndim = ndim,
        .dim = text,
        .alias = -1,
        .in_place = -1,
        .first = -1,
        .last = -1,
    };
    return b->p->ntensor++;
}

int
weft_draft_value(weft_draft *b, int *tensor_of, const weft_value *v)
{
    int *t = &tensor_of[v->id];
    if (*t < 0)
        *t = weft_draft_tensor(b, v->name, v->data ? WEFT_ROLE_CONSTANT : WEFT_ROLE_TEMP, v->dtype,
                               v->ndim, v->dim);
    return *t;
}

int
weft_draft_root(const weft_program *p, int t)
{
    while (p->tensor[t].alias >= 0)
        t = p->tensor[t].alias;
    return t;
}

void
weft_draft_use(weft_draft *b, int tensor, int step)
{
    weft_mod_tensor *t = &b->p->tensor[weft_draft_root(b->p, tensor)];
    if (t->first < 0)
        t->first = step;
    if (t->last < step)
        t->last = step;
}

void
weft_draft_place(weft_draft *b, int t, int whole, int64_t at)
{
    weft_mod_tensor *part = &b->p->tensor[weft_draft_root(b->p, t)];
    weft_mod_tensor *in = &b->p->tensor[weft_draft_root(b->p, whole)];
    part->alias = whole;
    part->at = at;
    if (part->first < 0)
        return;
    in->first = in->first < 0 || part->first < in->first ? part->first : in->first;
    in->last = part->last > in->last ? part->last : in->last;
    part->first = part->last = -1;
}

static int64_t
constant_or_zero(const weft_expr *e)
{
    int64_t v;
    return !e ? 1 : weft_as_int(e, &v) ? v : 0;
}

/* ---- what a kernel needs of a device --------------------------------------------------------- */

static uint32_t
need_of_value(weft_dtype dtype)
{
    switch ((int)dtype) {
    case WEFT_F16:
        return 1u << WEFT_NEED_f16;
    case WEFT_F64:
        return 1u << WEFT_NEED_f64;
    case WEFT_I8:
    case WEFT_U8:
        return 1u << WEFT_NEED_i8;
    case WEFT_I16:
    case WEFT_U16:
        return 1u << WEFT_NEED_i16;
    case WEFT_I64:
    case WEFT_U64:
        return 1u << WEFT_NEED_i64;
    default:
        return 0;
    }
}

typedef struct need_walk {
    uint32_t needs;
    bool *seen; /* by id */
} need_walk;

static bool
add_need(void *user, const weft_expr *e)
{
    need_walk *w = user;
    if (w->seen[e->id])
        return false;
    w->seen[e->id] = true;
    bool shuffles =
        e->h.kind == WEFT_EK_CALL && weft_intrin_infos[e->h.u.intrin].cls == WEFT_IC_LANES;
    w->needs |= need_of_value((weft_dtype)e->h.type.dtype);
    w->needs |= shuffles ? 1u << WEFT_NEED_subgroup_shuffle : 0;
    return true;
}

static bool
add_matrix(void *user, const weft_stmt *s)
{
    need_walk *w = user;
    w->needs |= s->kind == WEFT_SK_MATRIX ? 1u << WEFT_NEED_matrix : 0;
    return true;
}

/* A kernel was printed for a profile: of what the profile lacks it needs nothing, whatever dtypes
 * it loads and converts. */
static uint32_t
needs_of(const weft_kernel *k, const weft_target *profile)
{
    weft_arena scratch = { 0 };
    need_walk w = { .seen = WEFT_NEW_ARRAY(&scratch, k->ir->nexpr, bool) };
    weft_walk_stmt(&(weft_walker){ add_need, add_matrix, &w }, k->body);
    uint32_t needs = w.needs, given = 0;
    weft_arena_reset(&scratch);
    for (int i = 0; i < k->nparam; i++) {
        int bits = weft_dtype_bits(k->param[i]->dtype);
        needs |= bits == 16 ? 1u << WEFT_NEED_storage16 : bits <= 8 ? 1u << WEFT_NEED_storage8 : 0;
    }
    for (int i = 0; i < k->nscalar; i++)
        needs |= need_of_value((weft_dtype)k->scalar[i]->type.dtype);
    for (int i = 0; i < WEFT_NEED_COUNT; i++)
        given |= weft_target_has(profile, (weft_need)i) ? 1u << i : 0;
    return needs & given;
}

static void
add_kernel(weft_draft *b, const weft_unit_kernel *u)
{
    const weft_kernel *k = u->kernel;
    uint8_t *scalar = WEFT_NEW_ARRAY(b->arena, k->nscalar + 1, uint8_t);
    weft_mod_kernel *out = &b->p->kernel[b->p->nkernel++];
    for (int i = 0; i < k->nscalar; i++)
        scalar[i] = k->scalar[i]->type.dtype;
    *out = (weft_mod_kernel){
        .name = weft_arena_strdup(b->arena, u->name),
        .text = weft_arena_strdup(b->arena, u->text),
        .size = strlen(u->text),
        .nbuffer = k->nparam,
        .nscalar = k->nscalar,
        .scalar = scalar,
        .subgroup = k->subgroup,
        .shared_bytes = k->shared_bytes,
        .needs = needs_of(k, &b->p->profile),
    };
    for (int d = 0; d < 3; d++)
        out->block[d] = constant_or_zero(k->block[d]);
}

void
weft_draft_kernels(weft_draft *b, const weft_unit *unit, int nunit)
{
    int n = 0;
    for (int i = 0; i < nunit; i++)
        n += unit[i].nkernel;
    b->p->kernel = WEFT_NEW_ARRAY(b->arena, n + 1, weft_mod_kernel);
    b->first_kernel = WEFT_NEW_ARRAY(b->arena, nunit + 1, int);
    for (int i = 0; i < nunit; i++) {
        b->first_kernel[i] = b->p->nkernel;
        for (int k = 0; k < unit[i].nkernel; k++)
            add_kernel(b, &unit[i].kernel[k]);
    }
}

static const char *
launch_dim(weft_draft *b, const weft_expr *e)
{
    return e ? weft_plan_text(b->arena, e) : "1";
}

static int
slot_tensor(const weft_draft_slots *t, weft_slot s)
{
    return s.kind == WEFT_SLOT_INPUT    ? t->in[s.index]
           : s.kind == WEFT_SLOT_OUTPUT ? t->out[s.index]
                                        : t->work[s.index];
}

/* What a header says of a kernel; 0 where that is not known. */
static double
known(double cost)
{
    return cost > 0 ? cost : 0;
}

/* How far the kernel counts, where that is to be held against what is known at the launch. */
static void
add_reach(weft_draft *b, const weft_kernel *k, weft_mod_step *s)
{
    weft_api api = b->p->profile.api;
    bool ends_loops = api == WEFT_API_VULKAN || api == WEFT_API_OPENCL; /* llvmpipe does */
    if (!k->nscalar && !ends_loops)
        return;
    weft_reach r = weft_kernel_reach(k);
    const char **text = WEFT_NEW_ARRAY(b->arena, r.n + 1, const char *);
    for (int i = 0; i < r.n; i++)
        text[i] = weft_plan_text(b->arena, r.most[i]);
    s->nreach = r.n;
    s->reach = text;
    int64_t n;
    if (ends_loops && (!weft_as_int(r.iterations, &n) || n > WEFT_LLVMPIPE_ITERATIONS))
        s->iterations = weft_plan_text(b->arena, r.iterations);
}

/* One launch: kernel k of the unit. */
static void
add_step(weft_draft *b, const weft_unit *u, int unit, int k, const weft_draft_slots *t,
         const char *layers)
{
    const weft_kernel *kernel = u->kernel[k].kernel;
    weft_mod_arg *arg = WEFT_NEW_ARRAY(b->arena, kernel->nparam + 1, weft_mod_arg);
    const char **scalar = WEFT_NEW_ARRAY(b->arena, kernel->nscalar + 1, const char *);
    for (int i = 0; i < kernel->nparam; i++) {
        arg[i] = (weft_mod_arg){ .tensor = slot_tensor(t, u->lowered.slot[k][i]),
                                 .written = (kernel->access[i] & WEFT_WRITE) != 0 };
        weft_draft_use(b, arg[i].tensor, b->p->nstep);
    }
    for (int i = 0; i < kernel->nscalar; i++)
        scalar[i] = weft_arena_strdup(b->arena, kernel->scalar[i]->name);
    weft_mod_step *s = &b->p->step[b->p->nstep++];
    *s = (weft_mod_step){
        .kind = WEFT_STEP_LAUNCH,
        .kernel = b->first_kernel[unit] + k,
        .nbuffer = kernel->nparam,
        .nscalar = kernel->nscalar,
        .buffer = arg,
        .scalar = scalar,
        .layers = weft_arena_strdup(b->arena, layers),
        .flops = known(kernel->info.flops),
        .bytes = known(kernel->info.bytes_read) + known(kernel->info.bytes_written),
    };
    for (int d = 0; d < 3; d++) {
        s->grid[d] = launch_dim(b, kernel->grid[d]);
        s->block[d] = launch_dim(b, kernel->block[d]);
    }
    add_reach(b, kernel, s);
}

void
weft_draft_steps(weft_draft *b, const weft_unit *u, int unit, weft_draft_slots *t,
                 const char *layers)
{
    t->work = WEFT_NEW_ARRAY(b->arena, u->lowered.nwork + 1, int);
    for (int w = 0; w < u->lowered.nwork; w++) {
        const weft_buf *buf = u->lowered.work[w];
        const char *name = weft_arena_printf(b->arena, "%s.%d.%d", buf->name, b->p->nstep, w);
        t->work[w] = weft_draft_tensor(b, name, WEFT_ROLE_TEMP, buf->dtype, buf->ndim, buf->shape);
    }
    for (int k = 0; k < u->nkernel; k++)
        add_step(b, u, unit, k, t, layers);
}
