/* tools/onnx_batch.c: cases one after the other on one device, with their kernels in one program
 * where that is cheaper. */
#include "tools/onnx_case.h"

#include <stdlib.h>

typedef struct member { /* a case of a batch */
    weft_case *c;
    int index;  /* in dir[] */
    int module; /* its first among the modules of what is loaded */
    bool again; /* alone */
} member;

typedef struct batch {
    const weft_case_options *o;
    weft_device **device;
    const char *const *dir;
    const weft_case_listener *listener;
    weft_arena arena;
    weft_diag *diag;
} batch;

/* A device that was lost is opened anew. */
static weft_status
need_device(batch *b)
{
    if (!(*b->device)->lost)
        return WEFT_OK;
    weft_device_close(*b->device);
    return weft_tool_device(b->o->device, b->diag, b->device);
}

static weft_status
run_alone(batch *b, int i)
{
    weft_case_result result = { 0 };
    weft_status status = need_device(b);
    if (status)
        return status;
    b->listener->starts(b->listener->user, i);
    weft_case *c = weft_case_open(b->o, *b->device, b->dir[i], NULL);
    weft_case_run(c, NULL, 0);
    weft_case_close(c, &result);
    b->listener->done(b->listener->user, i, &result);
    return WEFT_OK;
}

/* Runs a case with the kernels of many; false when that says nothing about the case. */
static bool
run_member(batch *b, member *m, const weft_kernels *kernels)
{
    weft_case_result result = { 0 };
    b->listener->starts(b->listener->user, m->index);
    weft_status status = weft_case_run(m->c, kernels, m->module);
    bool counts = !status || status == WEFT_MISMATCH;
    weft_case_close(m->c, counts ? &result : NULL);
    m->c = NULL;
    if (counts)
        b->listener->done(b->listener->user, m->index, &result);
    return counts;
}

/* The kernels of n members in one program; NULL where there are none to be had. */
static weft_kernels *
load(batch *b, member *m, int n)
{
    weft_case_modules list = { 0 };
    weft_kernels *kernels = NULL;
    for (int i = 0; i < n; i++) {
        m[i].module = list.n;
        weft_case_list(m[i].c, &b->arena, &list);
    }
    if (list.n)
        weft_kernels_load(list.n, list.at, *b->device, NULL, NULL, &kernels);
    return kernels;
}

/* Runs the members; those that were not are left open.  The kernels do not outlive a device that is
 * lost. */
static void
run_with(batch *b, member *m, int n, weft_kernels *kernels, weft_status *status)
{
    int i = 0;
    for (; i < n && !(*b->device)->lost; i++)
        m[i].again = !run_member(b, &m[i], kernels);
    weft_kernels_unload(kernels);
    for (int k = 0; k < n && !*status; k++)
        if (k >= i || m[k].again)
            *status = run_alone(b, m[k].index);
}

/* Where one spoils the program of all, halves are tried. */
static weft_status
run_members(batch *b, member *m, int n)
{
    weft_status status = WEFT_OK;
    weft_kernels *kernels = n > 1 && !(*b->device)->lost ? load(b, m, n) : NULL;
    if (kernels) {
        run_with(b, m, n, kernels, &status);
    } else if (n > 1) {
        status = run_members(b, m, n / 2);
        if (!status)
            status = run_members(b, m + n / 2, n - n / 2);
    } else if (n == 1) {
        status = run_alone(b, m->index);
    }
    return status;
}

static weft_status
run_together(batch *b, int first, int n)
{
    member *m = WEFT_NEW_ARRAY(&b->arena, n, member);
    weft_status status = WEFT_OK;
    int nmember = 0;
    for (int i = first; i < first + n && !status; i++) {
        weft_case_modules none = { 0 };
        const char *prefix = weft_arena_printf(&b->arena, "c%d", i);
        weft_case *c = weft_case_open(b->o, *b->device, b->dir[i], prefix);
        if (weft_case_list(c, &b->arena, &none)) {
            weft_case_close(c, NULL);
            status = run_alone(b, i);
        } else {
            m[nmember++] = (member){ .c = c, .index = i };
        }
    }
    if (!status)
        status = run_members(b, m, nmember);
    for (int i = 0; i < nmember; i++)
        if (m[i].c)
            weft_case_close(m[i].c, NULL);
    return status;
}

weft_status
weft_run_cases(const weft_case_options *o, weft_device **device, const char *const *dir, int first,
               int n, const weft_case_listener *listener, weft_diag *diag)
{
    batch b = { .o = o, .device = device, .dir = dir, .listener = listener, .diag = diag };
    weft_status status = WEFT_OK;
    if (n > 1 && (*device)->info.target.one_program)
        status = run_together(&b, first, n);
    else
        for (int i = first; i < first + n && !status; i++)
            status = run_alone(&b, i);
    weft_arena_reset(&b.arena);
    return status;
}
