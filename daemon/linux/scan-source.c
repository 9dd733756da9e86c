/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * PASID sets by scanning a directory, for tests: changed files are read again,
 * and the differences are reported as events.
 */

#include <dirent.h>
#include <inttypes.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "cgroup.h"
#include "file-util.h"
#include "kernel-source.h"
#include "log.h"
#include "sysfs.h"

DEFINE_CLEANUP_FUNC(DIR *, closedir, closedirp);

typedef struct ScanSource ScanSource;

typedef struct ScannedSet {
        TAILQ_ENTRY(ScannedSet) entries;
        ScanSource *source;
        KernelSet set;
        int watch; /* inotify watch of its directory */
} ScannedSet;

struct ScanSource {
        KernelSource base;
        sd_event *event;
        char *root;
        /* One descriptor for all directories. sd_event_add_inotify would use one for each set. */
        int inotify;
        int watch; /* inotify watch of the sets' directory; -1 if it has not been found yet */
        ScannedSet **by_watch;
        size_t n_by_watch;
        sd_event_source *source;
        sd_event_source *defer;
        TAILQ_HEAD(, ScannedSet) sets;
        size_t n_sets;
        bool started;
        uint64_t seq;
};

static void report_count(ScanSource *s, KernelMessageType type, const KernelSet *set, KernelCount count) {
        KernelMessage message = { .type = type, .seq = ++s->seq, .set = *set, .count = count };

        s->base.handlers->event(&message, s->base.userdata);
}

static void report(ScanSource *s, KernelMessageType type, const KernelSet *set) {
        report_count(s, type, set, KERNEL_COUNT_PASIDS);
}

/* Which of the counts has reached its quota? */
static KernelCount denied_count(const KernelSet *set) {
        return set->counts_attached && set->attached >= set->quota && set->allocated < set->quota
                       ? KERNEL_COUNT_ATTACHED
                       : KERNEL_COUNT_PASIDS;
}

static bool crosses(const KernelSet *set, uint32_t before, uint32_t now) {
        return set->watermark > 0 && before < set->watermark && now >= set->watermark;
}

static void report_difference(ScanSource *s, const KernelSet *before, const KernelSet *now) {
        if (now->quota != before->quota)
                report(s, KERNEL_MESSAGE_QUOTA_CHANGE, now);
        if (now->denied > before->denied)
                report_count(s, KERNEL_MESSAGE_LIMIT_HIT, now, denied_count(now));
        /* Like the kernel's event, this does not say which count it is. */
        if (crosses(now, before->allocated, now->allocated) || crosses(now, before->attached, now->attached))
                report(s, KERNEL_MESSAGE_WATERMARK_HIT, now);
}

static void drop(ScannedSet *scanned) {
        ScanSource *s = scanned->source;

        TAILQ_REMOVE(&s->sets, scanned, entries);
        s->n_sets--;
        if (scanned->watch >= 0) {
                s->by_watch[scanned->watch] = NULL;
                (void) inotify_rm_watch(s->inotify, scanned->watch);
        }
        free(scanned);
}

/* May free scanned. */
static void scan_one(ScannedSet *scanned) {
        ScanSource *s = scanned->source;
        KernelSet before = scanned->set, now;
        int r;

        r = sysfs_set_read(s->root, before.id, &now);
        if (r >= 0) {
                scanned->set = now;
                if (s->started)
                        report_difference(s, &before, &now);
        } else if (r == -ENOENT) {
                drop(scanned);
                if (s->started)
                        report(s, KERNEL_MESSAGE_SET_DEL, &before);
        }
}

static int watch_set(ScannedSet *scanned, const char *path) {
        ScanSource *s = scanned->source;
        size_t n;
        int watch;

        watch = inotify_add_watch(s->inotify, path, IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR);
        if (watch < 0)
                return -errno;

        n = (size_t) watch + 1;
        if (n > s->n_by_watch) {
                ScannedSet **bigger = reallocarray(s->by_watch, n * 2, sizeof(ScannedSet *));

                if (!bigger) {
                        (void) inotify_rm_watch(s->inotify, watch);
                        return -ENOMEM;
                }
                memset(bigger + s->n_by_watch, 0, (n * 2 - s->n_by_watch) * sizeof(ScannedSet *));
                s->by_watch = bigger;
                s->n_by_watch = n * 2;
        }

        s->by_watch[watch] = scanned;
        scanned->watch = watch;
        return 0;
}

static int add(ScanSource *s, const KernelSet *set) {
        _cleanup_free_ char *path = NULL;
        ScannedSet *scanned;
        int r;

        path = path_under(s->root, SYSFS_SETS_DIR "/set%" PRIu64, set->id);
        scanned = calloc(1, sizeof(*scanned));
        if (!path || !scanned) {
                free(scanned);
                return -ENOMEM;
        }

        scanned->source = s;
        scanned->watch = -1;
        scanned->set = *set;
        TAILQ_INSERT_TAIL(&s->sets, scanned, entries);
        s->n_sets++;

        r = watch_set(scanned, path);
        if (r < 0) {
                drop(scanned);
                return r;
        }

        return 0;
}

static void scan_known(ScanSource *s) {
        ScannedSet *scanned, *next;

        for (scanned = TAILQ_FIRST(&s->sets); scanned; scanned = next) {
                next = TAILQ_NEXT(scanned, entries);
                scan_one(scanned);
        }
}

static bool is_known(const ScanSource *s, uint64_t id) {
        const ScannedSet *scanned;

        TAILQ_FOREACH (scanned, &s->sets, entries)
                if (scanned->set.id == id)
                        return true;

        return false;
}

static void scan_new(ScanSource *s) {
        _cleanup_free_ char *path = NULL;
        _cleanup_(closedirp) DIR *d = NULL;
        struct dirent *de;

        path = path_under(s->root, SYSFS_SETS_DIR);
        if (!path)
                return;

        d = opendir(path);
        if (!d)
                return;

        while ((de = readdir(d))) {
                uint64_t id;
                KernelSet set;

                if (strncmp(de->d_name, "set", 3) != 0 || parse_u64(de->d_name + 3, &id) < 0 ||
                        is_known(s, id))
                        continue;

                /* A set must be complete when it appears: tests create it elsewhere and rename it. */
                if (sysfs_set_read(s->root, id, &set) < 0 || add(s, &set) < 0)
                        continue;

                if (s->started)
                        report(s, KERNEL_MESSAGE_SET_ADD, &set);
        }
}

static void take_inotify(ScanSource *s, const struct inotify_event *event) {
        if (event->mask & IN_Q_OVERFLOW || event->wd == s->watch) {
                if (event->mask & (IN_DELETE | IN_MOVED_FROM | IN_Q_OVERFLOW))
                        scan_known(s);
                scan_new(s);
        } else if ((size_t) event->wd < s->n_by_watch && s->by_watch[event->wd])
                scan_one(s->by_watch[event->wd]);
}

static int on_inotify(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        union {
                struct inotify_event event;
                char bytes[8192];
        } buf;
        ssize_t n;

        n = read(fd, &buf, sizeof(buf));
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;

        for (const char *p = buf.bytes; p < buf.bytes + n;) {
                const struct inotify_event *event = (const struct inotify_event *) p;

                take_inotify(userdata, event);
                p += sizeof(*event) + event->len;
        }

        return 0;
}

static void dump(ScanSource *s) {
        _cleanup_free_ KernelSet *sets = NULL;
        ScannedSet *scanned;
        size_t n = 0;

        s->started = false; /* no events: the dump covers everything */
        scan_known(s);
        scan_new(s);
        s->started = true;

        sets = calloc(s->n_sets + 1, sizeof(KernelSet));
        if (!sets) {
                log_oom();
                return;
        }
        TAILQ_FOREACH (scanned, &s->sets, entries)
                sets[n++] = scanned->set;

        s->base.handlers->dump(sets, n, s->base.userdata);
}

static int on_defer(sd_event_source *source, void *userdata) {
        ScanSource *s = userdata;
        _cleanup_free_ char *module = NULL, *dir = NULL;
        CgroupCapacity capacity;
        KernelInfo info = {};
        int r;

        if (s->watch >= 0) {
                dump(s);
                return 0;
        }

        module = path_under(s->root, SYSFS_MODULE_DIR);
        dir = path_under(s->root, SYSFS_SETS_DIR);
        if (!module || !dir) {
                s->base.handlers->failed(-ENOMEM, s->base.userdata);
                return 0;
        }

        if (access(module, F_OK) < 0) {
                s->base.handlers->failed(-EOPNOTSUPP, s->base.userdata);
                return 0;
        }

        r = cgroup_get_capacity(s->root, &capacity);
        if (r >= 0) {
                info.capacity = capacity.pasids;
                s->watch = inotify_add_watch(
                        s->inotify, dir, IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR);
                if (s->watch < 0)
                        r = -errno;
        }
        if (r < 0) {
                s->base.handlers->failed(r, s->base.userdata);
                return 0;
        }

        s->base.handlers->present(&info, s->base.userdata);
        dump(s);
        return 0;
}

static int scan_source_resync(KernelSource *source) {
        ScanSource *s = (ScanSource *) source;

        return sd_event_source_set_enabled(s->defer, SD_EVENT_ONESHOT);
}

static void scan_source_free(KernelSource *source) {
        ScanSource *s = (ScanSource *) source;

        while (!TAILQ_EMPTY(&s->sets))
                drop(TAILQ_FIRST(&s->sets));
        sd_event_source_disable_unref(s->source);
        sd_event_source_disable_unref(s->defer);
        sd_event_unref(s->event);
        if (s->inotify >= 0)
                close(s->inotify);
        free(s->by_watch);
        free(s->root);
        free(s);
}

static void scan_source_freep(ScanSource **s) {
        if (*s)
                scan_source_free(&(*s)->base);
}

int scan_source_new(sd_event *event, const char *root, const KernelSourceHandlers *handlers, void *userdata,
        KernelSource **ret) {
        static const KernelSourceOps ops = {
                .resync = scan_source_resync,
                .free = scan_source_free,
        };
        _cleanup_(scan_source_freep) ScanSource *s = NULL;
        int r;

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;

        s->base = (KernelSource) { .ops = &ops, .handlers = handlers, .userdata = userdata };
        TAILQ_INIT(&s->sets);
        s->watch = -1;
        s->event = sd_event_ref(event);
        s->root = strdup(root);
        s->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        if (s->inotify < 0)
                return -errno;
        if (!s->root)
                return -ENOMEM;

        r = sd_event_add_defer(event, &s->defer, on_defer, s);
        if (r >= 0)
                r = sd_event_add_io(event, &s->source, s->inotify, EPOLLIN, on_inotify, s);
        if (r >= 0)
                r = sd_event_source_set_priority(s->source, SD_EVENT_PRIORITY_IMPORTANT);
        if (r < 0)
                return r;

        *ret = &TAKE_PTR(s)->base;
        return 0;
}
