/* ir/interp_priv.h: what the files of the interpreter share.
 *
 * A kernel becomes a tree of `code` (statements) over `node`s (expressions).  A worker evaluates
 * each node for all lanes at once: lanes are the threads of a block (or of several blocks that
 * cannot meet), or a run of iterations of collapsed parallel loops.  Three ideas make it quick:
 *
 * - A value is uniform (one scalar), or a vector over lanes plus a uniform offset (`val`).  Index
 *   arithmetic mostly changes the offset, which costs nothing a lane.
 * - Every vector has a version.  A pure node keeps its last results by the versions of its
 * operands, so that what depends on lanes alone is computed once, wherever it stands in the loops.
 * - Checks work on the least and the greatest element of an index vector, and are not repeated
 * while index, mask and epoch are what they were.
 */
#ifndef WEFT_INTERP_PRIV_H
#define WEFT_INTERP_PRIV_H

#include <pthread.h>

#include "ir/interp.h"

enum {
    INTERP_WAYS = 8,    /* results a pure node remembers */
    INTERP_KEYS = 7,    /* words that identify one; the last says by what rule */
    INTERP_CHUNK = 512, /* iterations of a parallel loop done at once */
    INTERP_MAX_LANES = 4094,
    INTERP_AXES = 8 /* parallel loops collapsed into one */
};

/* Words of memory that holds elements of several types. */
typedef uint32_t __attribute__((may_alias)) bits32;
typedef uint64_t __attribute__((may_alias)) bits64;

/* ---- values ---------------------------------------------------------------------------------- */

/* How a lane's element is held.  i8 ... u16 and the packed types are I32 wrapped to their width;
 * f16, bf16 and the f8 are F32 rounded after each operation. */
typedef enum icls {
    CLS_BOOL,
    CLS_I32,
    CLS_U32,
    CLS_I64,
    CLS_U64,
    CLS_F32,
    CLS_F64,
    CLS_COUNT
} icls;

typedef union scal {
    uint8_t b;
    int32_t i32;
    uint32_t u32;
    int64_t i64;
    uint64_t u64;
    float f32;
    double f64;
} scal;

/* Component k of lane l is element k * lanes + l of v. */
typedef struct val {
    const void *v; /* NULL: uniform, also over components */
    uint64_t ver;  /* of v's contents; 0 for a uniform value */
    union {
        int64_t
            i; /* uniform integer or bool; of an i32 or i64 vector: to be added to each element */
        double f; /* uniform float */
    };
    int64_t min, max; /* of v's elements, where `ranged` */
    bool ranged;
    bool contig; /* where `ranged`: v[l] == v[0] + l */
} val;

typedef struct mask {
    const uint8_t *on; /* NULL: every lane */
    int n;             /* lanes that are on */
    uint64_t ver;
} mask;

typedef struct way { /* a remembered result */
    uint64_t key[INTERP_KEYS];
    bool used;
    val v;
    mask m[2]; /* of a split: lanes where the condition holds, and where not */
    void *buf, *buf2;
} way;

typedef void (*kern1)(void *o, const void *a, int n);
typedef void (*kern2)(void *o, const void *a, const void *b, int n);
typedef struct kernset {
    kern2 vv, vu, uv;
} kernset; /* u: a pointer to one element */

/* ---- code ------------------------------------------------------------------------------------ */

typedef struct access access;
typedef struct node node;
struct node {
    uint8_t kind, cls, dtype, comps; /* kind: weft_ek */
    bool pure;
    bool lin;      /* pure i32 or i64: may carry an offset */
    bool guarded;  /* a guard below: loads may be evaluated again under another mask */
    bool post;     /* results are rounded or wrapped to dtype */
    int id, level; /* level: depth of the innermost binder it depends on */
    int n;
    node **arg;
    int slot; /* VAR */
    int lane; /* LANE */
    weft_intrin intrin;
    val imm;
    access *load;
    const kernset *set;
    const weft_expr *src;
};

/* A place in the text that touches memory. */
struct access {
    int id, buf; /* buf: slot */
    int n;
    node **index;
    bool write, atomic;
    bool guarded;    /* a guard in an index */
    bool track;      /* others may touch the same element without order */
    int nloop;       /* checked loops around it whose iterations must not meet here */
    const int *loop; /* their numbers, see code.check */
    const weft_buf *src;
};

typedef enum storage {
    STORE_RAW, /* a parameter: elements of its dtype */
    STORE_ONE, /* one copy for all lanes, elements of its class */
    STORE_PLACED, /* one for all lanes, elements of its dtype at its place in the block's overlay */
    STORE_ROWS /* a copy a lane: element e of lane l is at e * lanes + l.  Of a buffer of matrices
                * a lane holds a share: see interp_matrix.c */
} storage;

typedef struct region { /* loops run as lanes */
    int naxis;
    node **extent;
    int *slot; /* NULL: the launch grid */
    const weft_var **var;
    const int *bind;        /* of the launch grid: which axis each extent is of; several may
                             * name one axis, the greatest counts.  Else NULL */
    int nvisible, *visible; /* buffer slots alive outside */
} region;

typedef enum ckind {
    C_SEQ,
    C_FOR,
    C_AXIS,
    C_REGION,
    C_WHILE,
    C_IF,
    C_LET,
    C_STORE,
    C_ATOMIC,
    C_ALLOC,
    C_BARRIER,
    C_EVAL,
    C_ALLREDUCE,
    C_MATRIX,
    C_ASYNC
} ckind;

typedef struct code code;
struct code {
    ckind kind;
    int id, depth; /* depth: of the variable it binds */
    int n;
    code **at;       /* SEQ; others: the body, IF: then and else (NULL) */
    node *expr;      /* extent, condition or value */
    node **value;    /* ALLREDUCE */
    const int *slot; /* variables bound; AXIS: slot[0] */
    int axis;        /* AXIS: weft_bind */
    int check;       /* FOR: number of a loop whose iterations must not meet, or -1 */
    bool reorder;    /* FOR: iterations follow options.order */
    access *store;
    access *place[WEFT_MATRIX_PLACES]; /* MATRIX: NULL beyond those it has */
    node *stride;                      /* MATRIX, or NULL */
    weft_ek op;                        /* ATOMIC */
    region *region;
    int buf; /* ALLOC */
    int fence;
    bool phase;    /* SEQ: an implied barrier after each statement */
    node **result; /* ALLREDUCE: with->n each */
    const int *lhs, *rhs;
    const weft_stmt *src;
};

typedef struct bufinfo {
    const weft_buf *src;
    weft_dtype dtype;
    icls cls;
    storage store;
    int param; /* or -1 */
    bool stored, loaded, atomic;
    bool crossed;     /* stored and loaded between two barriers, as far as control flow tells */
    bool widened;     /* held in double, rounded to dtype when stored */
    int nloop, *loop; /* checked loops that track it */
    node **shape, **stride;
} bufinfo;

struct weft_interp {
    weft_ir *ir; /* own clone of the kernel */
    const weft_kernel *kernel;
    weft_arena arena;
    weft_interp_options opt;
    code *body;
    region *launch; /* NULL: no block or thread loop */
    int nnode, ncode, naccess, nslot, nbuf, ndepth, nloop;
    bufinfo *buf;
    access **access;
    int *scalar_slot;
    int64_t overlay; /* bytes that buffers lie over each other in */
    bool grouped; /* several blocks may be run as one set of lanes */
    bool implied; /* no barriers yet: statements of a block are in order */
};

/* ---- a run ----------------------------------------------------------------------------------- */

/* Shadow of memory that several lanes share.  A word says who touched an element last:
 *   bits 36-63 unit (chunk of lanes, numbered over the run), 14-35 epoch (barriers passed),
 *   13 several units, 12 atomic, 0-11 lane (4095: several). */
enum {
    TOUCH_UNIT = 36,
    TOUCH_EPOCH = 14,
    TOUCH_ATOMIC = 1 << 12,
    TOUCH_UNITS = 1 << 13,
    TOUCH_LANE = 4095
};

typedef struct iterlog { /* by element: instance << 32 | iteration + 1 */
    uint64_t *w, *r;
    int64_t count;
} iterlog;

typedef struct mem {
    void *data;
    int64_t count;
    uint64_t *w, *r; /* NULL: not tracked */
    uint8_t *init;   /* 1: written; NULL: initialised or not checked */
    int *owner;      /* of an overlay: 1 + the slot of the buffer that stored the byte; else NULL */
    bool shared;     /* between workers */
} mem;

typedef struct bufview { /* a buffer as one worker sees it */
    void *data;
    int64_t count;
    int64_t *shape, *stride; /* ndim each */
    mem *m;                  /* RAW, ONE, PLACED */
    int64_t cell;            /* the words of its shadow: element e's are from cell + e * cells on */
    int cells;
    int64_t ok_lo, ok_hi;    /* elements known to be initialised: ok_lo <= e < ok_hi */
    uint64_t inst;           /* of its ALLOC */
    uint64_t first;          /* touch words below are ordered before now */
    bool lone;               /* of one worker alone: other units are ordered, too */
    uint64_t mask;           /* ROWS: mask it was allocated under */
    uint64_t *row, *part; /* ROWS: == inst: all lanes wrote it; some did and `bytes` says which */
    uint8_t *bytes;
    int64_t cap;   /* elements its memory can hold */
    iterlog *iter; /* one a loop of bufinfo.loop, or NULL */
    mem own;
} bufview;

typedef struct ncache {
    uint64_t stamp, mask;
    val out;
    way *way;
} ncache;

typedef struct acache {
    way *way; /* flattened index vectors */
    struct {
        uint64_t v, m;
        int64_t lo, hi;
    } range[INTERP_WAYS]; /* of vector v under mask m */
    uint64_t seen_ver, seen_mask, seen_word, seen_inst;
    int64_t seen_off;
    bool seen;
} acache;

typedef struct ccache { /* memory a statement keeps */
    way *way, *way2;
    void **buf;
    mask m;
} ccache;

typedef struct trip { /* a region being run */
    const region *g;
    int naxis;             /* axis naxis - 1 runs fastest */
    int axis[INTERP_AXES]; /* of the launch grid: weft_bind; else number in region.slot */
    int64_t extent[INTERP_AXES], total;
    int64_t chunk, nchunk;
    uint64_t unit; /* of chunk 0 */
    int threads;   /* lanes of one block when the region is the launch grid */
} trip;

typedef struct axisfill { /* coordinates of lanes, kept while chunks look alike */
    bool filled, wide;
    int64_t phase, below, extent;
    void *at;
    val v;
} axisfill;

typedef struct run {
    const weft_interp *in;
    const weft_interp_buffer *buffer;
    weft_diag *diag;
    mem *mem; /* one a buffer slot; those of parameters are set */
    struct ctx *root, **worker;
    int nworker;
    uint64_t unit; /* units given out */
    const code *body;
    struct ctx *parent; /* of the region being run */
    const trip *go;
    int64_t next, stop; /* chunks taken; none above `stop` is */
    int64_t steps;
    bool met; /* two lanes wrote the same bits: no check may be skipped */
    pthread_mutex_t lock;
    weft_status status;
    int64_t at; /* chunk of the message */
    weft_str text;
} run;

typedef struct flight { /* an asynchronous store that has not arrived */
    const code *k;
    void *own; /* malloc'ed: where, what and which lanes follow */
    int32_t *x;
    char *value;
    uint8_t *on;
    int64_t off, lo, hi, group;
    int n; /* lanes */
    bool one;
} flight;

typedef struct ctx {
    run *r;
    const weft_interp *in;
    weft_arena arena;
    int lanes, cap; /* cap: the most lanes */
    int *thread;    /* lane -> place in the chunk; NULL: the same */
    int *lane_of;   /* the reverse */
    const mask *mask;
    mask full;
    ncache *node;
    acache *acc;
    ccache *code;
    val *var;
    bufview *buf;
    mem overlay;
    uint64_t *stamp;      /* by depth: when the variables there were bound */
    uint64_t tick;        /* source of stamps and versions */
    uint64_t stmt;        /* the statement being evaluated */
    uint64_t word, gword; /* unit and epoch as touch words: of shared and of global memory */
    bool check;           /* !no_checks */
    bool failed;
    weft_status status;
    int64_t chunk_at;
    const code *where;
    const trip *go;
    int64_t base;   /* first linear iteration of the chunk */
    axisfill *fill; /* by axis of the trip */
    val *axis;      /* by weft_bind: coordinates of the launch */
    int64_t axis_size[WEFT_BIND_COUNT];
    uint64_t *loop_inst; /* by checked loop: instance << 32 | iteration + 1 */
    uint64_t insts;
    char **scratch; /* blocks of temporaries, free again at each statement */
    size_t *scratch_size;
    int nscratch, scratch_at;
    size_t scratch_used;
    int32_t *zeros;
    int64_t steps;
    flight *flights; /* in the order they began */
    int nflight, flight_room;
    int64_t group; /* of asynchronous stores: the one that is open */
} ctx;

/* ---- interp_ops.c, interp_math.c: arithmetic over arrays ------------------------------------- */

extern const int weft_interp_size[CLS_COUNT]; /* bytes of an element */
/* NULL where the kind has no meaning for the class. */
const kernset *weft_interp_binary(weft_ek, icls);
kern1 weft_interp_unary(weft_ek, icls);
kern1 weft_interp_math1(weft_intrin, icls);
const kernset *weft_interp_math2(weft_intrin, icls);
void weft_interp_fma(icls, void *o, const void *a, const void *b, const void *c, int n);
/* Conversion of value to dtype `to`, held in class `tc`. */
void weft_interp_cast(icls tc, weft_dtype to, void *o, icls fc, const void *a, int n);
/* Rounds or wraps to dtype, in place. */
void weft_interp_post(icls, weft_dtype, void *o, int n);
void weft_interp_fill(icls, void *o, scal u, int n);
void weft_interp_blend(icls, void *o, const uint8_t *c, const void *a, const void *b, int n);
/* Least, greatest and whether each is one more than the one before. */
void weft_interp_range32(const int32_t *a, int n, val *r);
void weft_interp_range64(const int64_t *a, int n, val *r);

/* ---- interp_raw.c: elements of parameters ---------------------------------------------------- */

/* o[k] = base[x[k] + off]; x NULL: base[off + k].  Lanes where m is 0 are left at 0. */
void weft_interp_get(weft_dtype, icls, void *o, const void *base, const int32_t *x, int64_t off,
                     const uint8_t *m, int n);
void weft_interp_put(weft_dtype, icls, const void *a, void *base, const int32_t *x, int64_t off,
                     const uint8_t *m, int n);

/* ---- interp_compile.c ------------------------------------------------------------------------ */

weft_status weft_interp_compile(weft_interp *, weft_diag *);
void weft_interp_flow(weft_interp *); /* interp_flow.c: sets bufinfo.crossed and access.track */

/* ---- interp_value.c: vectors and their memory ------------------------------------------------ */

/* Temporary memory: until the next statement. */
void *weft_interp_scratch(ctx *, size_t bytes);
/* The slot for a key: *hit says whether it holds the result. */
way *weft_interp_way(ctx *, way **ways, const uint64_t *key, bool *hit);
void *weft_interp_way_buf(ctx *, way *, int comps, icls);
/* The value as a vector with its offset added in; cls[] of comps * lanes. */
const void *weft_interp_vector(ctx *, const node *, const val *);
scal weft_interp_scalar(icls, const val *);
/* *o is the vector of class cls under a new version; ints are measured when `measure`. */
void weft_interp_value(ctx *, icls, int comps, const void *v, bool measure, val *o);
void weft_interp_uniform(icls, scal, val *o);

/* Where a result of a node goes: its own memory, kept with the key, if it is pure. */
typedef struct dest {
    way *w; /* NULL: of the statement */
    void *o;
    bool hit; /* w->v is the result */
} dest;
dest weft_interp_dest(ctx *, const node *, const val *const *operand, int n);
dest weft_interp_unkeyed(ctx *, const node *); /* no key finds it again */
/* The vector at d.o as the node's value; `finish` rounds or wraps it first. */
void weft_interp_keep(ctx *, const node *, dest, val *o);
void weft_interp_finish(ctx *, const node *, dest, val *o);
void weft_interp_finish_uniform(const node *, scal, val *o);

/* ---- interp_eval.c, interp_lanes.c, interp_index.c ------------------------------------------- */

/* The result lives in the node's cache: it may be lost when the same node is evaluated under
 * another mask in the same statement, as `guarded` tells. Values are passed by address and read by
 * field on purpose: copying one that was just written costs more than computing it. */
const val *weft_interp_eval(ctx *, const node *);
/* Argument i; a copy where evaluating a later one may take it away. */
const val *weft_interp_argument(ctx *, const node *, int i, val *copy);
void weft_interp_eval_bitcast(ctx *, const node *, val *o);
void weft_interp_eval_ramp(ctx *, const node *, val *o);
void weft_interp_eval_bcast(ctx *, const node *, val *o);
void weft_interp_eval_lane(ctx *, const node *, val *o);
void weft_interp_eval_vec(ctx *, const node *, val *o);
void weft_interp_eval_shuffle(ctx *, const node *, val *o);
/* Index arithmetic that keeps offsets; false: not one of its cases. */
bool weft_interp_linear(ctx *, const node *, const val *a, const val *b, val *o);
/* The lanes of c->mask where the condition vector holds ([0]) and does not ([1]). */
const mask *weft_interp_split(ctx *, way **ways, const val *cond);

/* ---- interp_mem.c, interp_check.c ------------------------------------------------------------ */

typedef struct place {
    const int32_t *x; /* NULL where `one` */
    int64_t off;
    int64_t lo, hi;   /* elements touched lie in lo .. hi */
    int64_t xlo, xhi; /* of x, lanes that are off included, where xranged */
    uint64_t ver;
    bool one, contig, xranged;
} place;

/* The elements that an access names, within the bounds of every dimension; false after an error. */
bool weft_interp_locate(ctx *, const access *, int comps, place *);
void weft_interp_load(ctx *, const node *, val *o);
/* The dtype of a buffer's elements as they lie in memory: its own, or its class's. */
weft_dtype weft_interp_stored_dtype(const bufinfo *);
void weft_interp_store(ctx *, const code *);
void weft_interp_atomic(ctx *, const code *);
void weft_interp_matrix(ctx *, const code *); /* interp_matrix.c */
/* interp_async.c: an asynchronous store begins, and is on its way: what its place holds is lost.
 * Groups end and arrive.  Forgets what is under way. */
void weft_interp_depart(ctx *, const code *, const place *, int comps, const void *value);
void weft_interp_async(ctx *, const code *);
void weft_interp_ground(ctx *);
/* Values of the class to memory. */
void weft_interp_put_place(ctx *, const access *, const place *, int comps, const void *value);
/* The elements hold nothing; they hold something. */
void weft_interp_forget_init(ctx *, const access *, const place *, int comps);
/* Elements of a matrix that each lane holds. */
static inline int
interp_share(weft_fragment f)
{
    return weft_fragment_rows(f) * weft_fragment_cols(f) / WEFT_MATRIX_LANES;
}
/* Checks and notes the touch; false after an error. */
bool weft_interp_touch_read(ctx *, const access *, const place *, int comps);
/* value: class elements, or NULL: unknown bits. */
bool weft_interp_touch_write(ctx *, const access *, const place *, int comps, const void *value);
bool weft_interp_same_bits(const ctx *, const access *, int64_t e, const void *value, int k);
bool weft_interp_rows_read(ctx *, const access *, const place *, int comps);
bool weft_interp_rows_written(ctx *, const access *, const place *, int comps, const void *value);
/* Whether the buffer lies over others. */
static inline bool
interp_placed(const ctx *c, int buf)
{
    return c->in->buf[buf].store == STORE_PLACED;
}
/* The flat element that component and lane k touch. */
static inline int64_t
interp_element(const place *p, int k)
{
    return p->off + (p->one ? 0 : p->x ? p->x[k] : k);
}
static inline bool
interp_on(const ctx *c, int lane)
{
    return !c->mask->on || c->mask->on[lane];
}

/* ---- interp_exec.c, interp_launch.c, interp_report.c ----------------------------------------- */

void weft_interp_exec(ctx *, const code *);
void weft_interp_alloc(ctx *, const code *);
/* The body's lanes with an order given by options: i of n things comes at this place. */
int64_t weft_interp_order(const weft_interp_options *, int64_t i, int64_t n);
/* Runs a region's chunks on the workers; parent has one lane.  k NULL: the launch grid. */
void weft_interp_region(ctx *parent, const code *k);
ctx *weft_interp_ctx_create(run *, int cap);
void weft_interp_ctx_destroy(ctx *);
/* Shape, strides and element count of a buffer, from its expressions. */
bool weft_interp_shape(ctx *, int buf);

/* Fails the context: "kernel 'k': <message>, at thread ... in `statement`".  lane < 0: none. */
void weft_interp_fault(ctx *, int lane, weft_status, const char *fmt, ...) WEFT_PRINTF(4, 5);
/* "A[3, 4]" for flat element e. */
void weft_interp_name_element(ctx *, weft_str *, const access *, int64_t e);
/* "n=0, oc=3" or "thread (1,2,0) of block (0,0,0)". */
void weft_interp_name_lane(const ctx *, weft_str *, uint64_t unit, int lane);

static inline uint64_t
interp_tick(ctx *c)
{
    return ++c->tick;
}
static inline uint64_t
interp_word(const ctx *c, const access *a)
{
    return c->in->buf[a->buf].store == STORE_RAW ? c->gword : c->word;
}
static inline size_t
interp_bytes(icls cls, int n)
{
    return (size_t)weft_interp_size[cls] * (size_t)n;
}

#endif
