/* stages.c: the fixed programs and languages, and who looks for faults in each. */
#include "mutate.h"

#include "check/check.h"

#include <stdlib.h>
#include <string.h>

const char *const program_files[PROGRAMS] = {
    MUTATE_DIR "/programs/gemm.wir", MUTATE_DIR "/programs/conv.wir",
    MUTATE_DIR "/programs/rows.wir", MUTATE_DIR "/programs/reduce.wir",
    MUTATE_DIR "/programs/move.wir",
};

#define PLAIN(name, device, target)                                                                \
    {                                                                                              \
        name, device, target, { { NULL, NULL } }, false                                            \
    }
#define ORDER(name, order, device, target)                                                         \
    {                                                                                              \
        name, device, target, { { "WEFT_EMU_ORDER", order } }, false                               \
    }
#define ORDERS(device, target)                                                                     \
    ORDER("forward", "forward", device, target), ORDER("reverse", "reverse", device, target),      \
        ORDER("shuffled", "shuffle:1", device, target)

const tongue languages[LANGUAGES] = {
    { "opencl",
      WEFT_API_OPENCL,
      2,
      { PLAIN("PoCL", "opencl", "opencl:generic-gpu"),
        { "oclgrind",
          "opencl",
          "opencl:generic-gpu",
          { { "OCLGRIND_DATA_RACES", "1" },
            { "OCLGRIND_UNIFORM_WRITES", "1" },
            { "OCLGRIND_MAX_ERRORS", "1000000" },
            { "WEFT_CACHE", "0" } },
          true } } },
    { "vulkan",
      WEFT_API_VULKAN,
      4,
      { PLAIN("lavapipe", "vulkan", "vulkan:generic-gpu"),
        ORDERS("vulkan-emu", "vulkan:generic-gpu") } },
    { "cuda", WEFT_API_CUDA, 3, { ORDERS("cuda-emu", "cuda:sm_80") } },
    { "metal", WEFT_API_METAL, 3, { ORDERS("metal-emu", "metal:apple8") } },
};

static const char *
program_name(weft_arena *arena, const char *path)
{
    const char *name = strrchr(path, '/') + 1;
    return weft_arena_strndup(arena, name, strcspn(name, "."));
}

void
make_mutants(mutants *m, const tongue *l, uint64_t seed)
{
    weft_diag *diag = weft_diag_create();
    m->seed = seed;
    for (int i = 0; i < PROGRAMS; i++) {
        weft_module *module = compile_program(i, l->stage[0].target, diag);
        if (!module) {
            fprintf(stderr, "%s\n", weft_diag_text(diag));
            exit(1);
        }
        const weft_program *p = &module->program[0];
        for (int k = 0; k < p->nkernel; k++) {
            mutants_begin(m, l->name, program_name(&m->arena, program_files[i]), p->kernel[k].name);
            m->program_index = i;
            m->kernel_index = k;
            if (l->api == WEFT_API_VULKAN)
                find_sites_spirv(m, p->kernel[k].text);
            else
                find_sites_clike(m, p->kernel[k].text, p->kernel[k].name);
        }
        weft_module_destroy(module);
    }
    weft_diag_destroy(diag);
}
