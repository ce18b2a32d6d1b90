/* Diagnostics: messages for a person, the first error's status, bounded text, one lock. */
#include "base/priv.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_TEXT = 1 << 18, /* bytes kept; what comes later is only counted */
    MAX_LINE = 100      /* columns shown of a line of source */
};

typedef struct kept_message {
    size_t at, n; /* in the text */
    weft_status status;
} kept_message;

struct weft_diag {
    pthread_mutex_t lock;
    weft_status first;
    weft_str text;
    weft_arena arena;
    WEFT_VEC(kept_message) message;
    bool full;
};

static const struct {
    const char *text;
    int exit_code;
} statuses[WEFT_STATUS_COUNT] = {
#define STATUS(name, sentence, code) [WEFT_##name] = { sentence, code },
#include <weft/status.def>
#undef STATUS
};

const char *
weft_status_text(weft_status s)
{
    return (unsigned)s < WEFT_STATUS_COUNT ? statuses[s].text : "an unknown status";
}

int
weft_status_exit_code(weft_status s)
{
    return (unsigned)s < WEFT_STATUS_COUNT ? statuses[s].exit_code : 3;
}

weft_diag *
weft_diag_create(void)
{
    weft_diag *d = calloc(1, sizeof *d);
    if (!d)
        weft_out_of_memory(sizeof *d);
    pthread_mutex_init(&d->lock, NULL);
    return d;
}

void
weft_diag_destroy(weft_diag *d)
{
    if (!d)
        return;
    pthread_mutex_destroy(&d->lock);
    weft_str_free(&d->text);
    weft_arena_reset(&d->arena);
    free(d);
}

/* Adds a finished message; status WEFT_OK: a warning. */
static void
record(weft_diag *d, weft_status status, const weft_str *message)
{
    pthread_mutex_lock(&d->lock);
    if (d->first == WEFT_OK)
        d->first = status;
    if (d->text.n + message->n <= MAX_TEXT) {
        *WEFT_PUSH(&d->arena, &d->message) = (kept_message){ d->text.n, message->n, status };
        weft_str_addn(&d->text, weft_str_text(message), message->n);
    } else if (!d->full) {
        weft_str_add(&d->text, "error: too many messages, the rest is left out\n");
        d->full = true;
    }
    pthread_mutex_unlock(&d->lock);
}

static void
add_sentence(weft_str *s, const char *kind, const char *fmt, va_list args)
{
    weft_str_add(s, kind);
    weft_str_vaddf(s, fmt, args);
    weft_str_add(s, "\n");
}

weft_status
weft_fail(weft_diag *d, weft_status status, const char *fmt, ...)
{
    if (!d)
        return status;
    weft_str s = { 0 };
    va_list args;
    va_start(args, fmt);
    add_sentence(&s, "error: ", fmt, args);
    va_end(args);
    record(d, status, &s);
    weft_str_free(&s);
    return status;
}

void
weft_warn(weft_diag *d, const char *fmt, ...)
{
    if (!d)
        return;
    weft_str s = { 0 };
    va_list args;
    va_start(args, fmt);
    add_sentence(&s, "warning: ", fmt, args);
    va_end(args);
    record(d, WEFT_OK, &s);
    weft_str_free(&s);
}

static const char *
find_line(const char *text, int line)
{
    for (; line > 1; line--) {
        text = strchr(text, '\n');
        if (!text)
            return NULL;
        text++;
    }
    return text;
}

/* The line and a caret under the column; of a long line, what stands around the column. */
static void
add_caret(weft_str *s, weft_place at)
{
    const char *line = at.source && at.line > 0 ? find_line(at.source, at.line) : NULL;
    if (!line)
        return;
    size_t n = strcspn(line, "\n"), col = at.column > 0 ? (size_t)at.column - 1 : 0;
    if (col > n)
        col = n;
    size_t from = col > MAX_LINE - 20 ? col - (MAX_LINE - 20) : 0;
    size_t to = n - from > MAX_LINE ? from + MAX_LINE : n;
    weft_str caret = { 0 };
    for (size_t i = from; i < to; i++) {
        char c = line[i];
        bool control = (unsigned char)c < 32 && c != '\t';
        weft_str_addn(s, control ? "?" : &c, 1);
        if (i < col && ((unsigned char)c & 0xc0) != 0x80) /* one column a UTF-8 character */
            weft_str_add(&caret, c == '\t' ? "\t" : " ");
    }
    weft_str_addf(s, "\n%s^\n", weft_str_text(&caret));
    weft_str_free(&caret);
}

weft_status
weft_fail_at(weft_diag *d, weft_status status, weft_place at, const char *fmt, ...)
{
    if (!d)
        return status;
    weft_str s = { 0 };
    weft_str_addf(&s, "%s:", at.file ? at.file : "?");
    if (at.line > 0)
        weft_str_addf(&s, "%d:%d:", at.line, at.column);
    va_list args;
    va_start(args, fmt);
    add_sentence(&s, " error: ", fmt, args);
    va_end(args);
    add_caret(&s, at);
    record(d, status, &s);
    weft_str_free(&s);
    return status;
}

weft_status
weft_diag_status(const weft_diag *d)
{
    return d ? d->first : WEFT_OK;
}

const char *
weft_diag_text(const weft_diag *d)
{
    return d ? weft_str_text(&d->text) : "";
}

/* *n bytes without the prefix of an error and the newline at the end. */
static const char *
trim(const char *text, int *n)
{
    static const char prefix[] = "error: ";
    int skip = strncmp(text, prefix, sizeof prefix - 1) == 0 ? (int)sizeof prefix - 1 : 0;
    *n -= skip;
    *n -= *n > 0 && text[skip + *n - 1] == '\n';
    return text + skip;
}

const char *
weft_diag_said(const weft_diag *d, int *n)
{
    const char *text = weft_diag_text(d);
    *n = (int)strlen(text);
    return trim(text, n);
}

const char *
weft_diag_message(const weft_diag *d, int i, int *n, weft_status *status)
{
    if (!d || i < 0 || i >= d->message.n)
        return NULL;
    const kept_message *m = &d->message.at[i];
    *n = (int)m->n;
    *status = m->status;
    return trim(weft_str_text(&d->text) + m->at, n);
}

const char *
weft_diag_first(const weft_diag *d, int *n)
{
    const char *text = weft_diag_said(d, n);
    *n = (int)strcspn(text, "\n");
    return text;
}

void
weft_diag_clear(weft_diag *d)
{
    pthread_mutex_lock(&d->lock);
    weft_str_free(&d->text);
    weft_arena_reset(&d->arena);
    memset(&d->message, 0, sizeof d->message);
    d->first = WEFT_OK;
    d->full = false;
    pthread_mutex_unlock(&d->lock);
}
