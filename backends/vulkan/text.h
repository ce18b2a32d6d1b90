/* vulkan/text.h: what SPIR-V text has to be before anybody runs it. */
#ifndef WEFT_VULKAN_TEXT_H
#define WEFT_VULKAN_TEXT_H

#include "runtime/device.h"

/* Assembles the source's text and has SPIRV-Tools validate it for Vulkan 1.1; WEFT_INVALID_INPUT
 * with their words. */
weft_status weft_spirv_check(const weft_source *, weft_diag *);

#endif
