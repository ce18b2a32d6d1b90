/* The kernel cache: compiled binaries in files named by their key.
 *
 * An entry is a magic line, the SHA-256 of the data in hex, the data.  Nothing here can fail a
 * load: whatever goes wrong is a miss, or an entry that is not kept.
 */
#include "runtime/device.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { KEY = 64, DEFAULT_MAX_MB = 1024 };
static const char magic[] = "weft cache 1\n";
enum { MAGIC = sizeof magic - 1, HEAD = MAGIC + KEY };

/* The cache's directory in dir; false when there is to be no cache. */
static bool
cache_dir(weft_str *dir)
{
    const char *off = getenv("WEFT_CACHE"), *own = getenv("WEFT_CACHE_DIR");
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (off && !strcmp(off, "0"))
        return false;
    if (own && *own)
        weft_str_add(dir, own);
    else if (xdg && *xdg == '/')
        weft_str_addf(dir, "%s/weft", xdg);
    else if (home && *home)
        weft_str_addf(dir, "%s/.cache/weft", home);
    return dir->n > 0;
}

static bool
is_key(const char *name)
{
    return strlen(name) == KEY && strspn(name, "0123456789abcdef") == KEY;
}

void
weft_cache_key(char hex[65], int n, const char *const *part, const size_t *size)
{
    weft_str all = { 0 };
    for (int i = 0; i < n; i++) { /* the length in front: ("ab", "c") is not ("a", "bc") */
        weft_str_addf(&all, "%zu:", size[i]);
        weft_str_addn(&all, part[i], size[i]);
    }
    weft_sha256(weft_str_text(&all), all.n, hex);
    weft_str_free(&all);
}

static int64_t
max_bytes(void)
{
    const char *text = getenv("WEFT_CACHE_MAX_MB");
    char *end = NULL;
    long long mb = text ? strtoll(text, &end, 10) : DEFAULT_MAX_MB;
    if (text && (end == text || *end || mb < 0 || mb > INT64_MAX >> 20))
        mb = DEFAULT_MAX_MB;
    return (int64_t)mb << 20;
}

/* A regular file's bytes, malloc'ed.  They are read, not mapped: whoever cuts the file off
 * meanwhile makes them wrong, which the checksum finds, but not a signal. */
static bool
read_entry(const char *path, char **data, size_t *size)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool good = fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > HEAD &&
                st.st_size - HEAD <= max_bytes();
    *size = good ? (size_t)st.st_size : 0;
    *data = good ? malloc(*size) : NULL;
    size_t have = 0;
    for (ssize_t n; *data && have < *size; have += (size_t)n) {
        n = read(fd, *data + have, *size - have);
        if (n <= 0)
            break;
    }
    if (fd >= 0)
        close(fd);
    return *data && have == *size;
}

bool
weft_cache_get(const char *key, void **data, size_t *size)
{
    weft_str path = { 0 };
    char *entry = NULL, hex[65];
    size_t n;
    bool found = false;
    *data = NULL;
    *size = 0;
    if (is_key(key) && cache_dir(&path)) {
        weft_str_addf(&path, "/%s", key);
        found = read_entry(path.at, &entry, &n) && !memcmp(entry, magic, MAGIC);
        if (found)
            weft_sha256(entry + HEAD, n - HEAD, hex);
        found = found && !memcmp(hex, entry + MAGIC, KEY);
    }
    if (found) {
        *size = n - HEAD;
        *data = memmove(entry, entry + HEAD, *size);
        utimensat(AT_FDCWD, path.at, NULL, 0); /* used now: the oldest go first */
    } else {
        free(entry);
    }
    weft_str_free(&path);
    return found;
}

typedef struct entry {
    char name[KEY + 1];
    int64_t seconds, nanoseconds, bytes;
} entry;
typedef WEFT_VEC(entry) entry_list;

static int
by_age(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->seconds != y->seconds)
        return x->seconds < y->seconds ? -1 : 1;
    if (x->nanoseconds != y->nanoseconds)
        return x->nanoseconds < y->nanoseconds ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* Whether the name is what weft_file_write gives an entry until it is whole. */
static bool
is_temporary(const char *name)
{
    return strlen(name) == KEY + 7 && strspn(name, "0123456789abcdef") == KEY && name[KEY] == '.';
}

/* Lists the entries; removes what processes that ended in the middle of one left behind. */
static int64_t
list_entries(DIR *d, weft_arena *arena, entry_list *all)
{
    enum { ABANDONED = 3600 }; /* seconds; no entry takes that long to write */
    int64_t total = 0;
    for (struct dirent *e; (e = readdir(d));) {
        struct stat st;
        bool temporary = is_temporary(e->d_name);
        if (!temporary && !is_key(e->d_name))
            continue;
        if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
            continue;
        if (temporary) {
            if (st.st_mtim.tv_sec < time(NULL) - ABANDONED)
                unlinkat(dirfd(d), e->d_name, 0);
            continue;
        }
        entry *one = WEFT_PUSH(arena, all);
        memcpy(one->name, e->d_name, KEY);
        one->seconds = st.st_mtim.tv_sec;
        one->nanoseconds = st.st_mtim.tv_nsec;
        one->bytes = st.st_size;
        total += st.st_size;
    }
    return total;
}

/* Removes the oldest entries until the rest fit.  Files that are not entries are left alone.
 * Another process may be at it as well: what it removed is gone, too. */
static void
trim(const char *dir)
{
    DIR *d = opendir(dir);
    weft_arena arena = { 0 };
    entry_list all = { 0 };
    if (!d)
        return;
    int64_t total = list_entries(d, &arena, &all), most = max_bytes();
    if (total > most)
        qsort(all.at, (size_t)all.n, sizeof *all.at, by_age);
    for (int i = 0; i < all.n && total > most; i++)
        if (!unlinkat(dirfd(d), all.at[i].name, 0) || errno == ENOENT)
            total -= all.at[i].bytes;
    closedir(d);
    weft_arena_reset(&arena);
}

void
weft_cache_put(const char *key, const void *data, size_t size)
{
    weft_str path = { 0 };
    char hex[65];
    if (size && is_key(key) && cache_dir(&path) && !weft_make_dirs(NULL, path.at)) {
        const weft_piece piece[] = { { magic, MAGIC }, { hex, KEY }, { data, size } };
        size_t dir_size = path.n;
        weft_sha256(data, size, hex);
        weft_str_addf(&path, "/%s", key);
        bool written = !weft_file_write_pieces(NULL, path.at, piece, 3);
        path.at[dir_size] = 0;
        if (written)
            trim(path.at);
    }
    weft_str_free(&path);
}

/* Copies a quoted string or character, quotes included; returns what follows it. */
static const char *
copy_quoted(weft_str *out, const char *p)
{
    const char *from = p, quote = *p++;
    while (*p && *p != quote && *p != '\n')
        p += p[0] == '\\' && p[1] ? 2 : 1;
    p += *p == quote;
    weft_str_addn(out, from, (size_t)(p - from));
    return p;
}

void
weft_cache_strip(weft_str *out, const char *text, bool is_spirv)
{
    const char *p = text;
    while (*p) {
        if (*p == '"' || (*p == '\'' && !is_spirv)) {
            p = copy_quoted(out, p);
        } else if (is_spirv ? *p == ';' : p[0] == '/' && p[1] == '/') {
            p += strcspn(p, "\n");
        } else if (!is_spirv && p[0] == '/' && p[1] == '*') {
            const char *end = strstr(p + 2, "*/");
            end = end ? end + 2 : p + strlen(p);
            weft_str_add(out, " ");
            for (; p < end; p++) /* binaries of emulated devices know lines */
                weft_str_addn(out, p, *p == '\n');
        } else {
            size_t n = 1 + strcspn(p + 1, "\"'/;");
            weft_str_addn(out, p, n);
            p += n;
        }
    }
}
