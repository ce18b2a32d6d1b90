/* te/rules/contraction.c: sums of products with something to share between results, by class. */
#include "rules/priv.h"

#include <math.h>

/* Of products whose tiles leave cores of a GPU idle, but whose sums are long. */
enum {
    TILE = 2048,         /* results of a block, as tiles go where there are few */
    TILES_OF_A_CORE = 2, /* that are wanted */
    LEAST_PART = 256,    /* steps of a sum's part */
    LEAST_PARTS = 3,     /* that pay for adding them up */
    STEPS = 32,          /* that parts are multiples of: chunks of a tile are, */
    WINDOWS = 144        /* and those of gathered matrices, with windows of 3 x 3 */
};

static bool
is_computed(const weft_rule *r, const weft_tensor *t)
{
    const weft_stage *s = weft_te_stage(r->te, t);
    return s && s->attach == WEFT_AT_INLINE;
}

/* Steps of the most parts, up to `parts`, that are all alike, for tiles take no conditions, and
 * multiples of `unit`; 0: there are none. */
static int64_t
even_part(int64_t steps, int64_t parts, int64_t unit)
{
    for (; parts >= LEAST_PARTS; parts--)
        if (steps % parts == 0 && steps / parts % unit == 0)
            return steps / parts;
    return 0;
}

/* The sums of parts, a product of its own that fills the device, which the sum adds up in a second
 * kernel; NULL: it is better whole. */
static weft_stage *
split_steps(weft_rule *r, weft_stage *reduce)
{
    const weft_te_op *op = reduce->op;
    weft_product p;
    int64_t results = weft_rule_count(op->axis, 0, op->naxis),
            steps = weft_rule_count(op->reduce, 0, op->nreduce),
            wanted =
                TILES_OF_A_CORE * TILE * (int64_t)(r->target->cores > 0 ? r->target->cores : 1),
            parts = weft_least(wanted / (results > TILE ? results : TILE), steps / LEAST_PART);
    if (r->target->cls != WEFT_CLASS_GPU || op->nreduce != 1 || op->nout != 1 || results < 0 ||
        parts < LEAST_PARTS || !weft_rule_product(r, reduce, &p))
        return NULL;
    bool gathered = is_computed(r, p.a) || is_computed(r, p.b);
    if (gathered && isinf(weft_rule_matrix_time(r, reduce, reduce)))
        return NULL; /* lanes take chunks of whole windows, and share long sums within a block */
    int64_t size = gathered ? even_part(steps, parts, WINDOWS) : 0;
    size = size ? size : even_part(steps, parts, STEPS);
    return size ? weft_rule_parts(r, reduce, size) : NULL;
}

static bool
on_gpu(weft_rule *r, weft_stage *reduce, weft_stage *out)
{
    return weft_rule_matrix_tile(r, reduce, out) || weft_rule_block_tile(r, reduce, out);
}

bool
weft_rule_contraction(weft_rule *r, weft_stage *reduce, weft_stage *out)
{
    weft_stage *parts;
    switch (r->target->cls) {
    case WEFT_CLASS_VECTOR_CPU:
        return weft_rule_vector_tile(r, reduce, out);
    case WEFT_CLASS_LANE_CPU:
        return weft_rule_lane_tile(r, reduce, out);
    case WEFT_CLASS_GPU:
    case WEFT_CLASS_MOBILE:
        parts = split_steps(r, reduce);
        if (!parts)
            return on_gpu(r, reduce, out);
        if (!on_gpu(r, parts, parts))
            weft_rule_reduction(r, parts, parts);
        weft_rule_reduction(r, reduce, out);
        return true;
    default:
        return false;
    }
}
