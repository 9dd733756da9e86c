/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <dirent.h>
#include <sys/queue.h>

#include "cgroup-path.h"
#include "cgroup.h"
#include "log.h"
#include "slice-watch.h"

DEFINE_CLEANUP_FUNC(DIR *, closedir, closedirp);

typedef struct WatchedSlice {
        TAILQ_ENTRY(WatchedSlice) entries;
        SliceWatch *watch;
        char *cgroup;
        CgroupSubscription *subscription; /* to its children; NULL if it failed */
        bool enable_failed;               /* enabling the controller failed, and that was logged */
} WatchedSlice;

struct SliceWatch {
        CgroupWatch *watch;
        char *root;
        char **cgroups; /* of the configured slices */
        size_t n_cgroups;
        TAILQ_HEAD(, WatchedSlice) slices;
        SliceWatchHandlers handlers;
        void *userdata;
};

static void watch_slice(SliceWatch *w, const char *cgroup);

static bool has_suffix(const char *s, const char *suffix) {
        size_t n = strlen(s), m = strlen(suffix);

        return n > m && streq(s + n - m, suffix);
}

static void watched_slice_free(WatchedSlice *slice) {
        TAILQ_REMOVE(&slice->watch->slices, slice, entries);
        cgroup_subscription_free(slice->subscription);
        free(slice->cgroup);
        free(slice);
}

bool slice_watch_covers(const SliceWatch *w, const char *cgroup) {
        for (size_t i = 0; i < w->n_cgroups; i++)
                if (cgroup_path_is_below(cgroup, w->cgroups[i]))
                        return true;

        return false;
}

/* Is the cgroup one of the slices, or above or below one? */
static bool slice_is_relevant(const SliceWatch *w, const char *cgroup) {
        if (slice_watch_covers(w, cgroup))
                return true;

        for (size_t i = 0; i < w->n_cgroups; i++)
                if (cgroup_path_is_below(w->cgroups[i], cgroup))
                        return true;

        return false;
}

static WatchedSlice *find_watched(const SliceWatch *w, const char *cgroup) {
        WatchedSlice *slice;

        TAILQ_FOREACH (slice, &w->slices, entries)
                if (streq(slice->cgroup, cgroup))
                        return slice;

        return NULL;
}

/*
 * When a cgroup is removed, the kernel notifies only the watch of its parent
 * directory.
 */
static void child_vanished(SliceWatch *w, const char *parent, const char *name) {
        _cleanup_free_ char *cgroup = NULL;
        WatchedSlice *slice, *next;

        if (asprintf(&cgroup, "%s/%s", streq(parent, "/") ? "" : parent, name) < 0) {
                cgroup = NULL;
                log_oom();
                return;
        }

        for (slice = TAILQ_FIRST(&w->slices); slice; slice = next) {
                next = TAILQ_NEXT(slice, entries);
                if (cgroup_path_is_below(slice->cgroup, cgroup)) {
                        log_debug("Cgroup %s is gone.", slice->cgroup);
                        watched_slice_free(slice);
                }
        }

        w->handlers.gone(cgroup, w->userdata);
}

static void child_appeared(SliceWatch *w, const char *parent, const char *name) {
        _cleanup_free_ char *cgroup = NULL;

        if (asprintf(&cgroup, "%s/%s", streq(parent, "/") ? "" : parent, name) < 0) {
                cgroup = NULL;
                log_oom();
                return;
        }

        if (has_suffix(name, ".slice")) {
                if (slice_is_relevant(w, cgroup))
                        watch_slice(w, cgroup);
        } else if ((has_suffix(name, ".scope") || has_suffix(name, ".service")) &&
                   slice_watch_covers(w, cgroup))
                w->handlers.unit(cgroup, w->userdata);
}

/* The controller cannot be enabled in a cgroup that has processes itself, except the root. */
static void log_busy(const WatchedSlice *slice) {
        pid_t pid = 0;
        int r;

        r = cgroup_get_process(slice->watch->root, slice->cgroup, &pid);
        if (r < 0)
                log_warning(
                        "Cannot enable the misc controller in cgroup %s: the cgroup contains processes. VMs "
                        "below it are limited only by the quotas of their sets.",
                        slice->cgroup);
        else
                log_warning(
                        "Cannot enable the misc controller in cgroup %s: the cgroup contains processes, PID "
                        "%i for example. Move them to a cgroup of their own; until then, VMs below it are limited "
                        "only by the quotas of their sets.",
                        slice->cgroup, (int) pid);
}

/* Returns true if this call enabled it. */
static bool enable_misc(WatchedSlice *slice) {
        int r;

        r = cgroup_enable_misc(slice->watch->root, slice->cgroup);
        if (r > 0)
                log_info("Enabled the misc controller in cgroup %s.", slice->cgroup);
        if (r >= 0) {
                slice->enable_failed = false;
                return r > 0;
        }

        if (!slice->enable_failed && r == -EBUSY)
                log_busy(slice);
        else if (!slice->enable_failed)
                log_context_errno(r == -ENOENT ? LOG_DEBUG : LOG_WARNING, NULL, r,
                        "Cannot enable the misc controller in cgroup %s, VMs below it are limited only by the "
                        "quotas of their sets: %m",
                        slice->cgroup);
        slice->enable_failed = true;
        if (r != -ENOENT)
                slice->watch->handlers.enable_failed(slice->watch->userdata);
        return false;
}

static void scan_slice(WatchedSlice *slice) {
        SliceWatch *w = slice->watch;
        _cleanup_free_ char *path = NULL, *cgroup = NULL;
        _cleanup_(closedirp) DIR *d = NULL;
        struct dirent *de;

        (void) enable_misc(slice);

        /* A handler may cause a rescan, which may free this slice. */
        cgroup = strdup(slice->cgroup);
        path = cgroup_file(w->root, slice->cgroup, NULL);
        if (!cgroup || !path) {
                log_oom();
                return;
        }

        if (slice_watch_covers(w, cgroup))
                w->handlers.slice(cgroup, w->userdata);

        d = opendir(path);
        if (!d)
                return;

        while ((de = readdir(d)))
                if (de->d_type == DT_DIR && de->d_name[0] != '.')
                        child_appeared(w, cgroup, de->d_name);
}

static void on_child(CgroupWatchEvent event, const char *child, void *userdata) {
        WatchedSlice *slice = userdata;

        if (event == CGROUP_CHILD_GONE)
                child_vanished(slice->watch, slice->cgroup, child);
        else
                child_appeared(slice->watch, slice->cgroup, child);
}

/* Watches before it scans, so that no cgroup is missed in between. Scans even if it cannot watch. */
static void watch_slice(SliceWatch *w, const char *cgroup) {
        WatchedSlice *slice;
        int r;

        slice = find_watched(w, cgroup);
        if (slice) {
                /* If events were lost, the cgroup may have been removed and created again. */
                r = slice->subscription ? cgroup_subscription_renew(slice->subscription) : 0;
        } else {
                slice = calloc(1, sizeof(*slice));
                if (slice)
                        slice->cgroup = strdup(cgroup);
                if (!slice || !slice->cgroup) {
                        free(slice);
                        log_oom();
                        return;
                }

                slice->watch = w;
                TAILQ_INSERT_TAIL(&w->slices, slice, entries);
                r = cgroup_subscribe(
                        w->watch, CGROUP_WATCH_CHILDREN, cgroup, on_child, slice, &slice->subscription);
        }

        if (r == -ENOENT) {
                watched_slice_free(slice);
                return;
        }
        if (r < 0)
                log_warning_errno(r, "Cannot watch cgroup %s: %m", cgroup);

        scan_slice(slice);
}

void slice_watch_rescan(SliceWatch *w) {
        /* The scan of the root reaches all slices. */
        watch_slice(w, "/");
}

bool slice_watch_enable_failed(SliceWatch *w) {
        bool enabled = false, ok = true;
        WatchedSlice *slice;

        /* Parents are before children in the list. */
        TAILQ_FOREACH (slice, &w->slices, entries) {
                if (!slice->enable_failed)
                        continue;
                if (enable_misc(slice))
                        enabled = true;
                if (slice->enable_failed)
                        ok = false;
        }

        if (enabled)
                w->handlers.enabled_late(w->userdata);
        return ok;
}

int slice_watch_find_unit(const SliceWatch *w, const char *unit, char **ret) {
        WatchedSlice *slice;

        TAILQ_FOREACH (slice, &w->slices, entries) {
                _cleanup_free_ char *cgroup = NULL, *path = NULL;

                if (asprintf(&cgroup, "%s/%s", streq(slice->cgroup, "/") ? "" : slice->cgroup, unit) < 0) {
                        cgroup = NULL;
                        return -ENOMEM;
                }

                path = cgroup_file(w->root, cgroup, NULL);
                if (!path)
                        return -ENOMEM;

                if (access(path, F_OK) == 0) {
                        *ret = TAKE_PTR(cgroup);
                        return 0;
                }
        }

        return -ENOENT;
}

int slice_watch_new(CgroupWatch *watch, const char *root, char *const *slices,
        const SliceWatchHandlers *handlers, void *userdata, SliceWatch **ret) {
        _cleanup_(slice_watch_freep) SliceWatch *w = NULL;
        size_t n = 0;
        int r;

        while (slices[n])
                n++;

        w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;

        TAILQ_INIT(&w->slices);
        w->watch = watch;
        w->handlers = *handlers;
        w->userdata = userdata;
        w->root = strdup(root);
        w->cgroups = calloc(n + 1, sizeof(char *));
        if (!w->root || !w->cgroups)
                return -ENOMEM;

        for (size_t i = 0; i < n; i++) {
                r = cgroup_path_from_slice(slices[i], &w->cgroups[i]);
                if (r < 0)
                        return r;
                w->n_cgroups++;
        }

        *ret = TAKE_PTR(w);
        return 0;
}

SliceWatch *slice_watch_free(SliceWatch *w) {
        WatchedSlice *slice;

        if (!w)
                return NULL;

        while ((slice = TAILQ_FIRST(&w->slices)))
                watched_slice_free(slice);
        for (size_t i = 0; i < w->n_cgroups; i++)
                free(w->cgroups[i]);
        free(w->cgroups);
        free(w->root);
        free(w);
        return NULL;
}
