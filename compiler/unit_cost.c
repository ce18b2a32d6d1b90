/* compiler/unit_cost.c: what each kernel of a program computes and moves.
 *
 * A graph's operators say what a program costs; of several kernels each has the part that its own
 * arithmetic is of all, and the bytes of the tensors that it reads and writes. */
#include "compiler/compiler.h"

enum { UNKNOWN = 512 /* what a symbolic extent is taken for */ };

/* ---- arithmetic ------------------------------------------------------------------------------ */

static bool
count_operation(void *user, const weft_expr *e)
{
    double *all = user;
    switch (e->h.kind) {
    case WEFT_EK_ADD:
    case WEFT_EK_SUB:
    case WEFT_EK_MUL:
    case WEFT_EK_DIV:
    case WEFT_EK_MIN:
    case WEFT_EK_MAX:
    case WEFT_EK_CALL:
        *all += !e->h.index;
        break;
    default:
        break;
    }
    return e->h.kind != WEFT_EK_LOAD && !e->h.index;
}

/* Operations of a value, each once: those of indices and conditions are none. */
static double
operations(const weft_expr *e)
{
    double all = 0;
    weft_walk_expr(&(weft_walker){ .expr = count_operation, .user = &all }, e);
    return all;
}

static double operations_of(const weft_stmt *);

static double
operations_of_loop(const weft_stmt *s)
{
    int64_t n;
    return (weft_as_int(s->u.loop.extent, &n) ? (double)n : UNKNOWN) *
           operations_of(s->u.loop.body);
}

static double
operations_of(const weft_stmt *s)
{
    double all = 0;
    switch (s->kind) {
    case WEFT_SK_SEQ:
        for (int i = 0; i < s->u.seq.n; i++)
            all += operations_of(s->u.seq.at[i]);
        return all;
    case WEFT_SK_FOR:
        return operations_of_loop(s);
    case WEFT_SK_WHILE:
        return operations_of(s->u.loop.body);
    case WEFT_SK_IF:
        return operations_of(s->u.iff.then) + (s->u.iff.els ? operations_of(s->u.iff.els) : 0);
    case WEFT_SK_LET:
        return operations_of(s->u.let.body);
    case WEFT_SK_ALLOC:
        return operations_of(s->u.alloc.body);
    case WEFT_SK_ALLREDUCE:
        for (int i = 0; i < s->u.all.with->n; i++)
            all += operations(s->u.all.value[i]);
        return all + operations_of(s->u.all.body);
    case WEFT_SK_STORE:
        return operations(s->u.store.value);
    default:
        return 0;
    }
}

/* ---- bytes ----------------------------------------------------------------------------------- */

/* Of the parameters that are accessed so; negative where a size is symbolic. */
static double
bytes_of(const weft_kernel *k, weft_access access)
{
    double all = 0;
    for (int i = 0; i < k->nparam; i++) {
        int64_t n = 1, dim, bytes;
        bool known = true;
        for (int d = 0; d < k->param[i]->ndim; d++)
            known = known && weft_as_int(k->param[i]->shape[d], &dim) && weft_mul64(n, dim, &n);
        if (!(k->access[i] & access))
            continue;
        if (!known || !weft_dtype_bytes(k->param[i]->dtype, n, &bytes))
            return -1;
        all += (double)bytes;
    }
    return all;
}

void
weft_unit_costs(weft_kernel *const *kernel, int n)
{
    double all = 0;
    for (int i = 0; i < n; i++)
        all += operations_of(kernel[i]->body);
    for (int i = 0; n > 1 && i < n; i++) {
        weft_kernel_info *info = &kernel[i]->info;
        if (info->flops > 0 && all > 0)
            info->flops *= operations_of(kernel[i]->body) / all;
        info->bytes_read = bytes_of(kernel[i], WEFT_READ);
        info->bytes_written = bytes_of(kernel[i], WEFT_WRITE);
    }
}
