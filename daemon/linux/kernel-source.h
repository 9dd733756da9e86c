/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include <systemd/sd-event.h>

#include "kernel-set.h"
#include "macro.h"
#include "passed-sockets.h"

/*
 * Where the kernel's PASID sets are learned from: generic netlink in service,
 * a directory that looks like sysfs in tests. The rest of the daemon does not
 * know which.
 *
 * After it was made a source calls, from the event loop: present() once, then
 * dump() with all sets, then event() for each change. When events got lost it
 * calls lost() and, as soon as it has a new picture, dump() again. With
 * failed() it ends.
 */
typedef struct KernelSourceHandlers {
        void (*present)(const KernelInfo *info, void *userdata);
        void (*dump)(const KernelSet *sets, size_t n_sets, void *userdata);
        void (*event)(const KernelMessage *message, void *userdata);
        void (*lost)(const char *why, void *userdata);
        void (*failed)(int error, void *userdata); /* -EOPNOTSUPP: this kernel has no PASID sets */
} KernelSourceHandlers;

typedef struct KernelSource KernelSource;

/* What a source is made of; kernel-source.h's users have no need to look inside. */
typedef struct KernelSourceOps {
        int (*resync)(KernelSource *source);
        void (*free)(KernelSource *source);
} KernelSourceOps;

struct KernelSource {
        const KernelSourceOps *ops;
        const KernelSourceHandlers *handlers;
        void *userdata;
};

/* The kernel's generic netlink family "vfio_pasid". Takes the sockets; opens what is missing. */
int genl_source_new(sd_event *event, PassedSockets *sockets, const KernelSourceHandlers *handlers,
        void *userdata, KernelSource **ret);

/*
 * Sets below ROOT/sys/class/vfio_pasid. A "denied" that grows counts as a
 * refusal for the quota, of the count that is at it; an "allocated" or
 * "attached" that reaches "watermark" as its crossing.
 */
int scan_source_new(sd_event *event, const char *root, const KernelSourceHandlers *handlers, void *userdata,
        KernelSource **ret);

/* Asks for a new dump(). It comes later, from the event loop. -ENODEV while the kernel's module is gone. */
static inline int kernel_source_resync(KernelSource *source) {
        return source->ops->resync(source);
}

static inline KernelSource *kernel_source_free(KernelSource *source) {
        if (source)
                source->ops->free(source);
        return NULL;
}
