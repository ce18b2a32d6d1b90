/* Times of kernels and copies as a Chrome/Perfetto trace: one slice a step, all of its launches,
 * end to end as they ran on the device. */
#include "runtime/session_priv.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static json_t *
slice(const weft_program *p, int step, double start, double seconds)
{
    const weft_mod_step *s = &p->step[step];
    json_t *args =
        json_pack("{s:i, s:s, s:f, s:f}", "step", step, "layers", s->layers ? s->layers : "",
                  "GFLOP/s", seconds > 0 ? s->flops / seconds * 1e-9 : 0, "GB/s",
                  seconds > 0 ? s->bytes / seconds * 1e-9 : 0);
    const char *kind = s->kind == WEFT_STEP_COPY ? "copy" : "kernel";
    return json_pack("{s:s, s:s, s:s, s:f, s:f, s:i, s:i, s:o}", "name", weft_step_name(p, step),
                     "cat", kind, "ph", "X", "ts", start * 1e6, "dur", seconds * 1e6, "pid", 0,
                     "tid", 0, "args", args);
}

weft_status
weft_session_write_trace(const weft_session *s, const char *path, weft_diag *diag)
{
    if (!s->time)
        return weft_fail(diag, WEFT_INVALID_ARGUMENT, "%s: no profile was taken yet", path);
    json_t *events = json_array();
    double start = 0;
    json_array_append_new(events,
                          json_pack("{s:s, s:s, s:i, s:{s:s}}", "name", "process_name", "ph", "M",
                                    "pid", 0, "args", "name", s->device->info.name));
    for (int i = 0; i < s->program->nstep; i++) {
        json_array_append_new(events, slice(s->program, i, start, s->time[i]));
        start += s->time[i];
    }
    json_t *top = json_pack("{s:o, s:s}", "traceEvents", events, "displayTimeUnit", "ms");
    char *text = json_dumps(top, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    weft_status status =
        text ? weft_file_write(diag, path, text, strlen(text))
             : weft_fail(diag, WEFT_OUT_OF_MEMORY, "%s: no memory for the trace", path);
    json_decref(top);
    free(text);
    return status;
}
