/* compiler/te_show.c: a te program's text at any stage, for whoever writes programs in C. */
#include "compiler/compiler.h"

#include <stdlib.h>

static char *
join_sources(const weft_unit *u)
{
    weft_str s = { 0 };
    for (int k = 0; k < u->nkernel; k++)
        weft_str_addf(&s, "%s%s", k ? "\n" : "", u->kernel[k].text);
    return weft_str_take(&s);
}

/* Takes the text out of the unit. */
static char *
take_text(weft_unit *u, weft_dump_stage stage)
{
    char *text = u->text[stage];
    if (stage == WEFT_DUMP_SOURCE)
        return join_sources(u);
    u->text[stage] = NULL;
    return text;
}

/* Lowering changes a program, so a copy is lowered: the text says all there is to say. */
static weft_te *
copy(const weft_te *te, weft_diag *diag)
{
    char *text = weft_te_print(te);
    weft_te *again = weft_te_parse(te->name, text, diag);
    free(text);
    return again;
}

static char *
show(const weft_te *te, const weft_target *target, weft_dump_stage stage, weft_diag *diag)
{
    weft_compile_job job = { .target = target, .numerics = WEFT_DEFAULT, .threads = 1 };
    weft_unit u = { .diag = weft_diag_create() };
    char *text = NULL;
    u.te = copy(te, u.diag);
    weft_status status = weft_diag_status(u.diag);
    if (!status)
        status = weft_build_unit(&u, &job, te->name, te->log.n > 0, stage);
    int n;
    const char *said = weft_diag_said(u.diag, &n);
    if (status)
        weft_fail(diag, status, "%s: %.*s", te->name, n, said);
    if (!status)
        text = take_text(&u, stage);
    weft_unit_free(&u);
    return text;
}

char *
weft_te_show(const weft_te *te, const char *target, const char *stage, weft_diag *diag)
{
    weft_target resolved;
    weft_dump_stage s = weft_dump_stage_parse(stage);
    if (!te || s < WEFT_DUMP_TE || s == WEFT_DUMP_COUNT) {
        weft_fail(diag, WEFT_INVALID_ARGUMENT,
                  "stage '%s' of a program: it is one of te, loops, flat, device, source", stage);
        return NULL;
    }
    if (weft_resolve_target(target, NULL, &resolved, diag))
        return NULL;
    return show(te, &resolved, s, diag);
}
