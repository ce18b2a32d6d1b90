/* Growable byte strings on the heap. */
#include "base/priv.h"

#include <stdlib.h>
#include <string.h>

static void
reserve(weft_str *s, size_t more)
{
    if (more > SIZE_MAX / 2 - s->n)
        weft_out_of_memory(SIZE_MAX);
    size_t need = s->n + more + 1;
    if (need <= s->cap)
        return;
#ifdef WEFT_TORTURE
    size_t cap = need + need / 16;
#else
    size_t cap = s->cap < 64 ? 64 : s->cap * 2;
    if (cap < need)
        cap = need;
#endif
    char *at = realloc(s->at, cap);
    if (!at)
        weft_out_of_memory(cap);
    s->at = at;
    s->cap = cap;
}

void
weft_str_addn(weft_str *s, const char *text, size_t n)
{
    reserve(s, n);
    if (n)
        memcpy(s->at + s->n, text, n);
    s->n += n;
    s->at[s->n] = 0;
}

void
weft_str_add(weft_str *s, const char *text)
{
    weft_str_addn(s, text, strlen(text));
}

void
weft_str_vaddf(weft_str *s, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    weft_assert(n >= 0, "bad format '%s'", fmt);
    reserve(s, (size_t)n);
    vsnprintf(s->at + s->n, (size_t)n + 1, fmt, again);
    s->n += (size_t)n;
    va_end(again);
}

void
weft_str_addf(weft_str *s, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    weft_str_vaddf(s, fmt, args);
    va_end(args);
}

const char *
weft_str_text(const weft_str *s)
{
    return s->at ? s->at : "";
}

char *
weft_str_take(weft_str *s)
{
    reserve(s, 0);
    char *text = s->at;
    text[s->n] = 0;
    *s = (weft_str){ 0 };
    return text;
}

void
weft_str_free(weft_str *s)
{
    free(s->at);
    *s = (weft_str){ 0 };
}
