/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sets by looking at a directory, for tests: whatever changes in it, it is
 * read as a whole again, and the difference is told as events.
 */

#include <dirent.h>
#include <inttypes.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "cgroup.h"
#include "file-util.h"
#include "kernel-source.h"
#include "log.h"
#include "sysfs.h"

DEFINE_CLEANUP_FUNC(DIR *, closedir, closedirp);

typedef struct ScannedSet {
        GenlSet set;
        sd_event_source *watch; /* of its directory */
} ScannedSet;

typedef struct ScanSource {
        KernelSource base;
        sd_event *event;
        char *root;
        sd_event_source *watch;
        sd_event_source *defer;
        ScannedSet *sets;
        size_t n_sets;
        bool started;
        uint64_t seq;
} ScanSource;

static int on_inotify(sd_event_source *source, const struct inotify_event *event, void *userdata);

static int add_watch(ScanSource *s, const char *path, uint32_t mask, sd_event_source **ret) {
        int r;

        r = sd_event_add_inotify(s->event, ret, path, mask | IN_ONLYDIR, on_inotify, s);
        if (r < 0)
                return r;

        return sd_event_source_set_priority(*ret, SD_EVENT_PRIORITY_IMPORTANT);
}

static void report(ScanSource *s, GenlMessageType type, const GenlSet *set) {
        GenlMessage message = { .type = type, .seq = ++s->seq, .set = *set };

        s->base.handlers->event(&message, s->base.userdata);
}

static void report_difference(ScanSource *s, const GenlSet *before, const GenlSet *now) {
        if (now->quota != before->quota)
                report(s, GENL_MESSAGE_QUOTA_CHANGE, now);
        if (now->denied > before->denied)
                report(s, GENL_MESSAGE_LIMIT_HIT, now);
        if (now->watermark > 0 && now->allocated >= now->watermark && before->allocated < now->watermark)
                report(s, GENL_MESSAGE_WATERMARK_HIT, now);
}

static void drop(ScanSource *s, size_t i) {
        sd_event_source_disable_unref(s->sets[i].watch);
        s->sets[i] = s->sets[--s->n_sets];
}

static int add(ScanSource *s, const GenlSet *set) {
        _cleanup_free_ char *path = NULL;
        sd_event_source *watch;
        ScannedSet *bigger;
        int r;

        path = path_under(s->root, SYSFS_SETS_DIR "/set%" PRIu64, set->id);
        bigger = reallocarray(s->sets, s->n_sets + 1, sizeof(ScannedSet));
        if (bigger)
                s->sets = bigger;
        if (!path || !bigger)
                return -ENOMEM;

        r = add_watch(s, path, IN_CLOSE_WRITE | IN_MOVED_TO, &watch);
        if (r < 0)
                return r;

        s->sets[s->n_sets++] = (ScannedSet) { .set = *set, .watch = watch };
        return 0;
}

static void scan_known(ScanSource *s) {
        for (size_t i = 0; i < s->n_sets;) {
                GenlSet before = s->sets[i].set, now;
                int r;

                r = sysfs_set_read(s->root, before.id, &now);
                if (r == -ENOENT) {
                        drop(s, i);
                        if (s->started)
                                report(s, GENL_MESSAGE_SET_DEL, &before);
                        continue;
                }
                if (r >= 0) {
                        s->sets[i].set = now;
                        if (s->started)
                                report_difference(s, &before, &now);
                }
                i++;
        }
}

static bool is_known(const ScanSource *s, uint64_t id) {
        for (size_t i = 0; i < s->n_sets; i++)
                if (s->sets[i].set.id == id)
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
                GenlSet set;

                if (strncmp(de->d_name, "set", 3) != 0 || parse_u64(de->d_name + 3, &id) < 0 ||
                        is_known(s, id))
                        continue;

                /* A set must be complete when it appears: made aside and renamed. */
                if (sysfs_set_read(s->root, id, &set) < 0 || add(s, &set) < 0)
                        continue;

                if (s->started)
                        report(s, GENL_MESSAGE_SET_ADD, &set);
        }
}

static int on_inotify(sd_event_source *source, const struct inotify_event *event, void *userdata) {
        ScanSource *s = userdata;

        scan_known(s);
        scan_new(s);
        return 0;
}

static void dump(ScanSource *s) {
        _cleanup_free_ GenlSet *sets = NULL;

        s->started = false; /* no events, the dump tells it all */
        scan_known(s);
        scan_new(s);
        s->started = true;

        sets = calloc(s->n_sets + 1, sizeof(GenlSet));
        if (!sets) {
                log_oom();
                return;
        }
        for (size_t i = 0; i < s->n_sets; i++)
                sets[i] = s->sets[i].set;

        s->base.handlers->dump(sets, s->n_sets, s->base.userdata);
}

static int on_defer(sd_event_source *source, void *userdata) {
        ScanSource *s = userdata;
        _cleanup_free_ char *module = NULL, *dir = NULL;
        GenlInfo info = {};
        int r;

        if (s->watch) {
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

        r = cgroup_get_capacity(s->root, &info.capacity);
        if (r >= 0)
                r = add_watch(s, dir, IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM, &s->watch);
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

        while (s->n_sets > 0)
                drop(s, s->n_sets - 1);
        free(s->sets);
        sd_event_source_disable_unref(s->watch);
        sd_event_source_disable_unref(s->defer);
        sd_event_unref(s->event);
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
        s->event = sd_event_ref(event);
        s->root = strdup(root);
        if (!s->root)
                return -ENOMEM;

        r = sd_event_add_defer(event, &s->defer, on_defer, s);
        if (r < 0)
                return r;

        *ret = &TAKE_PTR(s)->base;
        return 0;
}
