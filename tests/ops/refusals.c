/* tests/ops/refusals.c: the reasons that a refusal may have. */
#include "ops.h"

#include <string.h>

#define BIT(t) (1u << WEFT_##t)
#define F64S   BIT(F64)
#define LONGS  (BIT(I64) | BIT(U64))
#define PACKED (BIT(I4) | BIT(U4) | BIT(I2) | BIT(U2) | BIT(F4E2M1))

const ops_refusal ops_refusals[] = {
#define REFUSAL(code, dtypes, part, meaning) { code, part, meaning, dtypes },
#include "refusals.def"
#undef REFUSAL
};
const int ops_nrefusal = (int)(sizeof ops_refusals / sizeof *ops_refusals);

int
ops_reason(const char *message)
{
    int at = 0, first = 0;
    while (at < ops_nrefusal && !strstr(message, ops_refusals[at].part))
        at++;
    if (at == ops_nrefusal)
        return -1;
    while (strcmp(ops_refusals[first].code, ops_refusals[at].code) != 0)
        first++;
    return first;
}
