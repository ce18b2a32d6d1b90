/* profiles.c: the table of named targets, and finding one by what a person writes. */
#include "backends/backend.h"

#include <string.h>

static const weft_target profiles[] = {
#define PROFILE(API, NAME, CLASS, ...)                                                             \
    { .name = NAME, .api = WEFT_API_##API, .cls = WEFT_CLASS_##CLASS, __VA_ARGS__ },
#include "backends/profiles.def"
#undef PROFILE
};

int
weft_profile_count(void)
{
    return (int)(sizeof profiles / sizeof *profiles);
}

const weft_target *
weft_profile(int i)
{
    return i >= 0 && i < weft_profile_count() ? &profiles[i] : NULL;
}

static bool
names(const char *spec, const weft_target *t)
{
    const char *api = weft_api_name(t->api);
    size_t n = strlen(api);
    if (strncmp(spec, api, n) != 0)
        return false;
    return spec[n] == 0 || (spec[n] == ':' && strcmp(spec + n + 1, t->name) == 0);
}

const weft_target *
weft_profile_find(const char *spec, weft_diag *diag)
{
    weft_str list = { 0 };
    for (int i = 0; i < weft_profile_count(); i++)
        if (names(spec, &profiles[i]))
            return &profiles[i];
    for (int i = 0; i < weft_profile_count(); i++)
        weft_str_addf(&list, "%s%s:%s", i ? ", " : "", weft_api_name(profiles[i].api),
                      profiles[i].name);
    weft_fail(diag, WEFT_NOT_FOUND, "no target '%s'; there are %s", spec, weft_str_text(&list));
    weft_str_free(&list);
    return NULL;
}
