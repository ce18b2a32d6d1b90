/* tools/cmd_devices.c: `weft devices`: what can be run on here, and why the rest cannot. */
#include "tools/tools.h"

#include <jansson.h>

static void
print_device(const weft_device_info *d)
{
    const weft_target *t = &d->target;
    printf("%-12s %s\n", d->id, d->name);
    printf("    driver   %s\n", d->driver);
    printf("    class    %s, %d %s\n", weft_class_name(t->cls), t->cores,
           t->cores == 1 ? "core" : "cores");
    printf("    limits   %lld threads a block, %.1f KiB shared, %.0f MiB an allocation, %.0f MiB a "
           "range, %d buffers\n",
           (long long)t->max_threads, (double)t->shared_bytes / 1024,
           (double)t->max_alloc / 1048576, (double)t->max_range / 1048576, t->max_buffers);
    printf("    numbers  %d lanes, subgroup %d%s%s%s%s\n", t->vector_lanes, t->subgroup,
           t->f16 ? ", f16" : "", t->f64 ? ", f64" : "", t->i8 ? ", i8" : "",
           t->i64 ? ", i64" : "");
}

static json_t *
device_json(const weft_device_info *d)
{
    const weft_target *t = &d->target;
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:i, s:I, s:I, s:I, s:I, s:i, s:i, s:i, s:b, s:b, s:b, s:b}",
        "id", d->id, "api", weft_api_name(t->api), "name", d->name, "driver", d->driver, "class",
        weft_class_name(t->cls), "cores", t->cores, "max_threads", (json_int_t)t->max_threads,
        "shared_bytes", (json_int_t)t->shared_bytes, "max_alloc", (json_int_t)t->max_alloc,
        "max_range", (json_int_t)t->max_range, "max_buffers", t->max_buffers, "vector_lanes",
        t->vector_lanes, "subgroup", t->subgroup, "f16", t->f16, "f64", t->f64, "i8", t->i8, "i64",
        t->i64);
}

static void
print_driver(const weft_driver *driver, json_t *list)
{
    weft_str why = { 0 };
    int n = driver->count(&why);
    for (int i = 0; i < n; i++) {
        weft_device *device;
        weft_diag *diag = weft_diag_create();
        if (driver->open(i, diag, &device)) {
            weft_str_addf(&why, "%s", weft_diag_text(diag));
        } else {
            if (list)
                json_array_append_new(list, device_json(&device->info));
            else
                print_device(&device->info);
            driver->close(device);
        }
        weft_diag_destroy(diag);
    }
    if (why.n && list)
        json_array_append_new(
            list, json_pack("{s:s, s:s}", "api", driver->name, "unusable", weft_str_text(&why)));
    else if (why.n)
        printf("%-12s not usable: %s\n", driver->name, weft_str_text(&why));
    weft_str_free(&why);
}

static weft_status
run(weft_args *args)
{
    weft_drivers drivers = weft_all_drivers();
    json_t *list = weft_has(args, WEFT_OPT_JSON) ? json_array() : NULL;
    for (int i = 0; i < drivers.n; i++)
        print_driver(drivers.at[i], list);
    if (list) {
        json_dumpf(list, stdout, JSON_INDENT(1));
        putchar('\n');
        json_decref(list);
    }
    return WEFT_OK;
}

const weft_command weft_cmd_devices = {
    .name = "devices",
    .usage = "[--json]",
    .about = "Lists every usable device, and why the others are not",
    .takes = WEFT_TAKES(JSON),
    .run = run,
};
