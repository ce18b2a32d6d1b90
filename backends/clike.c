/* clike.c: kernels and statements in C; expressions are clike_expr.c's and clike_vec.c's. */
#include "backends/clike.h"

#include <string.h>

static void print_stmt(weft_clike *c, const weft_stmt *s);

/* ---- lines ----------------------------------------------------------------------------------- */

static void
indent(weft_clike *c)
{
    weft_str_addf(c->out, "%*s", 4 * c->depth, "");
}

static void
line(weft_clike *c, const char *text)
{
    indent(c);
    weft_str_addf(c->out, "%s\n", text);
}

void
weft_clike_fail(weft_clike *c, const char *what, const char *detail)
{
    if (c->status == WEFT_OK)
        c->status = weft_fail(c->diag, WEFT_INTERNAL,
                              "kernel %s: %s%s%s is not legal for %s:%s and was not legalised",
                              c->kernel->name, what, *detail ? " " : "", detail,
                              weft_api_name(c->target->api), c->target->name);
}

static const char *
declare_var(weft_clike *c, const weft_var *var)
{
    return c->var[var->id] = weft_idents_add(&c->names, var->name);
}

/* ---- statements ------------------------------------------------------------------------------ */

/* "{ ... }" with the names of its own. */
static void
print_block(weft_clike *c, const weft_stmt *s)
{
    int mark = c->names.stack.n;
    weft_str_add(c->out, "{\n");
    c->depth++;
    print_stmt(c, s);
    c->waiting.n = 0; /* what is never used is never declared */
    c->depth--;
    indent(c);
    weft_str_add(c->out, "}");
    weft_idents_close(&c->names, mark);
}

static void
print_index(weft_clike *c, const weft_stmt *s)
{
    const weft_var *var = s->u.loop.var;
    const char *type = weft_clike_type(c, var->type), *name = declare_var(c, var);
    indent(c);
    weft_str_addf(c->out, "%s %s = %s;\n", type, name, c->d->index[s->u.loop.bind]);
    print_stmt(c, s->u.loop.body);
}

static void
print_loop(weft_clike *c, const weft_stmt *s)
{
    const weft_var *var = s->u.loop.var;
    int mark = c->names.stack.n;
    if (s->u.loop.unroll) {
        indent(c);
        weft_str_addf(c->out, "#pragma unroll %d\n", s->u.loop.unroll);
    }
    indent(c);
    const char *type = weft_clike_type(c, var->type), *name = declare_var(c, var);
    weft_str_addf(c->out, "for (%s %s = 0; %s < ", type, name, name);
    weft_clike_expr(c, s->u.loop.extent, CLIKE_LT + 1);
    weft_str_addf(c->out, "; %s++) ", name);
    print_block(c, s->u.loop.body);
    weft_str_add(c->out, "\n");
    weft_idents_close(&c->names, mark);
}

static void
print_for(weft_clike *c, const weft_stmt *s)
{
    switch (s->u.loop.bind) {
    case WEFT_SERIAL:
        print_loop(c, s);
        return;
    case WEFT_BLOCK_X:
    case WEFT_BLOCK_Y:
    case WEFT_BLOCK_Z:
    case WEFT_THREAD_X:
    case WEFT_THREAD_Y:
    case WEFT_THREAD_Z:
        print_index(c, s);
        return;
    case WEFT_PARALLEL:
    case WEFT_UNROLL:
    case WEFT_VECTORIZE:
    case WEFT_VTHREAD:
    case WEFT_BIND_COUNT:
        break;
    }
    weft_clike_fail(c, "a loop bound to", weft_bind_name(s->u.loop.bind));
}

static void
print_while(weft_clike *c, const weft_stmt *s)
{
    indent(c);
    weft_str_add(c->out, "while (");
    weft_clike_expr(c, s->u.loop.extent, 0);
    weft_str_add(c->out, ") ");
    print_block(c, s->u.loop.body);
    weft_str_add(c->out, "\n");
}

static void
print_if(weft_clike *c, const weft_stmt *s)
{
    indent(c);
    for (;; s = s->u.iff.els) {
        weft_str_add(c->out, "if (");
        weft_clike_expr(c, s->u.iff.cond, 0);
        weft_str_add(c->out, ") ");
        print_block(c, s->u.iff.then);
        if (!s->u.iff.els)
            break;
        weft_str_add(c->out, " else ");
        if (s->u.iff.els->kind != WEFT_SK_IF) {
            print_block(c, s->u.iff.els);
            break;
        }
    }
    weft_str_add(c->out, "\n");
}

static void
print_let(weft_clike *c, const weft_var *var, const weft_expr *value)
{
    indent(c);
    weft_str_addf(c->out, "const %s ", weft_clike_type(c, var->type));
    size_t at = c->out->n;
    weft_str_add(c->out, " = ");
    weft_clike_expr(c, value, 0);
    weft_str_add(c->out, ";\n");
    /* The name comes into scope after its value: a value may use an outer variable of that name. */
    char *rest = weft_arena_strdup(&c->arena, c->out->at + at);
    c->out->n = at;
    weft_str_addf(c->out, "%s%s", declare_var(c, var), rest);
}

/* ---- registers ------------------------------------------------------------------------------- */

/* Arrays of one element are variables; their declaration waits for a first value to come with. */
static void
declare_waiting(weft_clike *c)
{
    for (int i = 0; i < c->waiting.n; i++) {
        const weft_buf *buf = c->waiting.at[i];
        indent(c);
        weft_str_addf(c->out, "%s %s;\n", weft_clike_element(c, buf), c->buf[buf->id]);
    }
    c->waiting.n = 0;
}

static int
find_waiting(const weft_clike *c, const weft_buf *buf)
{
    for (int i = 0; i < c->waiting.n; i++)
        if (c->waiting.at[i] == buf)
            return i;
    return -1;
}

typedef struct reader {
    const weft_clike *c;
    bool reads;
} reader;

static bool
reads_waiting(void *user, const weft_expr *e)
{
    reader *r = user;
    if (e->h.kind == WEFT_EK_LOAD && find_waiting(r->c, e->h.u.buf) >= 0)
        r->reads = true;
    return !r->reads;
}

/* "float sum = 0.0f;": whether the statement is the first value of a waiting variable, printed. */
static bool
print_first_value(weft_clike *c, const weft_stmt *s)
{
    int at = s->kind == WEFT_SK_STORE ? find_waiting(c, s->u.store.buf) : -1;
    if (at < 0 || s->u.store.value->h.type.lanes != c->layout[s->u.store.buf->id])
        return false;
    reader r = { c, false };
    weft_walker walker = { reads_waiting, NULL, &r };
    weft_walk_expr(&walker, s->u.store.value);
    if (r.reads)
        return false;
    const weft_buf *buf = s->u.store.buf;
    indent(c);
    weft_str_addf(c->out, "%s %s = ", weft_clike_element(c, buf), c->buf[buf->id]);
    weft_clike_expr(c, s->u.store.value, 0);
    weft_str_add(c->out, ";\n");
    for (c->waiting.n--; at < c->waiting.n; at++)
        c->waiting.at[at] = c->waiting.at[at + 1];
    return true;
}

/* ---- stores ---------------------------------------------------------------------------------- */

/* "+" where the value is the place itself plus something: "sum += x". */
static const char *
updates(const weft_clike *c, const weft_buf *buf, const weft_expr *index, const weft_expr *value)
{
    const char *op = value->h.kind == WEFT_EK_ADD   ? "+"
                     : value->h.kind == WEFT_EK_SUB ? "-"
                     : value->h.kind == WEFT_EK_MUL ? "*"
                                                    : "";
    const weft_expr *old = *op ? value->arg[0] : NULL;
    bool built_in =
        value->h.type.lanes == 1 ? weft_dtype_bits(buf->dtype) >= 32 : !c->d->vector_call;
    bool same = old && old->h.kind == WEFT_EK_LOAD && old->h.u.buf == buf && old->arg[0] == index;
    return same && built_in ? op : "";
}

static void
assign(weft_clike *c, const weft_buf *buf, const weft_expr *index, const weft_expr *value)
{
    const char *op = updates(c, buf, index, value);
    indent(c);
    weft_clike_place(c, buf, index, value->h.type.lanes);
    weft_str_addf(c->out, " %s= ", op);
    weft_clike_expr(c, *op ? value->arg[1] : value, 0);
    weft_str_add(c->out, ";\n");
}

/* f16 that is held but not computed with: the rounding is the store's. */
static void
store_half(weft_clike *c, const weft_buf *buf, const weft_expr *index, const weft_expr *value)
{
    weft_clike_fill fill = { .type = value->h.type, .buf = buf };
    const weft_expr *wide = value;
    if (value->h.kind == WEFT_EK_CAST)
        wide = value->arg[0]->h.type.dtype == WEFT_F64
                   ? value->arg[0]
                   : weft_cast_to(c->kernel->ir, (weft_type){ WEFT_F32, value->h.type.lanes },
                                  value->arg[0]);
    fill.arg[0] = wide;
    fill.index = value->h.type.lanes > 1 ? index->arg[0] : index;
    indent(c);
    weft_clike_template(c, c->d->half_store, &fill);
    weft_str_add(c->out, ";\n");
}

static void store_to(weft_clike *c, const weft_buf *buf, const weft_expr *index,
                     const weft_expr *value);

/* A vector to places that do not lie side by side: lane by lane, the value computed once. */
static void
scatter(weft_clike *c, const weft_buf *buf, const weft_expr *index, const weft_expr *value)
{
    bool simple = value->h.kind == WEFT_EK_VAR || value->h.kind == WEFT_EK_BCAST ||
                  value->h.kind == WEFT_EK_IMM;
    if (!simple) {
        const weft_var *var = weft_var_make(c->kernel->ir, "lanes", value->h.type);
        c->var = memcpy(WEFT_NEW_ARRAY(&c->arena, c->kernel->ir->nvar, const char *), c->var,
                        (c->kernel->ir->nvar - 1) * sizeof *c->var);
        print_let(c, var, value);
        value = weft_ref(c->kernel->ir, var);
    }
    for (int i = 0; i < value->h.type.lanes; i++)
        store_to(c, buf, weft_clike_lane_of(c, index, i), weft_clike_lane_of(c, value, i));
}

static void
store_to(weft_clike *c, const weft_buf *buf, const weft_expr *index, const weft_expr *value)
{
    int lanes = value->h.type.lanes;
    bool dense = lanes > 1 && weft_is_dense(index);
    if (weft_clike_half_as_float(c, buf->dtype) && (lanes == 1 || dense)) {
        store_half(c, buf, index, value);
    } else if (lanes == 1 || c->layout[buf->id] >= lanes) {
        assign(c, buf, index, value);
    } else if (dense && weft_clike_dense(c, buf)) {
        weft_clike_fill fill = {
            .type = value->h.type, .buf = buf, .index = index->arg[0], .arg = { value }
        };
        indent(c);
        weft_clike_template(c, c->d->store, &fill);
        weft_str_add(c->out, ";\n");
    } else {
        scatter(c, buf, index, value);
    }
}

/* STREAM(float8, &y[i], v); */
static void
print_stream(weft_clike *c, const weft_stmt *s)
{
    indent(c);
    weft_str_addf(c->out, "%s(%s, &%s[", c->d->stream, weft_clike_type(c, s->u.store.value->h.type),
                  c->buf[s->u.store.buf->id]);
    weft_clike_expr(c, s->u.store.index[0]->arg[0], 0);
    weft_str_add(c->out, "], ");
    weft_clike_expr(c, s->u.store.value, CLIKE_CHOICE + 1);
    weft_str_add(c->out, ");\n");
}

static const weft_expr *
first_of(const weft_expr *index)
{
    return index->h.kind == WEFT_EK_RAMP ? index->arg[0] : index;
}

/* copy(&S[i], &G[j], 8, cond ? 0 : 8); */
static void
print_async_copy(weft_clike *c, const weft_stmt *s)
{
    const weft_expr *cond, *from = weft_async_source(s->u.store.value, &cond);
    if (!c->d->async_copy || !from) {
        weft_clike_fail(c, "an asynchronous store to", s->u.store.buf->name);
        return;
    }
    int bytes = from->h.type.lanes * weft_dtype_bits((weft_dtype)from->h.type.dtype) / 8;
    indent(c);
    weft_str_addf(c->out, "%s(&%s[", c->d->async_copy, c->buf[s->u.store.buf->id]);
    weft_clike_expr(c, first_of(s->u.store.index[0]), 0);
    weft_str_addf(c->out, "], &%s[", c->buf[from->h.u.buf->id]);
    weft_clike_expr(c, first_of(from->arg[0]), 0);
    weft_str_addf(c->out, "], %d", bytes);
    if (cond) {
        weft_str_add(c->out, ", ");
        weft_clike_expr(c, cond, CLIKE_CHOICE + 1);
        weft_str_addf(c->out, " ? 0 : %d", bytes);
    }
    weft_str_add(c->out, ");\n");
}

static void
print_async(weft_clike *c, int left)
{
    if (!c->d->async_copy) {
        weft_clike_fail(c, "a wait for asynchronous stores", "");
        return;
    }
    indent(c);
    if (left == WEFT_ASYNC_COMMIT)
        weft_str_addf(c->out, "%s;\n", c->d->async_commit);
    else
        weft_str_addf(c->out, "%s(%d);\n", c->d->async_wait, left);
}

static void
print_atomic(weft_clike *c, const weft_stmt *s)
{
    const weft_buf *buf = s->u.atomic.buf;
    const char *const *row = c->d->atomic ? c->d->atomic[s->u.atomic.op] : NULL;
    const char *text = row ? row[weft_dtype_bits(buf->dtype) == 64] : NULL;
    weft_clike_fill fill = { .type = s->u.atomic.value->h.type,
                             .buf = buf,
                             .index = s->u.atomic.index,
                             .arg = { s->u.atomic.value } };
    if (!text || !weft_is_int(buf->dtype) || weft_dtype_bits(buf->dtype) < 32) {
        weft_clike_fail(c, "an atomic on", weft_dtype_name(buf->dtype));
        return;
    }
    indent(c);
    weft_clike_template(c, text, &fill);
    weft_str_add(c->out, ";\n");
}

/* ---- arrays ---------------------------------------------------------------------------------- */

const char *
weft_clike_element(weft_clike *c, const weft_buf *buf)
{
    if (buf->dtype == WEFT_BOOL)
        return c->d->bool_in_memory;
    if (weft_clike_half_as_float(c, buf->dtype)) {
        if (buf->space != WEFT_GLOBAL)
            weft_clike_fail(c, "an array of", weft_dtype_name(buf->dtype));
        return c->d->type[WEFT_F16];
    }
    return weft_clike_type(c, (weft_type){ (uint8_t)buf->dtype, c->layout[buf->id] });
}

/* Where shared arrays lie in the bytes that some have in common; behind those the others, where all
 * of them do.  The bytes; 0: no array lies there. */
static int64_t
place_shared(weft_clike *c, int64_t *align)
{
    int64_t end = 0, n, bytes;
    c->place = WEFT_NEW_ARRAY(&c->arena, c->kernel->ir->nbuf + 1, int64_t);
    for (int i = 0; i < c->shared.n; i++) {
        const weft_buf *b = c->shared.at[i];
        c->place[b->id] = b->place;
        end = b->room && b->place + b->room > end ? b->place + b->room : end;
        *align = (b->room || c->grown) && b->align > *align ? b->align : *align;
    }
    for (int i = 0; c->grown && i < c->shared.n; i++) {
        const weft_buf *b = c->shared.at[i];
        if (b->room || !weft_buf_extent(b, &n) || !weft_dtype_bytes(b->dtype, n, &bytes))
            continue;
        c->place[b->id] = weft_round_up(end, b->align > 16 ? b->align : 16);
        end = c->place[b->id] + bytes;
    }
    return end;
}

/* The bytes that shared arrays lie over each other in, or that the launch gives for them. */
static void
print_overlay(weft_clike *c)
{
    int64_t align = WEFT_PLACE_ALIGN, most = c->target ? c->target->shared_bytes : 0;
    c->grown = c->d->grown && most > 0 && c->kernel->shared_bytes > most;
    int64_t bytes = place_shared(c, &align);
    if (!bytes)
        return;
    if (!c->d->overlay[0] || (c->grown && bytes > c->kernel->shared_bytes)) {
        weft_clike_fail(c, "shared arrays that lie over each other", "");
        return;
    }
    c->overlay = weft_idents_add(&c->names, "shared");
    indent(c);
    weft_str_addf(c->out, "%s%s%d%s %s%s %s[", c->grown ? c->d->grown : "", c->d->overlay[0],
                  (int)align, c->d->overlay[1], c->d->array[WEFT_SHARED], c->d->type[WEFT_U8],
                  c->overlay);
    if (!c->grown)
        weft_str_addf(c->out, "%lld", (long long)bytes);
    weft_str_add(c->out, "];\n");
}

/* "float *tile = (float *)(shared + 512);" */
static void
print_view(weft_clike *c, const weft_buf *buf)
{
    const char *space = c->d->space[WEFT_SHARED], *element = weft_clike_element(c, buf);
    c->buf[buf->id] = weft_idents_add(&c->names, buf->name);
    indent(c);
    weft_str_addf(c->out, "%s%s *%s = (%s%s *)", space, element, c->buf[buf->id], space, element);
    if (c->place[buf->id])
        weft_str_addf(c->out, "(%s + %lld);\n", c->overlay, (long long)c->place[buf->id]);
    else
        weft_str_addf(c->out, "%s;\n", c->overlay);
}

static void
print_array(weft_clike *c, const weft_buf *buf)
{
    int64_t n;
    if (!weft_buf_extent(buf, &n)) {
        weft_clike_fail(c, "the extent of array", buf->name);
        return;
    }
    if (!c->d->array[buf->space]) {
        weft_clike_fail(c, "an array in space", weft_space_name(buf->space));
        return;
    }
    c->buf[buf->id] = weft_idents_add(&c->names, buf->name);
    int64_t align = c->by_vector[buf->id] ? 16 : 0;
    align = buf->align > align ? buf->align : align;
    bool aligned = c->d->align && buf->space == WEFT_SHARED && align > 0;
    n /= c->layout[buf->id];
    if (n == 1 && buf->space == WEFT_LOCAL) {
        *WEFT_PUSH(&c->arena, &c->waiting) = buf;
        return;
    }
    indent(c);
    if (aligned)
        weft_str_addf(c->out, "%s(%d) ", c->d->align, (int)align);
    weft_str_addf(c->out, "%s%s %s", c->d->array[buf->space], weft_clike_element(c, buf),
                  c->buf[buf->id]);
    weft_str_addf(c->out, "[%lld];\n", (long long)n);
}

static void
print_alloc(weft_clike *c, const weft_stmt *s)
{
    const weft_buf *buf = s->u.alloc.buf;
    if (buf->space == WEFT_LOCAL)
        print_array(c, buf);
    else if (buf->space == WEFT_FRAGMENT)
        weft_clike_fragments(c, buf);
    else if (buf->space != WEFT_SHARED)
        weft_clike_fail(c, "an alloc in space", weft_space_name(buf->space));
    print_stmt(c, s->u.alloc.body);
}

static void
print_eval(weft_clike *c, const weft_stmt *s)
{
    indent(c);
    weft_clike_expr(c, s->u.eval.call, 0);
    weft_str_add(c->out, ";\n");
}

/* A hint: languages that have no word for it leave it out. */
static void
print_prefetch(weft_clike *c, const weft_stmt *s)
{
    if (!c->d->prefetch)
        return;
    indent(c);
    weft_str_addf(c->out, "%s(&%s[", c->d->prefetch, c->buf[s->u.prefetch.buf->id]);
    weft_clike_expr(c, s->u.prefetch.index, 0);
    weft_str_add(c->out, "]);\n");
}

static void
print_stmt(weft_clike *c, const weft_stmt *s)
{
    if (s->kind != WEFT_SK_SEQ && s->kind != WEFT_SK_ALLOC && c->waiting.n > 0) {
        if (print_first_value(c, s))
            return;
        declare_waiting(c);
    }
    switch (s->kind) {
    case WEFT_SK_SEQ:
        for (int i = 0; i < s->u.seq.n; i++)
            print_stmt(c, s->u.seq.at[i]);
        return;
    case WEFT_SK_FOR:
        print_for(c, s);
        return;
    case WEFT_SK_WHILE:
        print_while(c, s);
        return;
    case WEFT_SK_IF:
        print_if(c, s);
        return;
    case WEFT_SK_LET:
        print_let(c, s->u.let.var, s->u.let.value);
        print_stmt(c, s->u.let.body);
        return;
    case WEFT_SK_ASYNC:
        print_async(c, s->u.async.left);
        return;
    case WEFT_SK_STORE:
        if (s->u.store.async) {
            print_async_copy(c, s);
            return;
        }
        if (s->u.store.stream && c->d->stream) {
            print_stream(c, s);
            return;
        }
        store_to(c, s->u.store.buf, s->u.store.index[0], s->u.store.value);
        return;
    case WEFT_SK_ATOMIC:
        print_atomic(c, s);
        return;
    case WEFT_SK_ALLOC:
        print_alloc(c, s);
        return;
    case WEFT_SK_BARRIER:
        if (c->d->barrier[s->u.barrier.fence & 3])
            line(c, c->d->barrier[s->u.barrier.fence & 3]);
        else
            weft_clike_fail(c, "a barrier", "");
        return;
    case WEFT_SK_EVAL:
        print_eval(c, s);
        return;
    case WEFT_SK_PREFETCH:
        print_prefetch(c, s);
        return;
    case WEFT_SK_MATRIX:
        weft_clike_matrix(c, s);
        return;
    case WEFT_SK_ALLREDUCE:
    case WEFT_SK_COUNT:
        weft_clike_fail(c, "a reduction across threads", "");
        return;
    }
}

/* ---- kernels --------------------------------------------------------------------------------- */

/* Ramps are mostly indices, which are not printed as vectors; a condition for all lanes is a
 * scalar.
 */
static void
survey_vector(weft_clike *c, const weft_expr *e)
{
    weft_type type = e->h.type;
    uint8_t form = weft_expr_infos[e->h.kind].form;
    bool condition = e->h.kind == WEFT_EK_BCAST && type.dtype == WEFT_BOOL;
    if (e->h.kind != WEFT_EK_RAMP && !condition)
        c->vectors[type.dtype] |= 1u << type.lanes;
    if (form == WEFT_FORM_INFIX || form == WEFT_FORM_PREFIX || e->h.kind == WEFT_EK_TDIV ||
        e->h.kind == WEFT_EK_TMOD)
        c->operators[type.dtype] |= 1u << type.lanes;
    else if (e->h.kind != WEFT_EK_RAMP && e->h.kind != WEFT_EK_LOAD && e->h.kind != WEFT_EK_VAR)
        c->functions |= 1u << type.lanes;
}

static bool
survey_expr(void *user, const weft_expr *e)
{
    weft_clike *c = user;
    c->uses[e->h.type.dtype] = true;
    if (e->h.type.lanes > 1)
        survey_vector(c, e);
    if (e->h.kind == WEFT_EK_LOAD && e->h.type.lanes > 1)
        c->by_vector[e->h.u.buf->id] = true;
    return true;
}

static bool
survey_stmt(void *user, const weft_stmt *s)
{
    weft_clike *c = user;
    if (s->kind == WEFT_SK_ALLOC && s->u.alloc.buf->space == WEFT_SHARED)
        *WEFT_PUSH(&c->arena, &c->shared) = s->u.alloc.buf;
    if (s->kind == WEFT_SK_ALLOC)
        c->uses[s->u.alloc.buf->dtype] = true;
    if (s->kind == WEFT_SK_STORE && s->u.store.value->h.type.lanes > 1)
        c->by_vector[s->u.store.buf->id] = true;
    c->async = c->async || (s->kind == WEFT_SK_STORE && s->u.store.async);
    c->matrix = c->matrix || s->kind == WEFT_SK_MATRIX;
    c->streams = c->streams || (s->kind == WEFT_SK_STORE && s->u.store.stream);
    c->prefetches = c->prefetches || s->kind == WEFT_SK_PREFETCH;
    if (s->kind == WEFT_SK_ATOMIC)
        c->atomic64 = c->atomic64 || weft_dtype_bits(s->u.atomic.buf->dtype) == 64;
    return true;
}

static void
survey(weft_clike *c)
{
    const weft_kernel *k = c->kernel;
    weft_walker walker = { survey_expr, survey_stmt, c };
    weft_walk_stmt(&walker, k->body);
    for (int i = 0; i < k->nparam; i++)
        c->uses[k->param[i]->dtype] = true;
    unsigned pieces = WEFT_PIECE_LANE | (c->d->element ? WEFT_PIECE_PICK : 0) |
                      (c->d->part ? WEFT_PIECE_SOME : 0);
    uint8_t *layout = memcpy(WEFT_NEW_ARRAY(&c->arena, k->ir->nbuf + 1, uint8_t),
                             weft_vector_layout(&c->arena, k, pieces), k->ir->nbuf);
    for (int i = 0; i < k->nparam; i++)
        layout[k->param[i]->id] = 1;
    for (int i = 0; i < c->shared.n; i++)
        layout[c->shared.at[i]->id] = 1;
    for (uint32_t i = 0; i < k->ir->nbuf; i++)
        if (c->uses[WEFT_F16] && c->d->half_load && !c->target->f16)
            layout[i] = 1;
    c->layout = layout;
}

bool
weft_clike_block(const weft_kernel *kernel, int64_t block[3])
{
    for (int i = 0; i < 3; i++) {
        block[i] = 1;
        if (kernel->block[i] && !weft_as_int(kernel->block[i], &block[i]))
            return false;
    }
    return true;
}

void
weft_clike_signature(weft_clike *c, const char *head, int n, const char *const *param)
{
    const char *last = strrchr(head, '\n');
    size_t column = strlen(last ? last + 1 : head), width = column;
    for (int i = 0; i < n; i++)
        width += strlen(param[i]) + 2;
    weft_str_add(c->out, head);
    for (int i = 0; i < n; i++) {
        if (i && width > 100)
            weft_str_addf(c->out, ",\n%*s", (int)column, "");
        else if (i)
            weft_str_add(c->out, ", ");
        weft_str_add(c->out, param[i]);
    }
    weft_str_add(c->out, ")\n{\n");
}

static void
print_kernel(weft_clike *c)
{
    const weft_kernel *k = c->kernel;
    for (int i = 0; i < k->nparam; i++)
        c->buf[k->param[i]->id] = weft_idents_add(&c->names, k->param[i]->name);
    for (int i = 0; i < k->nscalar; i++)
        declare_var(c, k->scalar[i]);
    weft_print_header(c->out, k, "// ");
    c->d->open(c);
    c->depth = 1;
    print_overlay(c);
    for (int i = 0; i < c->shared.n; i++)
        (c->shared.at[i]->room || c->grown ? print_view : print_array)(c, c->shared.at[i]);
    print_stmt(c, k->body);
    weft_str_add(c->out, "}\n");
}

void
weft_clike_caps(const weft_dialect *d, weft_caps *caps)
{
    for (int i = 0; i < WEFT_IN_COUNT; i++)
        caps->intrin[i] = caps->intrin16[i] = caps->intrin64[i] = d->call[i] != NULL;
    for (int t = 0; t < WEFT_DTYPE_COUNT; t++) {
        bool narrow = weft_is_int((weft_dtype)t) && weft_dtype_bits((weft_dtype)t) < 32;
        caps->storage[t] = d->type[t] != NULL;
        caps->arith[t] = d->type[t] && !narrow;
    }
    caps->overlay = d->overlay[0] != NULL;
    caps->parts = d->part != NULL;
}

weft_status
weft_clike_print(const weft_dialect *d, weft_str *out, const weft_kernel *kernel,
                 const weft_target *target, weft_numerics numerics, weft_diag *diag)
{
    weft_clike c = {
        .d = d, .kernel = kernel, .target = target, .numerics = numerics, .diag = diag, .out = out
    };
    size_t start = out->n;
    if (kernel->level != WEFT_LEVEL_DEVICE)
        return weft_fail(diag, WEFT_INTERNAL,
                         "kernel %s is at level %s: only level device is printed", kernel->name,
                         weft_level_name(kernel->level));
    c.var = WEFT_NEW_ARRAY(&c.arena, kernel->ir->nvar + 1, const char *);
    c.buf = WEFT_NEW_ARRAY(&c.arena, kernel->ir->nbuf + 1, const char *);
    c.by_vector = WEFT_NEW_ARRAY(&c.arena, kernel->ir->nbuf + 1, bool);
    weft_idents_init(&c.names, &c.arena, d->reserved);
    survey(&c);
    print_kernel(&c);
    if (c.status != WEFT_OK) {
        out->n = start;
        if (out->at)
            out->at[start] = 0;
    }
    weft_arena_reset(&c.arena);
    return c.status;
}
