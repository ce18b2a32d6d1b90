/* OpenCL on a processor: a chain is many launches in one.
 *
 * To wake the threads of PoCL for a launch takes longer than many a kernel.  So kernels whose
 * blocks are single threads are compiled as functions of one kernel, weft_chain, whose groups are
 * workers: they take the blocks of one launch after the other from a list and run them.
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
 * Kernels are not printed a second time: macros give each more parameters, the block's index and
 * the grid, and take them for get_group_id and its like; what the threads of a block share is the
 * one thread's own.  Where a text that somebody has edited does not compile in that way, it and
 * those of its program are launched alone.
 */
#include "backends/opencl/device_priv.h"

#include <string.h>

/* ---- the program ----------------------------------------------------------------------------- */

/* A function of a chain is given the block's index and the grid; a block is one thread. */
static const char head[] =
    "#define __kernel static __attribute__((noinline))\n"
    "#define reqd_work_group_size(x, y, z) aligned((x) * (y) * (z) == 1 ? 1 : -1)\n"
    "#define get_group_id(d) ((size_t)weft_group_##d)\n"
    "#define get_global_id(d) ((size_t)weft_group_##d)\n"
    "#define get_local_id(d) ((size_t)0)\n"
    "#define get_global_offset(d) ((size_t)0)\n"
    "#define get_num_groups(d) ((size_t)weft_grid_##d)\n"
    "#define get_global_size(d) ((size_t)weft_grid_##d)\n"
    "#define get_local_size(d) ((size_t)1)\n"
    "#define get_work_dim() 3u\n"
    "#define barrier(flags)\n"
    "#define __local\n"
    "#define WEFT_PLACE uint weft_group_0, uint weft_group_1, uint weft_group_2, \\\n"
    "                   uint weft_grid_0, uint weft_grid_1, uint weft_grid_2\n";

/* Names of kernels' texts may be macros here: nothing is named but by words with `weft_`. */
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
    "static int weft_take(__global volatile long *weft_next, long weft_launch, long weft_size)\n"
    "{\n"
    "    for (;;) {\n"
    "        long weft_was = *weft_next, weft_of = weft_was >> 32;\n"
    "        long weft_at = weft_of == weft_launch ? weft_was & 0x7fffffff : 0;\n"
    "        if (weft_of > weft_launch || weft_at >= weft_size)\n"
    "            return -1;\n"
    "        if (__sync_bool_compare_and_swap(weft_next, weft_was,\n"
    "                                         weft_launch << 32 | (weft_at + 1)))\n"
    "            return weft_at;\n"
    "    }\n"
    "}\n"
    "static void weft_copy(__global const char *weft_from, __global char *weft_to,\n"
    "                      long weft_bytes, uint weft_block)\n"
    "{\n"
    "    long weft_i = weft_block * (long)WEFT_COPIED;\n"
    "    long weft_end = min(weft_i + WEFT_COPIED, weft_bytes);\n"
    "    for (; weft_i + 16 <= weft_end; weft_i += 16)\n"
    "        vstore16(vload16(0, weft_from + weft_i), 0, weft_to + weft_i);\n"
    "    for (; weft_i < weft_end; weft_i++)\n"
    "        weft_to[weft_i] = weft_from[weft_i];\n"
    "}\n"
    "#define WEFT_BUFFER(i) (weft_memory[weft_row[i]] + weft_row[(i) + 1])\n"
    "static __attribute__((noinline)) void\n"
    "weft_run(__global const long *weft_row, __global char **weft_memory, uint weft_block)\n"
    "{\n"
    "    uint weft_nx = weft_row[2], weft_ny = weft_row[3], weft_nz = weft_row[4];\n"
    "    uint weft_x = weft_block % weft_nx, weft_y = weft_block / weft_nx % weft_ny;\n"
    "    uint weft_z = weft_block / weft_nx / weft_ny;\n"
    "    switch ((int)weft_row[0]) {\n"
    "    case -1:\n"
    "        weft_copy(WEFT_BUFFER(5), WEFT_BUFFER(7), weft_row[9], weft_block);\n"
    "        break;\n";

/* The list: where each span begins, then rows and spans.  A span is the number of its rows, blocks
 * to be taken, where each row begins; a row the case, blocks, the grid, then for each buffer its
 * memory and the offset in it, scalars, and of a copy the bytes. */
static const char tail[] =
    "    }\n"
    "}\n"
    "static void weft_run_span(__global const long *weft_plan, __global const long *weft_span,\n"
    "                          __global char **weft_memory, uint weft_at)\n"
    "{\n"
    "    long weft_rows = weft_span[0];\n"
    "    for (long weft_i = 0; weft_i < weft_rows; weft_i++) {\n"
    "        __global const long *weft_row = weft_plan + weft_span[2 + weft_i];\n"
    "        uint weft_block = weft_rows == 1 ? weft_at : 0;\n"
    "        uint weft_end = weft_rows == 1 ? weft_at + 1 : weft_row[1];\n"
    "        for (; weft_block < weft_end; weft_block++)\n"
    "            weft_run(weft_row, weft_memory, weft_block);\n"
    "    }\n"
    "}\n"
    "__kernel __attribute__((reqd_work_group_size(1, 1, 1)))\n"
    "void " WEFT_CL_CHAIN "(__global volatile long *weft_done, __global const long *weft_plan,\n"
    "                int weft_spans";

static const char body[] =
    "    __global volatile long *weft_left = weft_done + WEFT_COUNTER;\n"
    "    __global volatile long *weft_next = weft_done + 2 * WEFT_COUNTER;\n"
    "    int weft_self = get_group_id(0), weft_workers = get_num_groups(0);\n"
    "    long weft_before = 0;\n"
    "    for (int weft_i = 0; weft_i < weft_spans; weft_i++) {\n"
    "        __global const long *weft_span = weft_plan + weft_plan[weft_i];\n"
    "        long weft_blocks = weft_span[1], weft_mine = 0;\n"
    "        while (*weft_done < weft_before)\n"
    "            WEFT_PAUSE;\n"
    "        __sync_synchronize();\n"
    "        for (int weft_k = 0; weft_k < weft_workers; weft_k++) {\n"
    "            int weft_part = (weft_self + weft_k) % weft_workers, weft_at;\n"
    "            long weft_first = weft_blocks * weft_part / weft_workers;\n"
    "            long weft_size = weft_blocks * (weft_part + 1) / weft_workers - weft_first;\n"
    "            while ((weft_at = weft_take(weft_next + WEFT_COUNTER * weft_part, weft_i,\n"
    "                                        weft_size)) >= 0) {\n"
    "                weft_run_span(weft_plan, weft_span, weft_memory, weft_first + weft_at);\n"
    "                weft_mine++;\n"
    "            }\n"
    "        }\n"
    "        if (weft_mine)\n"
    "            __sync_fetch_and_add(weft_done, weft_mine);\n"
    "        weft_before += weft_blocks;\n"
    "    }\n"
    "    if (__sync_add_and_fetch(weft_left, 1L) < weft_workers)\n"
    "        return;\n"
    "    *weft_done = *weft_left = 0;\n"
    "    for (int weft_k = 0; weft_k < weft_workers; weft_k++)\n"
    "        weft_next[WEFT_COUNTER * weft_k] = 0;\n"
    "}\n";

enum {
    MEMORIES = 16,            /* that a chain is given */
    COUNTER = 16,             /* longs from one counter to the next: they share no cache line */
    ROW = 5,                  /* longs of a row before its arguments */
    COPIED = 1 << 16,         /* bytes that a block copies */
    MOST_BLOCKS = 0x7fffffff, /* in a launch */
    MOST_SHARED = 1 << 20,    /* bytes: they lie on the stack of a worker */
    /* so many bytes, blocks and operations are not worth the meeting of workers */
    SMALL_BYTES = 1 << 14,
    SMALL_BLOCKS = 16,
    SMALL_FLOPS = 1 << 16
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
    weft_str_addf(text,
                  "    case %d:\n"
                  "        weft_in_%s(weft_x, weft_y, weft_z, weft_nx, weft_ny, weft_nz",
                  index, s->name);
    for (int i = 0; i < s->nbuffer; i++, at += 2)
        weft_str_addf(text, ", (__global void *)WEFT_BUFFER(%d)", at);
    for (int i = 0; i < s->nscalar; i++)
        weft_str_addf(text, ", weft_row[%d]", at++);
    weft_str_add(text, ");\n        break;\n");
}

static void
write_function(weft_str *text, const weft_source *s)
{
    weft_str_addf(text,
                  "#define %s(...) weft_in_%s(WEFT_PLACE, __VA_ARGS__)\n"
                  "#line 1 \"%s.cl\"\n%s\n#undef %s\n",
                  s->name, s->name, s->name, s->text, s->name);
}

void
weft_cl_chain_text(weft_str *text, const weft_source *source, int n)
{
    weft_str_add(text, head);
    weft_str_addf(text, "#define WEFT_COPIED %d\n#define WEFT_COUNTER %d\n", COPIED, COUNTER);
    for (int i = 0; i < n; i++)
        if (weft_cl_chainable(&source[i]))
            write_function(text, &source[i]);
    weft_str_add(text, middle);
    for (int i = 0; i < n; i++)
        if (weft_cl_chainable(&source[i]))
            write_case(text, &source[i], i);
    weft_str_add(text, tail);
    for (int i = 0; i < MEMORIES; i++)
        weft_str_addf(text, ",\n                __global char *weft_memory_%d", i);
    weft_str_add(text, ")\n{\n    __global char *weft_memory[] = { ");
    for (int i = 0; i < MEMORIES; i++)
        weft_str_addf(text, "%sweft_memory_%d", i ? ", " : "", i);
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

int
weft_cl_chain_length(cl_program program, const weft_launch *l, int n)
{
    memories m = { 0 };
    int count = 0;
    while (count < n &&
           (!l[count].code ||
            weft_cl_chain_of(l[count].code, l[count].kernel, NULL) == program) &&
           joins(&m, &l[count]))
        count++;
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
    int64_t bytes = 0, blocks = blocks_of(l);
    for (int i = 0; i < l->nbuffer && bytes <= SMALL_BYTES; i++)
        bytes += l->buffer[i].size;
    return blocks == 1 ||
           (bytes <= SMALL_BYTES && blocks <= SMALL_BLOCKS && l->flops <= SMALL_FLOPS);
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
    for (int i = 0; i < 3; i++)
        *WEFT_PUSH(arena, plan) = l->code ? l->grid[i] : 1;
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
weft_cl_chain_record(weft_cl_device *d, cl_program program, const weft_launch *l, int n,
                     cl_kernel *kernel, cl_mem *plan, weft_diag *diag)
{
    memories m = { 0 };
    cl_int code, spans = count_spans(l, n);
    weft_status s = make_counters(d, diag);
    if (!s)
        s = make_plan(d, l, n, spans, &m, plan, diag);
    if (s)
        return s;
    *kernel = d->api.clCreateKernel(program, WEFT_CL_CHAIN, &code);
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
