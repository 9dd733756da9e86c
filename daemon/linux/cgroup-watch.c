/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <search.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/queue.h>

#include "cgroup-watch.h"
#include "cgroup.h"
#include "hold-off.h"
#include "inotify-batch.h"
#include "log.h"
#include "turn-taking.h"

#define RETRY_MIN_USEC (UINT64_C(1000000))
#define RETRY_MAX_USEC (UINT64_C(60000000))

/* If the queue overflows again and again, everything is checked once a second. */
#define LOST_INTERVAL_USEC (UINT64_C(1000000))

/* Turns before other sources have one. What is written in a turn is an event in the next one. */
#define TURNS_MAX 8U

/* A watched inode. inotify assigns one wd to an inode, whatever path is used. */
typedef struct Watch {
        int wd;
        TAILQ_HEAD(, CgroupSubscription) subscriptions;
} Watch;

struct CgroupSubscription {
        TAILQ_ENTRY(CgroupSubscription) of_watch;   /* if it has a watch */
        TAILQ_ENTRY(CgroupSubscription) of_waiting; /* if it has none */
        CgroupWatch *owner;
        Watch *watch; /* NULL: waiting */
        bool gone;    /* waiting because the cgroup is gone, not because inotify's limits were reached */
        CgroupWatchKind kind;
        char *cgroup;
        CgroupWatchHandler handler;
        void *userdata;
};

struct CgroupWatch {
        sd_event *event;
        char *root;
        int inotify; /* negative: could not be opened */
        sd_event_source *source;
        TurnTaking *turns;
        HoldOff *look; /* calls lost */
        void *watches; /* tree of tsearch(3), by wd */
        TAILQ_HEAD(, CgroupSubscription) waiting;
        sd_event_source
                *retry; /* timer, made in advance: without file descriptors it could not be made later */
        uint64_t retry_usec;
        CgroupWatchLostHandler lost;
        void *userdata;
        /* While handlers run: the watch for which they are called, and the next subscription. */
        Watch *dispatched;
        CgroupSubscription *next;
};

static bool retry_is_pending(const CgroupWatch *w);
static void schedule_retry(CgroupWatch *w, int error);

static int compare_watches(const void *a, const void *b) {
        const Watch *x = a, *y = b;

        return (x->wd > y->wd) - (x->wd < y->wd);
}

static Watch *find_watch(CgroupWatch *w, int wd) {
        const Watch key = { .wd = wd };
        Watch **found = tfind(&key, &w->watches, compare_watches);

        return found ? *found : NULL;
}

/* removed: the kernel has removed the watch already. */
static void watch_free(CgroupWatch *w, Watch *watch, bool removed) {
        if (w->dispatched == watch)
                w->dispatched = NULL;
        (void) tdelete(watch, &w->watches, compare_watches);
        /* Fails if the inode has just been removed, and the watch with it. */
        if (!removed)
                (void) inotify_rm_watch(w->inotify, watch->wd);
        free(watch);
}

static int get_watch(CgroupWatch *w, int wd, Watch **ret) {
        Watch *watch;

        watch = find_watch(w, wd);
        if (!watch) {
                watch = calloc(1, sizeof(*watch));
                if (!watch || !(watch->wd = wd, tsearch(watch, &w->watches, compare_watches))) {
                        free(watch);
                        (void) inotify_rm_watch(w->inotify, wd);
                        return -ENOMEM;
                }
                TAILQ_INIT(&watch->subscriptions);
        }

        *ret = watch;
        return 0;
}

/* Adds an inotify watch for the current inode. Returns its wd or a negative errno. */
static int add_inotify(CgroupWatch *w, const CgroupSubscription *s) {
        static const uint32_t masks[_CGROUP_WATCH_KIND_MAX] = {
                [CGROUP_WATCH_CHILDREN] = IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR,
                [CGROUP_WATCH_LIMIT] = IN_MODIFY,
        };
        _cleanup_free_ char *path = NULL;
        int wd;

        if (w->inotify < 0)
                return -EMFILE;

        path = cgroup_file(w->root, s->cgroup, s->kind == CGROUP_WATCH_LIMIT ? "misc.max" : NULL);
        if (!path)
                return -ENOMEM;

        wd = inotify_add_watch(w->inotify, path, masks[s->kind]);
        return wd < 0 ? -errno : wd;
}

static void detach(CgroupSubscription *s) {
        CgroupWatch *w = s->owner;
        Watch *watch = s->watch;

        if (w->next == s)
                w->next = TAILQ_NEXT(s, of_watch);

        if (!watch) {
                TAILQ_REMOVE(&w->waiting, s, of_waiting);
                return;
        }

        s->watch = NULL;
        TAILQ_REMOVE(&watch->subscriptions, s, of_watch);
        if (TAILQ_EMPTY(&watch->subscriptions))
                watch_free(w, watch, false);
}

static void attach(CgroupSubscription *s, Watch *watch) {
        s->watch = watch;
        TAILQ_INSERT_TAIL(&watch->subscriptions, s, of_watch);
}

static bool is_limit_reached(int r) {
        return r == -ENOSPC || r == -EMFILE || r == -ENFILE || r == -ENOMEM;
}

/* Adds the subscription to the waiting list. Returns the result for the subscriber. */
static int enqueue_waiting(CgroupSubscription *s, int error) {
        TAILQ_INSERT_TAIL(&s->owner->waiting, s, of_waiting);
        s->gone = !is_limit_reached(error);
        if (s->gone)
                return error;

        schedule_retry(s->owner, error);
        return 0;
}

int cgroup_subscription_renew(CgroupSubscription *s) {
        CgroupWatch *w = s->owner;
        Watch *watch;
        int wd, r;

        wd = add_inotify(w, s);
        if (wd >= 0 && s->watch && s->watch->wd == wd)
                return 0;

        r = wd < 0 ? wd : get_watch(w, wd, &watch);
        detach(s);
        if (r < 0)
                return enqueue_waiting(s, r);

        attach(s, watch);
        return 1;
}

int cgroup_subscribe(CgroupWatch *w, CgroupWatchKind kind, const char *cgroup, CgroupWatchHandler handler,
        void *userdata, CgroupSubscription **ret) {
        CgroupSubscription *s;
        int r;

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;

        s->owner = w;
        s->kind = kind;
        s->handler = handler;
        s->userdata = userdata;
        s->cgroup = strdup(cgroup);
        if (!s->cgroup) {
                free(s);
                return -ENOMEM;
        }

        r = add_inotify(w, s);
        if (r >= 0) {
                Watch *watch;

                r = get_watch(w, r, &watch);
                if (r >= 0)
                        attach(s, watch);
        }
        if (r < 0 && !is_limit_reached(r)) {
                free(s->cgroup);
                free(s);
                return r;
        }
        if (r < 0)
                (void) enqueue_waiting(s, r);

        *ret = s;
        return 0;
}

CgroupSubscription *cgroup_subscription_free(CgroupSubscription *s) {
        if (!s)
                return NULL;

        detach(s);
        free(s->cgroup);
        free(s);
        return NULL;
}

static void call_handlers(CgroupWatch *w, Watch *watch, CgroupWatchEvent event, const char *child) {
        CgroupSubscription *s;

        w->dispatched = watch;
        for (s = TAILQ_FIRST(&watch->subscriptions); s; s = w->next) {
                w->next = TAILQ_NEXT(s, of_watch);
                s->handler(event, child, s->userdata);
                if (!w->dispatched)
                        break;
        }
        w->dispatched = NULL;
        w->next = NULL;
}

/*
 * The watched inode is gone. The subscribers are notified by the parent's watch, and renew or free their
 * subscriptions.
 */
static void on_watch_removed(CgroupWatch *w, Watch *watch) {
        CgroupSubscription *s;

        while ((s = TAILQ_FIRST(&watch->subscriptions))) {
                TAILQ_REMOVE(&watch->subscriptions, s, of_watch);
                s->watch = NULL;
                s->gone = true;
                TAILQ_INSERT_TAIL(&w->waiting, s, of_waiting);
        }
        watch_free(w, watch, true);
}

static void take_event(CgroupWatch *w, const struct inotify_event *event) {
        const char *child = event->len > 0 ? event->name : NULL;
        Watch *watch;

        if (event->mask & IN_Q_OVERFLOW) {
                hold_off_request(w->look);
                return;
        }

        /* Events of a watch that has been removed may still be queued. */
        watch = find_watch(w, event->wd);
        if (!watch)
                return;

        if (event->mask & (IN_IGNORED | IN_UNMOUNT))
                on_watch_removed(w, watch);
        else if (event->mask & IN_MODIFY)
                call_handlers(w, watch, CGROUP_LIMIT_WRITTEN, NULL);
        else if (child && event->mask & IN_ISDIR && event->mask & (IN_DELETE | IN_MOVED_FROM))
                call_handlers(w, watch, CGROUP_CHILD_GONE, child);
        else if (child && event->mask & IN_ISDIR && event->mask & (IN_CREATE | IN_MOVED_TO))
                call_handlers(w, watch, CGROUP_CHILD_APPEARED, child);
}

static int on_inotify(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        CgroupWatch *w = userdata;
        InotifyBatch batch;
        int r;

        r = inotify_batch_read(fd, &batch);
        if (r < 0)
                return r;

        for (size_t i = 0; i < batch.n; i++)
                if (!inotify_batch_is_superfluous(&batch, i))
                        take_event(w, batch.events[i]);

        turn_taking_turn(w->turns, batch.more || (turn_taking_is_shared(w->turns) && inotify_has_more(fd)));
        return 0;
}

/* Users own cgroups, too: their events come before the bus and netlink only while they are few. */
static void set_priority(int64_t priority, void *userdata) {
        CgroupWatch *w = userdata;

        if (sd_event_source_set_priority(w->source, priority) < 0)
                log_debug("Cannot change the priority of cgroups' events, ignoring.");
}

static void report_lost(void *userdata) {
        CgroupWatch *w = userdata;

        w->lost(w->userdata);
}

static int open_inotify(CgroupWatch *w) {
        int r;

        w->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (w->inotify < 0)
                return -errno;

        r = sd_event_add_io(w->event, &w->source, w->inotify, EPOLLIN, on_inotify, w);
        if (r >= 0)
                /* Above the bus and netlink: a new cgroup should get its limit before anything else is done. */
                r = sd_event_source_set_priority(w->source, SD_EVENT_PRIORITY_IMPORTANT);
        if (r < 0) {
                w->source = sd_event_source_disable_unref(w->source);
                close(w->inotify);
                w->inotify = -EBADF;
                return r;
        }

        (void) sd_event_source_set_description(w->source, "cgroup-watch");
        return 0;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        CgroupSubscription *s, *next;
        CgroupWatch *w = userdata;
        bool progress = false;
        int r = 0;

        if (w->inotify < 0)
                r = open_inotify(w);
        for (s = TAILQ_FIRST(&w->waiting); s && r >= 0 && !retry_is_pending(w); s = next) {
                next = TAILQ_NEXT(s, of_waiting);
                /* If the cgroup is gone, this fails and the parent's watch notifies the subscriber. */
                if (!s->gone && cgroup_subscription_renew(s) > 0)
                        progress = true;
        }

        if (r < 0)
                schedule_retry(w, r);
        if (!retry_is_pending(w)) {
                log_info("Watching all cgroups again.");
                w->retry_usec = RETRY_MIN_USEC;
        }
        if (progress || !retry_is_pending(w))
                hold_off_request(w->look);
        return 0;
}

static bool retry_is_pending(const CgroupWatch *w) {
        int enabled;

        return sd_event_source_get_enabled(w->retry, &enabled) >= 0 && enabled != SD_EVENT_OFF;
}

static void schedule_retry(CgroupWatch *w, int error) {
        int r;

        if (retry_is_pending(w))
                return;

        if (w->retry_usec == RETRY_MIN_USEC)
                log_warning_errno(error,
                        "Cannot watch cgroups, new VMs and foreign changes will be noticed late; trying again "
                        "(see fs.inotify in sysctl): %m");
        r = sd_event_source_set_time_relative(w->retry, w->retry_usec);
        if (r >= 0)
                r = sd_event_source_set_enabled(w->retry, SD_EVENT_ONESHOT);
        if (r < 0) {
                log_warning_errno(r, "Cannot set a timer: %m");
                return;
        }
        if (w->retry_usec < RETRY_MAX_USEC)
                w->retry_usec *= 2;
}

int cgroup_watch_new(
        sd_event *event, const char *root, CgroupWatchLostHandler lost, void *userdata, CgroupWatch **ret) {
        CgroupWatch *w;
        int r;

        w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;

        TAILQ_INIT(&w->waiting);
        w->inotify = -EBADF;
        w->retry_usec = RETRY_MIN_USEC;
        w->lost = lost;
        w->userdata = userdata;
        w->event = sd_event_ref(event);
        w->root = strdup(root);
        r = w->root ? sd_event_add_time(event, &w->retry, CLOCK_MONOTONIC, UINT64_MAX, 0, on_retry, w)
                    : -ENOMEM;
        if (r >= 0)
                r = sd_event_source_set_enabled(w->retry, SD_EVENT_OFF);
        if (r >= 0)
                r = turn_taking_new(
                        event, SD_EVENT_PRIORITY_IMPORTANT, TURNS_MAX, set_priority, w, &w->turns);
        if (r >= 0)
                r = hold_off_new(event, LOST_INTERVAL_USEC, report_lost, w, &w->look);
        if (r < 0) {
                cgroup_watch_free(w);
                return r;
        }
        (void) sd_event_source_set_description(w->retry, "cgroup-watch-retry");

        r = open_inotify(w);
        if (r < 0)
                schedule_retry(w, r);

        *ret = w;
        return 0;
}

CgroupWatch *cgroup_watch_free(CgroupWatch *w) {
        if (!w)
                return NULL;

        sd_event_source_disable_unref(w->source);
        sd_event_source_disable_unref(w->retry);
        turn_taking_free(w->turns);
        hold_off_free(w->look);
        if (w->inotify >= 0)
                close(w->inotify);
        sd_event_unref(w->event);
        free(w->root);
        free(w);
        return NULL;
}
