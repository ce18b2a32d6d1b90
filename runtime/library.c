/* Shared libraries found at run time: one that is missing and one that is broken are told apart. */
#include "runtime/device.h"

#include <dlfcn.h>
#include <string.h>

/* Whether the loader's words say that nothing has the name; a library that lacks one it needs
 * itself is named by them, and does not count. */
static bool
is_missing(const char *name, const char *words)
{
    size_t n = strlen(name);
    return !strncmp(words, name, n) ? strstr(words + n, "No such file") != NULL
                                    : strstr(words, "no such file") != NULL;
}

void *
weft_library_open(const char *name, weft_str *broken)
{
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    const char *words = library ? NULL : dlerror();
    if (words && broken && !broken->n && !is_missing(name, words))
        weft_str_add(broken, words);
    return library;
}

void
weft_library_missing(weft_str *why, const char *what, weft_str *broken)
{
    if (why && broken->n)
        weft_str_addf(why, "%s cannot be loaded: %s", what, broken->at);
    else if (why)
        weft_str_addf(why, "%s is not installed", what);
    weft_str_free(broken);
}
