/* Whole files: mapped, read, written without a half-written moment; and the clock. */
#include "base/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static weft_status
io_fail(weft_diag *diag, const char *doing, const char *path)
{
    int e = errno;
    char text[128];
    const char *reason = strerror_r(e, text, sizeof text);
    return weft_fail(diag, e == ENOENT ? WEFT_NOT_FOUND : WEFT_IO, "%s '%s' failed: %s", doing,
                     path, reason);
}

/* Opens what is not a directory and tells its size. */
static weft_status
open_file(weft_diag *diag, const char *path, int *fd, size_t *size)
{
    struct stat st;
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0)
        return io_fail(diag, "opening", path);
    bool known = fstat(*fd, &st) == 0;
    if (known && !S_ISDIR(st.st_mode)) {
        *size = (size_t)st.st_size;
        return WEFT_OK;
    }
    if (known)
        errno = EISDIR;
    weft_status s = io_fail(diag, "reading", path);
    close(*fd);
    return s;
}

weft_status
weft_file_map(weft_diag *diag, const char *path, weft_file *file)
{
    size_t size = 0;
    *file = (weft_file){ 0 };
    int fd;
    weft_status opened = open_file(diag, path, &fd, &size);
    if (opened != WEFT_OK)
        return opened;
    if (size) {
        void *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED) {
            weft_status s = io_fail(diag, "mapping", path);
            close(fd);
            return s;
        }
        file->data = data;
        file->size = size;
    }
    close(fd);
    return WEFT_OK;
}

void
weft_file_unmap(weft_file *file)
{
    if (file->size)
        munmap((void *)(uintptr_t)file->data, file->size);
    *file = (weft_file){ 0 };
}

/* Reads to the end: pipes and devices have no size to trust. */
static weft_status
read_all(weft_diag *diag, const char *path, int fd, size_t max_bytes, weft_str *s)
{
    char *chunk = malloc(1 << 16);
    weft_status status = WEFT_OK;
    if (!chunk)
        weft_out_of_memory(1 << 16);
    for (;;) {
        ssize_t got = read(fd, chunk, 1 << 16);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            status = io_fail(diag, "reading", path);
        if (got <= 0)
            break;
        if ((size_t)got > max_bytes - s->n) {
            status = weft_fail(diag, WEFT_LIMIT, "'%s' has more than the %zu bytes that are read",
                               path, max_bytes);
            break;
        }
        weft_str_addn(s, chunk, (size_t)got);
    }
    free(chunk);
    return status;
}

weft_status
weft_file_read(weft_diag *diag, const char *path, size_t max_bytes, char **text, size_t *n)
{
    size_t size = 0;
    weft_str s = { 0 };
    *text = NULL;
    *n = 0;
    int fd;
    weft_status status = open_file(diag, path, &fd, &size);
    if (status != WEFT_OK)
        return status;
    status = read_all(diag, path, fd, max_bytes, &s);
    close(fd);
    if (status != WEFT_OK) {
        weft_str_free(&s);
        return status;
    }
    *n = s.n;
    *text = weft_str_take(&s);
    return WEFT_OK;
}

static bool
write_all(int fd, const char *data, size_t n)
{
    while (n) {
        ssize_t put = write(fd, data, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        data += put;
        n -= (size_t)put;
    }
    return true;
}

/* A new file beside the path, "<path>.xxxxxx", with what the process's umask leaves of 0666
 * (mkstemp would make it private); -1: see errno. */
static int
create_beside(weft_str *name, const char *path)
{
    enum { TRIES = 1000, MASK = 0xffffff };
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t state = (uint64_t)getpid() << 40 ^ (uint64_t)now.tv_nsec ^ (uintptr_t)name;
    int fd = -1;
    for (int i = 0; i < TRIES && fd < 0 && (i == 0 || errno == EEXIST); i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        name->n = 0;
        weft_str_addf(name, "%s.%06x", path, (unsigned)(state >> 40 & MASK));
        fd = open(name->at, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    }
    return fd;
}

weft_status
weft_file_write(weft_diag *diag, const char *path, const void *data, size_t n)
{
    return weft_file_write_pieces(diag, path, &(weft_piece){ data, n }, 1);
}

weft_status
weft_file_write_pieces(weft_diag *diag, const char *path, const weft_piece *piece, int n)
{
    weft_str temporary = { 0 };
    weft_status status = WEFT_OK;
    int fd = create_beside(&temporary, path);
    if (fd < 0) {
        status = io_fail(diag, "creating", path);
        weft_str_free(&temporary);
        return status;
    }
    bool ok = true;
    for (int i = 0; i < n && ok; i++)
        ok = write_all(fd, piece[i].data, piece[i].size);
    if (!ok)
        status = io_fail(diag, "writing", path);
    if (close(fd) != 0 && status == WEFT_OK)
        status = io_fail(diag, "writing", path);
    if (status == WEFT_OK && rename(temporary.at, path) != 0)
        status = io_fail(diag, "renaming the finished file to", path);
    if (status != WEFT_OK)
        unlink(temporary.at);
    weft_str_free(&temporary);
    return status;
}

static bool
is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

weft_status
weft_make_dirs(weft_diag *diag, const char *path)
{
    weft_str part = { 0 };
    weft_status status = WEFT_OK;
    for (const char *p = path; status == WEFT_OK; p++) {
        if ((*p == '/' || !*p) && part.n && !is_dir(part.at) && mkdir(part.at, 0777) != 0 &&
            !is_dir(part.at))
            status = io_fail(diag, "creating the directory", part.at);
        if (!*p)
            break;
        weft_str_addn(&part, p, 1);
    }
    weft_str_free(&part);
    return status;
}

double
weft_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}
