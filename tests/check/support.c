/* The lying device, and graphs to check it on. */
#include "support.h"

#include <stdio.h>
#include <unistd.h>

const char support_ten_nodes[] = "graph ten(x: f32[4, 8], w: f32[8, 8]) -> (y) {\n"
                                 "    a: f32[4, 8] = matmul(x, w) {ta=0, tb=0} from \"n1\" (A)\n"
                                 "    b: f32[4, 8] = sin(a) from \"n2\" (A)\n"
                                 "    c: f32[4, 8] = softmax(b) {axis=1} from \"n3\" (A)\n"
                                 "    d: f32[4, 8] = matmul(c, w) {ta=0, tb=0} from \"n4\" (A)\n"
                                 "    e: f32[4, 8] = exp(d) from \"n5\" (A)\n"
                                 "    f: f32[4, 8] = tanh(e) from \"n6\" (A)\n"
                                 "    g: f32[4, 8] = add(f, x) from \"n7\" (A)\n"
                                 "    h: f32[4, 8] = matmul(g, w) {ta=0, tb=0} from \"n8\" (A)\n"
                                 "    i: f32[4, 8] = relu(h) from \"n9\" (A)\n"
                                 "    y: f32[4, 8] = add(i, x) from \"n10\" (A)\n"
                                 "}\n";

const char support_three_kernels[] =
    "graph three(x: f32[4, 8], w: f32[8, 8]) -> (y) {\n"
    "    a: f32[4, 8] = matmul(x, w) {ta=0, tb=0} from \"first\" (A)\n"
    "    b: f32[4, 8] = matmul(a, w) {ta=0, tb=0} from \"second\" (A)\n"
    "    c: f32[4, 8] = tanh(b) from \"bent\" (A)\n"
    "    y: f32[4, 8] = matmul(c, w) {ta=0, tb=0} from \"third\" (A)\n"
    "}\n";

static weft_driver liar;
static support_lie lie;

static weft_status
open_liar(int index, weft_diag *diag, weft_device **device)
{
    if (lie.does_not_open)
        return weft_fail(diag, WEFT_DEVICE, "liar: it is in use");
    weft_status status = weft_interp_driver.open(index, diag, device);
    if (!status) {
        (*device)->driver = &liar;
        snprintf((*device)->info.id, sizeof(*device)->info.id, "liar");
    }
    return status;
}

static int
count_one(weft_str *why)
{
    (void)why;
    return 1;
}

/* The text with every occurrence of one word replaced; malloc'ed. */
static char *
replaced(const char *text)
{
    weft_str s = { 0 };
    for (const char *at; (at = strstr(text, lie.instead_of)); text = at + strlen(lie.instead_of)) {
        weft_str_addn(&s, text, (size_t)(at - text));
        weft_str_add(&s, lie.compiles);
    }
    weft_str_add(&s, text);
    return weft_str_take(&s);
}

static weft_status
load_lies(weft_device *d, const weft_source *source, int n, weft_numerics numerics,
          weft_code **code, weft_diag *diag)
{
    weft_source *own = calloc((size_t)n + 1, sizeof *own);
    for (int i = 0; i < n; i++) {
        own[i] = source[i];
        if (lie.instead_of)
            own[i].text = replaced(source[i].text);
        own[i].size = strlen(own[i].text);
    }
    weft_status status = weft_interp_driver.load(d, own, n, numerics, code, diag);
    for (int i = 0; i < n && lie.instead_of; i++)
        free((char *)(uintptr_t)own[i].text);
    free(own);
    return status;
}

static int launches; /* of the batch recorded last */

static weft_status
record_lies(weft_device *d, const weft_launch *launch, int n, weft_batch **batch, weft_diag *diag)
{
    launches = n;
    return weft_interp_driver.record(d, launch, n, batch, diag);
}

static weft_status
submit_lies(weft_device *d, weft_batch *batch, double *times, weft_diag *diag)
{
    if (lie.fails)
        return weft_fail(diag, WEFT_DEVICE, "liar: the device was lost");
    bool nothing = lie.runs_nothing || (lie.most_launches && launches > lie.most_launches);
    return nothing ? WEFT_OK : weft_interp_driver.submit(d, batch, times, diag);
}

weft_drivers
support_drivers(support_lie now)
{
    lie = now;
    liar = weft_interp_driver;
    liar.name = "liar";
    liar.api = now.does_not_open ? WEFT_API_METAL : liar.api; /* not left out where none is named */
    liar.open = open_liar;
    liar.count = count_one;
    liar.load = load_lies;
    liar.record = record_lies;
    liar.submit = submit_lies;
    return (weft_drivers){ 2, { &weft_interp_driver, &liar } };
}

weft_check_options
support_options(const char *text, const char *const *device, const weft_drivers *drivers)
{
    return (weft_check_options){
        .job = { .text = text, .optimize = 2, .threads = 1, .numerics = WEFT_DEFAULT },
        .drivers = drivers,
        .ndevice = 1,
        .device = device,
        .fill = "random:3"
    };
}

void
support_check(const char *text, const char *device, support_lie now, bool per_kernel,
              const char *out, weft_check_report *report)
{
    weft_drivers drivers = support_drivers(now);
    weft_check_options o = support_options(text, &device, &drivers);
    weft_diag *diag = weft_diag_create();
    o.per_kernel = per_kernel;
    o.out = out;
    if (weft_check_model("test.wir", &o, diag, report))
        fail_msg("%s", weft_diag_text(diag));
    weft_diag_destroy(diag);
}

char *
support_folder(void)
{
    char *name = strdup("/tmp/weft-check.XXXXXX");
    assert_non_null(mkdtemp(name));
    return name;
}

void
support_remove(char *folder)
{
    char command[200];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    assert_int_equal(system(command), 0);
    free(folder);
}
