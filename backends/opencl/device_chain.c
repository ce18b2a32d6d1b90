/* OpenCL on a processor: a chain is many launches in one.
 *
 * To wake the threads of PoCL for a launch takes longer than many a kernel.  So kernels whose blocks
 * are single threads are compiled as functions of one kernel, weft_chain, whose groups are workers:
 * they take the blocks of one launch after the other from a list and run them.
 *
 *   A worker takes what is left of its own part of a launch's blocks first, which lie side by side
 *   and in the same place of every launch, then of the others'.  It goes on to the next launch when
 *   no block of this one is left, and takes none there before all of this one are done.
 *
 *   Launches side by side that are not worth the workers' meeting, as those of one step of a
 *   recurrent network, are a span, which is taken as one block.
 *
 * A worker waits for nothing but blocks that others run already: however many of them the device
 * runs at a time, in whatever order, somebody goes on.  Every atomic operation is a full fence, so
 * that a launch sees what those before it wrote.  The last worker to leave clears the counters.
 *
 * Kernels are not printed a second time: macros give each three more parameters, the block's index,
 * and take it for get_group_id; what the threads of a block share is the one thread's own.  A text
 * that asks for more of the launch, as one that somebody has edited may, does not compile as a part
 * of a chain and is launched alone.
 */
#include "backends/opencl/device_priv.h"

#include <string.h>

/* ---- the program ----------------------------------------------------------------------------- */

static const char head[] =
    "#define __kernel static __attribute__((noinline))\n"
    "#define reqd_work_group_size(x, y, z) unused\n"
    "#define get_group_id(d) weft_group_##d\n"
    "#define get_global_id(d) weft_group_##d\n"
    "#define get_local_id(d) 0\n"
    "#define get_local_size(d) 1\n"
    "#define get_num_groups weft_unknown_in_a_chain\n"
    "#define get_global_size weft_unknown_in_a_chain\n"
    "#define get_work_dim weft_unknown_in_a_chain\n"
    "#define barrier(flags)\n"
    "#define __local\n";

static const char middle[] =
    "#line 1 \"weft_chain.cl\"\n"
    "#undef __kernel\n"
    "#undef reqd_work_group_size\n"
    "#undef get_group_id\n"
    "#undef get_num_groups\n"
    "#undef __local\n"
    "#if defined(__x86_64__) || defined(__i386__)\n"
    "#define WEFT_PAUSE __builtin_ia32_pause()\n"
    "#else\n"
    "#define WEFT_PAUSE\n"
    "#endif\n"
    /* A part's next block, with the launch that it is of in the upper half. */
    "static int weft_take(__global volatile long *next, long launch, long size)\n"
    "{\n"
    "    for (;;) {\n"
    "        long was = *next, at = (was >> 32) == launch ? was & 0x7fffffff : 0;\n"
    "        if ((was >> 32) > launch || at >= size)\n"
    "            return -1;\n"
    "        if (__sync_bool_compare_and_swap(next, was, launch << 32 | (at + 1)))\n"
    "            return at;\n"
    "    }\n"
    "}\n"
    "static void weft_copy(__global const char *from, __global char *to, long bytes, uint block)\n"
    "{\n"
    "    long i = (long)block << 16, end = min(i + (1L << 16), bytes);\n"
    "    for (; i + 16 <= end; i += 16)\n"
    "        vstore16(vload16(0, from + i), 0, to + i);\n"
    "    for (; i < end; i++)\n"
    "        to[i] = from[i];\n"
    "}\n"
    "static __attribute__((noinline)) void\n"
    "weft_run(__global const long *row, __global char **memory, uint at)\n"
    "{\n"
    "    uint nx = row[2], ny = row[3], x = at % nx, y = at / nx % ny, z = at / nx / ny;\n"
    "    switch ((int)row[0]) {\n"
    "    case -1:\n"
    "        weft_copy(memory[row[4]] + row[5], memory[row[6]] + row[7], row[8], at);\n"
    "        break;\n";

/* plan: where each span begins, then rows and spans: the number of rows, blocks to be taken, where
 * each row begins. */
static const char tail[] =
    "    }\n"
    "}\n"
    "static void weft_run_span(__global const long *plan, __global const long *span,\n"
    "                          __global char **memory, uint at)\n"
    "{\n"
    "    long rows = span[0];\n"
    "    for (long i = 0; i < rows; i++) {\n"
    "        __global const long *row = plan + span[2 + i];\n"
    "        uint first = rows == 1 ? at : 0, end = rows == 1 ? at + 1 : row[1];\n"
    "        for (uint block = first; block < end; block++)\n"
    "            weft_run(row, memory, block);\n"
    "    }\n"
    "}\n"
    "__kernel __attribute__((reqd_work_group_size(1, 1, 1)))\n"
    "void " WEFT_CL_CHAIN "(__global volatile long *done, __global const long *plan, int spans";

static const char body[] =
    "    __global volatile long *left = done + 16, *next = done + 32;\n"
    "    int self = get_group_id(0), workers = get_num_groups(0);\n"
    "    long before = 0;\n"
    "    for (int i = 0; i < spans; i++) {\n"
    "        __global const long *span = plan + plan[i];\n"
    "        long blocks = span[1], mine = 0;\n"
    "        while (*done < before)\n"
    "            WEFT_PAUSE;\n"
    "        __sync_synchronize();\n"
    "        for (int k = 0; k < workers; k++) {\n"
    "            int part = (self + k) % workers, at;\n"
    "            long first = blocks * part / workers, end = blocks * (part + 1) / workers;\n"
    "            while ((at = weft_take(next + 16 * part, i, end - first)) >= 0) {\n"
    "                weft_run_span(plan, span, memory, first + at);\n"
    "                mine++;\n"
    "            }\n"
    "        }\n"
    "        if (mine)\n"
    "            __sync_fetch_and_add(done, mine);\n"
    "        before += blocks;\n"
    "    }\n"
    "    if (__sync_add_and_fetch(left, 1L) < workers)\n"
    "        return;\n"
    "    *done = *left = 0;\n"
    "    for (int k = 0; k < workers; k++)\n"
    "        next[16 * k] = 0;\n"
    "}\n";

enum {
    MEMORIES = 16,            /* that a chain is given */
    COUNTER = 16,             /* longs from one counter to the next: they share no cache line */
    ROW = 4,                  /* case, blocks, blocks along x and y; then arguments */
    MOST_BLOCKS = 0x7fffffff, /* in a launch */
    MOST_SHARED = 1 << 20,    /* bytes: they lie on the stack of a worker */
    COPIED = 1 << 16,         /* bytes that a block copies */
    SMALL = 1 << 14           /* bytes of a launch that one worker does as soon as many */
};

bool
weft_cl_chainable(const weft_source *s)
{
    return s->block[0] == 1 && s->block[1] == 1 && s->block[2] == 1 &&
           s->shared_bytes <= MOST_SHARED;
}

/* Everything that the row has after its head, as arguments. */
static void
write_case(weft_str *text, const weft_source *s, int index)
{
    int at = ROW;
    weft_str_addf(text, "    case %d:\n        weft_in_%s(x, y, z", index, s->name);
    for (int i = 0; i < s->nbuffer; i++, at += 2)
        weft_str_addf(text, ", (__global void *)(memory[row[%d]] + row[%d])", at, at + 1);
    for (int i = 0; i < s->nscalar; i++)
        weft_str_addf(text, ", row[%d]", at++);
    weft_str_add(text, ");\n        break;\n");
}

static void
write_function(weft_str *text, const weft_source *s)
{
    weft_str_addf(text,
                  "#define %s(...) weft_in_%s(int weft_group_0, int weft_group_1, "
                  "int weft_group_2, __VA_ARGS__)\n#line 1 \"%s.cl\"\n%s\n#undef %s\n",
                  s->name, s->name, s->name, s->text, s->name);
}

void
weft_cl_chain_text(weft_str *text, const weft_source *source, int n)
{
    weft_str_add(text, head);
    for (int i = 0; i < n; i++)
        if (weft_cl_chainable(&source[i]))
            write_function(text, &source[i]);
    weft_str_add(text, middle);
    for (int i = 0; i < n; i++)
        if (weft_cl_chainable(&source[i]))
            write_case(text, &source[i], i);
    weft_str_add(text, tail);
    for (int i = 0; i < MEMORIES; i++)
        weft_str_addf(text, ", __global char *m%d", i);
    weft_str_add(text, ")\n{\n    __global char *memory[] = { ");
    for (int i = 0; i < MEMORIES; i++)
        weft_str_addf(text, "%sm%d", i ? ", " : "", i);
    weft_str_addf(text, " };\n%s", body);
}

/* ---- which launches -------------------------------------------------------------------------- */

typedef struct memories {
    int n;
    weft_memory *at[MEMORIES];
} memories;

/* Its place among the memories, which it joins; -1: they are too many. */
static int
place_of(memories *m, weft_memory *memory)
{
    for (int i = 0; i < m->n; i++)
        if (m->at[i] == memory)
            return i;
    if (m->n == MEMORIES)
        return -1;
    m->at[m->n] = memory;
    return m->n++;
}

static bool
joins(memories *m, const weft_launch *l)
{
    bool fits = !l->code || l->grid[0] * l->grid[1] <= MOST_BLOCKS / l->grid[2];
    for (int i = 0; i < l->nbuffer && fits; i++)
        fits = place_of(m, l->buffer[i].memory) >= 0;
    return fits;
}

/* Copies go with what follows them. */
static cl_program
program_of(const weft_launch *l, int n)
{
    int i = 0;
    while (i < n && !l[i].code)
        i++;
    return i < n ? weft_cl_chain_of(l[i].code, l[i].kernel, NULL) : NULL;
}

int
weft_cl_chain_length(const weft_launch *l, int n)
{
    memories m = { 0 };
    int count = 0;
    cl_program program = program_of(l, n);
    for (; program && count < n; count++) {
        const weft_launch *next = &l[count];
        if ((next->code && weft_cl_chain_of(next->code, next->kernel, NULL) != program) ||
            !joins(&m, next))
            break;
    }
    return count;
}

/* ---- recording ------------------------------------------------------------------------------- */

typedef WEFT_VEC(int64_t) longs;

static int64_t
blocks_of(const weft_launch *l)
{
    return l->code ? l->grid[0] * l->grid[1] * l->grid[2]
                   : (l->buffer[0].size + COPIED - 1) / COPIED;
}

static bool
is_small(const weft_launch *l)
{
    int64_t bytes = 0;
    for (int i = 0; i < l->nbuffer && bytes <= SMALL; i++)
        bytes += l->buffer[i].size;
    return bytes <= SMALL || blocks_of(l) == 1;
}

/* Launches from the first on that are one span. */
static int
span_length(const weft_launch *l, int n)
{
    int length = 0;
    while (length < n && is_small(&l[length]))
        length++;
    return length ? length : 1;
}

static void
add_row(weft_arena *arena, longs *plan, memories *m, const weft_launch *l)
{
    int index = -1;
    if (l->code)
        weft_cl_chain_of(l->code, l->kernel, &index);
    *WEFT_PUSH(arena, plan) = index;
    *WEFT_PUSH(arena, plan) = blocks_of(l);
    *WEFT_PUSH(arena, plan) = l->grid[0];
    *WEFT_PUSH(arena, plan) = l->grid[1];
    for (int i = 0; i < l->nbuffer; i++) {
        *WEFT_PUSH(arena, plan) = place_of(m, l->buffer[i].memory);
        *WEFT_PUSH(arena, plan) = l->buffer[i].offset;
    }
    for (int i = 0; i < l->nscalar; i++)
        *WEFT_PUSH(arena, plan) = l->scalar[i];
    if (!l->code)
        *WEFT_PUSH(arena, plan) = l->buffer[0].size;
}

/* Where it begins. */
static int
add_span(weft_arena *arena, longs *plan, memories *m, const weft_launch *l, int n)
{
    int begin = plan->n;
    *WEFT_PUSH(arena, plan) = n;
    *WEFT_PUSH(arena, plan) = n == 1 ? blocks_of(l) : 1;
    for (int i = 0; i < n; i++)
        *WEFT_PUSH(arena, plan) = 0;
    for (int i = 0; i < n; i++) {
        plan->at[begin + 2 + i] = plan->n;
        add_row(arena, plan, m, &l[i]);
    }
    return begin;
}

static int
count_spans(const weft_launch *l, int n)
{
    int spans = 0;
    for (int i = 0; i < n; i += span_length(&l[i], n - i))
        spans++;
    return spans;
}

static weft_status
make_plan(weft_cl_device *d, const weft_launch *l, int n, int spans, memories *m, cl_mem *memory,
          weft_diag *diag)
{
    weft_arena scratch = { 0 };
    longs plan = { 0 };
    cl_int code;
    for (int i = 0; i < spans; i++)
        *WEFT_PUSH(&scratch, &plan) = 0;
    for (int i = 0, at = 0; i < spans; i++) {
        int length = span_length(&l[at], n - at);
        int64_t begin = add_span(&scratch, &plan, m, &l[at], length);
        plan.at[i] = begin;
        at += length;
    }
    *memory = d->api.clCreateBuffer(d->context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR,
                                    (size_t)plan.n * sizeof *plan.at, plan.at, &code);
    weft_arena_reset(&scratch);
    return weft_cl_check(diag, code, "clCreateBuffer", "a chain of launches");
}

/* One for all chains: those of a queue run one after the other. */
static weft_status
make_counters(weft_cl_device *d, weft_diag *diag)
{
    weft_arena scratch = { 0 };
    size_t bytes = (size_t)(2 + d->workers) * COUNTER * sizeof(int64_t);
    cl_int code;
    if (d->counters)
        return WEFT_OK;
    d->counters = d->api.clCreateBuffer(d->context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, bytes,
                                        weft_arena_alloc(&scratch, bytes), &code);
    weft_arena_reset(&scratch);
    return weft_cl_check(diag, code, "clCreateBuffer", "the counters of chains");
}

weft_status
weft_cl_chain_record(weft_cl_device *d, const weft_launch *l, int n, cl_kernel *kernel,
                     cl_mem *plan, weft_diag *diag)
{
    memories m = { 0 };
    cl_int code, spans = count_spans(l, n);
    weft_status s = make_counters(d, diag);
    if (!s)
        s = make_plan(d, l, n, spans, &m, plan, diag);
    if (s)
        return s;
    *kernel = d->api.clCreateKernel(program_of(l, n), WEFT_CL_CHAIN, &code);
    s = weft_cl_check(diag, code, "clCreateKernel", WEFT_CL_CHAIN);
    if (s)
        return s;
    code = d->api.clSetKernelArg(*kernel, 0, sizeof d->counters, &d->counters);
    code = code ? code : d->api.clSetKernelArg(*kernel, 1, sizeof *plan, plan);
    code = code ? code : d->api.clSetKernelArg(*kernel, 2, sizeof spans, &spans);
    for (int i = 0; i < MEMORIES && !code; i++)
        code = d->api.clSetKernelArg(*kernel, (cl_uint)(3 + i), sizeof(cl_mem),
                                     i < m.n ? &m.at[i]->mem : &d->counters);
    return weft_cl_check(diag, code, "clSetKernelArg", WEFT_CL_CHAIN);
}
