/* tests/fuzz/libfuzzer.c: libFuzzer's face of the readers.
 *
 * One program under as many names as there are readers: the name that it is called by, fuzz_te,
 * says which reader gets the bytes.  Half of the changes are ours: they know words, lines, fields.
 */
#include "fuzz.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

/* Of processor time an input; libFuzzer's own -timeout goes by the clock, and so by what else runs.
 */
enum { MAX_SECONDS = 10 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
size_t LLVMFuzzerCustomMutator(uint8_t *, size_t size, size_t most, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *, size_t size, size_t most);

static const fuzz_reader *reader; /* libFuzzer hands on nothing of ours */

WEFT_API const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
    return "allocator_may_return_null=1:quarantine_size_mb=16:print_scariness=0";
}

WEFT_API const char *__ubsan_default_options(void);
const char *
__ubsan_default_options(void)
{
    return "print_stacktrace=1";
}

static void
too_long(int signal)
{
    static const char said[] = "the input takes too much processor time\n";
    (void)signal;
    (void)!write(STDERR_FILENO, said, sizeof said - 1);
    abort(); /* libFuzzer keeps the input */
}

/* Counts the processor time from now on; 0: no more. */
static void
count_seconds(int seconds)
{
    const struct itimerval timer = { .it_value = { .tv_sec = seconds } };
    setitimer(ITIMER_PROF, &timer, NULL);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *name = strrchr((*argv)[0], '_');
    (void)argc;
    signal(SIGPROF, too_long);
    reader = name ? fuzz_reader_named(name + 1) : NULL;
    if (reader)
        return 0;
    fprintf(stderr, "%s: no reader has this name\n", (*argv)[0]);
    exit(2);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    count_seconds(MAX_SECONDS);
    reader->check(data, size);
    count_seconds(0);
    return 0;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    fuzz_rng rng = { seed };
    weft_arena arena = { 0 };
    weft_str what = { 0 };
    fuzz_edit e = { .rng = &rng, .arena = &arena, .what = &what };
    if (fuzz_below(&rng, 2) || !size)
        return LLVMFuzzerMutate(data, size, most);
    fuzz_bytes in = { data, size };
    fuzz_bytes out = fuzz_damage(&e, reader->form, in, in);
    size_t n = out.n < most ? out.n : most;
    memmove(data, out.at, n);
    weft_str_free(&what);
    weft_arena_reset(&arena);
    return n;
}
