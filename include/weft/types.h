/* weft/types.h: statuses and element types, shared by the whole public API. */
#ifndef WEFT_TYPES_H
#define WEFT_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define WEFT_API               __attribute__((visibility("default")))
#define WEFT_NODISCARD         __attribute__((warn_unused_result))
#define WEFT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define WEFT_API
#define WEFT_NODISCARD
#define WEFT_PRINTF(fmt, args)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* How a call ended.  WEFT_OK is zero. */
typedef enum weft_status {
#define STATUS(name, sentence, exit_code) WEFT_##name,
#include <weft/status.def>
#undef STATUS
    WEFT_STATUS_COUNT
} weft_status;

typedef enum weft_dtype {
#define DTYPE(name, ...) WEFT_##name,
#include <weft/dtype.def>
#undef DTYPE
    WEFT_DTYPE_COUNT
} weft_dtype;

/* The status as a short sentence, as "out of memory"; never NULL. */
WEFT_API const char *weft_status_text(weft_status);
/* What a command that ends with this status returns: 0, 1, 2 or 3. */
WEFT_API int weft_status_exit_code(weft_status);
/* "f32" and so on; "?" for a value outside the enumeration. */
WEFT_API const char *weft_dtype_name(weft_dtype);
/* Storage bits of one element: 2, 4, 8, 16, 32 or 64. */
WEFT_API int weft_dtype_bits(weft_dtype);

#ifdef __cplusplus
}
#endif
#endif
