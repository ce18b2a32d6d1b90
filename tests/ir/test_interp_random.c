/* Random programs with branches, ragged loops, lets, guards and local arrays compute for many lanes
 * at once what they compute for one lane after the other. */
#include "support_interp.h"

#include <string.h>

typedef struct maker {
    weft_str out;
    uint32_t seed;
    int names; /* given out */
    int vars;  /* v0 ... in scope */
} maker;

static uint32_t
pick(maker *m, uint32_t n)
{
    m->seed = m->seed * 1664525u + 1013904223u;
    return (m->seed >> 8) % n;
}

static void
add_leaf(maker *m)
{
    uint32_t leaf = pick(m, 4);
    if (leaf == 0 && m->vars > 0)
        weft_str_addf(&m->out, "v%d", (int)pick(m, (uint32_t)m->vars));
    else if (leaf == 1)
        weft_str_addf(&m->out, "%d", (int)pick(m, 11) - 5);
    else if (leaf == 2)
        weft_str_addf(&m->out, "t[%d]", (int)pick(m, 4));
    else
        weft_str_add(&m->out, "i");
}

static void
add_expr(maker *m, int depth)
{
    static const char *const ops[] = { "+", "-", "*", "//", "%" };
    static const char *const rel[] = { "<", "<=", ">", ">=", "==", "!=" };
    uint32_t kind = pick(m, 9);
    if (depth == 0 || kind == 0) {
        add_leaf(m);
        return;
    }
    const char *open = kind < 5 ? "(" : kind == 5 ? "A[(" : kind == 6 ? "t[(" : "guard(";
    weft_str_add(&m->out, kind == 8 ? "select(" : open);
    add_expr(m, depth - 1);
    if (kind == 5 || kind == 6) {
        weft_str_add(&m->out, kind == 5 ? ") % 64]" : ") % 4]");
        return;
    }
    weft_str_addf(&m->out, " %s ", kind < 5 ? ops[pick(m, 5)] : rel[pick(m, 6)]);
    add_expr(m, depth - 1);
    for (int k = 0; k < 2 && kind >= 7; k++) {
        weft_str_add(&m->out, ", ");
        add_expr(m, depth - 1);
    }
    weft_str_add(&m->out, ")");
}

static void add_block(maker *, int depth);

static void
add_store(maker *m)
{
    weft_str_add(&m->out, "t[(");
    add_expr(m, 1);
    weft_str_add(&m->out, ") % 4] = ");
    add_expr(m, 3);
    weft_str_add(&m->out, "\n");
}

static void
add_if(maker *m, int depth)
{
    weft_str_add(&m->out, "if ");
    add_expr(m, 2);
    weft_str_add(&m->out, pick(m, 2) ? " < " : " != ");
    add_expr(m, 2);
    weft_str_add(&m->out, " ");
    add_block(m, depth - 1);
    if (pick(m, 2)) {
        weft_str_add(&m->out, " else ");
        add_block(m, depth - 1);
    }
    weft_str_add(&m->out, "\n");
}

static void
add_loop(maker *m, int depth)
{
    int name = m->names++, was = m->vars;
    if (pick(m, 2)) {
        weft_str_addf(&m->out, "for j%d in 0..(i * %d + 1) %% 4 ", name, (int)pick(m, 5));
        add_block(m, depth - 1);
    } else {
        weft_str_addf(&m->out, "{ alloc w%d: local i32[1] w%d[0] = (", name, name);
        add_expr(m, 1);
        weft_str_addf(&m->out, ") %% 4\nwhile w%d[0] > 0 { w%d[0] = w%d[0] - 1\n", name, name,
                      name);
        add_block(m, depth - 1);
        weft_str_add(&m->out, "} }");
    }
    m->vars = was;
    weft_str_add(&m->out, "\n");
}

static void
add_let(maker *m, int depth)
{
    weft_str_addf(&m->out, "{ let v%d: i32 = ", m->vars);
    add_expr(m, 2);
    weft_str_add(&m->out, "\n");
    m->vars++;
    add_block(m, depth - 1);
    m->vars--;
    weft_str_add(&m->out, "}\n");
}

static void
add_block(maker *m, int depth)
{
    weft_str_add(&m->out, "{\n");
    for (uint32_t n = 1 + pick(m, 3); n > 0; n--) {
        uint32_t kind = depth > 0 ? pick(m, 6) : 0;
        if (kind < 3)
            add_store(m);
        else if (kind == 3)
            add_if(m, depth);
        else if (kind == 4)
            add_loop(m, depth);
        else
            add_let(m, depth);
    }
    weft_str_add(&m->out, "}");
}

enum { LANES = 150 };

static void
run_with(const char *body, const char *loop, const weft_interp_options *o, int32_t *c)
{
    int32_t a[64];
    weft_str text = { 0 };
    for (int i = 0; i < 64; i++)
        a[i] = i * 2654435 % 101 - 50;
    weft_str_addf(&text,
                  "kernel loops k(A: i32[64], C: out i32[%d, 4]) { for i in 0..%d %s {\n"
                  "alloc t: local i32[4] t[0] = i t[1] = 1 t[2] = A[i %% 64] t[3] = -i\n%s\n"
                  "for s in 0..4 { C[i, s] = t[s] } } }",
                  LANES, LANES, loop, body);
    weft_interp_buffer b[] = { IN(a), { c, LANES * 4, false, true } };
    interp_ok(weft_str_text(&text), b, NULL, o);
    weft_str_free(&text);
}

static void
random_programs_are_the_same_for_many_lanes_and_one(void **state)
{
    (void)state;
    for (uint32_t t = 0; t < 600; t++) {
        int32_t want[LANES * 4], c[LANES * 4];
        maker m = { .seed = t * 7919 + 1 };
        add_block(&m, 4);
        const char *body = weft_str_text(&m.out);
        run_with(body, "", NULL, want);
        for (int o = 0; o < 6; o++) {
            weft_interp_options options = { .order = (weft_order)(o % 3), .seed = t, .threads = 1 };
            run_with(body, o < 3 ? "parallel" : "on thread.x", &options, c);
            if (memcmp(c, want, sizeof c) != 0)
                print_message("%s\n", body);
            assert_memory_equal(c, want, sizeof c);
        }
        weft_str_free(&m.out);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_programs_are_the_same_for_many_lanes_and_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
