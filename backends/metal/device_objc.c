/* Metal: messages to Objective-C objects from C. */
#include "backends/metal/device_priv.h"

/* objc_msgSend as a function of the method's type. */
#define SEND(objc, type) (*(type *)&(objc)->send)

weft_id
weft_mtl_get(const weft_objc *o, weft_id to, const char *name)
{
    typedef weft_id (*method)(weft_id, weft_id);
    return SEND(o, const method)(to, o->selector(name));
}

weft_id
weft_mtl_get1(const weft_objc *o, weft_id to, const char *name, weft_id a)
{
    typedef weft_id (*method)(weft_id, weft_id, weft_id);
    return SEND(o, const method)(to, o->selector(name), a);
}

unsigned long
weft_mtl_number(const weft_objc *o, weft_id to, const char *name)
{
    typedef unsigned long (*method)(weft_id, weft_id);
    return SEND(o, const method)(to, o->selector(name));
}

bool
weft_mtl_flag1(const weft_objc *o, weft_id to, const char *name, long a)
{
    typedef signed char (*method)(weft_id, weft_id, long);
    return SEND(o, const method)(to, o->selector(name), a) != 0;
}

double
weft_mtl_real(const weft_objc *o, weft_id to, const char *name)
{
    typedef double (*method)(weft_id, weft_id);
    return SEND(o, const method)(to, o->selector(name));
}

void
weft_mtl_tell(const weft_objc *o, weft_id to, const char *name)
{
    typedef void (*method)(weft_id, weft_id);
    SEND(o, const method)(to, o->selector(name));
}

void
weft_mtl_tell1(const weft_objc *o, weft_id to, const char *name, weft_id a)
{
    typedef void (*method)(weft_id, weft_id, weft_id);
    SEND(o, const method)(to, o->selector(name), a);
}

void
weft_mtl_release(const weft_objc *o, weft_id object)
{
    if (object)
        weft_mtl_tell(o, object, "release");
}

weft_id
weft_mtl_string(const weft_objc *o, const char *text)
{
    typedef weft_id (*method)(weft_id, weft_id, const char *);
    return SEND(o, const method)(o->find_class("NSString"), o->selector("stringWithUTF8String:"),
                                 text);
}

const char *
weft_mtl_text(const weft_objc *o, weft_id string)
{
    typedef const char *(*method)(weft_id, weft_id);
    const char *text = string ? SEND(o, const method)(string, o->selector("UTF8String")) : NULL;
    return text ? text : "";
}

weft_status
weft_mtl_fail(const weft_objc *o, weft_diag *diag, const char *call, const char *object,
              weft_id error)
{
    const char *words = error ? weft_mtl_text(o, weft_mtl_get(o, error, "localizedDescription"))
                              : "Metal gives no reason";
    return weft_fail(diag, WEFT_DEVICE, "%s at %s: %s", call, object, words);
}
