/* base/target.h: what a device can do, as far as a compiler and a runtime ask.
 *
 * A target is plain data.  It comes from an attached device (runtime/device.h) or from the table of
 * named profiles (backends/profiles.def).
 */
#ifndef WEFT_TARGET_H
#define WEFT_TARGET_H

#include "base/base.h"

typedef enum weft_api {
    WEFT_API_INTERP,
    WEFT_API_NULL,
    WEFT_API_OPENCL,
    WEFT_API_VULKAN,
    WEFT_API_CUDA,
    WEFT_API_METAL,
    WEFT_API_COUNT
} weft_api;

/* How schedules are chosen: by the kind of machine, not by the API in front of it. */
typedef enum weft_class {
    WEFT_CLASS_REFERENCE,  /* unscheduled loops, for the interpreter */
    WEFT_CLASS_GPU,        /* SIMT, shared memory */
    WEFT_CLASS_MOBILE,     /* SIMT, little shared memory, vectors */
    WEFT_CLASS_VECTOR_CPU, /* a CPU behind OpenCL: wide vectors, no shared memory (PoCL) */
    WEFT_CLASS_LANE_CPU,   /* a CPU that maps invocations to SIMD lanes (lavapipe) */
    WEFT_CLASS_COUNT
} weft_class;

/* Matrices that a Vulkan device may multiply, M x N x K, factors and sum.  A manifest holds the
 * numbers: new ones go to the end. */
enum {
    WEFT_SHAPE_16x16x16_F16_F32 = 1 << 0,
    WEFT_SHAPE_16x16x16_F16_F16 = 1 << 1,
    WEFT_SHAPE_16x16x16_I8_I32 = 1 << 2,
    WEFT_SHAPE_16x16x16_U8_I32 = 1 << 3,
    WEFT_SHAPE_16x8x16_F16_F32 = 1 << 4,
    WEFT_SHAPE_16x8x16_F16_F16 = 1 << 5,
    WEFT_SHAPE_16x8x8_F16_F32 = 1 << 6,
    WEFT_SHAPE_16x8x8_F16_F16 = 1 << 7,
    WEFT_SHAPE_16x16x32_I8_I32 = 1 << 8,
    WEFT_SHAPE_16x8x32_I8_I32 = 1 << 9
};

/* llvmpipe (Mesa 22.3) ends all loops of a thread, without a word, when they have come to so many
 * iterations: its LP_MAX_TGSI_LOOP_ITERATIONS. */
enum { WEFT_LLVMPIPE_ITERATIONS = 65535 };

/* f32 lanes of the vectors that a GPU's threads load and store at once, whatever it computes in. */
enum { WEFT_GPU_LANES = 4 };

typedef struct weft_target {
    char name[64]; /* profile: "generic-gpu", "sm_90a", "apple8", or the device's own */
    weft_api api;
    weft_class cls;
    /* launch */
    int64_t max_threads; /* threads a block */
    int64_t max_block[3];
    int64_t max_grid[3];
    int64_t shared_bytes; /* a block; 0: there is none */
    int subgroup;         /* lanes of a warp/subgroup/simdgroup; 1: not to be relied on */
    /* memory */
    int64_t shared_optin; /* shared bytes a block may have that asks for them (CUDA); else 0 */
    int64_t max_alloc;    /* bytes of one allocation */
    int64_t max_range;    /* bytes of one buffer argument's visible range */
    int64_t offset_align; /* alignment of a buffer argument's offset, bytes */
    int max_buffers;      /* buffer arguments a kernel */
    int64_t scalar_bytes; /* bytes of all scalar arguments (push constants) */
    int64_t max_iterations; /* of all loops that a thread runs; 0: as many as it likes */
    /* arithmetic */
    int vector_lanes;         /* preferred f32 lanes of a vector; 1: scalars */
    bool f16, f64;            /* arithmetic in registers */
    bool i8, i16, i64;        /* arithmetic in registers */
    bool storage8, storage16; /* loads and stores of that size from buffers */
    bool subgroup_shuffle; /* a subgroup's threads exchange values */
    bool whole_subgroups;  /* they do where the block is of whole subgroups alone, ... */
    int max_subgroups;     /* ... and of so many at most; 0: as many as there are threads */
    bool matrix; /* multiplies matrices that a subgroup holds: those of ir/matrix.def for the API */
    int matrix_shapes; /* Vulkan: of those, the ones of these WEFT_SHAPEs */
    int spirv_version; /* 0x10300 = 1.3; 0 where there is no SPIR-V */
    /* What `strict` can have, as widths of floats added up (16 + 32 + 64): denormals kept; `/` and
     * sqrt correctly rounded; and what SPIR-V has to ask for: zeros' signs, NaN and infinities
     * kept, rounding to nearest even. */
    int denorm_preserve, round_division, special_preserve, round_even;
    int cuda_arch;     /* 90 for sm_90; 0 elsewhere */
    int metal_version; /* of the language: 31 = 3.1, which has bfloat; 0 elsewhere */
    /* compiling */
    bool one_program; /* the driver charges by the program: compile a module's kernels together */
    /* cost figures, rough: what a schedule may assume when it compares itself with another */
    int cores;             /* compute units */
    double gflops, gbytes; /* peak 1e9 FLOP/s in f32, peak 1e9 bytes/s */
    int64_t cache_bytes;   /* of the last private cache of a core */
    int registers;         /* vector registers (CPU) or 32-bit registers a thread (GPU) */
} weft_target;

/* The most shared bytes a block may have. */
static inline int64_t
weft_target_shared(const weft_target *t)
{
    return t->shared_optin > t->shared_bytes ? t->shared_optin : t->shared_bytes;
}

/* CPUs that take vectors pick lanes that lie apart out of whole vectors (lower/legalize_near.c): so
 * many lanes at least, out of so many vectors at most. */
enum { WEFT_NEAR_LANES = 4, WEFT_NEAR_VECTORS = 4 };

/* DESIGN's numerics levels; doc/IR.md says what each allows. */
typedef enum weft_numerics { WEFT_STRICT, WEFT_DEFAULT, WEFT_FAST } weft_numerics;

/* What a kernel can need beyond the floor (need.def); masks hold bit 1 << need. */
typedef enum weft_need {
#define NEED(field, words) WEFT_NEED_##field,
#include "base/need.def"
#undef NEED
    WEFT_NEED_COUNT
} weft_need;
/* "f16": as in a manifest; and "arithmetic in f16": as in a message. */
const char *weft_need_name(weft_need);
const char *weft_need_words(weft_need);
bool weft_target_has(const weft_target *, weft_need);

/* "opencl", "vulkan", "cuda", "metal", "interp", "null"; NULL outside. */
const char *weft_api_name(weft_api);
/* "gpu", "mobile", "vector-cpu", "lane-cpu", "reference". */
const char *weft_class_name(weft_class);
/* "strict", "default", "fast"; NULL outside. */
const char *weft_numerics_name(weft_numerics);
/* Extension of a kernel's source file: "cl", "spvasm", "cu", "metal", "wir". */
const char *weft_api_extension(weft_api);

#endif
