/* The cuda driver: not there yet, so no device of it is usable. */
#include "runtime/device.h"

static int
count(weft_str *why)
{
    if (why)
        weft_str_add(why, "the driver is not built in");
    return 0;
}

const weft_driver weft_cuda_driver = { .api = WEFT_API_CUDA, .name = "cuda", .count = count };
