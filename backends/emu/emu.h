/* backends/emu/emu.h: emulated devices: printed CUDA C, Metal and SPIR-V on the host's processor.
 *
 *   sources --device_source.c--> one C++ text --device_compile.c--> shared object (cached)
 *   launch  --device_run.c--> blocks over workers --device_block.c--> threads as fibers
 *                                                  --device_check.c--> every access checked
 *
 * cuda-emu, metal-emu and vulkan-emu are three drivers of one mechanism; a row of
 * `weft_emu_language` is all that tells them apart.  SPIR-V is made CUDA C first.  shim/ holds the
 * headers that the text is compiled against; they are part of the library as bytes.  What they do
 * not know is a compile error of the host's compiler that names it.
 */
#ifndef WEFT_EMU_DEVICE_H
#define WEFT_EMU_DEVICE_H

#include "runtime/device.h"
#include "backends/emu/shim/weft_emu.h"

/* What tells the languages apart. */
typedef struct weft_emu_language {
    weft_api api;
    const char *device;    /* "cuda-emu" */
    const char *extension; /* "cu": kernels are "name.cu" in messages */
    const char *prologue;  /* the header of shim/ that every text starts with */
    bool metal;            /* arguments are told by attributes, not by their order */
} weft_emu_language;

/* A file of shim/, as it was when the library was built. */
typedef struct weft_emu_file {
    const char *name, *text;
    size_t size;
} weft_emu_file;
/* n files (generated at build time). */
const weft_emu_file *weft_emu_shim_files(int *n);

/* What the translation unit has to be compiled with, whatever the numerics level: the dialect that
 * shim/ is written in, and instrumentation that neither merges accesses beyond 16 bytes nor drops
 * any.  It needs no include path; it links with -lm. */
#define WEFT_EMU_TEXT_FLAGS                                                                        \
    "-x", "c++", "-std=c++17", "-O2", "-fPIC", "-fvisibility=hidden", "-fno-exceptions",           \
        "-fno-rtti", "-fwrapv", "-fno-strict-aliasing", "-fno-strict-float-cast-overflow",         \
        "-fsigned-char", "-fno-vectorize", "-fno-slp-vectorize",                                   \
        "-ftrivial-auto-var-init=pattern", "-Xclang", "-fnative-half-type", "-Xclang",             \
        "-fallow-half-arguments-and-returns", "-fsanitize=thread",                                 \
        "-fsanitize=array-bounds,integer-divide-by-zero", "-fno-sanitize-recover=all",             \
        "-Werror=unknown-attributes", "-mllvm", "-tsan-instrument-read-before-write"

/* Appends the translation unit of n sources: the headers of shim/ that they need, each text behind
 * a #line and in a namespace of its own with shared arrays, inline assembly and arguments made C++,
 * then the table of entries.  Lines keep their numbers. WEFT_INVALID_INPUT where a text has no
 * kernel of the source's name, or a parameter or declaration that an emulated device cannot take:
 * file, line, the words and what is expected instead. */
weft_status weft_emu_translate(const weft_emu_language *, const weft_source *, int n,
                               weft_str *text, weft_diag *);

#endif
