/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include <systemd/sd-event.h>

#include "macro.h"

/*
 * Events in cgroupfs: cgroups that appear and disappear, and writes to misc.max.
 * One inotify descriptor serves all subscribers. sd_event_add_inotify must not
 * be used: libsystemd up to 257.7 can loop forever if two of its sources watch
 * the same inode (systemd issue 38265), and each source takes a descriptor.
 */
typedef struct CgroupWatch CgroupWatch;
typedef struct CgroupSubscription CgroupSubscription;

typedef enum CgroupWatchKind {
        CGROUP_WATCH_CHILDREN, /* creation and removal of child cgroups */
        CGROUP_WATCH_LIMIT,    /* writes to misc.max, including pasidd's own */
        _CGROUP_WATCH_KIND_MAX,
} CgroupWatchKind;

typedef enum CgroupWatchEvent {
        CGROUP_CHILD_APPEARED,
        CGROUP_CHILD_GONE,
        CGROUP_LIMIT_WRITTEN,
} CgroupWatchEvent;

/*
 * child: the name of the child cgroup; NULL for CGROUP_LIMIT_WRITTEN. The
 * handler may free any subscription, including its own, and make new ones.
 */
typedef void (*CgroupWatchHandler)(CgroupWatchEvent event, const char *child, void *userdata);

/* Events were lost, or a subscription that was waiting has started: the subscribers must check everything. Called at most once
 * a second. */
typedef void (*CgroupWatchLostHandler)(void *userdata);

/*
 * root: "", or the directory that replaces "/" in tests. Returns 0, -ENOMEM, or
 * another negative errno if there is no timer. Without an inotify descriptor
 * subscriptions wait and are retried at growing intervals; lost is called when
 * they have started.
 */
int cgroup_watch_new(
        sd_event *event, const char *root, CgroupWatchLostHandler lost, void *userdata, CgroupWatch **ret);

/* All subscriptions must have been freed. */
CgroupWatch *cgroup_watch_free(CgroupWatch *w);
DEFINE_CLEANUP_FUNC(CgroupWatch *, cgroup_watch_free, cgroup_watch_freep);

/*
 * Subscribes to events of a cgroup, given as in /proc/PID/cgroup. Returns 0, and
 * the caller frees *ret; -ENOENT if there is no such cgroup or file; or -ENOMEM.
 * If the limit of inotify watches is reached, this succeeds and the subscription
 * waits.
 */
int cgroup_subscribe(CgroupWatch *w, CgroupWatchKind kind, const char *cgroup, CgroupWatchHandler handler,
        void *userdata, CgroupSubscription **ret);

/*
 * Watches the inode that now has the name of the subscription's cgroup, which
 * may have been removed and created again. Returns 1 if it is a different inode,
 * 0 if not, or a negative errno as cgroup_subscribe(); the subscription must be
 * freed in any case.
 */
int cgroup_subscription_renew(CgroupSubscription *s);

CgroupSubscription *cgroup_subscription_free(CgroupSubscription *s);
