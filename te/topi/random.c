/* te/topi/random.c: random numbers that depend on their place alone: Threefry 2x32-20 of J. Salmon,
 * M. Moraes, R. Dror and D. Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).  It
 * adds, rotates and xors 32-bit words, which every device does alike. */
#include "topi/topi.h"

enum { ROUNDS = 20, ROUNDS_A_KEY = 4 };

#define PARITY "466688986u32" /* 0x1bd11bda, of the key schedule */

/* The statements name the two words after each step, "@x0", "@x1", ..: `at` is the last. */
typedef struct threefry {
    weft_topi_text *t;
    int64_t at;
} threefry;

static void
say_round(threefry *f, int64_t bits)
{
    int64_t to = f->at + 1;
    weft_topi_say(f->t, "let @x%d: u32 = @x%d + @y%d", to, f->at, f->at);
    weft_topi_say(f->t, "let @y%d: u32 = ((@y%d << %du32) | (@y%d >> %du32)) ^ @x%d", to, f->at, bits,
                  f->at, 32 - bits, to);
    f->at = to;
}

/* Adds two words of the key at `key`, which has a third: the two and the
 * parity, exclusively ored. */
static void
say_key(threefry *f, int64_t key, int64_t turn)
{
    static const char *const word[3] = { "x", "y", "z" };
    int64_t to = f->at + 1;
    weft_topi_say(f->t, "let @x%d: u32 = @x%d + @%s%d", to, f->at, word[turn % 3], key);
    weft_topi_say(f->t, "let @y%d: u32 = @y%d + @%s%d + %du32", to, f->at, word[(turn + 1) % 3], key,
                  turn);
    f->at = to;
}

/* The last two words become those of (counter, 0) under them as the key. */
static void
say_block(threefry *f, const char *counter)
{
    static const int64_t bits[2][ROUNDS_A_KEY] = { { 13, 15, 26, 6 }, { 17, 29, 16, 24 } };
    int64_t key = f->at;
    weft_topi_say(f->t, "let @z%d: u32 = @x%d ^ @y%d ^ " PARITY, key, key, key);
    weft_topi_say(f->t, "let @x%d: u32 = u32(%s) + @x%d", key + 1, counter, key);
    weft_topi_say(f->t, "let @y%d: u32 = @y%d", key + 1, key);
    f->at = key + 1;
    for (int i = 0; i < ROUNDS; i++) {
        int64_t turn = i / ROUNDS_A_KEY;
        say_round(f, bits[turn % 2][i % ROUNDS_A_KEY]);
        if (i % ROUNDS_A_KEY == ROUNDS_A_KEY - 1)
            say_key(f, key, turn + 1);
    }
}

static const char *
expr_text(weft_te *te, const weft_expr *e)
{
    weft_str s = { 0 };
    weft_print_expr(&s, e);
    const char *text = weft_arena_strdup(&te->ir->arena, weft_str_text(&s));
    weft_str_free(&s);
    return text;
}

weft_tensor *
weft_topi_random_bits(weft_te *te, const weft_expr *n, const int64_t key[2], int nfold,
                      const weft_expr *const *fold)
{
    weft_ir *ir = te->ir;
    weft_topi_text t = { .te = te };
    threefry f = { .t = &t };
    weft_topi_result result = { "bits", WEFT_U32, 1, &n };
    const weft_expr *two = weft_i32(ir, 2),
                    *pairs = weft_fdiv(ir, weft_add(ir, n, weft_i32(ir, 1)), two);
    weft_tensor *out;
    weft_topi_each(&t, "pair", weft_simplify_expr(ir, NULL, pairs));
    weft_topi_say(&t, "let @x0: u32 = %du32\nlet @y0: u32 = %du32", key[0], key[1]);
    for (int i = 0; i < nfold; i++)
        say_block(&f, expr_text(te, fold[i]));
    say_block(&f, "@pair");
    weft_topi_say(&t, "@bits[2 * @pair] = @x%d", f.at);
    weft_topi_say(&t, "if 2 * @pair + 1 < %e { @bits[2 * @pair + 1] = @y%d }", n, f.at);
    weft_topi_end(&t);
    return weft_topi_extern(&t, 1, &result, &out) ? NULL : out;
}
