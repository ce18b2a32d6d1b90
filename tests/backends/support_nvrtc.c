/* support_nvrtc.c: compiles CUDA text with NVRTC where a toolkit is installed; no driver is needed.
 */
#include "support.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

typedef struct nvrtc {
    void *lib;
    const char *include;
    int (*create)(void **, const char *, const char *, int, const char *const *,
                  const char *const *);
    int (*compile)(void *, int, const char *const *);
    int (*log_size)(void *, size_t *);
    int (*log)(void *, char *);
    int (*destroy)(void **);
} nvrtc;

static bool
load(nvrtc *n)
{
    static const char *const libs[] = { "libnvrtc.so", "/usr/local/cuda/lib64/libnvrtc.so",
                                        "libnvrtc.so.13", "libnvrtc.so.12" };
    for (size_t i = 0; i < sizeof libs / sizeof *libs && !n->lib; i++)
        n->lib = dlopen(libs[i], RTLD_NOW | RTLD_LOCAL);
    if (!n->lib)
        return false;
    *(void **)&n->create = dlsym(n->lib, "nvrtcCreateProgram");
    *(void **)&n->compile = dlsym(n->lib, "nvrtcCompileProgram");
    *(void **)&n->log_size = dlsym(n->lib, "nvrtcGetProgramLogSize");
    *(void **)&n->log = dlsym(n->lib, "nvrtcGetProgramLog");
    *(void **)&n->destroy = dlsym(n->lib, "nvrtcDestroyProgram");
    return n->create && n->compile && n->log_size && n->log && n->destroy;
}

char *
nvrtc_faults(const char *source, int arch, bool *found)
{
    nvrtc n = { 0 };
    char gpu[64], *log = NULL;
    size_t size = 0;
    void *program = NULL;
    *found = load(&n);
    if (!*found)
        return NULL;
    snprintf(gpu, sizeof gpu, "--gpu-architecture=sm_%d", arch);
    const char *const option[] = { gpu, "--include-path=/usr/local/cuda/include", "--std=c++17" };
    int status = n.create(&program, source, "kernel.cu", 0, NULL, NULL);
    if (status == 0)
        status = n.compile(program, 3, option);
    if (status != 0 && program && n.log_size(program, &size) == 0) {
        log = calloc(1, size + 1);
        n.log(program, log);
    }
    if (status != 0 && !log)
        log = strdup("NVRTC failed without a log");
    if (program)
        n.destroy(&program);
    return log;
}
