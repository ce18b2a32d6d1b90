/* tools/cmd_targets.c: `weft targets`: the named profiles that models can be compiled for. */
#include "tools/tools.h"

#include <jansson.h>

static void
print_targets(void)
{
    printf("%-22s %-11s %8s %10s %10s %9s\n", "target", "class", "threads", "shared KiB",
           "range MiB", "subgroup");
    for (int i = 0; i < weft_profile_count(); i++) {
        const weft_target *t = weft_profile(i);
        char name[96];
        snprintf(name, sizeof name, "%s:%s", weft_api_name(t->api), t->name);
        printf("%-22s %-11s %8lld %10.1f %10.0f %9d\n", name, weft_class_name(t->cls),
               (long long)t->max_threads, (double)t->shared_bytes / 1024,
               (double)t->max_range / 1048576, t->subgroup);
    }
}

static void
print_json(void)
{
    json_t *list = json_array();
    for (int i = 0; i < weft_profile_count(); i++) {
        const weft_target *t = weft_profile(i);
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:i}", "api", weft_api_name(t->api),
                            "profile", t->name, "class", weft_class_name(t->cls), "max_threads",
                            (json_int_t)t->max_threads, "shared_bytes", (json_int_t)t->shared_bytes,
                            "max_range", (json_int_t)t->max_range, "subgroup", t->subgroup));
    }
    json_dumpf(list, stdout, JSON_INDENT(1));
    putchar('\n');
    json_decref(list);
}

static weft_status
run(weft_args *args)
{
    if (weft_has(args, WEFT_OPT_JSON))
        print_json();
    else
        print_targets();
    return WEFT_OK;
}

const weft_command weft_cmd_targets = {
    .name = "targets",
    .usage = "[--json]",
    .about = "Lists the named target profiles",
    .takes = WEFT_TAKES(JSON),
    .run = run,
};
