/* runtime/session.h: running a module on a device: the executor; <weft/weft.h> is its face. */
#ifndef WEFT_SESSION_H
#define WEFT_SESSION_H

#include "runtime/device.h"
#include "runtime/module.h"

/* weft_session: a thread's use of a module on a device: bound shapes, arenas, recorded batches. */

/* Picks the module's program for the device's API (`target` NULL: the one whose limits fit; else by
 * name), checks its kernels against the device's limits, compiles them and uploads the constants.
 * Module and device outlive the session. */
weft_status weft_session_create(weft_module *, weft_device *, const char *target, weft_diag *,
                                weft_session **);
void weft_session_destroy(weft_session *);

/* The kernels of n modules, of one at least, compiled in one go: a driver that charges by the
 * program (weft_target.one_program) charges once.  Programs are picked and checked as for sessions;
 * no two of their kernels have the same name (weft_compile_job.prefix), and all are of one numerics
 * level.  Where one module fails all do. */
typedef struct weft_kernels weft_kernels;
weft_status weft_kernels_load(int n, weft_module *const *, weft_device *, const char *target,
                              weft_diag *, weft_kernels **);
void weft_kernels_unload(weft_kernels *);
/* weft_session_create for one of these modules, on their device; they outlive the session. */
weft_status weft_session_create_with(const weft_kernels *, int module, weft_diag *,
                                     weft_session **);

const weft_program *weft_session_program(const weft_session *);
/* Binds all input shapes (dims of input i: ndim numbers); sizes that break a constraint are refused
 * by name.  A static model is bound at creation. */
weft_status weft_session_bind(weft_session *, const int64_t *const *dims, weft_diag *);
/* The bound dims of a tensor of the program (an index into program->tensor); of one whose dims are
 * over symbols that steps bind: as of the last run, and the largest they can be before the first.
 */
weft_status weft_session_dims(const weft_session *, int tensor, int64_t *dims, weft_diag *);
weft_status weft_session_set_input(weft_session *, int input, const void *data, size_t bytes,
                                   weft_diag *);
weft_status weft_session_run(weft_session *, weft_diag *);  /* starts; outputs wait */
weft_status weft_session_sync(weft_session *, weft_diag *); /* waits until the run is done */
/* Fills the memory of all outputs and temporaries with NaN patterns (0xFF bytes), so that nothing a
 * run forgets to write passes for a result: before every test run. */
weft_status weft_session_poison(weft_session *, weft_diag *);
weft_status weft_session_get_output(weft_session *, int output, void *data, size_t bytes,
                                    weft_diag *);
/* Any tensor of the program after a run, for tests and `check`; TEMPs only when keep was asked:
 * then every tensor has memory of its own from bind to bind.  A session that is bound is bound
 * anew: inputs are to be set again. */
weft_status weft_session_keep_temps(weft_session *, bool keep, weft_diag *);
weft_status weft_session_get_tensor(weft_session *, int tensor, void *data, size_t bytes,
                                    weft_diag *);
/* Gives a tensor that is no constant its contents, as if its step had run; TEMPs only when keep was
 * asked.  A tensor that no step mentions takes none: nothing to do. */
weft_status weft_session_set_tensor(weft_session *, int tensor, const void *data, size_t bytes,
                                    weft_diag *);
/* Runs `count` steps from `first` on what the tensors hold, and waits: a part of weft_session_run.
 * Inputs need no data.  Kept temporaries are needed for any but the whole;
 * with them, every tensor is followed by bytes that belong to nobody, and a kernel that wrote there
 * ends in WEFT_MISMATCH. */
weft_status weft_session_run_steps(weft_session *, int first, int count, weft_diag *);
/* Binds a symbol as the step that binds it would, for what runs in parts. */
weft_status weft_session_set_symbol(weft_session *, const char *name, int64_t value, weft_diag *);

/* Device times of the last profiled run, one a step; NULL before. */
weft_status weft_session_profile(weft_session *, weft_diag *); /* runs once, with times */
const double *weft_session_times(const weft_session *);
/* Writes the times as a Chrome/Perfetto trace. */
weft_status weft_session_write_trace(const weft_session *, const char *path, weft_diag *);
/* Bytes of the device arenas. */
int64_t weft_session_arena_bytes(const weft_session *);

#endif
