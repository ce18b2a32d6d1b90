/* tools/cmd_inspect.c: `weft inspect`: what a model holds and whether weft can compile it. */
#include "tools/tools.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

static void
print_side(const char *what, int n, const char *name, weft_dtype dtype, int ndim,
           const char *const *dim)
{
    printf("%-10s %s %s[", n == 0 ? what : "", name, weft_dtype_name(dtype));
    for (int d = 0; d < ndim; d++)
        printf("%s%s", d ? "," : "", dim[d]);
    puts(ndim < 0 ? "of unknown rank]" : "]");
}

static void
print_summary(const weft_model_summary *s)
{
    printf("%-10s %s", "model", s->format);
    if (s->ir_version)
        printf(", IR version %" PRIi64 ", opset %" PRIi64 ", made by %s", s->ir_version, s->opset,
               s->producer && *s->producer ? s->producer : "nobody said");
    putchar('\n');
    for (int i = 0; i < s->nin; i++)
        print_side("inputs", i, s->in[i].name, s->in[i].dtype, s->in[i].ndim, s->in[i].dim);
    for (int i = 0; i < s->nout; i++)
        print_side("outputs", i, s->out[i].name, s->out[i].dtype, s->out[i].ndim, s->out[i].dim);
    printf("%-10s %" PRIi64 " in %.1f MB\n", "parameters", s->parameters,
           (double)s->parameter_bytes / 1e6);
    for (int i = 0; i < s->nop; i++)
        printf("%-10s %5" PRIi64 " %s%s%s%s\n", i == 0 ? "operators" : "", s->op[i].count,
               s->op[i].domain, *s->op[i].domain ? "." : "", s->op[i].name,
               s->op[i].supported ? "" : ": not supported");
}

static json_t *
side_json(const char *name, weft_dtype dtype, int ndim, const char *const *dim)
{
    json_t *dims = json_array();
    for (int d = 0; d < ndim; d++)
        json_array_append_new(dims, json_string(dim[d]));
    return json_pack("{s:s, s:s, s:o}", "name", name, "dtype", weft_dtype_name(dtype), "dims",
                     dims);
}

static json_t *
stops_json(const weft_diag *stops)
{
    json_t *all = json_array();
    const char *said;
    weft_status status;
    int n;
    for (int i = 0; (said = weft_diag_message(stops, i, &n, &status)); i++)
        if (status)
            json_array_append_new(all, json_stringn(said, (size_t)n));
    return all;
}

static void
print_json(const weft_model_summary *s, const char *target, const weft_diag *stops)
{
    json_t *in = json_array(), *out = json_array(), *op = json_array();
    for (int i = 0; i < s->nin; i++)
        json_array_append_new(
            in, side_json(s->in[i].name, s->in[i].dtype, s->in[i].ndim, s->in[i].dim));
    for (int i = 0; i < s->nout; i++)
        json_array_append_new(
            out, side_json(s->out[i].name, s->out[i].dtype, s->out[i].ndim, s->out[i].dim));
    for (int i = 0; i < s->nop; i++)
        json_array_append_new(op, json_pack("{s:s, s:s, s:I, s:b, s:s*}", "domain", s->op[i].domain,
                                            "name", s->op[i].name, "count",
                                            (json_int_t)s->op[i].count, "supported",
                                            s->op[i].supported, "reason", s->op[i].reason));
    json_t *all =
        json_pack("{s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:s, s:o}", "format", s->format, "ir_version",
                  (json_int_t)s->ir_version, "opset", (json_int_t)s->opset, "parameters",
                  (json_int_t)s->parameters, "parameter_bytes", (json_int_t)s->parameter_bytes,
                  "inputs", in, "outputs", out, "operators", op, "target", target, "stops",
                  stops_json(stops));
    json_dumpf(all, stdout, JSON_INDENT(1));
    putchar('\n');
    json_decref(all);
}

/* What the cost of a run depends on. */
static void
print_symbols(const weft_graph *g)
{
    printf("MFLOP and MB moved depend on ");
    for (int i = 0; i < g->symbol.n; i++)
        printf("%s%s", i ? ", " : "", g->symbol.at[i]->name);
    printf(" (--dim)");
}

/* What one run costs, of a model that compiled. */
static void
print_cost(const weft_compiled *c)
{
    double flops = 0, bytes = 0;
    bool known = true;
    for (int g = 0; g < c->graph->group.n; g++)
        if (c->unit_of[g] >= 0) {
            const weft_kernel_info *info = &c->unit[c->unit_of[g]].te->info;
            known = known && info->flops >= 0 && info->bytes_read >= 0 && info->bytes_written >= 0;
            flops += info->flops;
            bytes += info->bytes_read + info->bytes_written;
        }
    printf("%-10s ", "a run");
    if (known)
        printf("%.1f MFLOP, %.1f MB moved", flops / 1e6, bytes / 1e6);
    else
        print_symbols(c->graph);
    printf(", %d groups, %d distinct\n", c->graph->group.n, c->nunit);
}

static void
print_lines(const char *text, int n)
{
    for (const char *end = text + n; text < end; text += strcspn(text, "\n") + 1) {
        int length = (int)strcspn(text, "\n");
        printf("%-10s %.*s\n", "", length < end - text ? length : (int)(end - text), text);
    }
}

/* All that stops the model on the target. */
static void
print_stops(const char *target, const weft_diag *stops)
{
    const char *said;
    weft_status status;
    int n, count = 0;
    for (int i = 0; weft_diag_message(stops, i, &n, &status); i++)
        count += status != WEFT_OK;
    printf("%-10s %s: ", "target", target);
    if (count)
        printf("%d %s the model\n", count, count == 1 ? "thing stops" : "things stop");
    else
        puts("nothing stops the model");
    for (int i = 0; (said = weft_diag_message(stops, i, &n, &status)); i++)
        if (status)
            print_lines(said, n);
}

/* Compiles what can be compiled of the model, for what comes of it to be told. */
static void
tell(weft_args *a, const weft_compile_job *job, const weft_model_summary *summary, weft_diag *stops)
{
    weft_compiled c;
    const char *target = weft_arena_printf(&a->arena, "%s:%s", weft_api_name(job->target->api),
                                           job->target->name);
    weft_compile_model(a->operand.at[0], job, WEFT_DUMP_COUNT, stops, &c);
    if (weft_has(a, WEFT_OPT_JSON)) {
        print_json(summary, target, stops);
    } else {
        print_summary(summary);
        if (!weft_diag_status(stops))
            print_cost(&c);
        print_stops(target, stops);
    }
    weft_compiled_free(&c);
}

static weft_status
run(weft_args *a)
{
    weft_compile_job job;
    weft_import_options import;
    weft_model_summary summary = { 0 };
    weft_target target;
    const char *spec = weft_option_text(a, WEFT_OPT_TARGET);
    weft_status status = weft_arg_job(a, &job, &import);
    if (!status)
        status = weft_resolve_target(spec ? spec : "interp", NULL, &target, a->diag);
    if (!status)
        status = weft_inspect_model(a->operand.at[0], &a->arena, &summary, a->diag);
    if (status)
        return status;
    weft_diag *stops = weft_diag_create();
    job.target = &target;
    import.partial = true;
    tell(a, &job, &summary, stops);
    weft_diag_destroy(stops);
    return WEFT_OK;
}

const weft_command weft_cmd_inspect = {
    .name = "inspect",
    .usage = "MODEL [-t TARGET] [--json]",
    .about = "Prints a model's inputs, outputs, operators, parameters and cost, and all that stops it "
             "on the target (interp)",
    .takes = WEFT_TAKES(TARGET) | WEFT_TAKES(OP) | WEFT_TAKES(SEED) | WEFT_TAKES(JSON) |
             WEFT_TAKES(DIM) | WEFT_TAKES(SHAPE) | WEFT_TAKES(OPTIMIZE) | WEFT_TAKES(NUMERICS) |
             WEFT_TAKES(JOBS),
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
