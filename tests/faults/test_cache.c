/* The kernel cache of every driver: damaged entries, entries of another driver, directories that
 * cannot be written, a full disk, many processes at once.  Nothing of it may fail a session or
 * leave a torn entry behind.  The drivers stand on the fake libraries. */
#include "support_life.h"

#include "../runtime/support.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

fake_state *fake_opencl(void);
fake_state *fake_vulkan(void);
fake_state *fake_cuda(void);
fake_state *fake_nvrtc(void);

static const struct {
    const weft_driver *driver;
    weft_api api;
    const char *text;
} drivers[] = {
    { &weft_opencl_driver, WEFT_API_OPENCL, support_add_cl },
    { &weft_vulkan_driver, WEFT_API_VULKAN, support_add_spv },
    { &weft_cuda_driver, WEFT_API_CUDA, fault_add_cu },
};
enum { DRIVERS = sizeof drivers / sizeof *drivers };

static int
setup(void **state)
{
    *state = support_folder();
    assert_int_equal(chmod(*state, 0755), 0);
    setenv("WEFT_CACHE_DIR", *state, 1);
    unsetenv("WEFT_CACHE");
    unsetenv("WEFT_CACHE_MAX_MB");
    unsetenv("WEFT_FAKE");
    return 0;
}

static int
teardown(void **state)
{
    support_remove(*state);
    return 0;
}

/* A session of the driver, opened, run and closed; whether its result was right. */
static bool
works(int i)
{
    weft_drivers list = { 1, { drivers[i].driver } };
    weft_module *m = support_module(drivers[i].api, drivers[i].text, NULL);
    weft_device *d = NULL;
    life l = { weft_device_open(&list, drivers[i].driver->name, NULL, &d), "open" };
    if (!l.status)
        l = live(d, m, true, NULL);
    weft_device_close(d);
    weft_module_destroy(m);
    return !l.status;
}

static void
expect_works(int i, const char *when)
{
    if (!works(i))
        fail_msg("%s does not work %s", drivers[i].driver->name, when);
}

/* The number of files in a folder; *name is the last one's, or unchanged. */
static int
files(const char *folder, char name[300])
{
    int n = 0;
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        n++;
        if (name)
            snprintf(name, 300, "%s", e->d_name);
    }
    closedir(d);
    return n;
}

/* Whether a file is a whole entry: read by the cache itself under its own name. */
static void
expect_whole(const char *folder)
{
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        void *data;
        size_t n;
        if (e->d_name[0] == '.')
            continue;
        if (!weft_cache_get(e->d_name, &data, &n))
            fail_msg("%s is no whole entry", e->d_name);
        free(data);
    }
    closedir(d);
}

/* ---- entries --------------------------------------------------------------------------------- */

static void
a_damaged_entry_is_compiled_anew_and_replaced(void **state)
{
    for (int i = 0; i < DRIVERS; i++) {
        char name[300], path[600];
        size_t n, again;
        expect_works(i, "with an empty cache");
        assert_int_equal(files(*state, name), 1);
        snprintf(path, sizeof path, "%s/%s", (char *)*state, name);
        char *good = support_read(path, &n);
        const size_t cuts[] = { 0, 5, 13, 40, 77, 78, n - 1 };
        for (size_t k = 0; k < sizeof cuts / sizeof *cuts; k++) {
            weft_file_write(NULL, path, good, cuts[k]);
            expect_works(i, "with an entry that is cut off");
            char *now = support_read(path, &again);
            assert_int_equal(again, n);
            assert_memory_equal(now, good, n);
            free(now);
        }
        const size_t flips[] = { 0, 12, 13, 76, 77, n - 2, n - 1 };
        for (size_t k = 0; k < sizeof flips / sizeof *flips; k++) {
            good[flips[k]] ^= 0x10;
            weft_file_write(NULL, path, good, n);
            good[flips[k]] ^= 0x10;
            expect_works(i, "with an entry in which a bit is wrong");
            char *now = support_read(path, &again);
            assert_int_equal(again, n);
            assert_memory_equal(now, good, n);
            free(now);
        }
        free(good);
        unlink(path);
    }
}

/* Whole by its checksum, but not what the driver takes. */
static void
an_entry_that_the_driver_refuses_is_compiled_anew_and_replaced(void **state)
{
    static const char strange[200] = "not of this driver";
    for (int i = 0; i < DRIVERS; i++) {
        char name[300], path[600];
        size_t n, again;
        expect_works(i, "with an empty cache");
        files(*state, name);
        snprintf(path, sizeof path, "%s/%s", (char *)*state, name);
        char *good = support_read(path, &n);
        weft_cache_put(name, strange, sizeof strange);
        expect_works(i, "with another driver's entry");
        char *now = support_read(path, &again);
        assert_int_equal(again, n);
        assert_memory_equal(now, good, n);
        free(now);
        free(good);
        unlink(path);
    }
    if (fake_vulkan()->wrong)
        fail_msg("%s", fake_vulkan()->words);
}

static void
another_version_of_the_driver_has_entries_of_its_own(void **state)
{
    expect_works(0, "in version 1");
    setenv("WEFT_FAKE_VERSION", "2", 1);
    expect_works(0, "in version 2");
    unsetenv("WEFT_FAKE_VERSION");
    assert_int_equal(files(*state, NULL), 2);
}

static void
a_second_session_compiles_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < DRIVERS; i++) {
        expect_works(i, "with an empty cache");
        setenv("WEFT_FAKE", "clCreateProgramWithSource=-5,nvrtcCreateProgram=1", 1);
        expect_works(i, "from the cache");
        unsetenv("WEFT_FAKE");
    }
}

/* ---- places ---------------------------------------------------------------------------------- */

/* Runs in a process of its own, as nobody if the caller is root, whom no mode stops. */
static void
in_child(bool (*job)(int), int i, bool nobody, const char *when)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        bool changed = !nobody || getuid() != 0 || (setgid(65534) == 0 && setuid(65534) == 0);
        _exit(changed && job(i) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (status)
        fail_msg("%s %s: wait status %d", drivers[i].driver->name, when, status);
}

static void
a_directory_that_cannot_be_written_is_no_error(void **state)
{
    char name[300];
    assert_int_equal(chmod(*state, 0555), 0);
    for (int i = 0; i < DRIVERS; i++)
        in_child(works, i, true, "with a read-only cache");
    assert_int_equal(chmod(*state, 0755), 0);
    assert_int_equal(files(*state, name), 0);
    setenv("WEFT_CACHE_DIR", "/dev/null/cache", 1);
    for (int i = 0; i < DRIVERS; i++)
        expect_works(i, "with a cache below a file");
    setenv("WEFT_CACHE_DIR", "/proc/self/no/cache", 1);
    for (int i = 0; i < DRIVERS; i++)
        expect_works(i, "with a cache where nothing can be made");
}

/* A file ends at 64 bytes, as on a disk that is full: the write fails in the middle. */
static bool
works_on_a_full_disk(int i)
{
    struct rlimit limit = { 64, 64 };
    signal(SIGXFSZ, SIG_IGN);
    return !setrlimit(RLIMIT_FSIZE, &limit) && works(i);
}

static void
a_full_disk_is_no_error_and_leaves_nothing_behind(void **state)
{
    for (int i = 0; i < DRIVERS; i++)
        in_child(works_on_a_full_disk, i, false, "with a full disk");
    assert_int_equal(files(*state, NULL), 0);
}

static void
what_a_process_left_half_written_goes_after_a_while(void **state)
{
    static const char old[] =
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.Ab3x_Z";
    static const char young[] =
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdee.Ab3x_Z";
    char path[600];
    struct timespec then[2] = { { 1000, 0 }, { 1000, 0 } };
    snprintf(path, sizeof path, "%s/%s", (char *)*state, young);
    weft_file_write(NULL, path, "half", 4);
    snprintf(path, sizeof path, "%s/%s", (char *)*state, old);
    weft_file_write(NULL, path, "half", 4);
    assert_int_equal(utimensat(0, path, then, 0), 0);
    expect_works(0, "beside half an entry");
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(files(*state, NULL), 2);
}

/* ---- many processes -------------------------------------------------------------------------- */

enum { PROCESSES = 8 };

static void
together(bool (*job)(int), int base)
{
    pid_t child[PROCESSES];
    int start[2];
    char byte;
    assert_int_equal(pipe(start), 0);
    for (int p = 0; p < PROCESSES; p++) {
        child[p] = fork();
        assert_true(child[p] >= 0);
        if (!child[p]) {
            close(start[1]);
            bool told = read(start[0], &byte, 1) == 0; /* until all are there */
            _exit(told && job(base + p) ? 0 : 1);
        }
    }
    close(start[0]);
    close(start[1]);
    for (int p = 0; p < PROCESSES; p++) {
        int status;
        assert_int_equal(waitpid(child[p], &status, 0), child[p]);
        if (status)
            fail_msg("process %d of %d ends with %d", p, PROCESSES, status);
    }
}

static bool
works_twice(int k)
{
    int i = k / PROCESSES;
    return works(i) && works(i);
}

static void
eight_processes_that_compile_the_same_at_once_all_succeed(void **state)
{
    for (int i = 0; i < DRIVERS; i++) {
        together(works_twice, i * PROCESSES);
        assert_int_equal(files(*state, NULL), i + 1); /* no temporaries, either */
        expect_whole(*state);
    }
}

/* Puts and gets entries of 60 KiB that say their key, far more than 1 MiB of them. */
static bool
churns(int p)
{
    enum { BYTES = 60 << 10, ROUNDS = 40 };
    static char data[BYTES];
    bool good = true;
    for (int r = 0; r < ROUNDS && good; r++) {
        char key[65], word[32];
        void *got;
        size_t n;
        snprintf(word, sizeof word, "entry %d", (p * 7 + r) % 50);
        const char *part[] = { word };
        const size_t size[] = { strlen(word) };
        weft_cache_key(key, 1, part, size);
        if (weft_cache_get(key, &got, &n))
            good = n == BYTES && !strcmp(got, word);
        free(got);
        memset(data, 0, sizeof data);
        memcpy(data, word, strlen(word));
        weft_cache_put(key, data, sizeof data);
    }
    return good;
}

static void
the_cap_holds_while_eight_processes_write(void **state)
{
    setenv("WEFT_CACHE_MAX_MB", "1", 1);
    together(churns, 0);
    int n = files(*state, NULL);
    assert_in_range(n, 8, (1 << 20) / (60 << 10));
    expect_whole(*state);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_damaged_entry_is_compiled_anew_and_replaced),
        TEST(an_entry_that_the_driver_refuses_is_compiled_anew_and_replaced),
        TEST(another_version_of_the_driver_has_entries_of_its_own),
        TEST(a_second_session_compiles_nothing),
        TEST(a_directory_that_cannot_be_written_is_no_error),
        TEST(a_full_disk_is_no_error_and_leaves_nothing_behind),
        TEST(what_a_process_left_half_written_goes_after_a_while),
        TEST(eight_processes_that_compile_the_same_at_once_all_succeed),
        TEST(the_cap_holds_while_eight_processes_write),
    };
    unsetenv("CUDA_HOME");
    unsetenv("CUDA_PATH");
    return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
