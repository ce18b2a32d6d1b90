/* Parallel loops: threads for the time of one call, which take the next index until none
 * is left. */
#include "base/priv.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

typedef struct work {
    atomic_int next;
    int n;
    void (*job)(void *user, int i);
    void *user;
} work;

int
weft_cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return CPU_COUNT(&set);
    return 1;
}

static void *
run(void *arg)
{
    work *w = arg;
    for (int i; (i = atomic_fetch_add(&w->next, 1)) < w->n;)
        w->job(w->user, i);
    return NULL;
}

void
weft_parallel_for(int threads, int n, void (*job)(void *user, int i), void *user)
{
    if (threads <= 0)
        threads = weft_cpu_count();
    if (threads > n)
        threads = n;
    pthread_t *helper = threads > 1 ? calloc((size_t)threads - 1, sizeof *helper) : NULL;
    if (!helper) {
        for (int i = 0; i < n; i++)
            job(user, i);
        return;
    }
    work w = { .n = n, .job = job, .user = user };
    int started = 0; /* fewer than wanted is as good: whoever runs takes what is left */
    while (started < threads - 1 && pthread_create(&helper[started], NULL, run, &w) == 0)
        started++;
    run(&w);
    for (int i = 0; i < started; i++)
        pthread_join(helper[i], NULL);
    free(helper);
}
