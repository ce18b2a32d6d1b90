/* demo/digits/digits.c: reads handwritten digits with a compiled network, on one device or several.
 *
 *   digits MODULE DEVICE[,DEVICE..] PICTURE.npy..
 *
 * Shows each picture, what every device reads in it and how sure it is.  Exit status 1 if two
 * devices disagree.  It is also an example of the runtime: <weft/weft.h> and the C library alone.
 */
#include <weft/weft.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIDE = 28, DIGITS = 10, MAX_READERS = 8 };

/* The network on one device. */
typedef struct reader {
    char id[32];
    weft_device *device;
    weft_session *session;
} reader;

static weft_status
open_reader(weft_module *module, const char *id, size_t n, weft_diag *diag, reader *r)
{
    snprintf(r->id, sizeof r->id, "%.*s", (int)n, id);
    weft_status status = weft_open_device(r->id, diag, &r->device);
    return status ? status : weft_session_create(module, r->device, NULL, diag, &r->session);
}

static void
close_reader(reader *r)
{
    weft_session_destroy(r->session);
    weft_device_close(r->device);
}

/* Runs the network: the likeliest digit, and how likely it is. */
static weft_status
read_digit(reader *r, const float *picture, weft_diag *diag, int *digit, float *confidence)
{
    float p[DIGITS];
    weft_status status =
        weft_session_set_input(r->session, 0, picture, SIDE * SIDE * sizeof *picture, diag);
    if (!status)
        status = weft_session_run(r->session, diag);
    if (!status)
        status = weft_session_get_output(r->session, 0, p, sizeof p, diag);
    if (status)
        return status;
    *digit = 0;
    for (int d = 1; d < DIGITS; d++)
        if (p[d] > p[*digit])
            *digit = d;
    *confidence = p[*digit];
    return WEFT_OK;
}

/* The pixels are what follows the header of a .npy file of f32[1,1,28,28]. */
static bool
load_picture(const char *path, float *picture)
{
    const size_t bytes = SIDE * SIDE * sizeof *picture;
    FILE *f = fopen(path, "rb");
    bool ok = f && fseek(f, -(long)bytes, SEEK_END) == 0 && fread(picture, 1, bytes, f) == bytes;
    if (f)
        fclose(f);
    if (!ok)
        fprintf(stderr, "%s: no picture of %d x %d floats\n", path, SIDE, SIDE);
    return ok;
}

/* A grey of the 24 that terminals have between black and white. */
static int
grey(float ink)
{
    return 232 + (int)(23 * (ink < 0 ? 0 : ink > 1 ? 1 : ink));
}

/* Two rows of pixels a line: half blocks on a terminal, shades of letters elsewhere. */
static void
show_picture(const float *p, bool terminal)
{
    for (int y = 0; y < SIDE; y += 2, p += 2 * SIDE) {
        fputs("    ", stdout);
        for (int x = 0; x < SIDE; x++)
            if (terminal)
                printf("\033[38;5;%dm\033[48;5;%dm\u2580", grey(p[x]), grey(p[x + SIDE]));
            else
                putchar(" .:-=+*#%@"[(grey(p[x]) - 232 + grey(p[x + SIDE]) - 232) * 9 / 46]);
        puts(terminal ? "\033[0m" : "");
    }
}

/* Shows the picture and every reader's answer; *same: all gave one digit. */
static weft_status
answer(const char *path, int n, reader *r, const float *picture, weft_diag *diag, bool *same)
{
    int first = -1, digit;
    float confidence;
    const char *name = strrchr(path, '/');
    show_picture(picture, isatty(STDOUT_FILENO));
    printf("%s:", name ? name + 1 : path);
    *same = true;
    for (int i = 0; i < n; i++) {
        weft_status status = read_digit(&r[i], picture, diag, &digit, &confidence);
        if (status)
            return status;
        printf("  %s reads %d (%.2f %%)", r[i].id, digit, 100 * (double)confidence);
        first = i ? first : digit;
        *same = *same && digit == first;
    }
    puts(*same ? "  agree\n" : "  DISAGREE\n");
    return WEFT_OK;
}

static int
read_pictures(int n, reader *r, int npicture, char **path, weft_diag *diag)
{
    int disagree = 0;
    for (int i = 0; i < npicture; i++) {
        float picture[SIDE * SIDE];
        bool same;
        if (!load_picture(path[i], picture))
            return 2;
        weft_status status = answer(path[i], n, r, picture, diag, &same);
        if (status)
            return weft_status_exit_code(status);
        disagree += !same;
    }
    printf("%d pictures, %d devices, %d disagreements\n", npicture, n, disagree);
    return disagree > 0;
}

int
main(int argc, char **argv)
{
    if (argc < 4) {
        fputs("usage: digits MODULE DEVICE[,DEVICE..] PICTURE.npy..\n", stderr);
        return 2;
    }
    weft_diag *diag = weft_diag_create();
    weft_module *module = NULL;
    reader r[MAX_READERS] = { 0 };
    int n = 0;
    weft_status status = weft_module_read(argv[1], diag, &module);
    for (const char *id = argv[2]; *id && n < MAX_READERS && !status; n++) {
        size_t length = strcspn(id, ",");
        status = open_reader(module, id, length, diag, &r[n]);
        id += length + (id[length] == ',');
    }
    int code =
        status ? weft_status_exit_code(status) : read_pictures(n, r, argc - 3, argv + 3, diag);
    fputs(weft_diag_text(diag), stderr);
    while (n > 0)
        close_reader(&r[--n]);
    weft_module_destroy(module);
    weft_diag_destroy(diag);
    return code;
}
