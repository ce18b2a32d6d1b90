/* runtime/device.h: what a GPU API has to do, and no more.
 *
 * About ten functions a driver; everything else is written once above (executor, arenas, profiler,
 * kernel cache).  Every call that fails returns a status and reports to the diag the driver's own
 * call, its error name, the object and the numbers; it leaves nothing allocated and sets what it
 * was to make to NULL.  WEFT_LOST says that no later call can succeed, either.  A device is used by
 * one thread at a time.  All work on a device is in order: a launch sees what the ones before it
 * wrote.
 */
#ifndef WEFT_DEVICE_H
#define WEFT_DEVICE_H

#include "base/base.h"
#include "base/target.h"

#include <weft/weft.h>

/* weft_device, an open device, is embedded first in a driver's own. */
typedef struct weft_memory weft_memory; /* one allocation; opaque */
typedef struct weft_code weft_code;     /* loaded kernels; opaque */
typedef struct weft_batch weft_batch;   /* a recorded sequence of launches; opaque */

/* One kernel's text as the module holds it. */
typedef struct weft_source {
    const char *name; /* entry point */
    const char *text; /* zero-terminated */
    size_t size;
    const void *binary; /* optional .spv that belongs to the text; NULL */
    size_t binary_size;
    int nbuffer, nscalar;  /* its parameters: buffers first, then scalars */
    const uint8_t *scalar; /* nscalar dtypes (weft_dtype): WEFT_I32 or WEFT_I64 */
    int64_t block[3];      /* threads a block; 0 where only the launch knows */
    int subgroup;          /* required subgroup size, 0: any */
    int64_t shared_bytes;  /* of shared arrays that the text declares */
} weft_source;

typedef struct weft_arg { /* a buffer argument */
    weft_memory *memory;
    int64_t offset, size; /* bytes; offset obeys the profile's offset_align, size its max_range */
    bool written;
} weft_arg;

/* Or a copy of the bytes of buffer[0] to buffer[1], which has as many and none in common; only name
 * and buffers say something of it. */
typedef struct weft_launch {
    const char *name;          /* for messages and profiles */
    const weft_code *code;     /* NULL: a copy, where the driver batches them */
    int kernel;                /* index of the source in its load */
    int64_t grid[3], block[3]; /* blocks, threads a block; a zero grid is skipped above */
    int64_t shared_bytes;      /* dynamic; 0: what the text declares */
    double flops;              /* an estimate; 0: not known */
    int nbuffer, nscalar;
    const weft_arg *buffer;
    const int64_t *scalar;
} weft_launch;

typedef struct weft_device_info {
    char id[32];        /* "opencl", "opencl:1" */
    char name[128];     /* the device's own name */
    char driver[128];   /* API and driver version; part of the kernel cache's key */
    weft_target target; /* its profile */
    /* The subgroup sizes that a kernel may ask for; 0, 0: target.subgroup alone. */
    int least_subgroup, most_subgroup;
    bool checks_bounds; /* it reports accesses outside an allocation: a simulator */
} weft_device_info;

/* An API.  All functions but the first two take an open device. */
typedef struct weft_driver {
    weft_api api;
    const char *name;
    bool by_name;        /* never taken where no device is named: null, emulated ones */
    bool batches_copies; /* a batch may hold copies among its launches */
    /* How many devices are usable now; when none, `why` says in a sentence what is missing. */
    int (*count)(weft_str *why);
    weft_status (*open)(int index, weft_diag *, weft_device **);
    void (*close)(weft_device *);
    weft_status (*alloc)(weft_device *, int64_t bytes, weft_memory **, weft_diag *);
    void (*free)(weft_device *, weft_memory *);
    weft_status (*upload)(weft_device *, weft_memory *, int64_t offset, const void *, int64_t bytes,
                          weft_diag *);
    weft_status (*download)(weft_device *, weft_memory *, int64_t offset, void *, int64_t bytes,
                            weft_diag *);
    weft_status (*copy)(weft_device *, weft_memory *to, int64_t to_offset, weft_memory *from,
                        int64_t from_offset, int64_t bytes, weft_diag *);
    /* Compiles n kernels (in one program where the profile says so, else apart and in parallel),
     * through the kernel cache; or a part of them when it is first launched.  Compiler options
     * follow the numerics level. */
    weft_status (*load)(weft_device *, const weft_source *, int n, weft_numerics, weft_code **,
                        weft_diag *);
    void (*unload)(weft_device *, weft_code *);
    /* Records launches and copies to be submitted any number of times.  The arrays are copied. */
    weft_status (*record)(weft_device *, const weft_launch *, int n, weft_batch **, weft_diag *);
    void (*discard)(weft_device *, weft_batch *);
    /* Starts a batch; when times is not NULL it waits and writes n device times in seconds, of
     * launches and copies. */
    weft_status (*submit)(weft_device *, weft_batch *, double *times, weft_diag *);
    /* Waits until all is done. */
    weft_status (*sync)(weft_device *, weft_diag *);
} weft_driver;

struct weft_device {
    const weft_driver *driver;
    weft_device_info info;
    bool lost; /* a call returned WEFT_LOST: nothing but unload, discard, free and close is asked */
};

/* The drivers that are linked in; `interp` is added by whoever links the compiler. */
extern const weft_driver weft_opencl_driver, weft_vulkan_driver, weft_cuda_driver,
    weft_metal_driver, weft_cuda_emu_driver, weft_metal_emu_driver, weft_vulkan_emu_driver,
    weft_null_driver;

/* A list of drivers, in order; built on the stack, no globals. */
typedef struct weft_drivers {
    int n;
    const weft_driver *at[16];
} weft_drivers;
/* All of the above, preferred ones first (backends/device.c). */
weft_drivers weft_linked_drivers(void);

/* ---- libraries (library.c) ------------------------------------------------------------------- */
/* The library of that name or path, kept until the process ends; NULL if there is none.  Of one
 * that is there and cannot be loaded `broken` gets the loader's words, unless it holds some
 * already. */
void *weft_library_open(const char *name, weft_str *broken);
/* Appends "WHAT is not installed", or that it cannot be loaded and why; frees `broken`. */
void weft_library_missing(weft_str *why, const char *what, weft_str *broken);

/* ---- registry (registry.c) ------------------------------------------------------------------- */
/* Opens "opencl", "opencl:1", ...; WEFT_NO_DEVICE with the reason and what is usable instead. */
weft_status weft_device_open(const weft_drivers *, const char *id, weft_diag *, weft_device **);
/* The first device of the first driver that has one and can open it, but for those that are taken
 * by name alone; a driver that has one and cannot open it is left with a warning. */
weft_status weft_device_open_any(const weft_drivers *, weft_diag *, weft_device **);
void weft_device_close(weft_device *);

/* ---- kernel cache (cache.c) ------------------------------------------------------------------ */
/* Compiled binaries on disk: $WEFT_CACHE_DIR, else $XDG_CACHE_HOME/weft, else ~/.cache/weft; off
 * when WEFT_CACHE=0.  The key is a SHA-256 over all the strings given.  Written to a temporary and
 * renamed; size-capped (WEFT_CACHE_MAX_MB, oldest go first); a corrupt or truncated entry is a
 * miss; a read-only or full directory is no error. */
void weft_cache_key(char hex[65], int n, const char *const *part, const size_t *size);
bool weft_cache_get(const char *key, void **data, size_t *size); /* malloc'ed */
void weft_cache_put(const char *key, const void *data, size_t size);
/* Appends a source less its comments, which no cache key is to depend on; the line breaks in them
 * are kept. */
void weft_cache_strip(weft_str *, const char *text, bool is_spirv);

#endif
