/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "announcement.h"
#include "kernel-set.h"
#include "limit.h"
#include "log.h"
#include "policy.h"
#include "uuid.h"
#include "world.h"

typedef struct OtherMachine OtherMachine;
typedef struct VMLife VMLife;
typedef struct VMsAt VMsAt;

typedef enum VMKind {
        VM_KIND_MACHINE, /* registered with machined, or announced by libvirt; UUID is libvirt's */
        VM_KIND_UNIT,    /* a unit whose processes have sets; UUID is its InvocationID */
        VM_KIND_SET,     /* a set whose unit is unknown */
} VMKind;

/* The stage of its run. Units and lone sets are always running. */
typedef enum VMState {
        VM_RESERVED, /* announced by the hook, or waiting for its next start; there is no machine */
        VM_RUNNING,  /* a machine of systemd-machined; or a unit, or a set */
        VM_RUNNING_UNREGISTERED, /* run by libvirt without machined, see libvirt-qemu.h */
} VMState;

/* Whether the VM may be, and has been, announced on the bus. */
typedef enum VMVisibility {
        VM_HIDDEN,    /* not yet */
        VM_ANNOUNCED, /* may be announced on the bus */
        VM_ON_BUS,    /* VMAdded was sent, or there was no listener */
} VMVisibility;

typedef enum VMChange {
        VM_CHANGED_NAME = 1 << 0,
        VM_CHANGED_STATE = 1 << 1,
        VM_CHANGED_MACHINE = 1 << 2, /* Unit, Leader */
        VM_CHANGED_CGROUP = 1 << 3,  /* ControlGroup, Slice */
        VM_CHANGED_QUOTA = 1 << 4,   /* Quota, QuotaSource, QuotaOrigin */
        VM_CHANGED_WATERMARK = 1 << 5,
        VM_CHANGED_IN_FORCE = 1 << 6, /* QuotaInForce, QuotaError */
        VM_CHANGED_ALLOCATED = 1 << 7,
        VM_CHANGED_PEAK = 1 << 8,
        VM_CHANGED_DENIED = 1 << 9,
        VM_CHANGED_ATTACHED = 1 << 10,
        VM_CHANGED_ALL = (1 << 11) - 1,
} VMChange;

/* Sums over all sets. */
typedef struct VMCounters {
        uint32_t allocated;
        uint32_t peak;
        uint32_t attached;
        uint64_t denied;
} VMCounters;

/* Where it runs; see vm-place.h. */
typedef struct VMPlace {
        char *unit;
        char *slice;
        const char *cgroup; /* the unit's; NULL: unknown */
        uint32_t leader;
        uint64_t cgroup_id; /* 0: unknown */
        VMsAt *at;          /* the VMs at the same place; NULL: the place is unknown */
        TAILQ_ENTRY(VM) of_place;
} VMPlace;

/* QuotaInForce and QuotaError as last announced, see vm_enforcement(). */
typedef struct VMQuotaState {
        bool in_force;
        char *error; /* why not in force; NULL: in force, or unknown */
} VMQuotaState;

/* Counters of sets that have ended. */
typedef struct VMGone {
        uint64_t denied, peak;
} VMGone;

/* What was announced on the bus, and what is to be announced. */
typedef struct VMSignals {
        TAILQ_ENTRY(VM) of_changed; /* if changes_queued */
        VMVisibility visibility;
        VMCounters announced; /* last announced values, while there are subscribers */
        bool announced_known;
        bool changes_queued;
        unsigned changed; /* VMChange */
} VMSignals;

/* A machine or its equivalent, identified by UUID, with one cgroup and zero or more sets. */
struct VM {
        TAILQ_ENTRY(VM) entries;
        World *world;
        VMLife *life;    /* private data of control/vm-life.c */
        uint64_t number; /* ascending in the order of creation, and in the list */
        VMKind kind;
        VMState state;
        char uuid[UUID_STRING_SIZE];
        bool policy_known; /* policy has been determined */
        bool in_list;      /* seen in the list of machines that is being processed */
        bool viommu_noted; /* in this run it was logged that the vIOMMU offers more than the quota */
        char *key;         /* in the state */
        char *name;
        char *machine;         /* machined's name; NULL: no machine */
        uint64_t machine_usec; /* creation time of the machine, CLOCK_REALTIME */
        VMPlace place;

        PolicyResult policy;          /* the desired quota */
        DefaultSource default_source; /* of the default quota that policy was determined with */
        int log_level;  /* for its start and end: LOG_INFO, or LOG_DEBUG if there are very many VMs */
        Limit misc_max; /* of the cgroup; the sets have their own limits */
        VMQuotaState quota;

        TAILQ_HEAD(, Set) sets;
        size_t n_sets;
        VMGone gone;

        TAILQ_HEAD(, OtherMachine) other_machines; /* with the same UUID, see other-machines.h */

        VMSignals signals;
};

/*
 * Makes a VM with its identity only. key is NULL if it is the UUID. Returns 0, -EEXIST if there is a VM with this UUID,
 * or -ENOMEM.
 */
int vm_new(World *w, VMKind kind, const char *uuid, const char *key, const char *name, VM **ret);

/* Frees the VM; its sets stay without a VM. life must have been freed. Returns NULL. */
VM *vm_free(VM *vm);

VM *vm_find_by_uuid(const World *w, const char *uuid);
/*
 * Finds the first VM that has the key in the state. Units can share a key: a
 * user's unit has its name in it, but not its slice. They have the same name.
 * What changes or writes anything must be done for all of them.
 */
VM *vm_find_by_key(const World *w, const char *key);
/* Finds the next VM with the key in the list of VMs; after: NULL for the first one. */
VM *vm_find_next_by_key(const World *w, const char *key, const VM *after);
VM *vm_find_by_machine(const World *w, const char *machine);
/* Sets the name. Does not update policy. Returns 0 or -ENOMEM. */
int vm_set_name(VM *vm, const char *name);

void vm_add_set(VM *vm, Set *set);
void vm_remove_set(VM *vm, Set *set);

/* Does the VM run in the slice or below it, or is it announced for it? */
bool vm_is_in_slice(const VM *vm, const char *slice);

/* Is there a machine, or is it a VM that needs none? */
static inline bool vm_is_running(const VM *vm) {
        return vm->state != VM_RESERVED;
}

/* "reserved" or "running". */
const char *vm_state_to_string(VMState state);

LogContext vm_log_context(const VM *vm, const char *message_id);

/* Replaces *where with a copy of s, which may be NULL. Returns 0, or -ENOMEM with *where untouched. */
int replace_string(char **where, const char *s);
