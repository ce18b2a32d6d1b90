/* From "opencl:1" to an open device, over a list of drivers that the caller gives. */
#include "runtime/device.h"

#include <stdlib.h>
#include <string.h>

/* Appends "opencl (2), vulkan" for every driver that has a device. */
static void
list_usable(const weft_drivers *drivers, weft_str *out)
{
    for (int i = 0; i < drivers->n; i++) {
        int n = drivers->at[i]->count(NULL);
        if (n < 1)
            continue;
        weft_str_addf(out, "%s%s", out->n ? ", " : "", drivers->at[i]->name);
        if (n > 1)
            weft_str_addf(out, " (%d of them)", n);
    }
    if (!out->n)
        weft_str_add(out, "none");
}

static weft_status
refuse(const weft_drivers *drivers, weft_diag *diag, const char *id, const char *why)
{
    weft_str usable = { 0 };
    if (diag) /* it loads every driver there is, for a message */
        list_usable(drivers, &usable);
    weft_status s = weft_fail(diag, WEFT_NO_DEVICE, "device '%s' is not usable: %s; usable: %s", id,
                              why, weft_str_text(&usable));
    weft_str_free(&usable);
    return s;
}

/* "opencl:1" is driver "opencl", index 1.  NULL when no driver has the name. */
static const weft_driver *
find_driver(const weft_drivers *drivers, const char *id, int *index, bool *bad_index)
{
    size_t n = strcspn(id, ":");
    *index = 0;
    *bad_index = false;
    if (id[n]) {
        char *end;
        long v = strtol(id + n + 1, &end, 10);
        *bad_index = id[n + 1] < '0' || id[n + 1] > '9' || *end || v > 1000;
        *index = *bad_index ? 0 : (int)v;
    }
    for (int i = 0; i < drivers->n; i++)
        if (strlen(drivers->at[i]->name) == n && !memcmp(drivers->at[i]->name, id, n))
            return drivers->at[i];
    return NULL;
}

weft_status
weft_device_open(const weft_drivers *drivers, const char *id, weft_diag *diag, weft_device **device)
{
    int index;
    bool bad_index;
    *device = NULL;
    const weft_driver *driver = find_driver(drivers, id, &index, &bad_index);
    if (!driver)
        return refuse(drivers, diag, id, "no driver has that name");
    if (bad_index)
        return refuse(drivers, diag, id,
                      "after the colon stands the device's number, as in 'opencl:1'");
    weft_str why = { 0 };
    int n = driver->count(&why);
    if (n > index) {
        weft_str_free(&why);
        weft_status s = driver->open(index, diag, device);
        weft_assert(s != WEFT_OK || (*device)->driver == driver, "driver %s", driver->name);
        return s;
    }
    if (n > 0)
        weft_str_addf(&why, "%s has %d device%s, numbered from 0", driver->name, n,
                      n > 1 ? "s" : "");
    weft_status s = refuse(drivers, diag, id, weft_str_text(&why));
    weft_str_free(&why);
    return s;
}

weft_status
weft_device_open_any(const weft_drivers *drivers, weft_diag *diag, weft_device **device)
{
    weft_str why = { 0 };
    *device = NULL;
    for (int i = 0; i < drivers->n && !*device; i++) {
        const weft_driver *driver = drivers->at[i];
        if (driver->by_name)
            continue;
        weft_str_addf(&why, "%s%s: ", why.n ? "; " : "", driver->name);
        if (driver->count(&why) < 1)
            continue;
        weft_diag *opening = weft_diag_create();
        if (driver->open(0, opening, device)) {
            const char *words = weft_diag_text(opening);
            weft_warn(diag, "device '%s' cannot be opened and is passed over: %.*s", driver->name,
                      (int)strcspn(words, "\n"), words);
            weft_str_addf(&why, "it cannot be opened");
        }
        weft_diag_destroy(opening);
    }
    weft_status s =
        *device ? WEFT_OK
                : weft_fail(diag, WEFT_NO_DEVICE, "no device is usable: %s", weft_str_text(&why));
    weft_str_free(&why);
    return s;
}

void
weft_device_close(weft_device *device)
{
    if (device)
        device->driver->close(device);
}
