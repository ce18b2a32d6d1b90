/* Runs the network of handwritten digits on one picture: run_model MODULE DEVICE PICTURE.npy */
#include <stdio.h>
#include <weft/weft.h>

int
main(int argc, char **argv)
{
    float picture[28 * 28], p[10];
    weft_diag *diag = weft_diag_create();
    weft_module *module = NULL;
    weft_device *device = NULL;
    weft_session *session = NULL;
    if (argc != 4)
        return fputs("usage: run_model MODULE DEVICE PICTURE.npy\n", stderr), 2;

    /* The pixels are the last bytes of a .npy file. */
    FILE *f = fopen(argv[3], "rb");
    if (!f || fseek(f, -(long)sizeof picture, SEEK_END) || !fread(picture, sizeof picture, 1, f))
        return fprintf(stderr, "%s: no picture\n", argv[3]), 2;
    fclose(f);

    weft_status status = weft_module_read(argv[1], diag, &module);
    if (!status && !(status = weft_open_device(argv[2], diag, &device)) &&
        !(status = weft_session_create(module, device, NULL, diag, &session)) &&
        !(status = weft_session_set_input(session, 0, picture, sizeof picture, diag)) &&
        !(status = weft_session_run(session, diag)) &&
        !(status = weft_session_get_output(session, 0, p, sizeof p, diag)))
        for (int d = 0; d < 10; d++)
            printf("%d: %5.1f %%\n", d, 100 * (double)p[d]);
    fputs(weft_diag_text(diag), stderr);

    weft_session_destroy(session);
    weft_device_close(device);
    weft_module_destroy(module);
    weft_diag_destroy(diag);
    return weft_status_exit_code(status);
}
