/* tools/onnx_workers.c: cases shared out among processes.
 *
 * The parent hands each worker a run of cases and hears which one it begins and what came of it.
 * Drivers that compile take a lock of their process, so that threads would wait for each other; and
 * a driver that crashes takes one case with it.  A worker that dies while it prepares many has its
 * cases handed out again one by one, so that the next death has a name.
 */
#include "tools/onnx_case.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    LEAST_CASES = 8,       /* of a batch while there are more: each pays for a program */
    MOST_CASES = 32,       /* programs of more kernels cost hardly less a kernel */
    MOST_BYTES = 32 << 20, /* of their files: all of a batch are in memory at once */
    MAX_DEPTH = 3,         /* of a case's directories */
    MAX_WHY = 1 << 20
};

typedef struct order { /* to a worker */
    int first, n;
} order;

typedef enum word { READY, STARTS, DONE, BROKEN } word;

/* From a worker.  A text of `length` bytes follows: why, or the warnings of READY. */
typedef struct report {
    word word;
    int index;
    bool batches; /* of READY: many cases at once are cheaper */
    weft_verdict verdict;
    weft_status status; /* of BROKEN: the worker cannot go on */
    double seconds;
    size_t length;
} report;

typedef struct worker {
    pid_t pid; /* 0: none */
    int socket;
    bool batches;
    order given;
    int left; /* of those: not done yet */
    int at;   /* the case that it has begun; -1 */
} worker;

typedef struct suite {
    const weft_case_options *o;
    int n, next; /* next: the first case that nobody has been given */
    const char *const *dir;
    bool *is_done;
    int njob;
    worker *job;
    WEFT_VEC(order) again; /* to be handed out first */
    void *user;
    void (*done)(void *user, int i, const weft_case_result *);
    weft_arena arena;
    weft_diag *diag;
} suite;

/* ---- words ----------------------------------------------------------------------------------- */

static bool
send_all(int socket, const void *data, size_t n)
{
    for (const char *p = data; n;) {
        ssize_t sent = send(socket, p, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        p += sent;
        n -= (size_t)sent;
    }
    return true;
}

static bool
receive_all(int socket, void *data, size_t n)
{
    for (char *p = data; n;) {
        ssize_t got = recv(socket, p, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        p += got;
        n -= (size_t)got;
    }
    return true;
}

/* ---- a worker -------------------------------------------------------------------------------- */

/* To a parent that is gone there is nothing to say. */
static void
tell(int socket, report r, const char *text)
{
    r.length = text ? strlen(text) : 0;
    r.length = r.length < MAX_WHY ? r.length : MAX_WHY;
    if (!send_all(socket, &r, sizeof r) || !send_all(socket, text, r.length))
        _exit(1);
}

static void
tell_start(void *user, int i)
{
    tell(*(int *)user, (report){ .word = STARTS, .index = i }, NULL);
}

static void
tell_done(void *user, int i, const weft_case_result *result)
{
    report r = {
        .word = DONE, .index = i, .verdict = result->verdict, .seconds = result->seconds
    };
    tell(*(int *)user, r, result->why);
    free(result->why);
}

/* What the diag says, to be said again within another. */
static const char *
said(weft_diag *diag, weft_arena *arena)
{
    int n;
    const char *text = weft_diag_said(diag, &n);
    return weft_arena_printf(arena, "%.*s", n, text);
}

/* Does what it is told until the parent is gone. */
static void
work(const suite *s, int socket)
{
    weft_case_listener listener = { &socket, tell_start, tell_done };
    weft_arena arena = { 0 };
    weft_diag *diag = weft_diag_create();
    weft_device *device = NULL;
    weft_status status = weft_tool_device(s->o->device, diag, &device);
    order o;
    if (!status)
        tell(socket, (report){ .word = READY, .batches = device->info.target.one_program },
             weft_diag_text(diag));
    while (!status && receive_all(socket, &o, sizeof o))
        status = weft_run_cases(s->o, &device, s->dir, o.first, o.n, &listener, diag);
    if (status)
        tell(socket, (report){ .word = BROKEN, .status = status }, said(diag, &arena));
    if (device)
        weft_device_close(device);
    weft_diag_destroy(diag);
    weft_arena_reset(&arena);
}

static weft_status
start(suite *s, worker *w)
{
    int pair[2];
    *w = (worker){ .at = -1 };
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
        return weft_fail(s->diag, WEFT_IO, "no socket for a worker: %s", strerror(errno));
    fflush(NULL); /* or both would write what is waiting */
    w->pid = fork();
    if (w->pid == 0) {
        for (int i = 0; i < s->njob; i++)
            if (s->job[i].socket)
                close(s->job[i].socket);
        close(pair[0]);
        work(s, pair[1]);
        exit(0); /* what drivers report when all is over */
    }
    close(pair[1]);
    w->socket = pair[0];
    return w->pid > 0 ? WEFT_OK
                      : weft_fail(s->diag, WEFT_IO, "no process for a worker: %s", strerror(errno));
}

/* Waits for its end; how that came, as a sentence in the arena. */
static const char *
end(suite *s, worker *w)
{
    int how = 0;
    if (w->socket)
        close(w->socket);
    while (w->pid > 0 && waitpid(w->pid, &how, 0) < 0 && errno == EINTR)
        ;
    *w = (worker){ .at = -1 };
    return WIFSIGNALED(how)
               ? weft_arena_printf(&s->arena, "its process was ended by signal %d (%s)",
                                   WTERMSIG(how), strsignal(WTERMSIG(how)))
               : weft_arena_printf(&s->arena, "its process ended with status %d", WEXITSTATUS(how));
}

/* ---- what is handed out ---------------------------------------------------------------------- */

static int64_t
bytes_below(const char *path, int depth)
{
    struct stat st;
    int64_t total = 0;
    DIR *d = depth ? opendir(path) : NULL;
    if (!d)
        return stat(path, &st) || S_ISDIR(st.st_mode) ? 0 : (int64_t)st.st_size;
    for (struct dirent *e; (e = readdir(d));) {
        weft_str inner = { 0 };
        weft_str_addf(&inner, "%s/%s", path, e->d_name);
        if (e->d_name[0] != '.')
            total += bytes_below(weft_str_text(&inner), depth - 1);
        weft_str_free(&inner);
    }
    closedir(d);
    return total;
}

/* The next cases for one worker, which do not depend on how fast any is; n 0: there are none. */
static order
next_order(suite *s, bool batches)
{
    if (s->again.n)
        return s->again.at[--s->again.n];
    int left = s->n - s->next, most = (int)weft_ceildiv(left, s->njob);
    order o = { .first = s->next };
    most = most < LEAST_CASES ? LEAST_CASES : most > MOST_CASES ? MOST_CASES : most;
    most = !batches ? 1 : most;
    for (int64_t bytes = 0; o.n < most && o.n < left; o.n++) {
        bytes += bytes_below(s->dir[o.first + o.n], MAX_DEPTH);
        if (o.n && bytes > MOST_BYTES)
            break;
    }
    s->next += o.n;
    return o;
}

/* One that has nothing left to do is sent home.  That one has died shows when it is read from. */
static void
hand_out(suite *s, worker *w)
{
    order o = next_order(s, w->batches);
    w->given = o;
    w->left = o.n;
    if (o.n)
        send_all(w->socket, &o, sizeof o);
    else
        end(s, w);
}

/* ---- what comes back ------------------------------------------------------------------------- */

static void
finish(suite *s, int i, const weft_case_result *result)
{
    s->is_done[i] = true;
    s->done(s->user, i, result);
}

/* The case that it had begun, or had alone, has failed; the rest go on one by one. */
static weft_status
bury(suite *s, worker *w)
{
    const order given = w->given;
    int guilty = w->at >= 0 ? w->at : given.n == 1 ? given.first : -1;
    const char *how = end(s, w);
    if (!given.n)
        return weft_fail(s->diag, WEFT_DEVICE, "a worker opens no device: %s", how);
    if (guilty >= 0 && !s->is_done[guilty])
        finish(s, guilty, &(weft_case_result){ WEFT_FAILED, strdup(how), 0, true });
    for (int i = given.first + given.n - 1; i >= given.first; i--)
        if (!s->is_done[i])
            *WEFT_PUSH(&s->arena, &s->again) = (order){ i, 1 };
    return start(s, w);
}

/* Takes over the text. */
static weft_status
take_report(suite *s, worker *w, const report *r, char *text)
{
    weft_status status = WEFT_OK;
    switch (r->word) {
    case READY:
        w->batches = r->batches;
        if (!s->next) /* the others have the same to say */
            fputs(text, stderr);
        break;
    case STARTS:
        w->at = r->index;
        break;
    case DONE:
        finish(s, r->index, &(weft_case_result){ r->verdict, text, r->seconds, true });
        w->at = -1;
        w->left--;
        return WEFT_OK;
    case BROKEN:
        status = weft_fail(s->diag, r->status, "%s", text);
        break;
    }
    free(text);
    return status;
}

static weft_status
listen_to(suite *s, worker *w)
{
    report r;
    char *text = NULL;
    bool alive = receive_all(w->socket, &r, sizeof r) && (text = calloc(r.length + 1, 1)) &&
                 receive_all(w->socket, text, r.length);
    if (!alive) {
        free(text);
        return bury(s, w);
    }
    weft_status status = take_report(s, w, &r, text);
    if (!status && !w->left && r.word != STARTS)
        hand_out(s, w);
    return status;
}

/* Waits for words of any worker; false when there are no workers. */
static bool
wait_for_words(const suite *s, struct pollfd *fd)
{
    int n = 0;
    for (int i = 0; i < s->njob; i++) {
        fd[i] = (struct pollfd){ .fd = s->job[i].pid ? s->job[i].socket : -1, .events = POLLIN };
        n += s->job[i].pid != 0;
    }
    if (n)
        poll(fd, (nfds_t)s->njob, -1);
    return n > 0;
}

weft_status
weft_run_suite(const weft_case_options *o, int jobs, int n, const char *const *dir, void *user,
               void (*done)(void *user, int i, const weft_case_result *), weft_diag *diag)
{
    suite s = { .o = o, .n = n, .dir = dir, .njob = jobs < n ? jobs : n, .user = user,
                .done = done, .diag = diag };
    s.job = WEFT_NEW_ARRAY(&s.arena, s.njob, worker);
    s.is_done = WEFT_NEW_ARRAY(&s.arena, n, bool);
    struct pollfd *fd = WEFT_NEW_ARRAY(&s.arena, s.njob, struct pollfd);
    weft_status status = WEFT_OK;
    for (int i = 0; i < s.njob && !status; i++)
        status = start(&s, &s.job[i]);
    while (!status && wait_for_words(&s, fd))
        for (int i = 0; i < s.njob && !status; i++)
            if (fd[i].fd >= 0 && fd[i].revents)
                status = listen_to(&s, &s.job[i]);
    for (int i = 0; i < s.njob; i++) {
        if (s.job[i].pid > 0)
            kill(s.job[i].pid, SIGKILL);
        end(&s, &s.job[i]);
    }
    weft_arena_reset(&s.arena);
    return status;
}
