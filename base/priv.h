/* base/priv.h: what the files of base share. */
#ifndef WEFT_BASE_PRIV_H
#define WEFT_BASE_PRIV_H

#include "base/base.h"

/* Prints how much was asked for and aborts. */
_Noreturn void weft_out_of_memory(size_t bytes);

#endif
