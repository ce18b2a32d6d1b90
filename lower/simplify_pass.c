/* simplify: expressions take their simplest form, decided conditions and loops of one step go.
 *
 * needs  any level
 * keeps  the level; every load and store that is executed */
#include "lower/priv.h"

weft_facts *
weft_kernel_facts(const weft_kernel *k)
{
    weft_facts *f = weft_facts_create(k->ir);
    for (int i = 0; i < k->nscalar; i++)
        weft_facts_range(f, k->scalar[i], weft_int(k->ir, (weft_dtype)k->scalar[i]->type.dtype, 0),
                         NULL);
    return f;
}

weft_status
weft_pass_simplify(weft_kernel *k, const weft_lower_options *o, bool *changed, weft_diag *diag)
{
    (void)o;
    weft_facts *facts = weft_kernel_facts(k);
    const weft_stmt *body = weft_simplify_stmt(k->ir, facts, k->body);
    weft_facts_destroy(facts);
    if (!body)
        return weft_fail(diag, WEFT_INTERNAL, "simplify: kernel '%s' could not be rebuilt",
                         k->name);
    *changed = body != k->body;
    k->body = body;
    return WEFT_OK;
}
