/* The table of onnx_ops.def and how a node finds its row. */
#include "import/ops.h"

#include <string.h>

enum { WEFT_GOP_OP_COUNT = WEFT_GOP_COUNT };

static const onnx_op table[] = {
#define ROW(of, op_name, first, last, least, most, importer, choice, takes_lists, is_random)       \
    { .domain = of,                                                                                \
      .name = op_name,                                                                             \
      .since = first,                                                                              \
      .until = last,                                                                               \
      .min_in = least,                                                                             \
      .max_in = most,                                                                              \
      .lists = takes_lists,                                                                        \
      .random = is_random,                                                                         \
      .import = weft_onnx_import_##importer,                                                       \
      .arg = WEFT_GOP_##choice },
#define ONNX(...)   ROW("", __VA_ARGS__, false, false)
#define LISTS(...)  ROW("", __VA_ARGS__, true, false)
#define RANDOM(...) ROW("", __VA_ARGS__, false, true)
#define MICROSOFT(op_name, least, most, importer, choice)                                          \
    ROW("com.microsoft", op_name, 1, 0, least, most, importer, choice, false, false)
#define REFUSED(op_name, reason) { .domain = "", .name = op_name, .why = reason },
#include "import/onnx_ops.def"
#undef ONNX
#undef LISTS
#undef RANDOM
#undef MICROSOFT
#undef ROW
#undef REFUSED
};

enum { ROWS = (int)(sizeof table / sizeof *table) };

static const char *
domain_of(const onnx_node_proto *p)
{
    const char *domain = weft_onnx_text(p->domain);
    return strcmp(domain, "ai.onnx") == 0 ? "" : domain;
}

/* Why a row is not to be had at this opset; NULL: it is. */
static const char *
row_fault(const onnx_op *op, int64_t opset, weft_arena *arena)
{
    if (!op->import)
        return op->why;
    if (opset < op->since)
        return weft_arena_printf(arena,
                                 "the operator came with operator set %d; the model has %lld",
                                 op->since, (long long)opset);
    if (op->until && opset > op->until)
        return weft_arena_printf(arena,
                                 "the operator went with operator set %d; the model has %lld",
                                 op->until + 1, (long long)opset);
    return NULL;
}

const onnx_op *
weft_onnx_find_op(const onnx_node_proto *p, int64_t opset, weft_arena *arena, const char **why)
{
    const char *name = weft_onnx_text(p->op_type), *domain = domain_of(p);
    const char *full = weft_arena_printf(arena, "%s%s%s", domain, *domain ? "." : "", name);
    bool known = !*domain;
    *why = weft_arena_printf(arena, "the operator is not supported; a te program can stand for it "
                                    "(--op %s=FILE.te)", full);
    for (int i = 0; i < ROWS; i++) {
        bool same = strcmp(table[i].domain, domain) == 0;
        known = known || same;
        if (!same || strcmp(table[i].name, name) != 0)
            continue;
        *why = row_fault(&table[i], opset, arena);
        if (!*why)
            return &table[i];
    }
    if (!known)
        *why = weft_arena_printf(arena, "operators of domain '%s' are not supported; a te program can "
                                        "stand for it (--op %s=FILE.te)", domain, full);
    return NULL;
}
