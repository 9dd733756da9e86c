/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <time.h>

#include "disk-writer.h"
#include "log.h"
#include "macro.h"

/* Callers have bounds of their own; this one keeps memory bounded in any case. */
#define JOBS_MAX 64U

/* system calls, and no more */
#define STACK_SIZE ((size_t) 256 * 1024)

/* Less than TimeoutStopSec= of the unit. */
#define FREE_WAIT_SEC 3

typedef struct Job {
        TAILQ_ENTRY(Job) entries;
        StateWrite *write;
        DiskWriterHandler handler;
        void *userdata;
} Job;

TAILQ_HEAD(JobList, Job);

/* What both threads use. The thread can outlive the writer, so it is a piece of memory of its own. */
typedef struct Shared {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        struct JobList waiting, done;
        bool busy; /* a job is in neither list */
        bool quit;
        int event_fd;
} Shared;

struct DiskWriter {
        Shared *shared;
        sd_event_source *source;
        pthread_t thread;
        bool running;
        unsigned n_jobs; /* whose handlers have not been called yet */
};

static Job *job_free(Job *job) {
        state_write_free(job->write);
        free(job);
        return NULL;
}
DEFINE_CLEANUP_FUNC(Job *, job_free, job_freep);

static void *work(void *userdata) {
        const uint64_t one = 1;
        Shared *s = userdata;
        Job *job;

        pthread_mutex_lock(&s->lock);
        for (;;) {
                while (!s->quit && TAILQ_EMPTY(&s->waiting))
                        pthread_cond_wait(&s->changed, &s->lock);
                job = TAILQ_FIRST(&s->waiting);
                if (!job)
                        break;

                TAILQ_REMOVE(&s->waiting, job, entries);
                s->busy = true;
                pthread_mutex_unlock(&s->lock);

                (void) state_write_run(job->write); /* which keeps the error */

                pthread_mutex_lock(&s->lock);
                TAILQ_INSERT_TAIL(&s->done, job, entries);
                s->busy = false;
                pthread_cond_broadcast(&s->changed);
                /* It fails only when the counter is full, and then the loop wakes up anyway. */
                if (write(s->event_fd, &one, sizeof(one)) < 0)
                        continue;
        }
        pthread_mutex_unlock(&s->lock);

        return NULL;
}

static int on_done(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        DiskWriter *w = userdata;
        struct JobList done = TAILQ_HEAD_INITIALIZER(done);
        uint64_t count;
        Job *job;

        if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
                log_error_errno(-errno, "Cannot read the disk writer's counter: %m");

        pthread_mutex_lock(&w->shared->lock);
        TAILQ_CONCAT(&done, &w->shared->done, entries);
        pthread_mutex_unlock(&w->shared->lock);

        while ((job = TAILQ_FIRST(&done))) {
                TAILQ_REMOVE(&done, job, entries);
                w->n_jobs--;
                job->handler(&job->write->result, job->userdata);
                job_free(job);
        }

        return 0;
}

static void shared_free(Shared *s) {
        Job *job;

        while ((job = TAILQ_FIRST(&s->waiting)) || (job = TAILQ_FIRST(&s->done))) {
                struct JobList *list = job == TAILQ_FIRST(&s->waiting) ? &s->waiting : &s->done;

                TAILQ_REMOVE(list, job, entries);
                job_free(job);
        }
        pthread_mutex_destroy(&s->lock);
        pthread_cond_destroy(&s->changed);
        if (s->event_fd >= 0)
                close(s->event_fd);
        free(s);
}

static int shared_new(Shared **ret) {
        Shared *s;

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;

        (void) pthread_mutex_init(&s->lock, NULL);
        (void) pthread_cond_init(&s->changed, NULL);
        TAILQ_INIT(&s->waiting);
        TAILQ_INIT(&s->done);
        s->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (s->event_fd < 0) {
                int r = -errno;

                shared_free(s);
                return r;
        }

        *ret = s;
        return 0;
}

int disk_writer_new(sd_event *event, DiskWriter **ret) {
        DiskWriter *w;
        int r;

        w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;

        r = shared_new(&w->shared);
        if (r >= 0)
                r = sd_event_add_io(event, &w->source, w->shared->event_fd, EPOLLIN, on_done, w);
        if (r < 0) {
                if (w->shared)
                        shared_free(w->shared);
                free(w);
                return r;
        }
        (void) sd_event_source_set_description(w->source, "disk-writer");

        *ret = w;
        return 0;
}

static int start_thread(DiskWriter *w) {
        sigset_t all, before;
        pthread_attr_t attr;
        int r;

        if (w->running)
                return 0;

        r = pthread_attr_init(&attr);
        if (r > 0)
                return -r;

        /* Signals are the event loop's. */
        (void) sigfillset(&all);
        (void) pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_attr_setstacksize(&attr, STACK_SIZE);
        if (r == 0)
                r = pthread_create(&w->thread, &attr, work, w->shared);
        (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
        (void) pthread_attr_destroy(&attr);
        if (r > 0)
                return -r;

        w->running = true;
        return 0;
}

int disk_writer_run(DiskWriter *w, StateWrite *write, DiskWriterHandler handler, void *userdata) {
        _cleanup_(state_write_freep) StateWrite *owned = write;
        _cleanup_(job_freep) Job *job = NULL;
        int r;

        if (w->n_jobs >= JOBS_MAX)
                return -EBUSY;

        job = calloc(1, sizeof(*job));
        if (!job)
                return -ENOMEM;

        job->handler = handler;
        job->userdata = userdata;
        job->write = TAKE_PTR(owned);
        r = start_thread(w);
        if (r < 0)
                return r;

        w->n_jobs++;
        pthread_mutex_lock(&w->shared->lock);
        TAILQ_INSERT_TAIL(&w->shared->waiting, job, entries);
        job = NULL;
        pthread_cond_broadcast(&w->shared->changed);
        pthread_mutex_unlock(&w->shared->lock);
        return 0;
}

/* Returns whether all was done in time. */
static bool wait_done(Shared *s) {
        struct timespec until;
        int r = 0;

        (void) clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += FREE_WAIT_SEC;
        while (r == 0 && (s->busy || !TAILQ_EMPTY(&s->waiting)))
                r = pthread_cond_clockwait(&s->changed, &s->lock, CLOCK_MONOTONIC, &until);

        return r == 0;
}

DiskWriter *disk_writer_free(DiskWriter *w) {
        bool done;

        if (!w)
                return NULL;

        sd_event_source_disable_unref(w->source);
        pthread_mutex_lock(&w->shared->lock);
        w->shared->quit = true;
        pthread_cond_broadcast(&w->shared->changed);
        done = wait_done(w->shared);
        pthread_mutex_unlock(&w->shared->lock);

        if (!w->running)
                shared_free(w->shared);
        else if (done) {
                (void) pthread_join(w->thread, NULL);
                shared_free(w->shared);
        } else {
                log_error("A write to the disk does not end, leaving it.");
                (void) pthread_detach(w->thread);
        }
        free(w);
        return NULL;
}
