/* Emulated devices: the host's compiler, found and run; its shared objects, cached and loaded. */
#include "backends/emu/device_priv.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

enum { OLDEST = 15, NEWEST = 21, MESSAGE_LINES = 30, MAX_FLAGS = 64 };

typedef struct library {
    void *handle;
    int file; /* open while it is loaded: its number is the object's name */
    uintptr_t start, end;
} library;

struct weft_code {
    int n, nlibrary;
    const weft_emu_entry **entry; /* of the sources, in their order */
    library *library;
    bool flushes;
    weft_arena arena;
};

/* ---- flags ----------------------------------------------------------------------------------- */

/* How a thread's own variable is found: see make_unit. */
static const char initial[] = "-ftls-model=initial-exec", dynamic[] = "-ftls-model=global-dynamic";

#define STRING_OF(x) #x
#define STRING(x)    STRING_OF(x)

static const char *const always[] = {
    WEFT_EMU_TEXT_FLAGS,
    "-shared",
    "-nostdlib++",
    "-fno-sanitize-link-runtime", /* the text brings what its instrumentation calls */
    "-Wno-everything",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-Werror=global-constructors", /* nothing of the text runs but as a kernel's thread */
    "-Wframe-larger-than=" STRING(WEFT_EMU_MAX_FRAME_BYTES), /* its stack has to hold it */
    "-Werror=frame-larger-than",
    NULL,
};

/* What the levels of doc/IR.md mean here. */
static const char *const by_numerics[][4] = {
    [WEFT_STRICT] = { "-ffp-contract=off" },
    [WEFT_DEFAULT] = { "-ffp-contract=fast" },
    /* division by a reciprocal; denormals are zeros while it runs (weft_emu_flushes) */
    [WEFT_FAST] = { "-ffp-contract=fast", "-freciprocal-math", "-fapprox-func" },
};

#ifdef __x86_64__
/* clang 15 does not know the name in __builtin_cpu_supports. */
static bool
has_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}
#endif

static int
add_processor(const char **flag)
{
    int n = 0;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c()) {
        flag[n++] = "-mavx2";
        flag[n++] = "-mfma";
        flag[n++] = "-mf16c";
    }
#else
    (void)flag;
#endif
    return n;
}

/* All flags, NULL at the end. */
static void
make_flags(weft_numerics numerics, const char **flag)
{
    int n = 0;
    for (int i = 0; always[i]; i++)
        flag[n++] = always[i];
    for (int i = 0; i < 4 && by_numerics[numerics][i]; i++)
        flag[n++] = by_numerics[numerics][i];
    n += add_processor(flag + n);
    flag[n] = NULL;
}

/* ---- processes ------------------------------------------------------------------------------- */

extern char **environ;

/* Runs a command with its output in a file; its exit status, or -1 when it cannot be started. */
static int
run_command(const char *const *argv, const char *output)
{
    posix_spawn_file_actions_t files;
    pid_t pid;
    int status = -1;
    char *argument[MAX_FLAGS + 8];
    int n = 0;
    for (; argv[n]; n++)
        memcpy(&argument[n], &argv[n], sizeof *argv); /* posix_spawn takes char *const [] */
    argument[n] = NULL;
    if (posix_spawn_file_actions_init(&files))
        return -1;
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    if (posix_spawn(&pid, argv[0], &files, NULL, argument, environ) == 0)
        while (waitpid(pid, &status, 0) < 0)
            if (errno != EINTR) {
                status = -1;
                break;
            }
    posix_spawn_file_actions_destroy(&files);
    return status < 0 ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A new directory for temporary files; false: see errno. */
static bool
make_directory(weft_str *dir)
{
    const char *tmp = getenv("TMPDIR");
    weft_str_addf(dir, "%s/weft-emu-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    return mkdtemp(dir->at);
}

/* Removes the files that are made in one, and it. */
static void
remove_directory(const weft_str *dir)
{
    static const char *const name[] = { "unit.cpp", "unit.so", "messages" };
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        weft_str path = { 0 };
        weft_str_addf(&path, "%s/%s", dir->at, name[i]);
        unlink(path.at);
        weft_str_free(&path);
    }
    rmdir(dir->at);
}

/* ---- the compiler ---------------------------------------------------------------------------- */

/* The path of a program as a shell would find it. */
static bool
find_program(const char *name, char path[256])
{
    const char *p = getenv("PATH");
    if (strchr(name, '/'))
        return snprintf(path, 256, "%s", name) < 256 && access(path, X_OK) == 0;
    while (p && *p) {
        size_t n = strcspn(p, ":");
        if (n && snprintf(path, 256, "%.*s/%s", (int)n, p, name) < 256 && access(path, X_OK) == 0)
            return true;
        p += n + (p[n] == ':');
    }
    return false;
}

/* The first line of --version.  clang's major version; 0: it is none; -1: it cannot be asked, and
 * why. */
static int
ask_version(const char *path, char version[128], weft_str *why)
{
    weft_str dir = { 0 }, output = { 0 };
    char *text = NULL;
    size_t n;
    int major = 0;
    if (!make_directory(&dir)) {
        weft_str_addf(why, "%s cannot be made: %s; TMPDIR may name a place for temporary files",
                      dir.at, strerror(errno));
        weft_str_free(&dir);
        return -1;
    }
    weft_str_addf(&output, "%s/messages", dir.at);
    const char *argv[] = { path, "--version", NULL };
    int code = run_command(argv, output.at);
    if (code < 0 || code > 1) {
        weft_str_addf(why, "%s --version ends with status %d", path, code);
        major = -1;
    } else if (!code && !weft_file_read(NULL, output.at, 1 << 16, &text, &n)) {
        const char *at = strstr(text, "clang version ");
        snprintf(version, 128, "%.*s", (int)strcspn(text, "\n"), text);
        major = at ? atoi(at + strlen("clang version ")) : 0;
    }
    free(text);
    remove_directory(&dir);
    weft_str_free(&output);
    weft_str_free(&dir);
    return major;
}

/* 1: it will do; 0: there is none of that name, or it will not do; -1: nor will any other. */
static int
try_compiler(const char *name, weft_emu_compiler *c, weft_str *why)
{
    if (!find_program(name, c->path))
        return 0;
    int major = ask_version(c->path, c->version, why);
    if (major < 0 || major >= OLDEST)
        return major < 0 ? -1 : 1;
    weft_str_addf(why, major ? "%s is clang %d; " : "%s is not clang; ", c->path, major);
    return 0;
}

bool
weft_emu_find_compiler(weft_emu_compiler *c, weft_str *why)
{
    const char *own = getenv("WEFT_EMU_CXX");
    char name[32];
    int found = 0;
    *c = (weft_emu_compiler){ 0 };
    if (own && *own) {
        found = try_compiler(own, c, why);
        if (!found)
            weft_str_addf(why,
                          "WEFT_EMU_CXX is '%s'; it has to be a clang++ of version %d or later",
                          own, OLDEST);
        return found > 0;
    }
    for (int v = NEWEST; v >= OLDEST && !found; v--)
        for (int plus = 1; plus >= 0 && !found; plus--) {
            snprintf(name, sizeof name, plus ? "clang++-%d" : "clang-%d", v);
            found = try_compiler(name, c, why);
        }
    if (!found)
        found = try_compiler("clang++", c, why);
    if (!found)
        found = try_compiler("clang", c, why);
    if (!found)
        weft_str_addf(why,
                      "it compiles kernels with clang++ of version %d or later, which is not on "
                      "PATH; WEFT_EMU_CXX may name one",
                      OLDEST);
    return found > 0;
}

/* ---- compiling ------------------------------------------------------------------------------- */

typedef struct unit { /* a translation unit and what becomes of it */
    const weft_emu_device *device;
    const weft_source *source;
    int n;
    const char *const *flag;
    const char *storage; /* one flag more: initial or dynamic */
    bool no_room;        /* the first of them does not load */
    weft_str text;
    library library;
    const weft_emu_entries *entries;
    weft_diag *diag;
    weft_status status;
} unit;

static weft_status
pass_on(const unit *u, int code, const char *path)
{
    char *text = NULL;
    size_t n;
    weft_str head = { 0 };
    if (!weft_file_read(NULL, path, 1 << 20, &text, &n)) {
        const char *end = text;
        for (int i = 0; i < MESSAGE_LINES && *end; i++)
            end += strcspn(end, "\n") + (end[strcspn(end, "\n")] != 0);
        weft_str_addn(&head, text, (size_t)(end - text));
    }
    free(text);
    bool rejected = code == 1 && head.n;
    weft_status s =
        weft_fail(u->diag, rejected ? WEFT_INVALID_INPUT : WEFT_DEVICE,
                  "%s: %s %s the kernels' text (exit status %d):\n%s", u->device->base.info.id,
                  u->device->compiler.path, rejected ? "does not compile" : "fails on", code,
                  weft_str_text(&head));
    weft_str_free(&head);
    return s;
}

/* The shared object of the unit's text, malloc'ed. */
static weft_status
compile(unit *u, void **data, size_t *size)
{
    weft_str dir = { 0 }, input = { 0 }, output = { 0 }, messages = { 0 };
    const char *argv[MAX_FLAGS + 8];
    int n = 0;
    if (!make_directory(&dir)) {
        weft_str_free(&dir);
        return weft_fail(u->diag, WEFT_IO,
                         "%s: no directory for temporary files: %s; TMPDIR may "
                         "name another place",
                         u->device->base.info.id, strerror(errno));
    }
    weft_str_addf(&input, "%s/unit.cpp", dir.at);
    weft_str_addf(&output, "%s/unit.so", dir.at);
    weft_str_addf(&messages, "%s/messages", dir.at);
    argv[n++] = u->device->compiler.path;
    for (int i = 0; u->flag[i]; i++)
        argv[n++] = u->flag[i];
    argv[n++] = u->storage;
    argv[n++] = input.at;
    argv[n++] = "-o";
    argv[n++] = output.at;
    argv[n++] = "-lm";
    argv[n] = NULL;
    char *text = NULL;
    weft_status s = weft_file_write(u->diag, input.at, u->text.at, u->text.n);
    int code = s ? 0 : run_command(argv, messages.at);
    if (code)
        s = pass_on(u, code, messages.at);
    if (!s)
        s = weft_file_read(u->diag, output.at, 1 << 30, &text, size);
    *data = text;
    remove_directory(&dir);
    weft_str_free(&dir);
    weft_str_free(&input);
    weft_str_free(&output);
    weft_str_free(&messages);
    return s;
}

/* ---- loading --------------------------------------------------------------------------------- */

typedef struct search {
    uintptr_t base;
    library *found;
} search;

static int
find_image(struct dl_phdr_info *info, size_t size, void *user)
{
    search *s = user;
    (void)size;
    if (info->dlpi_addr != s->base)
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *h = &info->dlpi_phdr[i];
        uintptr_t start = s->base + h->p_vaddr, end = start + h->p_memsz;
        if (h->p_type != PT_LOAD)
            continue;
        if (!s->found->start || start < s->found->start)
            s->found->start = start;
        if (end > s->found->end)
            s->found->end = end;
    }
    return 1;
}

/* A file without a name that holds the bytes; -1: see errno. */
static int
anonymous_file(const void *data, size_t size)
{
    int file = memfd_create("weft-emu", MFD_CLOEXEC);
    for (size_t at = 0; file >= 0 && at < size;) {
        ssize_t n = write(file, (const char *)data + at, size - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            close(file);
            return -1;
        }
        at += (size_t)n;
    }
    return file;
}

/* diag NULL: to be tried. */
static weft_status
load_library(unit *u, const void *data, size_t size, weft_diag *diag)
{
    const char *id = u->device->base.info.id;
    library *l = &u->library;
    char path[64];
    weft_emu_entries_fn *get = NULL;
    struct link_map *map = NULL;
    l->file = anonymous_file(data, size);
    if (l->file < 0)
        return weft_fail(diag, WEFT_IO, "%s: no memory file for %zu bytes of code: %s", id, size,
                         strerror(errno));
    snprintf(path, sizeof path, "/proc/self/fd/%d", l->file);
    l->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!l->handle) {
        const char *why = dlerror();
        u->no_room = u->storage == initial && strstr(why, "static TLS");
        return weft_fail(u->no_room ? NULL : diag, WEFT_DEVICE,
                         "%s: dlopen of the kernels' code: %s", id, why);
    }
    void *symbol = dlsym(l->handle, WEFT_EMU_SYMBOL);
    memcpy(&get, &symbol, sizeof get);
    u->entries = get ? get() : NULL;
    if (!u->entries || u->entries->version != WEFT_EMU_VERSION || u->entries->n != u->n)
        return weft_fail(diag, WEFT_DEVICE,
                         "%s: the kernels' code has no table of %d kernels "
                         "as version %d has it",
                         id, u->n, WEFT_EMU_VERSION);
    if (!dlinfo(l->handle, RTLD_DI_LINKMAP, &map))
        dl_iterate_phdr(find_image, &(search){ map->l_addr, l });
    return WEFT_OK;
}

static void
close_library(library *l)
{
    if (l->handle)
        dlclose(l->handle);
    if (l->file >= 0)
        close(l->file);
    *l = (library){ .file = -1 };
}

static void
cache_key(const unit *u, char key[65])
{
    weft_str bare = { 0 }, flags = { 0 };
    for (int i = 0; u->flag[i]; i++)
        weft_str_addf(&flags, "%s ", u->flag[i]);
    weft_str_add(&flags, u->storage);
    weft_cache_strip(&bare, u->text.at, false);
    const char *part[] = { "weft emu 1", u->device->compiler.version, weft_str_text(&flags),
                           weft_str_text(&bare) };
    const size_t size[] = { strlen(part[0]), strlen(part[1]), flags.n, bare.n };
    weft_cache_key(key, 4, part, size);
    weft_str_free(&bare);
    weft_str_free(&flags);
}

/* Compiles, or takes what was compiled, and loads it. */
static weft_status
make_library(unit *u)
{
    char key[65];
    void *data = NULL;
    size_t size = 0;
    cache_key(u, key);
    bool cached = weft_cache_get(key, &data, &size);
    if (cached && load_library(u, data, size, NULL)) { /* of another make of the same name */
        close_library(&u->library);
        free(data);
        data = NULL;
        cached = false;
    }
    weft_status s = u->no_room ? WEFT_DEVICE : WEFT_OK;
    if (!cached && !s) {
        s = compile(u, &data, &size);
        if (!s)
            s = load_library(u, data, size, u->diag);
        if (!s || u->no_room)
            weft_cache_put(key, data, size);
        if (u->no_room)
            close_library(&u->library);
    }
    free(data);
    return s;
}

/* The text's pointer to its worker lies where a load finds it; for that the C library has room in
 * some two hundred modules at once.  Beyond them a call finds it. */
static void
make_unit(void *user, int i)
{
    unit *u = (unit *)user + i;
    u->storage = initial;
    u->status = make_library(u);
    if (u->no_room) {
        u->no_room = false;
        u->storage = dynamic;
        u->status = make_library(u);
    }
}

/* ---- the driver's part ----------------------------------------------------------------------- */

/* Kernels are shared out evenly; a unit too small is not worth the headers that it reads. */
static int
count_units(const weft_emu_device *d, int n)
{
    int units = n / 8 < d->ncore ? n / 8 : d->ncore;
    return units < 1 ? 1 : units;
}

static void
take_unit(weft_code *c, unit *u, int first)
{
    for (int i = 0; i < u->n && u->entries; i++)
        c->entry[first + i] = &u->entries->entry[i];
    c->library[c->nlibrary++] = u->library;
}

weft_status
weft_emu_load(weft_device *device, const weft_source *source, int n, weft_numerics numerics,
              weft_code **code, weft_diag *diag)
{
    weft_emu_device *d = (weft_emu_device *)device;
    const char *flag[MAX_FLAGS];
    weft_arena scratch = { 0 };
    weft_status s = WEFT_OK;
    weft_code *c = *code = calloc(1, sizeof *c);
    if (!c)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for a code handle");
    int nunit = n ? count_units(d, n) : 0;
    make_flags(numerics, flag);
    c->n = n;
    c->flushes = numerics == WEFT_FAST;
    c->entry = WEFT_NEW_ARRAY(&c->arena, n + 1, const weft_emu_entry *);
    c->library = WEFT_NEW_ARRAY(&c->arena, nunit + 1, library);
    unit *u = WEFT_NEW_ARRAY(&scratch, nunit + 1, unit);
    for (int i = 0; i < nunit && !s; i++) {
        int first = n * i / nunit;
        u[i] = (unit){ .device = d,
                       .source = source + first,
                       .n = n * (i + 1) / nunit - first,
                       .flag = flag,
                       .diag = diag,
                       .library = { .file = -1 } };
        s = weft_emu_translate(d->language, u[i].source, u[i].n, &u[i].text, diag);
    }
    if (!s)
        weft_parallel_for(nunit, nunit, make_unit, u);
    for (int i = 0; i < nunit; i++) {
        s = s ? s : u[i].status;
        if (u[i].device)
            take_unit(c, &u[i], n * i / nunit);
        weft_str_free(&u[i].text);
    }
    weft_arena_reset(&scratch);
    if (s) {
        weft_emu_unload(device, c);
        *code = NULL;
    }
    return s;
}

void
weft_emu_unload(weft_device *device, weft_code *c)
{
    (void)device;
    for (int i = 0; i < c->nlibrary; i++)
        close_library(&c->library[i]);
    weft_arena_reset(&c->arena);
    free(c);
}

const weft_emu_entry *
weft_emu_entry_of(const weft_code *c, int kernel)
{
    return kernel >= 0 && kernel < c->n ? c->entry[kernel] : NULL;
}

bool
weft_emu_flushes(const weft_code *c)
{
    return c->flushes;
}

bool
weft_emu_is_constant(const weft_code *c, uintptr_t p, size_t bytes)
{
    for (int i = 0; i < c->nlibrary; i++)
        if (p >= c->library[i].start && p < c->library[i].end && bytes <= c->library[i].end - p)
            return true;
    return false;
}
