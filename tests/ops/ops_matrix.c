/* tests/ops/ops_matrix.c: every operator on a device, held against the interpreter in double.
 *
 *   ops_matrix -d DEVICE [-t TARGET] [--all] [--only OPERATOR] [--dtype T] [--case N] [--form NAME]
 *              [--batch N] [--show]
 *   ops_matrix --list [--only OPERATOR]
 *
 * Without --all a dtype of an operator has one case, of another shape and form for another device.
 * Cases share programs (--batch of them); one that differs or is refused is tried again alone and
 * told in a line.  A refusal passes where refusals.def has its reason.  --show prints the graphs.
 * Exit status: 0, 1 when a case failed, 77 when there is no such device.
 */
#include "ops.h"

#include <stdlib.h>
#include <string.h>

enum { NO_SUCH_DEVICE = 77, CORE_DTYPES = WEFT_F64 + 1 };

typedef struct options {
    const char *device, *target, *only, *dtype, *form;
    long one, batch;
    bool all, show, list;
} options;

typedef struct matrix {
    const options *o;
    ops_place place, reference;
    int passed, failed, refused;
} matrix;

/* ---- one batch ------------------------------------------------------------------------------- */

typedef struct results {
    int n;
    weft_const *want, *got;
    weft_status status;
    bool by_reference; /* whose status it is */
} results;

static results
run_batch(matrix *m, ops_batch *b, ops_form form, weft_diag *diag)
{
    results r = { 0 };
    weft_const *in = WEFT_NEW_ARRAY(&b->arena, b->input.n + 1, weft_const);
    for (int i = 0; i < b->input.n; i++)
        in[i] = ops_fill(&b->arena, &b->input.at[i]);
    r.by_reference = true;
    r.status = ops_run(b->text, &m->reference, 0, in, b->input.n, &b->arena, &r.want, &r.n, diag);
    if (r.status)
        return r;
    r.by_reference = false;
    r.status = ops_run(b->text, &m->place, form == OPS_ALONE ? 0 : 2, in, b->input.n, &b->arena,
                       &r.got, &r.n, diag);
    return r;
}

static void
print_case(const char *verdict, const matrix *m, const ops_case *c, ops_form form)
{
    weft_str s = { 0 };
    ops_describe(&s, c);
    printf("%s %s, %s, on %s (--case %d --form %s)", verdict, weft_str_text(&s),
           ops_form_name[form], m->place.name, c->id, ops_form_name[form]);
    weft_str_free(&s);
}

/* ---- cases alone ----------------------------------------------------------------------------- */

static void
try_alone(matrix *m, const ops_case *c, ops_form form, bool failed_before)
{
    ops_batch b;
    weft_diag *diag = weft_diag_create();
    ops_emit(&b, &c, 1, form);
    if (m->o->show)
        printf("%s", b.text);
    results r = run_batch(m, &b, form, diag);
    weft_metrics metrics = { 0 };
    if (!r.status)
        weft_measure(&r.got[0], &r.want[0], &metrics);
    if (r.status == WEFT_UNSUPPORTED && ops_reason(weft_diag_text(diag)) >= 0) {
        m->refused++;
        if (m->o->one >= 0) {
            print_case("refused:", m, c, form);
            printf(": %s", weft_diag_text(diag));
        }
    } else if (r.status) {
        m->failed++;
        print_case("FAIL", m, c, form);
        printf(": %s%s", r.by_reference ? "the reference: " : "", weft_diag_text(diag));
    } else if (!metrics.agree || failed_before) {
        m->failed++;
        print_case("FAIL", m, c, form);
        weft_str why = { 0 };
        if (metrics.agree)
            weft_str_add(&why, "right alone, wrong among others");
        else
            weft_compare(&r.got[0], &r.want[0], &why);
        printf(": %s\n", weft_str_text(&why));
        weft_str_free(&why);
    } else {
        m->passed++;
        if (m->o->one >= 0) {
            print_case("passed:", m, c, form);
            printf(": worst error %.3g, %.3g relative\n", metrics.max_abs, metrics.max_rel);
        }
    }
    fflush(stdout);
    weft_diag_destroy(diag);
    ops_batch_free(&b);
}

/* ---- many ------------------------------------------------------------------------------------ */

static void
try_many(matrix *m, const ops_case *const *list, int n, ops_form form)
{
    ops_batch b;
    if (n == 1) {
        try_alone(m, list[0], form, false);
        return;
    }
    weft_diag *diag = weft_diag_create();
    ops_emit(&b, list, n, form);
    if (m->o->show)
        printf("%s", b.text);
    results r = run_batch(m, &b, form, diag);
    for (int i = 0; i < n && !r.status; i++) {
        if (weft_compare(&r.got[i], &r.want[i], NULL))
            m->passed++;
        else
            try_alone(m, list[i], form, true);
    }
    ops_batch_free(&b);
    weft_diag_destroy(diag);
    if (r.status) {
        try_many(m, list, n / 2, form);
        try_many(m, list + n / 2, n - n / 2, form);
    }
}

/* Whether the target takes all of these. */
static bool
compiles(const matrix *m, const ops_case *const *list, int n, ops_form form)
{
    ops_batch b;
    weft_module *module = NULL;
    ops_emit(&b, list, n, form);
    bool ok = !ops_compile(b.text, &m->place.target, form == OPS_ALONE ? 0 : 2, NULL, &module);
    weft_module_destroy(module);
    ops_batch_free(&b);
    return ok;
}

/* What the target refuses is tried alone at once: in a program it would cost the others theirs. */
static void
sort_out(matrix *m, const ops_case *const *list, int n, ops_form form, const ops_case **good,
         int *ngood)
{
    if (n > 1 && !compiles(m, list, n, form)) {
        sort_out(m, list, n / 2, form, good, ngood);
        sort_out(m, list + n / 2, n - n / 2, form, good, ngood);
    } else if (n == 1 && !compiles(m, list, n, form)) {
        try_alone(m, list[0], form, false);
    } else if (n) {
        memcpy(&good[*ngood], list, (size_t)n * sizeof(*list));
        *ngood += n;
    }
}

static void
try_form(matrix *m, const ops_case *all, int n, const uint8_t *forms, ops_form form)
{
    const ops_case **list = calloc((size_t)n + 1, sizeof *list);
    const ops_case **good = calloc((size_t)n + 1, sizeof *good);
    int nlist = 0, ngood = 0, batch = (int)m->o->batch;
    for (int i = 0; list && i < n; i++)
        if (forms[i] >> form & 1)
            list[nlist++] = &all[i];
    for (int i = 0; list && good && i < nlist; i += batch)
        sort_out(m, list + i, nlist - i < batch ? nlist - i : batch, form, good, &ngood);
    for (int i = 0; i < ngood; i += batch)
        try_many(m, good + i, ngood - i < batch ? ngood - i : batch, form);
    free(list);
    free(good);
}

/* ---- which ----------------------------------------------------------------------------------- */

static bool
form_applies(const ops_case *c, ops_form form)
{
    bool second = false;
    for (int i = 1; i < c->nin; i++)
        second |= !c->in[i].absent;
    return form == OPS_CONSTANT ? second : form == OPS_ALONE || c->nin > 0;
}

static bool
wanted(const options *o, const ops_case *c)
{
    if (o->one >= 0)
        return c->id == o->one;
    if (o->only && strcmp(o->only, weft_op_infos[c->row->op].text) != 0)
        return false;
    return !o->dtype || strcmp(o->dtype, weft_dtype_name(c->dtype)) == 0;
}

/* Conversions to different dtypes count as different operators. */
static int
kind_of(const ops_case *c)
{
    return c->row->op == WEFT_GOP_CAST ? WEFT_GOP_COUNT + (int)(c->row - ops_rows)
                                       : (int)c->row->op;
}

/* What is cheap differs little from class to class: of another class than the device's own it is
 * tried in one dtype. */
static bool
is_spared(const options *o, const ops_case *c)
{
    bool cheap = weft_op_infos[c->row->op].pattern <= WEFT_PAT_BROADCAST;
    bool all = (c->row->dtypes >> WEFT_F32 & 1) == 0;
    return (int)c->dtype >= CORE_DTYPES || (o->target && cheap && !all && c->dtype != WEFT_F32);
}

/* Of the cases of an operator and dtype one, in one form; which ones turns with the device. */
static void
thin_out(const options *o, const ops_case *all, int n, uint8_t *forms)
{
    enum { KINDS = 512 };
    int(*total)[WEFT_DTYPE_COUNT] = calloc(2 * KINDS, sizeof *total), (*seen)[WEFT_DTYPE_COUNT];
    uint64_t turn = weft_hash_bytes(o->device, strlen(o->device));
    turn = turn % 89 + (o->target ? weft_hash_bytes(o->target, strlen(o->target)) % 97 : 0);
    weft_assert(total && WEFT_GOP_COUNT + ops_nrow <= KINDS, "%d rows", ops_nrow);
    seen = total + KINDS;
    for (int i = 0; i < n; i++)
        total[kind_of(&all[i])][all[i].dtype]++;
    for (int i = 0; i < n; i++) {
        const ops_case *c = &all[i];
        int k = kind_of(c), at = seen[k][c->dtype]++;
        bool chosen = !is_spared(o, c) &&
                      at == (int)((turn + 7 * (uint64_t)c->dtype) % (uint64_t)total[k][c->dtype]);
        int form = (int)((turn + (uint64_t)k + (uint64_t)c->dtype) % OPS_FORMS);
        form = form_applies(c, (ops_form)form) ? form : OPS_FUSED;
        forms[i] = chosen ? (uint8_t)(forms[i] & 1u << form) : 0;
    }
    free(total);
}

static void
choose(const options *o, const ops_case *all, int n, uint8_t *forms)
{
    for (int i = 0; i < n; i++)
        for (int f = 0; f < OPS_FORMS; f++)
            if (wanted(o, &all[i]) && form_applies(&all[i], (ops_form)f) &&
                (!o->form || strcmp(o->form, ops_form_name[f]) == 0))
                forms[i] |= (uint8_t)(1u << f);
    if (!o->all && o->one < 0)
        thin_out(o, all, n, forms);
}

static void
list_cases(const options *o, const ops_case *all, int n)
{
    for (int i = 0; i < n; i++) {
        weft_str s = { 0 };
        ops_describe(&s, &all[i]);
        if (wanted(o, &all[i]))
            printf("%d %s\n", all[i].id, weft_str_text(&s));
        weft_str_free(&s);
    }
}

/* Operators that no row tries, of those that become kernels. */
static int
forgotten(void)
{
    int n = 0;
    for (int op = 0; op < WEFT_GOP_COUNT; op++) {
        int r = 0;
        while (r < ops_nrow && ops_rows[r].op != (weft_op)op)
            r++;
        if (r == ops_nrow && weft_op_infos[op].te != weft_op_infos[WEFT_GOP_CONSTANT].te) {
            printf("FAIL %s: tests/ops/cases.def has no row for it\n", weft_op_infos[op].text);
            n++;
        }
    }
    return n;
}

/* ---- main ------------------------------------------------------------------------------------ */

static int
run(const options *o, const ops_case *all, int n)
{
    matrix m = { .o = o, .failed = forgotten() };
    weft_diag *diag = weft_diag_create();
    uint8_t *forms = calloc((size_t)n + 1, 1);
    int status = 0;
    if (!forms || ops_open("interp:1", NULL, diag, &m.reference)) {
        printf("FAIL the reference: %s", weft_diag_text(diag));
        status = 1;
    } else if (ops_open(o->device, o->target, diag, &m.place)) {
        printf("SKIP %s", weft_diag_text(diag));
        status = weft_diag_status(diag) == WEFT_NO_DEVICE ? NO_SUCH_DEVICE : 1;
    } else {
        choose(o, all, n, forms);
        for (int f = 0; f < OPS_FORMS; f++)
            try_form(&m, all, n, forms, (ops_form)f);
        printf("%s: %d passed, %d failed, %d refused\n", m.place.name, m.passed, m.failed,
               m.refused);
        status = m.failed || (!m.passed && !m.refused);
    }
    ops_close(&m.place);
    ops_close(&m.reference);
    weft_diag_destroy(diag);
    free(forms);
    return status;
}

static int
usage(const char *word)
{
    fprintf(stderr,
            "ops_matrix: '%s' is not understood\n"
            "ops_matrix -d DEVICE [-t TARGET] [--all] [--only OPERATOR] [--dtype T] [--case N] "
            "[--form alone|fused|constant] [--batch N] [--show]\n"
            "ops_matrix --list [--only OPERATOR] [--dtype T]\n",
            word);
    return 2;
}

static bool
read_flag(options *o, const char *word)
{
    bool *flag = strcmp(word, "--all") == 0    ? &o->all
                 : strcmp(word, "--show") == 0 ? &o->show
                 : strcmp(word, "--list") == 0 ? &o->list
                                               : NULL;
    if (flag)
        *flag = true;
    return flag != NULL;
}

static bool
read_value(options *o, const char *word, const char *value)
{
    static const struct {
        const char *word;
        size_t at;
    } texts[] = {
        { "-d", offsetof(options, device) },   { "-t", offsetof(options, target) },
        { "--only", offsetof(options, only) }, { "--dtype", offsetof(options, dtype) },
        { "--form", offsetof(options, form) },
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(word, texts[i].word) == 0) {
            *(const char **)((char *)o + texts[i].at) = value;
            return true;
        }
    long n = strtol(value, NULL, 10);
    if (strcmp(word, "--case") == 0)
        o->one = n;
    else if (strcmp(word, "--batch") == 0 && n > 0)
        o->batch = n;
    else
        return false;
    return true;
}

int
main(int argc, char **argv)
{
    options o = { .device = "interp", .one = -1, .batch = 96 };
    const char *everything = getenv("WEFT_TEST_LONG");
    weft_arena arena = { 0 };
    ops_case *all;
    o.all = everything && *everything;
    for (int i = 1; i < argc; i++)
        if (!read_flag(&o, argv[i])) {
            if (i + 1 == argc || !read_value(&o, argv[i], argv[i + 1]))
                return usage(argv[i]);
            i++;
        }
    int status = 0, n = ops_list_cases(&arena, &all);
    if (o.list)
        list_cases(&o, all, n);
    else
        status = run(&o, all, n);
    weft_arena_reset(&arena);
    return status;
}
