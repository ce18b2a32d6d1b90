/* tests/base/support.h: what the tests of base share. */
#ifndef TEST_BASE_SUPPORT_H
#define TEST_BASE_SUPPORT_H

#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A small generator (xorshift): the same numbers in every run. */
static inline uint32_t
next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

#endif
