/* runtime/session_guard.c: bytes between tensors that nothing may write.
 *
 * Where temporaries are kept, which is to check kernels and not to be fast, every tensor that is no
 * constant and has its own memory is followed by a guard: words that are NaN as floats and far out
 * as indices, another at every place.  A kernel that writes there is found by it; what it reads
 * there spoils its results.  Behind a part of a tensor are its neighbours.
 * Devices that drop what lies outside a buffer's range are given a range that takes the guard in;
 * devices that report it are given no guard, and every tensor with its parts an allocation.
 */
#include "runtime/session_priv.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS = WEFT_GUARD_BYTES / 4 };

int64_t
weft_session_guard(const weft_session *s)
{
    return s->keep_temps && !s->device->info.checks_bounds ? WEFT_GUARD_BYTES : 0;
}

int64_t
weft_session_range(const weft_session *s, int tensor, int64_t at)
{
    const weft_target *t = &s->device->info.target;
    int64_t bytes = s->bytes[tensor] - at, wide = bytes + weft_session_guard(s);
    bool drops = t->api == WEFT_API_VULKAN;
    bool guarded = s->program->tensor[s->root[tensor]].role != WEFT_ROLE_CONSTANT;
    return drops && guarded && (t->max_range <= 0 || wide <= t->max_range) ? wide : bytes;
}

/* What stands behind tensor i, whose last word may be cut off. */
static void
make_guard(int root, uint32_t word[WORDS])
{
    uint32_t state = (uint32_t)root * 2654435761u + 1;
    for (int i = 0; i < WORDS; i++) {
        state = state * 1664525u + 1013904223u;
        word[i] = 0xffc00000u | state >> 10;
    }
}

static bool
has_guard(const weft_session *s, int root)
{
    return s->root[root] == root && s->place[root].memory &&
           s->program->tensor[root].role != WEFT_ROLE_CONSTANT;
}

weft_status
weft_session_set_guards(weft_session *s, weft_diag *diag)
{
    uint32_t word[WORDS];
    weft_status status = WEFT_OK;
    if (!weft_session_guard(s))
        return WEFT_OK;
    for (int i = 0; i < s->program->ntensor && !status; i++) {
        if (!has_guard(s, i))
            continue;
        make_guard(i, word);
        status =
            s->device->driver->upload(s->device, s->place[i].memory,
                                      s->place[i].offset + s->room[i], word, sizeof word, diag);
    }
    return status;
}

static weft_status
check_guard(weft_session *s, int root, const char *kernel, weft_diag *diag)
{
    uint32_t got[WORDS], want[WORDS];
    weft_status status =
        s->device->driver->download(s->device, s->place[root].memory,
                                    s->place[root].offset + s->room[root], got, sizeof got, diag);
    make_guard(root, want);
    for (int i = 0; i < WORDS && !status; i++)
        if (got[i] != want[i])
            return weft_fail(diag, WEFT_MISMATCH,
                             "kernel '%s' writes outside its tensors: %d bytes behind the end of "
                             "'%s', which has %lld",
                             kernel, i * 4, s->program->tensor[root].name,
                             (long long)s->room[root]);
    return status;
}

weft_status
weft_session_check_guards(weft_session *s, int first, int count, weft_diag *diag)
{
    weft_status status = WEFT_OK;
    if (!weft_session_guard(s))
        return WEFT_OK;
    for (int i = first; i < first + count && !status; i++) {
        const weft_mod_step *step = &s->program->step[i];
        for (int a = 0; a < step->nbuffer && !status; a++) {
            int root = s->root[step->buffer[a].tensor];
            if (has_guard(s, root))
                status = check_guard(s, root, weft_step_name(s->program, i), diag);
        }
    }
    return status;
}
