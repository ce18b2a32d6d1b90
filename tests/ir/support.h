/* tests/ir/support.h: what the tests of the IR share. */
#ifndef TEST_IR_SUPPORT_H
#define TEST_IR_SUPPORT_H

#include "ir/ir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
