/* tests/backends/support.h: what the tests of printed text share. */
#ifndef WEFT_TEST_BACKENDS_SUPPORT_H
#define WEFT_TEST_BACKENDS_SUPPORT_H

#include "backends/backend.h"

/* The printable languages, in the order of a golden row. */
enum { LANGUAGES = 4 };
extern const weft_api languages[LANGUAGES];

/* Names of the files in a folder that end in `suffix`, sorted, without it; NULL-terminated,
 * malloc'ed. */
char **list_files(const char *folder, const char *suffix);
void free_list(char **);
/* The whole file, NULL if there is none; malloc'ed. */
char *read_text(const char *path);
/* The one kernel of a text; fails the test with the message if it does not parse. */
weft_kernel *parse_kernel(weft_ir *, const char *name, const char *text);
/* The profile that a comment "# opencl: pocl" in the text asks for, else the API's default; and the
 * numerics of "# numerics: strict". */
const weft_target *target_of(const char *text, weft_api);
weft_numerics numerics_of(const char *text);
/* Runs a command; its exit status, and its output (stdout and stderr) in a malloc'ed text. */
int run_command(char **output, const char *fmt, ...) WEFT_PRINTF(2, 3);
bool has_program(const char *name);
/* What a Metal compiler would refuse in a source file, as far as clang against the stub and a
 * reading of the text can tell; NULL if nothing.  malloc'ed. */
char *metal_faults(const char *path);
/* What NVRTC says against a CUDA source; NULL if nothing.  *found is false where there is no NVRTC.
 */
char *nvrtc_faults(const char *source, int arch, bool *found);

#endif
