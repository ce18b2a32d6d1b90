/* tools/commands.c: the `weft` command: finds the subcommand, runs it, turns its status into an
 * exit code. */
#include "tools/tools.h"

#include <string.h>

static const weft_command *const commands[] = {
    &weft_cmd_devices, &weft_cmd_targets, &weft_cmd_inspect, &weft_cmd_compile,   &weft_cmd_run,
    &weft_cmd_check,   &weft_cmd_dump,    &weft_cmd_te,      &weft_cmd_onnx_test, &weft_cmd_opt,
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void
print_usage(FILE *f)
{
    fputs("usage: weft COMMAND [ARGUMENTS]\n\n", f);
    for (int i = 0; i < COMMANDS; i++)
        fprintf(f, "  %-10s  %s\n", commands[i]->name, commands[i]->about);
    fputs("\n`weft COMMAND --help` tells more.  Exit codes: 0 done, 1 a comparison failed,\n"
          "2 bad usage or input, 3 device or driver failure.\n",
          f);
}

static const weft_command *
find_command(const char *name)
{
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static weft_status
run_command(const weft_command *command, int argc, char **argv)
{
    weft_args args = { .diag = weft_diag_create() };
    weft_status status = weft_read_args(&args, command, argc, argv);
    if (!status && weft_has(&args, WEFT_OPT_HELP))
        weft_print_help(stdout, command);
    else if (!status)
        status = command->run(&args);
    if (*weft_diag_text(args.diag))
        fprintf(stderr, "weft: %s", weft_diag_text(args.diag));
    else if (status && status != WEFT_MISMATCH)
        fprintf(stderr, "weft: %s\n", weft_status_text(status));
    weft_diag_destroy(args.diag);
    weft_arena_reset(&args.arena);
    return status;
}

/* What was printed has to arrive. */
static weft_status
finish_output(void)
{
    bool written = !ferror(stdout);
    if (!fflush(stdout) && written)
        return WEFT_OK;
    fprintf(stderr, "weft: writing to standard output failed\n");
    return WEFT_IO;
}

int
weft_main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return weft_status_exit_code(WEFT_INVALID_ARGUMENT);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return weft_status_exit_code(finish_output());
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("weft " WEFT_VERSION);
        return weft_status_exit_code(finish_output());
    }
    const weft_command *command = find_command(argv[1]);
    if (!command) {
        fprintf(stderr, "weft: no command '%s'\n", argv[1]);
        print_usage(stderr);
        return weft_status_exit_code(WEFT_INVALID_ARGUMENT);
    }
    weft_status status = run_command(command, argc - 2, argv + 2);
    return weft_status_exit_code(status ? status : finish_output());
}
