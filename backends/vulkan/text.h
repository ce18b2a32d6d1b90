/* vulkan/text.h: what SPIR-V text has to be before anybody runs it. */
#ifndef WEFT_VULKAN_TEXT_H
#define WEFT_VULKAN_TEXT_H

#include "runtime/device.h"

/* Assembles the source's text and has SPIRV-Tools validate it for Vulkan 1.1; WEFT_INVALID_INPUT
 * with their words. */
weft_status weft_spirv_check(const weft_source *, weft_diag *);

/* ---- device_matrix_text.c -------------------------------------------------------------------- */
/* A text with SPV_KHR_cooperative_matrix, those instructions as numbers, for the assembler; or, for
 * the validator alone, in the words of SPV_NV_cooperative_matrix.  WEFT_INVALID_INPUT where an
 * instruction has other operands, scopes, uses or layouts than it may have. */
typedef enum weft_matrix_text { WEFT_MATRIX_NUMBERS, WEFT_MATRIX_OLDER } weft_matrix_text;
weft_status weft_spirv_older_text(const weft_source *, weft_matrix_text, weft_str *, weft_diag *);

#endif
