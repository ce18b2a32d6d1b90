/* The metal driver: not there yet, so no device of it is usable. */
#include "runtime/device.h"

static int
count(weft_str *why)
{
    if (why)
        weft_str_add(why, "the driver is not built in");
    return 0;
}

const weft_driver weft_metal_driver = { .api = WEFT_API_METAL, .name = "metal", .count = count };
