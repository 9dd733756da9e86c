/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include <systemd/sd-event.h>

#include "macro.h"

/*
 * What happens in cgroupfs: cgroups that appear and vanish, and values that are
 * written. One inotify descriptor serves all subscribers. sd_event_add_inotify
 * must not be used for it: libsystemd up to 257.7 can loop for ever once two of
 * its sources watch one inode (systemd issue 38265), and each source takes a
 * descriptor.
 */
typedef struct CgroupWatch CgroupWatch;
typedef struct CgroupSubscription CgroupSubscription;

typedef enum CgroupWatchKind {
        CGROUP_WATCH_CHILDREN, /* directories made and removed in a cgroup */
        CGROUP_WATCH_LIMIT,    /* writes to its misc.max, our own included */
        _CGROUP_WATCH_KIND_MAX,
} CgroupWatchKind;

typedef enum CgroupWatchEvent {
        CGROUP_CHILD_APPEARED,
        CGROUP_CHILD_GONE,
        CGROUP_LIMIT_WRITTEN,
} CgroupWatchEvent;

/*
 * child: the name of the directory, NULL for CGROUP_LIMIT_WRITTEN. The handler
 * may free any subscription, its own included, and may make new ones.
 */
typedef void (*CgroupWatchHandler)(CgroupWatchEvent event, const char *child, void *userdata);

/* Events were lost, or could not be had for a while: everything is to be looked at. Called at most once a second. */
typedef void (*CgroupWatchLostHandler)(void *userdata);

/*
 * root: "" or the directory that stands for "/" in tests. Fails where
 * there is no memory, or no timer. Without an inotify descriptor subscriptions are kept and tried
 * again, at growing intervals; lost is called when they have come about.
 */
int cgroup_watch_new(
        sd_event *event, const char *root, CgroupWatchLostHandler lost, void *userdata, CgroupWatch **ret);

/* All subscriptions must have been freed. */
CgroupWatch *cgroup_watch_free(CgroupWatch *w);
DEFINE_CLEANUP_FUNC(CgroupWatch *, cgroup_watch_free, cgroup_watch_freep);

/*
 * cgroup: as in /proc/PID/cgroup. Returns 0, and *ret is the caller's; -ENOENT
 * if there is no such cgroup or no such file; -ENOMEM. Where the kernel has no
 * watches left this succeeds, and the subscription waits.
 */
int cgroup_subscribe(CgroupWatch *w, CgroupWatchKind kind, const char *cgroup, CgroupWatchHandler handler,
        void *userdata, CgroupSubscription **ret);

/*
 * Watches what is there now under the name of the subscription's cgroup, which
 * may have been removed and made anew. Returns 1 if that is another one, 0 if
 * not, or a negative errno as cgroup_subscribe(); then the subscription is
 * still to be freed.
 */
int cgroup_subscription_renew(CgroupSubscription *s);

CgroupSubscription *cgroup_subscription_free(CgroupSubscription *s);
