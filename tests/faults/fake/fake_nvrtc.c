/* A libnvrtc whose images say the kernel's name and the kinds of its parameters, for fake_cuda.c.
 * Text with #error in it is refused. */
#define FAKE_LIBRARY
#include "fake.h"

#include <ctype.h>

typedef struct program {
    fake_handle h;
    char *text;
    char image[160];
    char log[200];
} program;

FAKE_API fake_state *fake_nvrtc(void);
FAKE_API fake_state *
fake_nvrtc(void)
{
    return &fake;
}

#define ENTER(name)                                                                                \
    do {                                                                                           \
        int code_ = fake_enter(name);                                                              \
        if (code_)                                                                                 \
            return code_;                                                                          \
    } while (0)
#define CALL(name, ...)                                                                            \
    FAKE_API int name(__VA_ARGS__);                                                                \
    int name(__VA_ARGS__)

enum { INVALID_INPUT = 3, INVALID_PROGRAM = 4, COMPILATION = 6 };
static const int archs[] = { 75, 80, 86, 90 };

CALL(nvrtcVersion, int *major, int *minor)
{
    *major = 12;
    *minor = 4;
    return 0;
}

CALL(nvrtcGetNumSupportedArchs, int *n)
{
    *n = sizeof archs / sizeof *archs;
    return 0;
}

CALL(nvrtcGetSupportedArchs, int *out)
{
    memcpy(out, archs, sizeof archs);
    return 0;
}

CALL(nvrtcCreateProgram, void **out, const char *text, const char *name, int n,
     const char *const *headers, const char *const *names)
{
    ENTER("nvrtcCreateProgram");
    if (n || headers || names || !name)
        return INVALID_INPUT;
    program *p = fake_new(sizeof *p, "program");
    p->text = strdup(text);
    *out = p;
    return 0;
}

CALL(nvrtcDestroyProgram, void **p)
{
    if (!fake_is(*p, "program", "nvrtcDestroyProgram"))
        return INVALID_PROGRAM;
    free(((program *)*p)->text);
    fake_drop(*p, "program", "nvrtcDestroyProgram");
    *p = NULL;
    return 0;
}

/* One letter a parameter: between brackets, split at commas. */
static void
read_kernel(program *p)
{
    const char *kernel = strstr(p->text, "__global__"), *open = kernel;
    char kinds[17] = "";
    size_t n = 0;
    while (open && (open = strchr(open, '(')) && strchr("0123456789", open[1]))
        open++; /* __launch_bounds__(64) */
    if (!open)
        return;
    const char *end = open;
    while (end > p->text && isspace((unsigned char)end[-1]))
        end--;
    const char *name = end;
    while (name > p->text && (isalnum((unsigned char)name[-1]) || name[-1] == '_'))
        name--;
    for (const char *q = open + 1; n < 16 && *q && *q != ')'; n++) {
        size_t size = strcspn(q, ",)");
        bool pointer = memchr(q, '*', size), wide = false;
        for (size_t i = 0; i + 4 <= size; i++)
            wide |= !memcmp(q + i, "long", 4) || !memcmp(q + i, "64_t", 4);
        kinds[n] = pointer ? 'p' : wide ? 'l' : 'i';
        q += size + (q[size] == ',');
    }
    snprintf(p->image, sizeof p->image, "fake image\n%.*s %s\n", (int)(end - name), name, kinds);
}

CALL(nvrtcCompileProgram, void *p_, int n, const char *const *options)
{
    program *p = p_;
    ENTER("nvrtcCompileProgram");
    if (!fake_is(p, "program", "nvrtcCompileProgram"))
        return INVALID_PROGRAM;
    if (n < 1 || strncmp(options[0], "--gpu-architecture=", 19) != 0)
        fake_wrong("nvrtcCompileProgram", "no architecture");
    const char *bad = strstr(p->text, "#error");
    if (bad) {
        snprintf(p->log, sizeof p->log, "fake.cu: %.*s", (int)strcspn(bad, "\n"), bad);
        return COMPILATION;
    }
    read_kernel(p);
    return 0;
}

static int
size_of(void *p, const char *call, size_t *size)
{
    if (!fake_is(p, "program", call))
        return INVALID_PROGRAM;
    *size = strlen(((program *)p)->image) + 1;
    return 0;
}

static int
image_of(void *p, const char *call, char *out)
{
    if (!fake_is(p, "program", call))
        return INVALID_PROGRAM;
    strcpy(out, ((program *)p)->image);
    return 0;
}

CALL(nvrtcGetProgramLogSize, void *p, size_t *size)
{
    ENTER("nvrtcGetProgramLogSize");
    if (!fake_is(p, "program", "nvrtcGetProgramLogSize"))
        return INVALID_PROGRAM;
    *size = strlen(((program *)p)->log) + 1;
    return 0;
}

CALL(nvrtcGetProgramLog, void *p, char *out)
{
    ENTER("nvrtcGetProgramLog");
    strcpy(out, ((program *)p)->log);
    return 0;
}

CALL(nvrtcGetCUBINSize, void *p, size_t *size)
{
    ENTER("nvrtcGetCUBINSize");
    return size_of(p, "nvrtcGetCUBINSize", size);
}

CALL(nvrtcGetCUBIN, void *p, char *out)
{
    ENTER("nvrtcGetCUBIN");
    return image_of(p, "nvrtcGetCUBIN", out);
}

CALL(nvrtcGetPTXSize, void *p, size_t *size)
{
    ENTER("nvrtcGetPTXSize");
    return size_of(p, "nvrtcGetPTXSize", size);
}

CALL(nvrtcGetPTX, void *p, char *out)
{
    ENTER("nvrtcGetPTX");
    return image_of(p, "nvrtcGetPTX", out);
}
