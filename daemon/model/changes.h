/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/queue.h>

#include "macro.h"
#include "uuid.h"

typedef struct VM VM;
typedef struct World World;

/*
 * Changes that have not been announced yet. Code that changes something only
 * queues it here. Once in each iteration of the event loop, the daemon takes the
 * changes and makes signals and the status from them.
 */

/* Changes that do not belong to a VM. */
typedef enum WorldChange {
        WORLD_CHANGED_STATE = 1 << 0,         /* State, Capacity */
        WORLD_CHANGED_STATUS = 1 << 1,        /* Status may have changed; announced only if it has */
        WORLD_CHANGED_STATUS_ALWAYS = 1 << 2, /* Status is announced even if it has not changed */
        WORLD_CHANGED_DEFAULT = 1 << 3,

        /* Everything is announced, whether or not it has changed. */
        WORLD_CHANGED_ALL = WORLD_CHANGED_STATE | WORLD_CHANGED_STATUS_ALWAYS | WORLD_CHANGED_DEFAULT,
} WorldChange;

/* A VM that has been removed, after it was announced on the bus. */
typedef struct GoneVM {
        TAILQ_ENTRY(GoneVM) entries;
        char uuid[UUID_STRING_SIZE];
        char *name;
        bool is_machine;
} GoneVM;

/* Called when there are changes to take; may be called several times. */
typedef void (*ChangesHandler)(void *userdata);

typedef struct Changes {
        TAILQ_HEAD(ChangedVMs, VM) vms;
        TAILQ_HEAD(GoneVMs, GoneVM) gone;
        unsigned world; /* WorldChange */
        ChangesHandler pending;
        void *userdata;
} Changes;

void changes_init(Changes *c, ChangesHandler pending, void *userdata);
void changes_done(Changes *c);

/* changes: WorldChange. 0 if only a consequence is possible, e.g. that the daemon is ready. */
void world_queue_changes(World *w, unsigned changes);

/* changes: VMChange; 0 for a new VM. */
void vm_queue_changes(VM *vm, unsigned changes);

/*
 * To be called before the VM is freed. Queues the removal, if the VM was announced on the bus, and drops its other
 * changes.
 */
void changes_vm_gone(VM *vm);

/* Removes the next changed VM from the queue and returns it, or NULL. vm->signals.changed is not reset. */
VM *changes_take_vm(Changes *c);
/* Removes the next removed VM from the queue and returns it, or NULL. The caller frees it with gone_vm_free(). */
GoneVM *changes_take_gone(Changes *c);

GoneVM *gone_vm_free(GoneVM *gone);
DEFINE_CLEANUP_FUNC(GoneVM *, gone_vm_free, gone_vm_freep);
