/* The IR as text: the language of doc/IR.md, printed so that reading it back prints the same. */
#include "ir/priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct printer {
    weft_str *out;
    weft_names *names;
    int indent; /* levels of four spaces */
} printer;

static void print_expr(printer *, const weft_expr *, int prec);
static void print_stmt(printer *, const weft_stmt *, bool last);

static void
add(printer *p, const char *text)
{
    weft_str_add(p->out, text);
}

static void
start_line(printer *p)
{
    weft_str_addf(p->out, "%*s", 4 * p->indent, "");
}

/* ---- expressions ----------------------------------------------------------------------------- */

static void
print_type(weft_str *out, weft_type t)
{
    weft_str_add(out, weft_dtype_name((weft_dtype)t.dtype));
    if (t.lanes != 1)
        weft_str_addf(out, "x%d", t.lanes);
}

/* The shortest decimal that reads back as v, rounded to t; small whole numbers without exponent. */
static void
shortest(char text[40], weft_dtype t, double v)
{
    int digits = 1;
    if (fabs(v) < 1e15 && v == trunc(v)) {
        snprintf(text, 40, "%.0f", v);
        return;
    }
    do
        snprintf(text, 40, "%.*g", digits, v);
    while (weft_round_to(t, strtod(text, NULL)) != v && digits++ < 17);
}

/* With a point or an exponent, and the dtype unless it is f32. */
static void
print_float(weft_str *out, weft_dtype t, double v)
{
    const char *suffix = t == WEFT_F32 ? "" : weft_dtype_name(t), *sep = *suffix ? "_" : "";
    if (isnan(v) || isinf(v)) {
        weft_str_addf(out, "%s%s%s%s", v < 0 ? "-" : "", isnan(v) ? "nan" : "inf", sep, suffix);
        return;
    }
    char text[40];
    shortest(text, t, v);
    weft_str_addf(out, "%s%s%s", text, strpbrk(text, ".e") ? "" : ".0", suffix);
}

/* A literal of the language: "7", "7i64", "0.5", "true". */
static void
print_imm(weft_str *out, const weft_expr *e)
{
    weft_dtype t = (weft_dtype)e->h.type.dtype;
    const char *suffix = t == WEFT_I32 ? "" : weft_dtype_name(t);
    switch (weft_dtype_kind(t)) {
    case WEFT_KIND_BOOL:
        weft_str_add(out, e->h.u.i ? "true" : "false");
        break;
    case WEFT_KIND_INT:
        weft_str_addf(out, "%lld%s", (long long)e->h.u.i, suffix);
        break;
    case WEFT_KIND_UINT:
        weft_str_addf(out, "%llu%s", (unsigned long long)e->h.u.i, suffix);
        break;
    case WEFT_KIND_FLOAT:
        print_float(out, t, e->h.u.f);
        break;
    }
}

static void
print_list(printer *p, int n, const weft_expr *const *at)
{
    for (int i = 0; i < n; i++) {
        add(p, i ? ", " : "");
        print_expr(p, at[i], 0);
    }
}

static void
print_call(printer *p, const char *name, const weft_expr *e)
{
    add(p, name);
    add(p, "(");
    print_list(p, e->h.nargs, e->arg);
    add(p, ")");
}

/* What is written by a rule of its own. */
static void
print_own(printer *p, const weft_expr *e)
{
    switch ((weft_ek)e->h.kind) {
    case WEFT_EK_IMM:
        print_imm(p->out, e);
        break;
    case WEFT_EK_VAR:
        add(p, weft_names_var(p->names, e->h.u.var));
        break;
    case WEFT_EK_BITCAST:
        add(p, "bits_");
        /* fallthrough */
    case WEFT_EK_CAST:
        print_type(p->out, e->h.type);
        print_call(p, "", e);
        break;
    case WEFT_EK_LOAD:
        add(p, weft_names_buf(p->names, e->h.u.buf));
        add(p, "[");
        print_list(p, e->h.nargs, e->arg);
        add(p, "]");
        break;
    case WEFT_EK_CALL:
        print_call(p, weft_intrin_infos[e->h.u.intrin].text, e);
        break;
    case WEFT_EK_RAMP:
    case WEFT_EK_BCAST:
    case WEFT_EK_LANE:
        weft_str_addf(p->out, "%s(", weft_expr_infos[e->h.kind].text);
        print_list(p, e->h.nargs, e->arg);
        weft_str_addf(p->out, ", %d)", e->h.kind == WEFT_EK_LANE ? (int)e->h.u.i : e->h.type.lanes);
        break;
    default:
        print_call(p, weft_expr_infos[e->h.kind].text, e);
        break;
    }
}

/* Whether the text of `e` starts with a literal or a minus: then "-" before it needs brackets. */
static bool
starts_literal(const weft_expr *e)
{
    return e->h.kind == WEFT_EK_IMM || e->h.kind == WEFT_EK_NEG;
}

/* Brackets it if it binds weaker than `prec`. */
static void
print_expr(printer *p, const weft_expr *e, int prec)
{
    const weft_expr_info *info = &weft_expr_infos[e->h.kind];
    bool open = info->prec < prec;
    add(p, open ? "(" : "");
    switch ((weft_form)info->form) {
    case WEFT_FORM_INFIX:
        print_expr(p, e->arg[0], info->prec);
        weft_str_addf(p->out, " %s ", info->text);
        print_expr(p, e->arg[1], info->prec + 1);
        break;
    case WEFT_FORM_PREFIX:
        add(p, info->text);
        print_expr(p, e->arg[0], starts_literal(e->arg[0]) ? 101 : info->prec);
        break;
    case WEFT_FORM_FUNC:
        print_call(p, info->text, e);
        break;
    case WEFT_FORM_OWN:
        print_own(p, e);
        break;
    }
    add(p, open ? ")" : "");
}

/* ---- statements ------------------------------------------------------------------------------ */

/* "{", the statement a level deeper, and the closing bracket, which the caller continues after. */
static void
print_block(printer *p, const weft_stmt *body)
{
    int mark = weft_names_mark(p->names);
    add(p, "{\n");
    p->indent++;
    print_stmt(p, body, true);
    p->indent--;
    weft_names_leave(p->names, mark);
    start_line(p);
    add(p, "}");
}

static void
print_buf_type(printer *p, const weft_buf *b)
{
    weft_str_addf(p->out, "%s[", weft_dtype_name(b->dtype));
    print_list(p, b->ndim, b->shape);
    add(p, "]");
    if (b->stride) {
        add(p, " stride [");
        print_list(p, b->ndim, b->stride);
        add(p, "]");
    }
    if (b->align)
        weft_str_addf(p->out, " align %lld", (long long)b->align);
    if (b->frag.matrix)
        weft_str_addf(p->out, " matrix %s %s%s", b->frag.matrix->name,
                      weft_matrix_role_name(b->frag.role), b->frag.columns ? " columns" : "");
    if (b->stages)
        weft_str_addf(p->out, " stages %d", b->stages);
    if (b->room)
        weft_str_addf(p->out, " bytes %lld..%lld", (long long)b->place,
                      (long long)(b->place + b->room));
}

static void
print_for(printer *p, const weft_stmt *s)
{
    weft_bind bind = s->u.loop.bind;
    int mark = weft_names_mark(p->names);
    weft_str extent = { 0 };
    printer sub = { &extent, p->names, 0 };
    print_expr(&sub, s->u.loop.extent, 0); /* the variable is not in scope in its extent */
    weft_str_addf(p->out, "for %s in 0..%s ", weft_names_bind_var(p->names, s->u.loop.var),
                  weft_str_text(&extent));
    weft_str_free(&extent);
    if (bind == WEFT_UNROLL || bind == WEFT_VECTORIZE || bind == WEFT_PARALLEL)
        weft_str_addf(p->out, "%s ", weft_bind_name(bind));
    else if (bind != WEFT_SERIAL)
        weft_str_addf(p->out, "on %s ", weft_bind_name(bind));
    if (s->u.loop.unroll)
        weft_str_addf(p->out, "pragma unroll(%d) ", s->u.loop.unroll);
    print_block(p, s->u.loop.body);
    weft_names_leave(p->names, mark);
}

static void
print_if(printer *p, const weft_stmt *s)
{
    add(p, "if ");
    print_expr(p, s->u.iff.cond, 0);
    add(p, " ");
    print_block(p, s->u.iff.then);
    if (!s->u.iff.els)
        return;
    add(p, " else ");
    if (s->u.iff.els->kind == WEFT_SK_IF)
        print_if(p, s->u.iff.els);
    else
        print_block(p, s->u.iff.els);
}

static void
print_store(printer *p, const weft_buf *b, int n, const weft_expr *const *index, const char *op,
            const weft_expr *value)
{
    weft_str_addf(p->out, "%s[", weft_names_buf(p->names, b));
    print_list(p, n, index);
    weft_str_addf(p->out, "] %s ", op);
    print_expr(p, value, 0);
}

static void
print_atomic(printer *p, const weft_stmt *s)
{
    char op[8];
    snprintf(op, sizeof op, "%s=", weft_expr_infos[s->u.atomic.op].text);
    add(p, "atomic ");
    print_store(p, s->u.atomic.buf, 1, &s->u.atomic.index, op, s->u.atomic.value);
}

static void
print_place(printer *p, const weft_spot *at)
{
    weft_str_addf(p->out, "%s[", weft_names_buf(p->names, at->buf));
    print_list(p, at->n, at->index);
    add(p, "]");
}

/* matrix fa[0] = load(As[i, k], 24) */
static void
print_matrix(printer *p, const weft_stmt *s)
{
    const char *sep = "";
    add(p, "matrix ");
    print_place(p, &s->u.matrix.place[0]);
    weft_str_addf(p->out, " = %s(", weft_matrix_op_name(s->u.matrix.op));
    for (int i = 1; i < weft_matrix_op_places(s->u.matrix.op); i++, sep = ", ") {
        add(p, sep);
        print_place(p, &s->u.matrix.place[i]);
    }
    const weft_expr *last = s->u.matrix.value ? s->u.matrix.value : s->u.matrix.stride;
    add(p, last ? sep : "");
    if (last)
        print_expr(p, last, 0);
    add(p, ")");
}

/* "a: f32, b: i32": each enters scope. */
static void
print_bindings(printer *p, int n, const weft_var *const *var)
{
    for (int i = 0; i < n; i++) {
        weft_str_addf(p->out, "%s%s: ", i ? ", " : "", weft_names_bind_var(p->names, var[i]));
        print_type(p->out, var[i]->type);
    }
}

/* "let a: f32 = value": the value is printed before the name enters scope. */
static void
print_let(printer *p, const char *word, int n, const weft_var *const *var,
          const weft_expr *const *value)
{
    weft_str values = { 0 };
    print_list(&(printer){ &values, p->names, 0 }, n, value);
    weft_str_addf(p->out, "%s ", word);
    print_bindings(p, n, var);
    weft_str_addf(p->out, " = %s", weft_str_text(&values));
    weft_str_free(&values);
}

static void
print_alloc(printer *p, const weft_buf *b)
{
    weft_str type = { 0 };
    print_buf_type(&(printer){ &type, p->names, 0 }, b);
    weft_str_addf(p->out, "alloc %s: %s %s", weft_names_bind_buf(p->names, b),
                  weft_space_name(b->space), weft_str_text(&type));
    weft_str_free(&type);
}

/* allreduce s: f32 = x over thread.x combine (a, b) = (a + b) from (0.0) */
static void
print_allreduce(printer *p, const weft_stmt *s)
{
    const weft_combiner *c = s->u.all.with;
    print_let(p, "allreduce", c->n, s->u.all.var, s->u.all.value);
    const char *sep = " over ";
    for (int b = WEFT_THREAD_X; b <= WEFT_THREAD_Z; b++) {
        if (!(s->u.all.axes & 1u << b))
            continue;
        weft_str_addf(p->out, "%s%s", sep, weft_bind_name((weft_bind)b));
        sep = ", ";
    }
    int mark = weft_names_mark(p->names);
    for (int i = 0; i < 2 * c->n; i++)
        weft_str_addf(p->out, "%s%s", i ? ", " : " combine (",
                      weft_names_bind_var(p->names, i < c->n ? c->lhs[i] : c->rhs[i - c->n]));
    add(p, ") = (");
    print_list(p, c->n, c->result);
    weft_names_leave(p->names, mark);
    add(p, ") from (");
    print_list(p, c->n, c->identity);
    add(p, ")");
}

/* A statement that names something for the rest of its block: the rest follows on the
 * same level. */
static void
print_naming(printer *p, const weft_stmt *s)
{
    const weft_stmt *body;
    if (s->kind == WEFT_SK_ALLOC) {
        print_alloc(p, s->u.alloc.buf);
        body = s->u.alloc.body;
    } else if (s->kind == WEFT_SK_ALLREDUCE) {
        print_allreduce(p, s);
        body = s->u.all.body;
    } else {
        print_let(p, "let", 1, &s->u.let.var, &s->u.let.value);
        body = s->u.let.body;
    }
    add(p, "\n");
    print_stmt(p, body, true);
}

/* last: nothing follows it in its block. */
static void
print_stmt(printer *p, const weft_stmt *s, bool last)
{
    if (s->kind == WEFT_SK_SEQ) {
        for (int i = 0; i < s->u.seq.n; i++)
            print_stmt(p, s->u.seq.at[i], last && i == s->u.seq.n - 1);
        return;
    }
    start_line(p);
    switch (s->kind) {
    case WEFT_SK_FOR:
        print_for(p, s);
        break;
    case WEFT_SK_WHILE:
        add(p, "while ");
        print_expr(p, s->u.loop.extent, 0);
        add(p, " ");
        print_block(p, s->u.loop.body);
        break;
    case WEFT_SK_IF:
        print_if(p, s);
        break;
    case WEFT_SK_LET:
    case WEFT_SK_ALLOC:
    case WEFT_SK_ALLREDUCE:
        if (last) {
            print_naming(p, s);
            return;
        }
        print_block(p, s); /* a bare block ends its scope */
        break;
    case WEFT_SK_STORE:
        add(p, s->u.store.async ? "async " : s->u.store.stream ? "stream " : "");
        print_store(p, s->u.store.buf, s->u.store.n, s->u.store.index, "=", s->u.store.value);
        break;
    case WEFT_SK_ATOMIC:
        print_atomic(p, s);
        break;
    case WEFT_SK_ASYNC:
        if (s->u.async.left == WEFT_ASYNC_COMMIT)
            add(p, "async commit");
        else
            weft_str_addf(p->out, "async wait %d", s->u.async.left);
        break;
    case WEFT_SK_BARRIER:
        add(p, "barrier");
        add(p, s->u.barrier.fence & WEFT_FENCE_SHARED ? " shared" : "");
        add(p, s->u.barrier.fence & WEFT_FENCE_GLOBAL ? " global" : "");
        break;
    case WEFT_SK_MATRIX:
        print_matrix(p, s);
        break;
    case WEFT_SK_PREFETCH:
        weft_str_addf(p->out, "prefetch %s[", weft_names_buf(p->names, s->u.prefetch.buf));
        print_expr(p, s->u.prefetch.index, 0);
        add(p, "]");
        break;
    case WEFT_SK_EVAL:
        add(p, "eval ");
        print_expr(p, s->u.eval.call, 0);
        break;
    case WEFT_SK_SEQ:
    case WEFT_SK_COUNT:
        break;
    }
    add(p, "\n");
}

/* ---- kernels --------------------------------------------------------------------------------- */

static void
print_param(printer *p, const weft_buf *b, const char *name, weft_access access)
{
    weft_str_addf(p->out, "%s: %s", name,
                  access == WEFT_WRITE        ? "out "
                  : access == WEFT_READ_WRITE ? "inout "
                                              : "");
    if (b->space != WEFT_GLOBAL)
        weft_str_addf(p->out, "%s ", weft_space_name(b->space));
    print_buf_type(p, b);
}

/* Buffers, then scalars.  Scalars are bound first: shapes are written over them. */
static void
print_params(printer *p, const weft_kernel *k)
{
    weft_arena names = { 0 };
    const char **name = WEFT_NEW_ARRAY(&names, k->nparam, const char *);
    for (int i = 0; i < k->nparam; i++)
        name[i] = weft_names_bind_buf(p->names, k->param[i]);
    for (int i = 0; i < k->nscalar; i++)
        weft_names_bind_var(p->names, k->scalar[i]);
    for (int i = 0; i < k->nparam; i++) {
        add(p, i ? ", " : "");
        print_param(p, k->param[i], name[i], k->access[i]);
    }
    for (int i = 0; i < k->nscalar; i++) {
        weft_str_addf(p->out, "%s%s: ", i ? ", " : "; ", weft_names_var(p->names, k->scalar[i]));
        print_type(p->out, k->scalar[i]->type);
    }
    weft_arena_reset(&names);
}

static void
print_quoted(printer *p, const char *what, const char *text)
{
    if (!text)
        return;
    weft_str_addf(p->out, "\n    %s \"", what);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            weft_str_addf(p->out, "\\%c", c);
        else if (c < 32 || c == 127)
            weft_str_addf(p->out, "\\x%02x", c);
        else
            weft_str_addn(p->out, text, 1);
    }
    add(p, "\"");
}

static void
print_number(printer *p, const char *what, double v)
{
    if (!(v >= 0))
        return;
    char text[40];
    shortest(text, WEFT_F64, v);
    weft_str_addf(p->out, "\n    %s %s", what, text);
}

static void
print_extents(printer *p, const char *what, const weft_expr *const *at)
{
    if (!at[0])
        return;
    weft_str_addf(p->out, "\n    %s(", what);
    print_list(p, 3, at);
    add(p, ")");
}

static void
print_facts(printer *p, const weft_kernel *k)
{
    size_t before = p->out->n;
    add(p, k->no_alias ? "\n    no_alias" : "");
    if (k->subgroup)
        weft_str_addf(p->out, "\n    subgroup %d", k->subgroup);
    print_extents(p, "grid", k->grid);
    print_extents(p, "block", k->block);
    if (k->shared_bytes)
        weft_str_addf(p->out, "\n    shared %lld", (long long)k->shared_bytes);
    print_quoted(p, "layers", k->info.layers);
    print_quoted(p, "model", k->info.model);
    print_quoted(p, "output", k->info.output);
    print_quoted(p, "schedule", k->info.schedule);
    print_number(p, "flops", k->info.flops);
    print_number(p, "reads", k->info.bytes_read);
    print_number(p, "writes", k->info.bytes_written);
    add(p, p->out->n == before ? " " : "\n");
}

void
weft_print_kernel(weft_str *out, const weft_kernel *k)
{
    weft_arena arena = { 0 };
    printer p = { out, weft_names_create(&arena), 0 };
    weft_str_addf(out, "kernel %s %s(", weft_level_name(k->level),
                  weft_name_escape(&arena, k->name));
    print_params(&p, k);
    add(&p, ")");
    print_facts(&p, k);
    print_block(&p, k->body);
    add(&p, "\n");
    weft_arena_reset(&arena);
}

void
weft_print_expr(weft_str *out, const weft_expr *e)
{
    weft_arena arena = { 0 };
    print_expr(&(printer){ out, weft_names_create(&arena), 0 }, e, 0);
    weft_arena_reset(&arena);
}

void
weft_print_stmt(weft_str *out, const weft_stmt *s, int indent)
{
    weft_arena arena = { 0 };
    print_stmt(&(printer){ out, weft_names_create(&arena), indent }, s, true);
    weft_arena_reset(&arena);
}
