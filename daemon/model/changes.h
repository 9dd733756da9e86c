/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/queue.h>

#include "macro.h"
#include "uuid.h"

typedef struct VM VM;
typedef struct World World;

/*
 * What has changed and has not been announced yet. Whoever changes something
 * only notes it here; once in each turn of the event loop the daemon takes it
 * and makes signals and the status of it.
 */

/* Changes that are no VM's. */
typedef enum WorldChange {
        WORLD_CHANGED_STATE = 1 << 0,       /* State, Capacity */
        WORLD_CHANGED_STATUS = 1 << 1,      /* it may have; what is announced is that it has */
        WORLD_CHANGED_STATUS_ANEW = 1 << 2, /* it is to be announced, whether or not it has */
        WORLD_CHANGED_DEFAULT = 1 << 3,
} WorldChange;

/* A VM that the bus knew, and that is gone. */
typedef struct GoneVM {
        TAILQ_ENTRY(GoneVM) entries;
        char uuid[UUID_STRING_SIZE];
        char *name;
        bool is_machine;
} GoneVM;

/* There is something to take. May be called any number of times. */
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

/* changes: WorldChange; 0 if only something may follow from what has changed, readiness for example. */
void world_queue_changes(World *w, unsigned changes);

/* changes: VMChange; 0 for a VM that is new. */
void vm_queue_changes(VM *vm, unsigned changes);

/* The VM is about to be freed. Notes that for the bus, if the bus knows of it, and drops its other changes. */
void changes_vm_gone(VM *vm);

/* The next one, or NULL. vm->changed stays as it is. */
VM *changes_take_vm(Changes *c);
/* Likewise; for gone_vm_free(). */
GoneVM *changes_take_gone(Changes *c);

GoneVM *gone_vm_free(GoneVM *gone);
DEFINE_CLEANUP_FUNC(GoneVM *, gone_vm_free, gone_vm_freep);
