/* tests/fuzz/fuzz_ir.c: any text is read as kernels or refused; what was read prints the same again
 * after it was read again, also from another context, and verifying it does not crash. */
#include "fuzz.h"
#include "ir/ir.h"

#include <stdlib.h>
#include <string.h>

static char *
print(int n, weft_kernel *const *k)
{
    weft_str s = { 0 };
    for (int i = 0; i < n; i++)
        weft_print_kernel(&s, k[i]);
    return weft_str_take(&s);
}

static void
check(int n, weft_kernel *const *k)
{
    weft_ir *again = weft_ir_create(NULL), *other = weft_ir_create(NULL);
    weft_kernel *const *back;
    int nback;
    char *first = print(n, k);
    if (weft_parse_kernels(again, "again", first, &nback, &back) != WEFT_OK || nback != n)
        abort();
    char *second = print(n, back);
    weft_str third = { 0 };
    weft_clone_map *map = weft_clone_map_create(other);
    for (int i = 0; i < n; i++)
        weft_print_kernel(&third, weft_clone_kernel(map, k[i]));
    if (strcmp(first, second) != 0 || strcmp(first, weft_str_text(&third)) != 0)
        abort();
    for (int i = 0; i < n; i++)
        weft_verify(k[i], "fuzz", NULL);
    free(first);
    free(second);
    weft_str_free(&third);
    weft_ir_destroy(again);
    weft_ir_destroy(other);
}

void
fuzz_ir(const uint8_t *data, size_t size)
{
    weft_diag *diag = weft_diag_create();
    weft_ir *ir = weft_ir_create(diag);
    weft_arena arena = { 0 };
    weft_kernel *const *k;
    int n;
    const char *text = weft_arena_strndup(&arena, (const char *)data, size);
    if (weft_parse_kernels(ir, "fuzz", text, &n, &k) == WEFT_OK)
        check(n, k);
    weft_arena_reset(&arena);
    weft_ir_destroy(ir);
    weft_diag_destroy(diag);
}
