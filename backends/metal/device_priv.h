/* backends/metal/device_priv.h: Objective-C by its runtime's functions, and what the driver's files
 * share.
 *
 * A message is a call of objc_msgSend cast to the method's own C type.  No method that returns a
 * structure is used, so that the same casts hold on every processor.
 */
#ifndef WEFT_METAL_DEVICE_PRIV_H
#define WEFT_METAL_DEVICE_PRIV_H

#include "runtime/device.h"

typedef void *weft_id; /* an object or a selector */
typedef struct weft_mtl_size {
    unsigned long width, height, depth;
} weft_mtl_size;

typedef struct weft_objc {
    void *send; /* objc_msgSend */
    weft_id (*find_class)(const char *);
    weft_id (*selector)(const char *);
    void *(*pool_push)(void);
    void (*pool_pop)(void *);
    weft_id (*all_devices)(void);    /* MTLCopyAllDevices; NULL on iOS */
    weft_id (*default_device)(void); /* MTLCreateSystemDefaultDevice */
} weft_objc;

/* [to name] and so on, by the types of arguments and result. */
weft_id weft_mtl_get(const weft_objc *, weft_id to, const char *name);
weft_id weft_mtl_get1(const weft_objc *, weft_id to, const char *name, weft_id);
unsigned long weft_mtl_number(const weft_objc *, weft_id to, const char *name);
bool weft_mtl_flag1(const weft_objc *, weft_id to, const char *name, long);
double weft_mtl_real(const weft_objc *, weft_id to, const char *name);
void weft_mtl_tell(const weft_objc *, weft_id to, const char *name);
void weft_mtl_tell1(const weft_objc *, weft_id to, const char *name, weft_id);
void weft_mtl_release(const weft_objc *, weft_id);
/* An NSString (autoreleased) of UTF-8; the UTF-8 of one ("" for nil). */
weft_id weft_mtl_string(const weft_objc *, const char *);
const char *weft_mtl_text(const weft_objc *, weft_id string);

typedef struct weft_mtl_device {
    weft_device base;
    weft_objc objc;
    weft_id device, queue;
    weft_id last; /* the command buffer last committed, retained; NULL: all is done */
} weft_mtl_device;

struct weft_memory {
    weft_id buffer;
    int64_t bytes;
    char *contents; /* shared storage: the host sees it */
};

/* A report with the text of an NSError. */
weft_status weft_mtl_fail(const weft_objc *, weft_diag *, const char *call, const char *object,
                          weft_id error);
/* Waits for the command buffer last committed and reports its error. */
weft_status weft_mtl_wait(weft_mtl_device *, weft_diag *);

/* device_load.c, device_run.c */
weft_status weft_mtl_load(weft_device *, const weft_source *, int n, weft_numerics, weft_code **,
                          weft_diag *);
void weft_mtl_unload(weft_device *, weft_code *);
/* The pipeline state of a kernel and the dtypes of its scalars. */
weft_id weft_mtl_pipeline(const weft_code *, int kernel, const uint8_t **scalar);
weft_status weft_mtl_record(weft_device *, const weft_launch *, int n, weft_batch **, weft_diag *);
void weft_mtl_discard(weft_device *, weft_batch *);
weft_status weft_mtl_submit(weft_device *, weft_batch *, double *times, weft_diag *);

#endif
