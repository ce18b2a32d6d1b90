/* tests/faults/fake.h: what the fake driver libraries share.
 *
 * A fake is a library with the soname of a real one.  It does what the API says of handles, ranges
 * and arguments, and complains where a caller breaks a rule; it computes one kernel, `add`, on the
 * host.  Any call can be made to fail: by its number from a test that is linked to the fake, by its
 * name from outside with WEFT_FAKE=call=code,call=code.  The OpenCL compiler of the fake aborts on a
 * text that holds the word WEFT_FAKE_ABORT.
 */
#ifndef WEFT_TEST_FAULTS_FAKE_H
#define WEFT_TEST_FAULTS_FAKE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAKE_API __attribute__((visibility("default")))

typedef struct fake_handle fake_handle;
struct fake_handle { /* first in every object */
    const char *kind;
    fake_handle *next;
};

typedef struct fake_state {
    long at; /* the call that fails, from 0; -1: none */
    int code;
    bool sticky;     /* all later ones fail as well */
    long calls;      /* that may fail, so far */
    char failed[64]; /* the call that failed first; "" */
    int alive;       /* handles */
    long launches;   /* kernels run */
    unsigned shared; /* dynamic shared bytes of the last launch (CUDA) */
    int wrong;       /* rules that the caller broke, and the first of them */
    char words[256];
    fake_handle *handles;
    pthread_mutex_t lock;
} fake_state;

/* Sets what fails next and begins the counts anew. */
static inline void
fake_arm(fake_state *f, long at, int code, bool sticky)
{
    f->at = at;
    f->code = code;
    f->sticky = sticky;
    f->calls = 0;
    f->failed[0] = 0;
}

#ifdef FAKE_LIBRARY
static fake_state fake = { .at = -1, .lock = PTHREAD_MUTEX_INITIALIZER };

/* The value that WEFT_FAKE gives a name; *found. */
static inline int
fake_env(const char *name, bool *found)
{
    const char *p = getenv("WEFT_FAKE");
    size_t n = strlen(name);
    for (*found = false; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
        if (!strncmp(p, name, n) && p[n] == '=') {
            *found = true;
            return atoi(p + n + 1);
        }
    return 0;
}

/* 0, or the code with which the call is to fail. */
static inline int
fake_enter(const char *name)
{
    bool found;
    int code = fake_env(name, &found);
    pthread_mutex_lock(&fake.lock);
    long i = fake.calls++;
    if (!found && fake.at >= 0 && (fake.sticky ? i >= fake.at : i == fake.at)) {
        found = true;
        code = fake.code;
    }
    if (found && !fake.failed[0])
        snprintf(fake.failed, sizeof fake.failed, "%s", name);
    pthread_mutex_unlock(&fake.lock);
    return found ? code : 0;
}

/* The caller broke a rule. */
static inline void
fake_wrong(const char *call, const char *what)
{
    pthread_mutex_lock(&fake.lock);
    if (!fake.wrong++)
        snprintf(fake.words, sizeof fake.words, "%s: %s", call, what);
    pthread_mutex_unlock(&fake.lock);
}

static inline void *
fake_new(size_t size, const char *kind)
{
    fake_handle *h = calloc(1, size);
    if (!h)
        abort();
    h->kind = kind;
    pthread_mutex_lock(&fake.lock);
    h->next = fake.handles;
    fake.handles = h;
    fake.alive++;
    pthread_mutex_unlock(&fake.lock);
    return h;
}

/* Whether the pointer is a live handle of the kind; complains if not. */
static inline bool
fake_is(const void *p, const char *kind, const char *call)
{
    pthread_mutex_lock(&fake.lock);
    const fake_handle *h = fake.handles;
    while (h && h != p)
        h = h->next;
    bool good = h && !strcmp(h->kind, kind);
    pthread_mutex_unlock(&fake.lock);
    if (!good)
        fake_wrong(call, kind);
    return good;
}

static inline void
fake_drop(void *p, const char *kind, const char *call)
{
    if (!fake_is(p, kind, call))
        return;
    pthread_mutex_lock(&fake.lock);
    fake_handle **at = &fake.handles;
    while (*at != p)
        at = &(*at)->next;
    *at = (*at)->next;
    fake.alive--;
    pthread_mutex_unlock(&fake.lock);
    free(p);
}

/* y = (a + b) * scale over n, as the tests' kernel `add` says. */
static inline void
fake_add(const float *a, const float *b, float *y, int n, int64_t scale)
{
    for (int i = 0; i < n; i++)
        y[i] = (a[i] + b[i]) * (float)scale;
}
#endif
#endif
