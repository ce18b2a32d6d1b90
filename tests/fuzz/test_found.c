/* tests/fuzz/test_found.c: each file of found/<reader>/ was once too much for that reader.
 *
 *   fuzz_found DIRECTORY
 *
 * A reader that is still not up to one crashes here, after the file's name.
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

/* Stated once for all: what is slower or larger fails by a signal. */
enum { MAX_SECONDS = 60, MAX_FILE = 1 << 20 };

static int
check_all(const fuzz_reader *r, const char *directory)
{
    int n = 0;
    char path[4096], *text;
    size_t size;
    snprintf(path, sizeof path, "%s/%s", directory, r->name);
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s/%s", directory, r->name, e->d_name);
        printf("%s: %s\n", r->name, e->d_name);
        fflush(stdout);
        if (weft_file_read(NULL, path, MAX_FILE, &text, &size))
            return -1;
        r->check((const uint8_t *)text, size);
        free(text);
        n++;
    }
    if (d)
        closedir(d);
    return n;
}

int
main(int argc, char **argv)
{
    int all = 0;
    struct rlimit time = { MAX_SECONDS, MAX_SECONDS };
    setrlimit(RLIMIT_CPU, &time);
    for (const fuzz_reader *r = fuzz_readers; argc == 2 && r->name; r++) {
        int n = check_all(r, argv[1]);
        if (n < 0)
            return 1;
        all += n;
    }
    printf("%d files\n", all);
    return all == 0;
}
