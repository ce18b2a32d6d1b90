/* check/report.c: what a check found: a table for people, JSON for machines. */
#include "check/check.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

/* ---- for people ------------------------------------------------------------------------------ */

static void
print_item(FILE *f, const weft_check_item *i)
{
    weft_str why = { 0 };
    const weft_metrics *m = &i->m;
    fprintf(f, "  %s %s %s", m->agree ? "agrees " : "DIFFERS", i->kernel ? "kernel" : "output",
            i->kernel ? i->kernel : i->tensor);
    if (i->kernel)
        fprintf(f, " -> %s", i->tensor);
    fprintf(f, " %s[", weft_dtype_name(i->dtype));
    for (int d = 0; d < i->ndim; d++)
        fprintf(f, "%s%" PRIi64, d ? "," : "", i->dim[d]);
    fputs("]\n", f);
    if (!m->same_type) {
        fputs("          the device's has another type or shape\n", f);
        return;
    }
    if (m->agree && m->ulp_at < 0) {
        fputs("          equal\n", f);
        return;
    }
    fprintf(f, "          NMSE %.2g, worst absolute %.3g at %" PRIi64, m->nmse, m->max_abs,
            m->abs_at);
    fprintf(f, ", relative %.3g at %" PRIi64 ", %" PRIu64 " ULP at %" PRIi64 "\n", m->max_rel,
            m->rel_at, m->max_ulp, m->ulp_at);
    if (!m->agree) {
        weft_metrics_text(&why, m);
        fprintf(f, "          %s\n", weft_str_text(&why));
        weft_str_free(&why);
    }
    if (m->nonfinite)
        fprintf(f,
                "          NaN or infinity on one side alone: %" PRIi64 ", first at %" PRIi64 "\n",
                m->nonfinite, m->nonfinite_at);
    if (i->layers && !m->agree)
        fprintf(f, "          layers   %s\n          schedule %s\n", i->layers, i->schedule);
    if (i->reproducer)
        fprintf(f, "          again    %s/run.sh\n", i->reproducer);
}

static int
count_bad(const weft_check_item *item, int n)
{
    int bad = 0;
    for (int i = 0; i < n; i++)
        bad += !item[i].m.agree;
    return bad;
}

static void
print_run(FILE *f, const weft_check_run *r, bool all)
{
    int bad_out = count_bad(r->output.at, r->output.n), bad = count_bad(r->kernel.at, r->kernel.n);
    bool failed = r->status && r->status != WEFT_MISMATCH;
    fprintf(f, "%-8s %s as %s: ",
            failed      ? (r->skipped ? "SKIPPED" : "FAILED")
            : r->status ? "DIFFERS"
                        : "agrees",
            r->device, r->target);
    if (failed) {
        fprintf(f, "%s\n", r->why);
        return;
    }
    fprintf(f, "%d of %d outputs", r->output.n - bad_out, r->output.n);
    if (r->ngroup)
        fprintf(f, ", %d of %d results of %d kernel groups", r->kernel.n - bad, r->kernel.n,
                r->ngroup);
    if (all)
        fprintf(f, ", %.1f s", r->seconds);
    fputs("\n", f);
    for (int i = 0; i < r->output.n; i++)
        if (all || !r->output.at[i].m.agree)
            print_item(f, &r->output.at[i]);
    for (int i = 0; i < r->kernel.n; i++)
        if (all || !r->kernel.at[i].m.agree)
            print_item(f, &r->kernel.at[i]);
    if (r->why)
        fprintf(f, "  DIFFERS %s\n          no kernel group behind it was compared\n", r->why);
    else if (r->ngroup && bad_out && !bad)
        fputs(
            "          every kernel agrees on the reference's inputs: errors add up, or it is what "
            "lies\n          between them: memory, order, or what passes made of the graph for "
            "this target\n",
            f);
}

void
weft_print_check(FILE *f, const weft_check_report *r, bool all)
{
    if (r->nreference)
        fprintf(f, "reference: %d unscheduled programs in the interpreter, %d of them in double\n",
                r->nreference, r->nwidened);
    if (r->nreference && all)
        fprintf(f, "           %.1f s\n", r->reference_seconds);
    for (int i = 0; i < r->run.n; i++)
        print_run(f, &r->run.at[i], all);
    if (r->reduced.path)
        fprintf(f, "reduced  %d nodes to %d in %d checks: %s\n         again    %s\n",
                r->reduced.before, r->reduced.after, r->reduced.tests, r->reduced.path,
                r->reduced.again);
}

/* ---- for machines ---------------------------------------------------------------------------- */

/* JSON has no infinity. */
static json_t *
number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static void
put_text(json_t *o, const char *key, const char *text)
{
    if (text)
        json_object_set_new(o, key, json_string(text));
}

static void
put_number(json_t *o, const char *key, double v)
{
    json_object_set_new(o, key, number(v));
}

static void
put_int(json_t *o, const char *key, int64_t v)
{
    json_object_set_new(o, key, json_integer((json_int_t)v));
}

static json_t *
item_json(const weft_check_item *i)
{
    const weft_metrics *m = &i->m;
    json_t *o = json_object(), *shape = json_array();
    put_text(o, "tensor", i->tensor);
    put_text(o, "dtype", weft_dtype_name(i->dtype));
    for (int d = 0; d < i->ndim; d++)
        json_array_append_new(shape, json_integer((json_int_t)i->dim[d]));
    json_object_set_new(o, "shape", shape);
    put_text(o, "kernel", i->kernel);
    put_text(o, "layers", i->layers);
    put_text(o, "schedule", i->schedule);
    put_text(o, "reproducer", i->reproducer);
    json_object_set_new(o, "agrees", json_boolean(m->agree));
    json_object_set_new(o, "same_type", json_boolean(m->same_type));
    put_int(o, "elements", m->count);
    put_int(o, "differ", m->bad);
    put_int(o, "unwritten", m->unwritten);
    put_int(o, "nonfinite_differ", m->nonfinite);
    put_int(o, "nonfinite_at", m->nonfinite_at);
    put_number(o, "nmse", m->nmse);
    put_number(o, "max_abs", m->max_abs);
    put_int(o, "max_abs_at", m->abs_at);
    put_number(o, "max_rel", m->max_rel);
    put_int(o, "max_rel_at", m->rel_at);
    put_number(o, "max_ulp", (double)m->max_ulp);
    put_int(o, "max_ulp_at", m->ulp_at);
    put_number(o, "budget_rel", m->rel);
    put_number(o, "budget_abs", m->abs * m->scale);
    if (m->worst_at >= 0) {
        put_int(o, "worst_at", m->worst_at);
        put_text(o, "got", m->got);
        put_text(o, "expected", m->want);
    }
    return o;
}

static json_t *
items_json(const weft_check_item *item, int n)
{
    json_t *a = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(a, item_json(&item[i]));
    return a;
}

static json_t *
run_json(const weft_check_run *r)
{
    json_t *o = json_object();
    put_text(o, "device", r->device);
    put_text(o, "name", r->name);
    put_text(o, "driver", r->driver);
    put_text(o, "target", r->target);
    put_text(o, "verdict",
             r->skipped                   ? "skipped"
             : r->status == WEFT_MISMATCH ? "differs"
             : r->status                  ? "failed"
                                          : "agrees");
    put_text(o, "why", r->why);
    put_number(o, "seconds", r->seconds);
    put_int(o, "kernel_groups", r->ngroup);
    json_object_set_new(o, "outputs", items_json(r->output.at, r->output.n));
    json_object_set_new(o, "kernels", items_json(r->kernel.at, r->kernel.n));
    return o;
}

void
weft_print_check_json(FILE *f, const weft_check_report *r)
{
    json_t *o = json_object(), *reference = json_object(), *runs = json_array();
    put_text(o, "model", r->model);
    put_int(reference, "programs", r->nreference);
    put_int(reference, "widened", r->nwidened);
    put_number(reference, "seconds", r->reference_seconds);
    json_object_set_new(o, "reference", reference);
    json_object_set_new(o, "agrees", json_boolean(weft_check_verdict(r) == WEFT_OK));
    for (int i = 0; i < r->run.n; i++)
        json_array_append_new(runs, run_json(&r->run.at[i]));
    json_object_set_new(o, "runs", runs);
    if (r->reduced.path) {
        json_t *reduced = json_object();
        put_int(reduced, "nodes_before", r->reduced.before);
        put_int(reduced, "nodes", r->reduced.after);
        put_int(reduced, "checks", r->reduced.tests);
        put_text(reduced, "graph", r->reduced.path);
        put_text(reduced, "script", r->reduced.again);
        json_object_set_new(o, "reduced", reduced);
    }
    json_dumpf(o, f, JSON_INDENT(2));
    fputc('\n', f);
    json_decref(o);
}
