/* tools/cmd_opt.c: `weft opt`: any slice of the pipeline on IR text, kernels or graphs. */
#include "tools/tools.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_TEXT = 64 << 20 };

/* The first word that is not a comment: "graph" or "kernel". */
static bool
is_graph(const char *text)
{
    for (;;) {
        text += strspn(text, " \t\r\n");
        if (*text != '#')
            return strncmp(text, "graph", 5) == 0;
        text += strcspn(text, "\n");
    }
}

static weft_status
optimize_graph(weft_args *a, const char *path, const char *text, const weft_target *target)
{
    weft_graph_options options = { .evaluate = weft_evaluate_node,
                                   .max_range = target->max_range,
                                   .max_alloc = target->max_alloc,
                                   .max_buffers = target->max_buffers };
    const char *passes = weft_option_text(a, WEFT_OPT_PASSES);
    weft_str out = { 0 };
    weft_graph *g = weft_parse_graph(path, text, a->diag);
    weft_status status = g ? WEFT_OK : WEFT_INVALID_INPUT;
    if (g && passes && *passes)
        status = weft_run_graph_passes(g, passes, &options);
    if (!status) {
        weft_print_graph(&out, g);
        fputs(weft_str_text(&out), stdout);
    }
    weft_str_free(&out);
    if (g)
        weft_graph_destroy(g);
    return status;
}

static weft_status
optimize_kernels(weft_args *a, const char *path, const char *text, const weft_target *target)
{
    const weft_backend *backend = weft_backend_of(target->api);
    const char *passes = weft_option_text(a, WEFT_OPT_PASSES);
    weft_caps caps = { 0 };
    weft_lower_options options = { .target = target, .caps = &caps, .numerics = WEFT_DEFAULT };
    weft_kernel *const *kernel;
    weft_str out = { 0 };
    int n;
    weft_ir *ir = weft_ir_create(a->diag);
    weft_lower_options_env(&options);
    if (backend)
        backend->caps(target, &caps);
    weft_status status = weft_parse_kernels(ir, path, text, &n, &kernel);
    for (int i = 0; !status && i < n; i++) {
        status = weft_verify(kernel[i], "reading its text", a->diag);
        if (!status && passes && *passes)
            status = weft_run_passes(kernel[i], passes, &options, a->diag);
        if (!status)
            weft_print_kernel(&out, kernel[i]);
    }
    if (!status)
        fputs(weft_str_text(&out), stdout);
    weft_str_free(&out);
    weft_ir_destroy(ir);
    return status;
}

static weft_status
run(weft_args *a)
{
    const char *spec = weft_option_text(a, WEFT_OPT_TARGET), *path = a->operand.at[0];
    weft_target target;
    char *text;
    size_t n;
    weft_status status =
        weft_resolve_target(spec ? spec : "opencl:generic-gpu", NULL, &target, a->diag);
    if (!status)
        status = weft_file_read(a->diag, path, MAX_TEXT, &text, &n);
    if (status)
        return status;
    if (strlen(text) != n)
        status = weft_fail(a->diag, WEFT_INVALID_INPUT, "%s: no text: it holds a zero byte", path);
    else
        status = is_graph(text) ? optimize_graph(a, path, text, &target)
                                : optimize_kernels(a, path, text, &target);
    free(text);
    return status;
}

const weft_command weft_cmd_opt = {
    .name = "opt",
    .usage = "--passes=A,B,.. FILE.wir [-t TARGET]",
    .about = "Runs passes on IR text, kernels or a graph, and prints the result",
    .takes = WEFT_TAKES(PASSES) | WEFT_TAKES(TARGET),
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
