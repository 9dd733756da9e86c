/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include <systemd/sd-event.h>

#include "kernel-set.h"
#include "macro.h"
#include "passed-sockets.h"

/*
 * The source of the kernel's PASID sets: generic netlink, or in tests a directory
 * that looks like sysfs. The rest of the daemon does not depend on which it is.
 *
 * A source calls, from the event loop: present() once, then dump() with all sets,
 * then event() for each change. When events were lost, it calls lost(), and
 * dump() again as soon as it can. After failed() it calls nothing.
 */
typedef struct KernelSourceHandlers {
        void (*present)(const KernelInfo *info, void *userdata);
        void (*dump)(const KernelSet *sets, size_t n_sets, void *userdata);
        void (*event)(const KernelMessage *message, void *userdata);
        void (*lost)(const char *reason, void *userdata);
        void (*failed)(int error, void *userdata); /* -EOPNOTSUPP: this kernel has no PASID sets */
} KernelSourceHandlers;

typedef struct KernelSource KernelSource;

/* The implementation of a source; only for sources and the functions below. */
typedef struct KernelSourceOps {
        int (*resync)(KernelSource *source);
        void (*free)(KernelSource *source);
} KernelSourceOps;

struct KernelSource {
        const KernelSourceOps *ops;
        const KernelSourceHandlers *handlers;
        void *userdata;
};

/* A source for the generic netlink family "vfio_pasid". Takes ownership of the sockets, and opens missing ones. */
int genl_source_new(sd_event *event, PassedSockets *sockets, const KernelSourceHandlers *handlers,
        void *userdata, KernelSource **ret);

/*
 * A source for sets below ROOT/sys/class/vfio_pasid. If "denied" grows, it
 * reports a denial by the quota, for the count that has reached the quota. If
 * "allocated" or "attached" reaches "watermark", it reports that.
 */
int scan_source_new(sd_event *event, const char *root, const KernelSourceHandlers *handlers, void *userdata,
        KernelSource **ret);

/*
 * Requests a new dump(), which is called later from the event loop. Returns 0 or a negative errno: -ENODEV if the
 * module is not loaded.
 */
static inline int kernel_source_resync(KernelSource *source) {
        return source->ops->resync(source);
}

static inline KernelSource *kernel_source_free(KernelSource *source) {
        if (source)
                source->ops->free(source);
        return NULL;
}
