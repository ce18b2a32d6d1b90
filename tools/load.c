/* tools/load.c: a model or a module made ready on a device. */
#include "tools/tools.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Whether the file holds a model rather than a module. */
static bool
is_model(const char *path)
{
    struct stat st;
    weft_file f;
    if (stat(path, &st) || !S_ISREG(st.st_mode) || weft_file_map(NULL, path, &f))
        return false;
    bool zip = f.size >= 4 && memcmp(f.data, "PK\x03\x04", 4) == 0;
    weft_file_unmap(&f);
    return !zip;
}

weft_status
weft_tool_device(const char *id, weft_diag *diag, weft_device **device)
{
    weft_drivers drivers = weft_all_drivers();
    return id ? weft_device_open(&drivers, id, diag, device)
              : weft_device_open_any(&drivers, diag, device);
}

static weft_status
open_module(const char *path, const char *target, const weft_compile_job *job, weft_diag *diag,
            weft_loaded *l)
{
    weft_target profile;
    if (!is_model(path))
        return weft_module_read(path, diag, &l->module);
    if (!target && l->device->info.target.api == WEFT_API_NULL)
        return weft_fail(diag, WEFT_INVALID_ARGUMENT,
                         "%s is no module but taken for a model, and the null device has no "
                         "kernels of its own; name what to compile for with -t",
                         path);
    weft_status status = weft_resolve_target(target, l->device, &profile, diag);
    return status ? status : weft_compile_targets(path, 1, &profile, job, diag, &l->module);
}

weft_status
weft_prepare(const char *path, const char *device, const char *target, const weft_compile_job *job,
             weft_diag *diag, weft_loaded *l)
{
    *l = (weft_loaded){ 0 };
    weft_status status = weft_tool_device(device, diag, &l->device);
    if (!status)
        status = open_module(path, target, job, diag, l);
    if (!status)
        status = weft_session_create(l->module, l->device, is_model(path) ? NULL : target, diag,
                                     &l->session);
    if (status)
        weft_dismiss(l);
    return status;
}

void
weft_dismiss(weft_loaded *l)
{
    if (l->session)
        weft_session_destroy(l->session);
    if (l->module)
        weft_module_destroy(l->module);
    if (l->device)
        weft_device_close(l->device);
    *l = (weft_loaded){ 0 };
}
