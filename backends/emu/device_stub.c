/* Emulated devices: stands in for device_source.c where a build has none. */
#include "backends/emu/emu.h"

__attribute__((weak)) weft_status
weft_emu_translate(const weft_emu_language *language, const weft_source *source, int n,
                   weft_numerics numerics, weft_str *text, weft_diag *diag)
{
    (void)source;
    (void)n;
    (void)numerics;
    (void)text;
    return weft_fail(diag, WEFT_UNSUPPORTED, "%s: this build has no headers for kernels",
                     language->device);
}
