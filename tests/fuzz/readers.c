/* tests/fuzz/readers.c: the table of readers; files of bytes. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

const fuzz_reader fuzz_readers[] = {
#define READER(name, check, ...) { #name, fuzz_##check, __VA_ARGS__ },
#include "readers.def"
#undef READER
    { 0 }
};

const fuzz_reader *
fuzz_reader_named(const char *name)
{
    const fuzz_reader *r = fuzz_readers;
    while (r->name && strcmp(r->name, name) != 0)
        r++;
    return r->name ? r : NULL;
}

void
fuzz_with_file(const uint8_t *data, size_t size, void (*read)(const char *, weft_diag *))
{
    char path[64];
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || (size && write(fd, data, size) != (ssize_t)size))
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    weft_diag *diag = weft_diag_create();
    read(path, diag);
    weft_diag_destroy(diag);
    close(fd);
}
