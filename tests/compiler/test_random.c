/* Random words are those of Threefry 2x32-20: the known answers of its authors (Random123, file
 * kat_vectors), by the reference interpreter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "compiler/compiler.h"

static void
check_words(const char *attrs, int n, const uint32_t *want)
{
    weft_diag *diag = weft_diag_create();
    weft_str text = { 0 };
    weft_str_addf(&text, "graph r() -> (y) {\n y: u32[%d] = random_bits() {dim=[%d], %s}\n}\n", n, n,
                  attrs);
    weft_graph *g = weft_parse_graph("test", weft_str_text(&text), diag);
    weft_str_free(&text);
    weft_const c;
    if (!g || weft_evaluate_node(NULL, g, g->node.at[0], &c, diag))
        fail_msg("%s", weft_diag_text(diag));
    for (int i = 0; g && i < n; i++)
        assert_int_equal(weft_get_i64(WEFT_U32, c.data, i), want[i]);
    weft_graph_destroy(g);
    weft_diag_destroy(diag);
}

static void
words_are_the_known_answers(void **state)
{
    (void)state;
    check_words("key=[0, 0], folds=[]", 2, (uint32_t[]){ 0x6b200159, 0x99ba4efe });
    check_words("key=[0, 0], folds=[]", 1, (uint32_t[]){ 0x6b200159 });
}

/* Beyond the published answers: of another program for the same cipher, which gives those, too. */
static void
keys_folds_and_counters_count(void **state)
{
    (void)state;
    check_words("key=[4294967295, 4294967295], folds=[]", 2, (uint32_t[]){ 0x413979c4, 0x4e58fb3f });
    check_words("key=[1, 2], folds=[3, 4]", 5,
                (uint32_t[]){ 0x47a6b493, 0x6358f4e0, 0x884ae4fe, 0xb990c282, 0x45e9f057 });
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_the_known_answers),
        cmocka_unit_test(keys_folds_and_counters_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
