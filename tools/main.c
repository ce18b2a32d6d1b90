/* tools/main.c: the program around the command, which tests call without one. */
#include "tools/tools.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* Drivers, and compilers in them, end the process where memory runs out; weft itself does so where
 * it has no room for a few bytes.  That is a failure like another: a message and status 3. */
static void
on_fatal(int signal)
{
    static const char aborted[] = "weft: stopped: out of memory, or a driver gave up; what it said "
                                  "of it stands above\n";
    static const char crashed[] = "weft: stopped by a memory fault in a driver, or in weft itself; "
                                  "memory may have run out\n";
    bool gave_up = signal == SIGABRT;
    ssize_t n = write(STDERR_FILENO, gave_up ? aborted : crashed,
                      gave_up ? sizeof aborted - 1 : sizeof crashed - 1);
    _exit(n < 0 ? 3 : weft_status_exit_code(WEFT_DEVICE));
}

/* Handlers that were there before, a sanitizer's, stay. */
static void
catch_fatal(int number, bool own_stack)
{
    struct sigaction now, was;
    memset(&now, 0, sizeof now);
    now.sa_handler = on_fatal;
    now.sa_flags = own_stack ? SA_ONSTACK : 0;
    if (!sigaction(number, NULL, &was) && was.sa_handler == SIG_DFL)
        sigaction(number, &now, NULL);
}

int
main(int argc, char **argv)
{
    char room[64 << 10]; /* for the handler where the stack has run out, at its other end */
    bool own_stack = !sigaltstack(&(stack_t){ .ss_sp = room, .ss_size = sizeof room }, NULL);
    catch_fatal(SIGABRT, own_stack);
    catch_fatal(SIGSEGV, own_stack);
    catch_fatal(SIGBUS, own_stack);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of write() */
    return weft_main(argc, argv);
}
