/* tests/checkers/check_sources.h: the parts of check_sources. */
#ifndef WEFT_TEST_CHECK_SOURCES_H
#define WEFT_TEST_CHECK_SOURCES_H

#include "base/base.h"

bool has_nvrtc(weft_str *why);
/* Compiles a CUDA kernel for every architecture that NVRTC knows; what is wrong with it, malloc'ed,
 * or NULL.  `rows` gets a line an architecture: path, arch, registers, bytes of stack, of spill
 * stores, of spill loads, of shared memory. */
char *cuda_faults(const char *path, const char *text, const char *allowed, weft_str *rows);

#endif
