/* emu: inline assembly becomes calls of functions named after the instructions. */
#include "backends/emu/device_source.h"

void
weft_emu_assembly(weft_emu_text *t)
{
    for (int i = 0; i < t->tok.n; i++)
        if (weft_emu_is(t, i, "asm") || weft_emu_is(t, i, "__asm__"))
            weft_emu_refuse(t, i, "inline assembly is not known");
}
