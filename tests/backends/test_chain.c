/* test_chain.c: PoCL runs chains of launches: every block once, one launch after the other. */
#include "support.h"

#include "runtime/device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CHECK(call)                                                                                \
    do {                                                                                           \
        if ((call) != WEFT_OK)                                                                     \
            fail_msg("%s: %s", #call, weft_diag_text(diag));                                       \
    } while (0)

#define ONE_THREAD "__kernel __attribute__((reqd_work_group_size(1, 1, 1)))\n"

enum { MANY = 8192 }; /* elements of a buffer whose launches are worth the workers' meeting */

/* to[i] = from[n - 1 - i] * by + add: a block needs what any of the launch before wrote. */
static const char turn[] =
    ONE_THREAD "void turn(__global const int *from, __global int *to, int by, long add)\n"
               "{\n"
               "    int nx = 5, ny = 3, n = 30;\n"
               "    int i = (get_group_id(2) * ny + get_group_id(1)) * nx + get_group_id(0);\n"
               "    to[i] = from[n - 1 - i] * by + (int)add;\n"
               "}\n";
/* The same of 8 elements, plus one; the first block of each launch takes long enough for the others'
 * worker to be far ahead. */
static const char late[] =
    ONE_THREAD "void late(__global const int *from, __global int *to)\n"
               "{\n"
               "    uint i = get_group_id(0), x = i;\n"
               "    for (int k = 0; i == 0 && k < 300000; k++)\n"
               "        x = x * 1664525u + 1013904223u;\n"
               "    to[i] = from[7 - i] + (x != 12345u || i != 0);\n"
               "}\n";
static const char add_one[] = ONE_THREAD "void add_one(__global int *to)\n"
                                         "{\n"
                                         "    to[get_global_id(0)] += 1;\n"
                                         "}\n";
/* What somebody may have edited: sizes of 64 bits, and macros of any name. */
static const char count[] =
    "#define at 1\n#define row 2\n#define x 3\n#define block 4\n" ONE_THREAD
    "void count(__global int *to)\n"
    "{\n"
    "    to[get_group_id(0)] = get_num_groups(0) + get_global_size(1) * 10 +\n"
    "                          get_local_size(2) * 100 + get_work_dim() * 1000 +\n"
    "                          (get_group_id(0) * 65536 * 65536 >> 31) * 10000 +\n"
    "                          (get_local_id(0) - 1 > 5) * 1000000;\n"
    "}\n";
/* What a function of a chain cannot do. */
static const char asks[] = ONE_THREAD "void asks(__global int *to)\n"
                                      "{\n"
                                      "    for (int d = 0; d < 1; d++)\n"
                                      "        to[get_group_id(0)] = get_num_groups(d);\n"
                                      "}\n";
static const char shares[] =
    ONE_THREAD "void shares(__global int *to)\n"
               "{\n"
               "    __local int own[4];\n"
               "    for (int i = 0; i < 4; i++)\n"
               "        own[i] = to[get_group_id(0)] + i;\n"
               "    barrier(CLK_LOCAL_MEM_FENCE);\n"
               "    to[get_group_id(0)] = own[0] + own[1] + own[2] + own[3];\n"
               "}\n";
static const char wide[] = "__kernel __attribute__((reqd_work_group_size(4, 1, 1)))\n"
                           "void wide(__global int *to)\n{\n    to[get_global_id(0)] = 9;\n}\n";
static const char wrong[] = ONE_THREAD "void wrong(__global int *to)\n{\n    to[0] = nothing;\n}\n";

static const uint8_t turn_scalars[] = { WEFT_I32, WEFT_I64 };

static weft_source
source(const char *name, const char *text, int nbuffer)
{
    bool is_turn = text == turn;
    return (weft_source){ .name = name,
                          .text = text,
                          .size = strlen(text),
                          .block = { 1, 1, 1 },
                          .nbuffer = nbuffer,
                          .nscalar = is_turn ? 2 : 0,
                          .scalar = turn_scalars };
}

typedef struct fixture {
    weft_device *device;
    const weft_driver *driver;
    weft_code *code;
    weft_diag *diag;
    bool is_pocl;
} fixture;

static int
set_up(void **state)
{
    fixture *f = *state = calloc(1, sizeof *f);
    f->driver = &weft_opencl_driver;
    f->diag = weft_diag_create();
    bool there = f->driver->count(NULL) > 0 && !f->driver->open(0, f->diag, &f->device);
    f->is_pocl = there && strstr(f->device->info.driver, "PoCL");
    return 0;
}

static int
tear_down(void **state)
{
    fixture *f = *state;
    if (f->code)
        f->driver->unload(f->device, f->code);
    if (f->device)
        f->driver->close(f->device);
    weft_diag_destroy(f->diag);
    free(f);
    return 0;
}

static fixture *
need_pocl(void **state)
{
    fixture *f = *state;
    if (!f->is_pocl) {
        print_message("skipped: the OpenCL device is not PoCL\n");
        skip();
    }
    return f;
}

static weft_memory *
memory_of(fixture *f, int32_t value, int64_t n)
{
    weft_diag *diag = f->diag;
    weft_memory *m;
    int32_t *words = malloc((size_t)n * 4);
    for (int64_t i = 0; i < n; i++)
        words[i] = value;
    CHECK(f->driver->alloc(f->device, n * 4, &m, diag));
    CHECK(f->driver->upload(f->device, m, 0, words, n * 4, diag));
    free(words);
    return m;
}

static void
read_words(fixture *f, weft_memory *m, int64_t offset, int32_t *out, int64_t n)
{
    weft_diag *diag = f->diag;
    CHECK(f->driver->download(f->device, m, offset, out, n * 4, diag));
}

static void
run(fixture *f, const weft_launch *l, int n, int times)
{
    weft_diag *diag = f->diag;
    weft_batch *batch;
    CHECK(f->driver->record(f->device, l, n, &batch, diag));
    for (int i = 0; i < times; i++)
        CHECK(f->driver->submit(f->device, batch, NULL, diag));
    CHECK(f->driver->sync(f->device, diag));
    f->driver->discard(f->device, batch);
}

static weft_launch
launch(const fixture *f, int kernel, int64_t blocks, const weft_arg *buffer, int nbuffer)
{
    return (weft_launch){ .name = "k",
                          .code = f->code,
                          .kernel = kernel,
                          .grid = { blocks, 1, 1 },
                          .block = { 1, 1, 1 },
                          .nbuffer = nbuffer,
                          .buffer = buffer };
}

/* What chains of turns and additions leave in two memories. */
static void
turn_here(int32_t side[2][30], int launches, int times)
{
    int32_t was[30];
    for (int k = 0; k < times * launches; k++) {
        int of = k % launches;
        if (of % 5 == 4) {
            side[of % 2 ? 0 : 1][0] += 1;
            continue;
        }
        memcpy(was, side[of % 2], sizeof was);
        for (int i = 0; i < 30; i++)
            side[1 - of % 2][i] = (int32_t)((uint32_t)was[29 - i] * 3u + 5u);
    }
}

/* To and fro between two memories, each fifth launch adding one; n: elements of a buffer. */
static void
turn_there(fixture *f, int64_t n)
{
    enum { N = 30, LAUNCHES = 51, OFFSET = 128, TIMES = 3 };
    weft_diag *diag = f->diag;
    weft_source s[] = { source("turn", turn, 2), source("add_one", add_one, 1) };
    weft_launch l[LAUNCHES];
    int64_t scalar[] = { 3, (int64_t)7 << 32 | 5 };
    int32_t side[2][N], got[N];
    CHECK(f->driver->load(f->device, s, 2, WEFT_DEFAULT, &f->code, diag));
    weft_memory *m = memory_of(f, 1, OFFSET / 4 + n), *other = memory_of(f, -1, n);
    weft_arg there[] = { { m, OFFSET, n * 4, false }, { other, 0, n * 4, true } };
    weft_arg back[] = { { other, 0, n * 4, false }, { m, OFFSET, n * 4, true } };
    for (int k = 0; k < LAUNCHES; k++) {
        bool adds = k % 5 == 4;
        l[k] = launch(f, adds, adds ? 1 : 5, k % 2 ? back : there, 2);
        l[k].buffer = adds ? (k % 2 ? &there[0] : &back[0]) : l[k].buffer;
        l[k].nbuffer = adds ? 1 : 2;
        l[k].nscalar = adds ? 0 : 2;
        l[k].scalar = scalar;
        l[k].grid[1] = adds ? 1 : 3;
        l[k].grid[2] = adds ? 1 : 2;
    }
    run(f, l, LAUNCHES, TIMES);
    for (int i = 0; i < N; i++) {
        side[0][i] = 1;
        side[1][i] = -1;
    }
    turn_here(side, LAUNCHES, TIMES);
    read_words(f, m, OFFSET, got, N);
    assert_memory_equal(got, side[0], sizeof got);
    read_words(f, other, 0, got, N);
    assert_memory_equal(got, side[1], sizeof got);
    f->driver->free(f->device, m);
    f->driver->free(f->device, other);
}

static void
a_launch_of_a_chain_sees_what_every_block_before_it_wrote(void **state)
{
    turn_there(need_pocl(state), MANY);
}

static void
so_it_does_where_launches_are_too_small_for_two_workers(void **state)
{
    turn_there(need_pocl(state), 30);
}

static void
a_worker_that_is_done_waits_for_the_blocks_of_others(void **state)
{
    enum { N = 8, LAUNCHES = 20 };
    fixture *f = need_pocl(state);
    weft_diag *diag = f->diag;
    weft_source s = source("late", late, 2);
    weft_launch l[LAUNCHES];
    int32_t got[N];
    CHECK(f->driver->load(f->device, &s, 1, WEFT_DEFAULT, &f->code, diag));
    weft_memory *m = memory_of(f, 0, MANY), *other = memory_of(f, 0, MANY);
    weft_arg there[] = { { m, 0, MANY * 4, false }, { other, 0, MANY * 4, true } };
    weft_arg back[] = { { other, 0, MANY * 4, false }, { m, 0, MANY * 4, true } };
    for (int k = 0; k < LAUNCHES; k++)
        l[k] = launch(f, 0, N, k % 2 ? back : there, 2);
    run(f, l, LAUNCHES, 5);
    read_words(f, m, 0, got, N);
    for (int i = 0; i < N; i++)
        assert_int_equal(got[i], 5 * LAUNCHES);
    f->driver->free(f->device, m);
    f->driver->free(f->device, other);
}

static void
copies_of_any_bytes_stand_between_launches(void **state)
{
    enum { BYTES = 200001 };
    fixture *f = need_pocl(state);
    weft_diag *diag = f->diag;
    weft_source s = source("add_one", add_one, 1);
    static char got[BYTES + 3];
    CHECK(f->driver->load(f->device, &s, 1, WEFT_DEFAULT, &f->code, diag));
    weft_memory *from = memory_of(f, 0x01010101, 60000), *to = memory_of(f, 0, 60000);
    weft_arg arg = { from, 0, MANY * 4, true };
    weft_arg bytes[] = { { from, 3, BYTES, false }, { to, 1, BYTES, true } };
    weft_launch copy = { .name = "copy", .grid = { 1, 1, 1 }, .nbuffer = 2, .buffer = bytes };
    weft_launch l[] = { copy, launch(f, 0, MANY, &arg, 1), copy, launch(f, 0, MANY, &arg, 1) };
    run(f, l, 4, 1);
    CHECK(f->driver->download(f->device, to, 0, got, sizeof got, diag));
    for (int i = 0; i < BYTES + 3; i++) {
        bool copied = i >= 1 && i < BYTES + 1, added = (i + 2) % 4 == 0 && i + 2 < MANY * 4;
        if (got[i] != (copied ? 1 + added : 0))
            fail_msg("byte %d is %d", i, got[i]);
    }
    f->driver->free(f->device, from);
    f->driver->free(f->device, to);
}

static void
every_block_of_a_chain_runs_once(void **state)
{
    enum { MOST = 1000, LAUNCHES = 200, TIMES = 20 };
    fixture *f = need_pocl(state);
    weft_diag *diag = f->diag;
    weft_source s[] = { source("add_one", add_one, 1), source("turn", turn, 2) };
    weft_launch l[LAUNCHES];
    static int32_t got[MOST], want[MOST];
    CHECK(f->driver->load(f->device, s, 2, WEFT_DEFAULT, &f->code, diag));
    weft_memory *m = memory_of(f, 0, MANY);
    weft_arg arg = { m, 0, MANY * 4, true };
    for (int k = 0; k < LAUNCHES; k++) {
        int blocks = 1 + k * 7919 % MOST;
        l[k] = launch(f, 0, blocks, &arg, 1);
        for (int i = 0; i < blocks; i++)
            want[i] += TIMES;
    }
    run(f, l, LAUNCHES, TIMES);
    read_words(f, m, 0, got, MOST);
    assert_memory_equal(got, want, sizeof got);
    f->driver->free(f->device, m);
}

static void
a_thread_that_shares_with_nobody_has_an_array_of_its_own(void **state)
{
    fixture *f = need_pocl(state);
    weft_diag *diag = f->diag;
    weft_source s = source("shares", shares, 1);
    int32_t got[5];
    CHECK(f->driver->load(f->device, &s, 1, WEFT_DEFAULT, &f->code, diag));
    weft_memory *m = memory_of(f, 1, 5);
    weft_arg arg = { m, 0, 20, true };
    weft_launch l[] = { launch(f, 0, 5, &arg, 1), launch(f, 0, 4, &arg, 1) };
    run(f, l, 2, 1);
    read_words(f, m, 0, got, 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(got[i], i < 4 ? 46 : 10);
    f->driver->free(f->device, m);
}

static void
a_text_in_a_chain_sees_the_launch_that_it_would_see_alone(void **state)
{
    fixture *f = need_pocl(state);
    weft_diag *diag = f->diag;
    weft_source s[] = { source("count", count, 1), source("add_one", add_one, 1) };
    weft_batch *batch;
    double times[1];
    int32_t got[7], alone[7];
    CHECK(f->driver->load(f->device, s, 2, WEFT_DEFAULT, &f->code, diag));
    weft_memory *m = memory_of(f, 0, 7);
    weft_arg arg = { m, 0, 28, true };
    weft_launch l = launch(f, 0, 7, &arg, 1);
    CHECK(f->driver->record(f->device, &l, 1, &batch, diag));
    CHECK(f->driver->submit(f->device, batch, NULL, diag));
    read_words(f, m, 0, got, 7);
    CHECK(f->driver->submit(f->device, batch, times, diag));
    read_words(f, m, 0, alone, 7);
    assert_memory_equal(got, alone, sizeof got);
    assert_int_equal(got[3], 7 + 10 + 100 + 3000 + 6 * 10000 + 1000000);
    f->driver->discard(f->device, batch);
    f->driver->free(f->device, m);
}

static void
a_text_that_asks_for_more_is_launched_alone(void **state)
{
    fixture *f = need_pocl(state);
    weft_diag *diag = f->diag;
    weft_source s[] = { source("add_one", add_one, 1), source("asks", asks, 1) };
    int32_t got[8];
    CHECK(f->driver->load(f->device, s, 2, WEFT_DEFAULT, &f->code, diag));
    weft_memory *m = memory_of(f, 0, 8);
    weft_arg arg = { m, 0, 32, true };
    weft_launch l[] = { launch(f, 1, 7, &arg, 1), launch(f, 0, 8, &arg, 1) };
    run(f, l, 2, 1);
    read_words(f, m, 0, got, 8);
    for (int i = 0; i < 8; i++)
        assert_int_equal(got[i], i < 7 ? 8 : 1);
    f->driver->free(f->device, m);
}

/* Its block is another than the module has it: a chain would run one thread of four. */
static void
a_text_of_another_block_is_refused_as_it_is_alone(void **state)
{
    fixture *f = need_pocl(state);
    weft_diag *diag = f->diag;
    weft_source s = source("wide", wide, 1);
    weft_batch *batch;
    CHECK(f->driver->load(f->device, &s, 1, WEFT_DEFAULT, &f->code, diag));
    weft_memory *m = memory_of(f, 0, 8);
    weft_arg arg = { m, 0, 32, true };
    weft_launch l = launch(f, 0, 2, &arg, 1);
    CHECK(f->driver->record(f->device, &l, 1, &batch, diag));
    assert_int_equal(f->driver->submit(f->device, batch, NULL, diag), WEFT_DEVICE);
    assert_non_null(strstr(weft_diag_text(diag), "CL_INVALID_WORK_GROUP_SIZE"));
    f->driver->discard(f->device, batch);
    f->driver->free(f->device, m);
}

static void
copies_between_more_memories_than_a_chain_takes_come_before_a_launch(void **state)
{
    enum { PAIRS = 12 };
    fixture *f = need_pocl(state);
    weft_diag *diag = f->diag;
    weft_source s = source("add_one", add_one, 1);
    weft_memory *m[2 * PAIRS];
    weft_arg arg[PAIRS][2], all;
    weft_launch l[PAIRS + 1];
    int32_t got;
    CHECK(f->driver->load(f->device, &s, 1, WEFT_DEFAULT, &f->code, diag));
    for (int i = 0; i < 2 * PAIRS; i++)
        m[i] = memory_of(f, i, 1);
    for (int i = 0; i < PAIRS; i++) {
        arg[i][0] = (weft_arg){ m[2 * i], 0, 4, false };
        arg[i][1] = (weft_arg){ m[2 * i + 1], 0, 4, true };
        l[i] = (weft_launch){ .name = "copy", .nbuffer = 2, .buffer = arg[i] };
    }
    all = arg[PAIRS - 1][1];
    l[PAIRS] = launch(f, 0, 1, &all, 1);
    run(f, l, PAIRS + 1, 1);
    for (int i = 0; i < PAIRS; i++) {
        read_words(f, m[2 * i + 1], 0, &got, 1);
        assert_int_equal(got, 2 * i + (i == PAIRS - 1));
    }
    for (int i = 0; i < 2 * PAIRS; i++)
        f->driver->free(f->device, m[i]);
}

/* Three programs of chains, and more memories than a chain is given. */
static void
kernels_and_memories_may_be_more_than_a_chain_takes(void **state)
{
    enum { KERNELS = 150, MEMORIES = 40 };
    fixture *f = need_pocl(state);
    weft_diag *diag = f->diag;
    static char name[KERNELS][16], text[KERNELS][256];
    weft_source s[KERNELS];
    weft_launch l[KERNELS];
    weft_memory *m[MEMORIES];
    weft_arg arg[MEMORIES];
    for (int i = 0; i < KERNELS; i++) {
        snprintf(name[i], sizeof name[i], "add%d", i);
        snprintf(text[i], sizeof text[i],
                 ONE_THREAD "void add%d(__global int *to)\n{\n    to[get_group_id(0)] += %d;\n}\n",
                 i, i);
        s[i] = source(name[i], text[i], 1);
    }
    CHECK(f->driver->load(f->device, s, KERNELS, WEFT_DEFAULT, &f->code, diag));
    for (int i = 0; i < MEMORIES; i++) {
        m[i] = memory_of(f, 0, 3);
        arg[i] = (weft_arg){ m[i], 0, 12, true };
    }
    for (int i = 0; i < KERNELS; i++)
        l[i] = launch(f, i, 3, &arg[i % MEMORIES], 1);
    run(f, l, KERNELS, 1);
    for (int i = 0; i < MEMORIES; i++) {
        int32_t got[3], want = 0;
        for (int k = i; k < KERNELS; k += MEMORIES)
            want += k;
        read_words(f, m[i], 0, got, 3);
        for (int k = 0; k < 3; k++)
            assert_int_equal(got[k], want);
        f->driver->free(f->device, m[i]);
    }
}

static void
a_chain_whose_times_are_asked_runs_launch_by_launch(void **state)
{
    fixture *f = need_pocl(state);
    weft_diag *diag = f->diag;
    weft_source s[] = { source("add_one", add_one, 1), source("turn", turn, 2) };
    weft_batch *batch;
    int32_t got[4];
    double times[3] = { -1, -1, -1 };
    CHECK(f->driver->load(f->device, s, 2, WEFT_DEFAULT, &f->code, diag));
    weft_memory *m = memory_of(f, 0, 4);
    weft_arg arg = { m, 0, 16, true };
    weft_launch l = launch(f, 0, 4, &arg, 1), all[] = { l, l, l };
    CHECK(f->driver->record(f->device, all, 3, &batch, diag));
    CHECK(f->driver->submit(f->device, batch, NULL, diag));
    CHECK(f->driver->submit(f->device, batch, times, diag));
    CHECK(f->driver->submit(f->device, batch, NULL, diag));
    read_words(f, m, 0, got, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(got[i], 9);
    for (int i = 0; i < 3; i++)
        assert_true(times[i] >= 0);
    f->driver->discard(f->device, batch);
    f->driver->free(f->device, m);
}

static void
a_text_that_does_not_compile_is_reported_as_it_is_alone(void **state)
{
    fixture *f = need_pocl(state);
    weft_source s[] = { source("add_one", add_one, 1), source("wrong", wrong, 1) };
    assert_int_equal(f->driver->load(f->device, s, 2, WEFT_DEFAULT, &f->code, f->diag),
                     WEFT_INVALID_INPUT);
    assert_null(f->code);
    assert_non_null(strstr(weft_diag_text(f->diag), "wrong.cl:4"));
    assert_null(strstr(weft_diag_text(f->diag), "weft_"));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_launch_of_a_chain_sees_what_every_block_before_it_wrote),
        TEST(so_it_does_where_launches_are_too_small_for_two_workers),
        TEST(a_worker_that_is_done_waits_for_the_blocks_of_others),
        TEST(copies_of_any_bytes_stand_between_launches),
        TEST(every_block_of_a_chain_runs_once),
        TEST(a_thread_that_shares_with_nobody_has_an_array_of_its_own),
        TEST(a_text_in_a_chain_sees_the_launch_that_it_would_see_alone),
        TEST(a_text_that_asks_for_more_is_launched_alone),
        TEST(a_text_of_another_block_is_refused_as_it_is_alone),
        TEST(copies_between_more_memories_than_a_chain_takes_come_before_a_launch),
        TEST(kernels_and_memories_may_be_more_than_a_chain_takes),
        TEST(a_chain_whose_times_are_asked_runs_launch_by_launch),
        TEST(a_text_that_does_not_compile_is_reported_as_it_is_alone),
    };
    return cmocka_run_group_tests_name("chain", tests, NULL, NULL);
}
