/* header.c: the comment that every printed kernel opens with, in all four languages. */
#include "backends/backend.h"

#include <string.h>

/* Names come from models: nothing in them may end the comment's line. */
static void
add_clean_n(weft_str *out, const char *text, size_t n)
{
    for (; n-- > 0; text++) {
        char ch = (unsigned char)*text < ' ' || *text == 127 ? '?' : *text == '\\' ? '/' : *text;
        weft_str_addn(out, &ch, 1);
    }
}

static void
add_clean(weft_str *out, const char *text)
{
    add_clean_n(out, text, strlen(text));
}

/* 236.0 MFLOP, 0.64 MB: the unit in which the number has at most four digits before the point. */
static void
add_amount(weft_str *out, double amount, const char *unit)
{
    static const struct {
        double scale;
        const char *prefix;
    } steps[] = {
        { 1e12, "T" },
        { 1e9, "G" },
        { 1e6, "M" },
        { 1e3, "k" },
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        double v = amount / steps[i].scale;
        if (v >= (steps[i].scale <= 1e6 ? 0.1 : 1.0)) {
            weft_str_addf(out, v < 10 ? "%.2f %s%s" : "%.1f %s%s", v, steps[i].prefix, unit);
            return;
        }
    }
    weft_str_addf(out, "%.0f %s", amount, unit);
}

static void
add_title(weft_str *out, const weft_kernel *kernel, const char *comment)
{
    size_t start = out->n;
    weft_str_addf(out, "%s%s", comment, kernel->name);
    if (kernel->info.layers && *kernel->info.layers) {
        weft_str_add(out, ": ");
        add_clean(out, kernel->info.layers);
    }
    if (kernel->info.model && *kernel->info.model) {
        size_t width = out->n - start;
        weft_str_addf(out, "%*smodel: ", width < 77 ? (int)(85 - width) : 8, "");
        add_clean(out, kernel->info.model);
    }
    weft_str_add(out, "\n");
}

static void
add_traffic(weft_str *out, const weft_kernel_info *info)
{
    if (info->bytes_read < 0 || info->bytes_written < 0)
        return;
    double bytes = info->bytes_read + info->bytes_written;
    weft_str_add(out, "   ");
    add_amount(out, info->bytes_read, "B");
    weft_str_add(out, " read, ");
    add_amount(out, info->bytes_written, "B");
    weft_str_add(out, " written");
    if (info->flops >= 0 && bytes > 0)
        weft_str_addf(out, "   %.1f FLOP/byte", info->flops / bytes);
}

/* "out f32[1,64]" becomes "out       f32[1,64]". */
static void
add_output(weft_str *out, const weft_kernel_info *info, const char *comment)
{
    const char *space = strchr(info->output, ' ');
    size_t n = space ? (size_t)(space - info->output) : strlen(info->output), start = out->n;
    weft_str_addf(out, "%s  ", comment);
    add_clean_n(out, info->output, n);
    weft_str_addf(out, "%*s", n < 9 ? (int)(10 - n) : 1, "");
    add_clean(out, space ? space + 1 : "");
    if (info->flops >= 0) {
        size_t width = out->n - start;
        weft_str_addf(out, "%*s", width < 34 ? (int)(38 - width) : 4, "");
        add_amount(out, info->flops, "FLOP");
    }
    add_traffic(out, info);
    weft_str_add(out, "\n");
}

static void
add_launch(weft_str *out, const weft_kernel *kernel, const char *comment)
{
    const weft_expr *const *at[2] = { kernel->grid, kernel->block };
    static const char *const name[2] = { "grid ", "  block " };
    weft_str_addf(out, "%s  launch    ", comment);
    for (int k = 0; k < 2; k++) {
        weft_str_add(out, name[k]);
        for (int i = 0; i < 3; i++) {
            weft_str_add(out, i ? "," : "");
            if (at[k][i])
                weft_print_expr(out, at[k][i]);
            else
                weft_str_add(out, "1");
        }
    }
    if (kernel->shared_bytes >= 1024)
        weft_str_addf(out, "  shared %.1f KiB", (double)kernel->shared_bytes / 1024);
    else if (kernel->shared_bytes > 0)
        weft_str_addf(out, "  shared %d B", (int)kernel->shared_bytes);
    weft_str_add(out, "\n");
}

void
weft_print_header(weft_str *out, const weft_kernel *kernel, const char *comment)
{
    const weft_kernel_info *info = &kernel->info;
    add_title(out, kernel, comment);
    if (info->output && *info->output)
        add_output(out, info, comment);
    if (info->schedule && *info->schedule) {
        weft_str_addf(out, "%s  schedule  ", comment);
        add_clean(out, info->schedule);
        weft_str_add(out, "\n");
    }
    add_launch(out, kernel, comment);
}
