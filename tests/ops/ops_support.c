/* tests/ops/ops_support.c: doc/SUPPORT.md, which operator takes which dtype on which target.
 *
 *   ops_support FILE             says what in the file is not current; exit status 1 then
 *   ops_support --update FILE    writes it (so does WEFT_UPDATE=1)
 *
 * No device is asked: the first case of every operator and dtype is compiled for named profiles.
 */
#include "ops.h"

#include <stdlib.h>
#include <string.h>

static const char *const targets[] = {
    "interp",          "opencl:pocl",        "opencl:generic-gpu", "opencl:mali-g78",
    "vulkan:lavapipe", "vulkan:generic-gpu", "vulkan:adreno-740",  "cuda:sm_80",
    "metal:apple8",
};
enum { NTARGET = sizeof targets / sizeof *targets, MAX_ROWS = 160 };

typedef enum state { NOT_TAKEN, TAKEN } state;

typedef struct cell {
    state state;
    ops_case c;
} cell;

/* An operator, or a conversion to one dtype. */
typedef struct row {
    char name[OPS_LABEL];
    cell cell[WEFT_DTYPE_COUNT];
    uint8_t refused[NTARGET][WEFT_DTYPE_COUNT]; /* 1 + reason */
} row;

typedef struct support {
    int nrow, failures;
    row *row;
    const ops_case *list[MAX_ROWS * WEFT_DTYPE_COUNT];
    cell *of[MAX_ROWS * WEFT_DTYPE_COUNT];
    row *row_of[MAX_ROWS * WEFT_DTYPE_COUNT];
    int n;
} support;

/* ---- what the operators take ----------------------------------------------------------------- */

static bool
is_typed(const ops_case *c)
{
    ops_batch b;
    weft_diag *diag = weft_diag_create();
    ops_emit(&b, &c, 1, OPS_ALONE);
    weft_graph *g = weft_parse_graph("case", b.text, diag);
    bool ok = g != NULL;
    if (g)
        weft_graph_destroy(g);
    weft_diag_destroy(diag);
    ops_batch_free(&b);
    return ok;
}

static void
add_row(support *s, const char *name, const ops_row *only, weft_op op)
{
    row *r = &s->row[s->nrow++];
    weft_assert(s->nrow <= MAX_ROWS, "more rows than %d", MAX_ROWS);
    snprintf(r->name, sizeof r->name, "%s", name);
    for (int t = 0; t < WEFT_DTYPE_COUNT; t++) {
        cell *c = &r->cell[t];
        bool known = only ? ops_case_of(only, (weft_dtype)t, &c->c)
                          : ops_first_case(op, (weft_dtype)t, &c->c);
        if (!known || !is_typed(&c->c))
            continue;
        c->state = TAKEN;
        s->of[s->n] = c;
        s->row_of[s->n] = r;
        s->list[s->n++] = &c->c;
    }
}

static void
add_rows(support *s)
{
    for (int op = 0; op < WEFT_GOP_COUNT; op++) {
        if (op == WEFT_GOP_CONSTANT)
            continue;
        if (op != WEFT_GOP_CAST) {
            add_row(s, weft_op_infos[op].text, NULL, (weft_op)op);
            continue;
        }
        for (int i = 0; i < ops_nrow; i++)
            if (ops_rows[i].op == WEFT_GOP_CAST) {
                char name[OPS_LABEL];
                snprintf(name, sizeof name, "cast to %s", ops_rows[i].attrs + strlen("dtype="));
                add_row(s, name, &ops_rows[i], WEFT_GOP_CAST);
            }
    }
}

/* ---- what targets take ----------------------------------------------------------------------- */

static void
refuse(support *s, int target, int at, weft_status status, const char *why)
{
    row *r = s->row_of[at];
    weft_dtype t = (weft_dtype)(s->of[at] - r->cell);
    int reason = status == WEFT_UNSUPPORTED ? ops_reason(why) : -1;
    if (reason >= 0) {
        r->refused[target][t] = (uint8_t)(1 + reason);
        return;
    }
    s->failures++;
    printf(
        "FAIL %s of %s for %s is refused without a reason that tests/ops/refusals.def knows: %s\n",
        r->name, weft_dtype_name(t), targets[target], why);
}

/* The case whose result a unit makes: its group's output is "c<at>_y". */
static int
case_of_unit(const weft_compiled *c, int unit)
{
    for (int g = 0; g < c->graph->group.n; g++)
        if (c->unit_of[g] == unit)
            return (int)strtol(c->graph->group.at[g]->out[0]->name + 1, NULL, 10);
    return -1;
}

static void
try_target(support *s, int target)
{
    weft_diag *diag = weft_diag_create();
    const weft_target *profile = weft_profile_find(targets[target], diag);
    weft_compiled c = { 0 };
    ops_batch b;
    ops_emit(&b, s->list, s->n, OPS_ALONE);
    weft_compile_job job = { .target = profile, .numerics = WEFT_DEFAULT, .text = b.text };
    weft_status status = WEFT_NOT_FOUND;
    if (profile)
        status = weft_compile_model("ops.wir", &job, WEFT_DUMP_COUNT, diag, &c);
    int told = 0;
    for (int u = 0; u < c.nunit; u++)
        if (c.unit[u].status) {
            refuse(s, target, case_of_unit(&c, u), c.unit[u].status,
                   weft_diag_text(c.unit[u].diag));
            told++;
        }
    if (status && !told) {
        s->failures++;
        printf("FAIL %s: %s", targets[target], weft_diag_text(diag));
    }
    weft_compiled_free(&c);
    ops_batch_free(&b);
    weft_diag_destroy(diag);
}

/* ---- the page -------------------------------------------------------------------------------- */

/* Dtypes that are named together where all of them stand. */
#define BIT(t)  (1u << WEFT_##t)
#define SIGNED  (BIT(I8) | BIT(I16) | BIT(I32) | BIT(I64))
#define INTS    (SIGNED | BIT(U8) | BIT(U16) | BIT(U32) | BIT(U64))
#define F8S     (BIT(F8E4M3FN) | BIT(F8E4M3FNUZ) | BIT(F8E5M2) | BIT(F8E5M2FNUZ) | BIT(F8E8M0))
#define REALS   (BIT(F16) | BIT(BF16) | BIT(F32) | BIT(F64) | F8S | BIT(F4E2M1))
#define NUMBERS (INTS | REALS | BIT(I4) | BIT(U4) | BIT(I2) | BIT(U2))
static const struct {
    const char *name;
    uint32_t dtypes;
} sets[] = {
    { "all", NUMBERS | BIT(BOOL) },
    { "numbers", NUMBERS },
    { "floats", REALS },
    { "bool", BIT(BOOL) },
};

static void
add_dtypes(weft_str *s, uint32_t set)
{
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        if (set == sets[i].dtypes) {
            weft_str_add(s, sets[i].name);
            return;
        }
    bool first = true;
    for (int t = 0; t < WEFT_DTYPE_COUNT; t++)
        if (set >> t & 1) {
            weft_str_addf(s, "%s%s", first ? "" : " ", weft_dtype_name((weft_dtype)t));
            first = false;
        }
}

static int
count(uint32_t set)
{
    return __builtin_popcount(set);
}

static uint32_t
taken(const row *r)
{
    uint32_t set = 0;
    for (int t = 0; t < WEFT_DTYPE_COUNT; t++)
        set |= r->cell[t].state == TAKEN ? 1u << t : 0;
    return set;
}

static uint32_t
refused_for(const row *r, int target, int reason)
{
    uint32_t set = 0;
    for (int t = 0; t < WEFT_DTYPE_COUNT; t++)
        set |= r->refused[target][t] == 1 + reason ? 1u << t : 0;
    return set;
}

/* "yes", "D E": all but what these stand against, "only i64 (L)", "no (L)". */
static void
add_cell(weft_str *s, const row *r, int target)
{
    uint32_t all = taken(r), left = all;
    weft_str codes = { 0 };
    for (int i = 0; i < ops_nrefusal; i++) {
        uint32_t set = refused_for(r, target, i);
        left &= ~set;
        if (!set)
            continue;
        weft_str_addf(&codes, "%s%s", codes.n ? " " : "", ops_refusals[i].code);
        if (set != (ops_refusals[i].usual & all) && count(set) <= 2) {
            weft_str_add(&codes, ": ");
            add_dtypes(&codes, set);
        }
    }
    if (left == all)
        weft_str_add(s, "yes");
    else if (2 * count(left) > count(all))
        weft_str_add(s, weft_str_text(&codes));
    else {
        weft_str_add(s, left ? "only " : "no");
        add_dtypes(s, left);
        weft_str_addf(s, " (%s)", weft_str_text(&codes));
    }
    weft_str_free(&codes);
}

/* Everything but the name. */
static char *
row_text(const row *r)
{
    weft_str s = { 0 };
    add_dtypes(&s, taken(r));
    for (int i = 0; i < NTARGET; i++) {
        weft_str_add(&s, " | ");
        add_cell(&s, r, i);
    }
    return weft_str_take(&s);
}

/* Operators that are alike share a line. */
static void
add_table(weft_str *s, const support *sup)
{
    char *text[MAX_ROWS];
    weft_str_add(s, "| operators | take |");
    for (int i = 0; i < NTARGET; i++)
        weft_str_addf(s, " %s |", targets[i]);
    weft_str_add(s, "\n|---|---|");
    for (int i = 0; i < NTARGET; i++)
        weft_str_add(s, "---|");
    weft_str_add(s, "\n");
    for (int i = 0; i < sup->nrow; i++)
        text[i] = row_text(&sup->row[i]);
    for (int i = 0; i < sup->nrow; i++) {
        bool told = false;
        for (int k = 0; k < i; k++)
            told |= strcmp(text[k], text[i]) == 0;
        if (told)
            continue;
        for (int k = i; k < sup->nrow; k++)
            if (strcmp(text[k], text[i]) == 0)
                weft_str_addf(s, "%s%s", k == i ? "| " : ", ", sup->row[k].name);
        weft_str_addf(s, " | %s |\n", text[i]);
    }
    for (int i = 0; i < sup->nrow; i++)
        free(text[i]);
}

static const char head[] =
    "# What is supported\n\n"
    "What compiling for a named profile gives; `WEFT_UPDATE=1 ctest -R ops/support` writes this "
    "page, and every run of\n"
    "that test checks it. A cell is `yes` where the operator takes every dtype of the second "
    "column, else the letters\n"
    "of what is refused, by name, when the model is compiled. What stands in no second column is "
    "refused by type\n"
    "inference on every target, with the remedy (\"cast it\").\n\n";

static const char tail[] =
    "\nDtypes: bool, the integers i8 to i64 and u8 to u64, the floats f16 bf16 f32 f64 and, "
    "stored alone (computed with in\n"
    "f32), the five floats of 8 bits and the packed i4 u4 i2 u2 f4e2m1.\n\n"
    "## Executed\n\n"
    "`ctest -L ops` runs every operator in every dtype from bool to f64, in a shape and form that "
    "turn with the device,\n"
    "and compares it with the interpreter in double; of a class that is not the device's own "
    "elementwise operators in f32\n"
    "alone. With `WEFT_TEST_LONG=1` it runs all of `tests/ops/cases.def` in all forms, the dtypes "
    "that are stored alone\n"
    "too. On a machine without a GPU that executes\n\n"
    "| profile | on |\n|---|---|\n"
    "| opencl:pocl, opencl:generic-gpu, opencl:mali-g78 | PoCL, a CPU |\n"
    "| vulkan:lavapipe, vulkan:generic-gpu | lavapipe, a CPU |\n"
    "| cuda:sm_80, metal:apple8 | the emulated devices, a CPU |\n"
    "| interp | the reference interpreter; interp:gpu and its fellows run there what each class "
    "lowers to |\n"
    "| vulkan:adreno-740 | nothing: compiled alone |\n\n"
    "What a profile promises and the device has not (f16 on PoCL) is taken off the profile. "
    "A device that is absent is\n"
    "reported as skipped.\n";

static char *
page(const support *s)
{
    weft_str text = { 0 };
    weft_str_add(&text, head);
    add_table(&text, s);
    weft_str_add(&text, "\n");
    for (int i = 0; i < ops_nrefusal; i++) {
        if (*ops_refusals[i].meaning)
            weft_str_addf(&text, "- **%s**: %s\n", ops_refusals[i].code, ops_refusals[i].meaning);
    }
    weft_str_add(&text, tail);
    return weft_str_take(&text);
}

/* ---- main ------------------------------------------------------------------------------------ */

/* The first line in which they differ. */
static void
print_difference(const char *file, const char *have, const char *want)
{
    int line = 1;
    while (*have && *want) {
        size_t a = strcspn(have, "\n"), b = strcspn(want, "\n");
        if (a != b || memcmp(have, want, a) != 0)
            break;
        have += a + (have[a] == '\n');
        want += b + (want[b] == '\n');
        line++;
    }
    printf(
        "FAIL %s is not current; WEFT_UPDATE=1 writes it anew.  Line %d is\n%.*s\nand should be\n"
        "%.*s\n",
        file, line, (int)strcspn(have, "\n"), have, (int)strcspn(want, "\n"), want);
}

static int
settle(const char *file, const char *want, bool update)
{
    char *have = NULL;
    size_t n;
    weft_diag *diag = weft_diag_create();
    int status = 0;
    if (update) {
        status = weft_file_write(diag, file, want, strlen(want)) ? 1 : 0;
    } else if (weft_file_read(diag, file, 1 << 20, &have, &n)) {
        status = 1;
    } else if (strcmp(have, want) != 0) {
        print_difference(file, have, want);
        status = 1;
    }
    printf("%s", weft_diag_text(diag));
    free(have);
    weft_diag_destroy(diag);
    return status;
}

int
main(int argc, char **argv)
{
    const char *env = getenv("WEFT_UPDATE");
    bool update = (argc == 3 && strcmp(argv[1], "--update") == 0) || (env && *env);
    if (argc < 2 || argc > 3 || (argc == 3 && strcmp(argv[1], "--update") != 0)) {
        fprintf(stderr, "ops_support [--update] FILE\n");
        return 2;
    }
    support *s = calloc(1, sizeof *s);
    row *rows = calloc(MAX_ROWS, sizeof *rows);
    int status = 1;
    if (s && rows) {
        s->row = rows;
        add_rows(s);
        for (int i = 0; i < NTARGET; i++)
            try_target(s, i);
        char *text = page(s);
        status = s->failures ? 1 : settle(argv[argc - 1], text, update);
        free(text);
    }
    free(rows);
    free(s);
    return status;
}
