/* clike_vec.c: templates, places in memory, vectors and vector masks. */
#include "backends/clike.h"

#include <string.h>

/* ---- templates ------------------------------------------------------------------------------- */

static void
template_arg(weft_clike *c, const weft_clike_fill *f, int i)
{
    if (f->name[i])
        weft_str_add(c->out, f->name[i]);
    else if (c->d->mask && f->arg[i]->h.type.dtype == WEFT_BOOL && f->arg[i]->h.type.lanes > 1)
        weft_clike_mask(c, f->arg[i], weft_dtype_bits((weft_dtype)f->type.dtype), 0);
    else
        weft_clike_expr(c, f->arg[i], 0);
}

void
weft_clike_template(weft_clike *c, const char *text, const weft_clike_fill *f)
{
    weft_type scalar = { f->type.dtype, 1 };
    for (const char *at; (at = strchr(text, '%')) && at[1]; text = at + 2) {
        weft_str_addn(c->out, text, (size_t)(at - text));
        switch (at[1]) {
        case 't':
            weft_str_add(c->out, weft_clike_type(c, f->type));
            break;
        case 's':
            weft_str_add(c->out, weft_clike_type(c, scalar));
            break;
        case 'n':
            if (f->type.lanes > 1)
                weft_str_addf(c->out, "%d", f->type.lanes);
            break;
        case 'b':
            weft_str_add(c->out, c->buf[f->buf->id] ? c->buf[f->buf->id] : "?");
            break;
        case 'a':
            weft_str_add(c->out, c->d->space[f->buf->space]);
            break;
        case 'i':
            weft_clike_expr(c, f->index, 0);
            break;
        case '0':
        case '1':
        case '2':
            template_arg(c, f, at[1] - '0');
            break;
        default:
            weft_assert(false, "template %s", text);
        }
    }
    weft_str_add(c->out, text);
}

/* ---- places ---------------------------------------------------------------------------------- */

/* ".x" */
static void
print_lane(weft_clike *c, weft_dtype dtype, int64_t i)
{
    if (i < 0 || i >= (int64_t)strlen(c->d->lanes))
        weft_clike_fail(c, "a lane that there is not in vectors of", weft_dtype_name(dtype));
    else
        weft_str_addf(c->out, "%s%c", c->d->lane, c->d->lanes[i]);
}

/* A piece of an array of vectors by a template, over the array as elements of that piece's type. */
static void
piece_place(weft_clike *c, const char *text, const weft_buf *buf, const weft_expr *at, int lanes)
{
    int64_t extent;
    bool one = weft_buf_extent(buf, &extent) && extent == c->layout[buf->id];
    weft_clike_fill fill = { .type = { (uint8_t)buf->dtype, (uint8_t)lanes },
                             .buf = buf,
                             .name = { one ? "&" : "" },
                             .index = at };
    weft_clike_template(c, text, &fill);
}

/* Where the array holds vectors: element index / n, and the lane of a scalar access; other pieces by
 * the dialect's templates. */
static void
vector_place(weft_clike *c, const weft_buf *buf, const weft_expr *index, int lanes)
{
    int n = c->layout[buf->id];
    int64_t extent = 0, at = 0;
    weft_ir *ir = c->kernel->ir;
    if (lanes > 1 && lanes < n) {
        piece_place(c, c->d->part, buf, weft_quotient(ir, index->arg[0], lanes), lanes);
        return;
    }
    if (lanes == 1 && !weft_as_int(index, &at)) {
        piece_place(c, c->d->element, buf, index, 1);
        return;
    }
    weft_str_add(c->out, c->buf[buf->id]);
    if (buf->space != WEFT_LOCAL || !weft_buf_extent(buf, &extent) || extent != n) {
        weft_str_add(c->out, "[");
        weft_clike_expr(c,
                        lanes > 1 ? weft_quotient(ir, index->arg[0], n)
                                  : weft_imm(ir, index->h.type, (double)(at / n)),
                        0);
        weft_str_add(c->out, "]");
    }
    if (lanes == 1)
        print_lane(c, buf->dtype, at % n);
}

void
weft_clike_place(weft_clike *c, const weft_buf *buf, const weft_expr *index, int lanes)
{
    int64_t extent;
    if (!c->buf[buf->id]) {
        weft_clike_fail(c, "an access before its alloc to", buf->name);
        return;
    }
    if (c->layout[buf->id] > 1) {
        vector_place(c, buf, index, lanes);
        return;
    }
    weft_str_add(c->out, c->buf[buf->id]);
    if (buf->space == WEFT_LOCAL && weft_buf_extent(buf, &extent) && extent == 1)
        return;
    weft_str_add(c->out, "[");
    weft_clike_expr(c, index, 0);
    weft_str_add(c->out, "]");
}

bool
weft_clike_dense(const weft_clike *c, const weft_buf *buf)
{
    return buf->dtype != WEFT_BOOL && !(c->d->align && buf->space == WEFT_LOCAL);
}

/* ---- lanes ----------------------------------------------------------------------------------- */

static const weft_expr *
ramp_lane(weft_clike *c, const weft_expr *ramp, int lane)
{
    weft_ir *ir = c->kernel->ir;
    int64_t stride;
    weft_type type = ramp->arg[0]->h.type;
    if (lane == 0)
        return ramp->arg[0];
    if (weft_as_int(ramp->arg[1], &stride))
        return weft_add(ir, ramp->arg[0], weft_int(ir, (weft_dtype)type.dtype, lane * stride));
    return weft_add(ir, ramp->arg[0],
                    weft_mul(ir, ramp->arg[1], weft_int(ir, (weft_dtype)type.dtype, lane)));
}

const weft_expr *
weft_clike_lane_of(weft_clike *c, const weft_expr *e, int lane)
{
    weft_ir *ir = c->kernel->ir;
    weft_head h = e->h;
    switch (e->h.kind) {
    case WEFT_EK_RAMP:
        return ramp_lane(c, e, lane);
    case WEFT_EK_BCAST:
        return e->arg[0];
    case WEFT_EK_VEC:
        return e->arg[lane];
    case WEFT_EK_IMM:
        h.type.lanes = 1;
        return weft_expr_make(ir, h, 0, NULL);
    default:
        return weft_lane(ir, e, lane);
    }
}

static void
make(weft_clike *c, const weft_expr *e)
{
    weft_clike_fill fill = { .type = e->h.type };
    weft_clike_template(c, c->d->make, &fill);
    for (int i = 0; i < e->h.type.lanes; i++) {
        weft_str_add(c->out, i ? ", " : "");
        weft_clike_expr(c, weft_clike_lane_of(c, e, i), 0);
    }
    weft_str_add(c->out, ")");
}

/* A vector load that is no single access: every lane by itself. */
static void
gather(weft_clike *c, const weft_expr *e)
{
    weft_ir *ir = c->kernel->ir;
    weft_clike_fill fill = { .type = e->h.type };
    weft_head h = e->h;
    h.type.lanes = 1;
    weft_clike_template(c, c->d->make, &fill);
    for (int i = 0; i < e->h.type.lanes; i++) {
        const weft_expr *index = weft_clike_lane_of(c, e->arg[0], i);
        weft_str_add(c->out, i ? ", " : "");
        weft_clike_expr(c, weft_expr_make(ir, h, 1, &index), 0);
    }
    weft_str_add(c->out, ")");
}

static void
load(weft_clike *c, const weft_expr *e)
{
    const weft_buf *buf = e->h.u.buf;
    int lanes = e->h.type.lanes;
    bool dense = lanes > 1 && weft_is_dense(e->arg[0]),
         half = weft_clike_half_as_float(c, buf->dtype);
    weft_clike_fill fill = { .type = e->h.type,
                             .buf = buf,
                             .index = dense ? e->arg[0]->arg[0] : e->arg[0] };
    if (half && (dense || lanes == 1))
        weft_clike_template(c, c->d->half_load, &fill);
    else if (lanes == 1 || c->layout[buf->id] >= lanes)
        weft_clike_place(c, buf, e->arg[0], lanes);
    else if (dense && weft_clike_dense(c, buf))
        weft_clike_template(c, c->d->load, &fill);
    else
        gather(c, e);
}

static void
lane(weft_clike *c, const weft_expr *e, int prec)
{
    const weft_expr *arg = e->arg[0];
    const weft_expr *known = weft_clike_lane_of(c, arg, (int)e->h.u.i);
    bool mask = c->d->mask && arg->h.type.dtype == WEFT_BOOL;
    if (known->h.kind != WEFT_EK_LANE) {
        weft_clike_expr(c, known, prec);
        return;
    }
    weft_str_add(c->out, mask && CLIKE_EQ < prec ? "(" : "");
    weft_clike_expr(c, arg, CLIKE_POSTFIX);
    print_lane(c, (weft_dtype)arg->h.type.dtype, e->h.u.i);
    weft_str_add(c->out, mask ? " != 0" : "");
    weft_str_add(c->out, mask && CLIKE_EQ < prec ? ")" : "");
}

void
weft_clike_vector(weft_clike *c, const weft_expr *e, int prec)
{
    weft_clike_fill fill = { .type = e->h.type };
    switch (e->h.kind) {
    case WEFT_EK_LOAD:
        load(c, e);
        return;
    case WEFT_EK_LANE:
        lane(c, e, prec);
        return;
    case WEFT_EK_IMM:
    case WEFT_EK_BCAST:
        fill.arg[0] = weft_clike_lane_of(c, e, 0);
        weft_clike_template(c, c->d->splat, &fill);
        return;
    default:
        make(c, e);
    }
}

/* ---- masks ----------------------------------------------------------------------------------- */

static weft_type
mask_type(int bits, int lanes)
{
    weft_dtype t = bits == 8 ? WEFT_I8 : bits == 16 ? WEFT_I16 : bits == 32 ? WEFT_I32 : WEFT_I64;
    return (weft_type){ (uint8_t)t, (uint8_t)lanes };
}

/* Opens "convert_long4(" where a mask of `have` bits is wanted as one of `bits`. */
static bool
open_convert(weft_clike *c, int have, int bits, int lanes)
{
    if (have == bits)
        return false;
    const char *hole = strstr(c->d->vector_cast, "%0");
    weft_clike_fill fill = { .type = mask_type(bits, lanes) };
    weft_clike_template(
        c, weft_arena_strndup(&c->arena, c->d->vector_cast, (size_t)(hole - c->d->vector_cast)),
        &fill);
    return true;
}

static void
mask_compare(weft_clike *c, const weft_expr *e, int bits, int prec, const char *op, int own)
{
    bool convert = open_convert(c, weft_dtype_bits((weft_dtype)e->arg[0]->h.type.dtype), bits,
                                e->h.type.lanes);
    bool bracket = !convert && own < prec;
    weft_str_add(c->out, bracket ? "(" : "");
    weft_clike_expr(c, e->arg[0], own);
    weft_str_addf(c->out, " %s ", op);
    weft_clike_expr(c, e->arg[1], own + 1);
    weft_str_add(c->out, bracket || convert ? ")" : "");
}

static void
mask_infix(weft_clike *c, const weft_expr *e, int bits, int prec, const char *op, int own)
{
    weft_str_add(c->out, own < prec ? "(" : "");
    weft_clike_mask(c, e->arg[0], bits, own);
    weft_str_addf(c->out, " %s ", op);
    weft_clike_mask(c, e->arg[1], bits, own + 1);
    weft_str_add(c->out, own < prec ? ")" : "");
}

/* All lanes the same, or each its own: "(int4)(a ? -1 : 0)". */
static void
mask_lanes(weft_clike *c, const weft_expr *e, int bits, int n)
{
    weft_clike_fill fill = { .type = mask_type(bits, e->h.type.lanes) };
    weft_clike_template(c, c->d->make, &fill);
    for (int i = 0; i < n; i++) {
        const weft_expr *of =
            e->h.kind == WEFT_EK_LOAD ? weft_clike_lane_of(c, e->arg[0], i) : NULL;
        weft_head h = e->h;
        h.type.lanes = 1;
        of = of ? weft_expr_make(c->kernel->ir, h, 1, &of) : weft_clike_lane_of(c, e, i);
        weft_str_add(c->out, i ? ", " : "");
        weft_clike_expr(c, of, CLIKE_CHOICE + 1);
        weft_str_add(c->out, " ? -1 : 0");
    }
    weft_str_add(c->out, ")");
}

static void
mask_choice(weft_clike *c, const weft_expr *e, int bits, int prec)
{
    bool vector = e->arg[0]->h.type.lanes > 1, bracket = !vector && CLIKE_CHOICE < prec;
    static const char *const by_vector[4] = { "select(", ", ", ", ", ")" };
    static const char *const by_scalar[4] = { "", " ? ", " : ", "" };
    const char *const *text = vector ? by_vector : by_scalar;
    const weft_expr *arm[3] = { e->arg[vector ? 2 : 0], e->arg[1], e->arg[vector ? 0 : 2] };
    weft_str_add(c->out, bracket ? "(" : "");
    for (int i = 0; i < 3; i++) {
        weft_str_add(c->out, text[i]);
        if (arm[i]->h.type.lanes > 1)
            weft_clike_mask(c, arm[i], bits, vector ? 0 : CLIKE_CHOICE + 1);
        else
            weft_clike_expr(c, arm[i], CLIKE_CHOICE + 1);
    }
    weft_str_add(c->out, text[3]);
    weft_str_add(c->out, bracket ? ")" : "");
}

/* A mask of 32 bits from a variable, of its argument's bits from a test. */
static void
mask_value(weft_clike *c, const weft_expr *e, int bits)
{
    bool is_var = e->h.kind == WEFT_EK_VAR;
    int have = is_var ? 32 : weft_dtype_bits((weft_dtype)e->arg[0]->h.type.dtype);
    bool convert = open_convert(c, have, bits, e->h.type.lanes);
    if (is_var) {
        weft_clike_expr(c, e, 0);
    } else {
        weft_clike_fill fill = { .type = e->arg[0]->h.type, .arg = { e->arg[0] } };
        weft_clike_template(c, c->d->call[e->h.u.intrin], &fill);
    }
    weft_str_add(c->out, convert ? ")" : "");
}

static void
mask_not(weft_clike *c, const weft_expr *e, int bits, int prec)
{
    weft_str_add(c->out, CLIKE_UNARY < prec ? "(~" : "~");
    if (e->h.kind == WEFT_EK_NOT)
        weft_clike_mask(c, e->arg[0], bits, CLIKE_UNARY);
    else
        mask_infix(c, e, bits, CLIKE_UNARY, "^", CLIKE_BXOR);
    weft_str_add(c->out, CLIKE_UNARY < prec ? ")" : "");
}

void
weft_clike_mask(weft_clike *c, const weft_expr *e, int bits, int prec)
{
    static const struct {
        const char *op;
        int prec;
    } compare[WEFT_EK_COUNT] = {
        [WEFT_EK_EQ] = { "==", CLIKE_EQ }, [WEFT_EK_NE] = { "!=", CLIKE_EQ },
        [WEFT_EK_LT] = { "<", CLIKE_LT },  [WEFT_EK_LE] = { "<=", CLIKE_LT },
        [WEFT_EK_GT] = { ">", CLIKE_LT },  [WEFT_EK_GE] = { ">=", CLIKE_LT },
    };
    weft_ek kind = (weft_ek)e->h.kind;
    bool of_bools = e->h.nargs > 0 && e->arg[0]->h.type.dtype == WEFT_BOOL;
    if (kind == WEFT_EK_AND)
        mask_infix(c, e, bits, prec, "&", CLIKE_BAND);
    else if (kind == WEFT_EK_OR)
        mask_infix(c, e, bits, prec, "|", CLIKE_BOR);
    else if (kind == WEFT_EK_NE && of_bools)
        mask_infix(c, e, bits, prec, "^", CLIKE_BXOR);
    else if (kind == WEFT_EK_NOT || (kind == WEFT_EK_EQ && of_bools))
        mask_not(c, e, bits, prec);
    else if (compare[kind].op)
        mask_compare(c, e, bits, prec, compare[kind].op, compare[kind].prec);
    else if (kind == WEFT_EK_SELECT || kind == WEFT_EK_GUARD)
        mask_choice(c, e, bits, prec);
    else if (kind == WEFT_EK_CAST && of_bools)
        weft_clike_mask(c, e->arg[0], bits, prec);
    else if (kind == WEFT_EK_CAST)
        weft_clike_mask(c,
                        weft_binary(c->kernel->ir, WEFT_EK_NE, e->arg[0],
                                    weft_imm(c->kernel->ir, e->arg[0]->h.type, 0)),
                        bits, prec);
    else if (kind == WEFT_EK_VAR || kind == WEFT_EK_CALL)
        mask_value(c, e, bits);
    else
        mask_lanes(c, e, bits, kind == WEFT_EK_BCAST || kind == WEFT_EK_IMM ? 1 : e->h.type.lanes);
}
