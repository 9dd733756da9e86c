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

typedef enum VMKind {
        VM_KIND_MACHINE, /* machined's, or one that libvirt announced; UUID is libvirt's */
        VM_KIND_UNIT,    /* a unit whose processes have sets; UUID is its InvocationID */
        VM_KIND_SET,     /* a set whose unit is not known */
} VMKind;

/* How far its run has come. Units and lone sets always run. */
typedef enum VMState {
        VM_RESERVED, /* announced by the hook, or its next start is to come; there is no machine */
        VM_RUNNING,  /* a machine of systemd-machined; or a unit, or a set */
        VM_RUNNING_UNREGISTERED, /* libvirt runs it without machined, see libvirt-qemu.h */
} VMState;

/* Who knows of it. */
typedef enum VMVisibility {
        VM_HIDDEN,    /* nobody yet */
        VM_ANNOUNCED, /* the bus may hear of it */
        VM_ON_BUS,    /* VMAdded was sent, or there was nobody to hear it */
} VMVisibility;

typedef enum VMChange {
        VM_CHANGED_NAME = 1 << 0,
        VM_CHANGED_STATE = 1 << 1,
        VM_CHANGED_MACHINE = 1 << 2, /* Unit, Leader */
        VM_CHANGED_CGROUP = 1 << 3,  /* ControlGroup, Slice */
        VM_CHANGED_QUOTA = 1 << 4,   /* Quota, QuotaSource, QuotaOrigin */
        VM_CHANGED_WATERMARK = 1 << 5,
        VM_CHANGED_FORCE = 1 << 6, /* QuotaInForce, QuotaError */
        VM_CHANGED_ALLOCATED = 1 << 7,
        VM_CHANGED_PEAK = 1 << 8,
        VM_CHANGED_DENIED = 1 << 9,
        VM_CHANGED_ATTACHED = 1 << 10,
        VM_CHANGED_ALL = (1 << 11) - 1,
} VMChange;

/* Counters over all sets. */
typedef struct VMCounters {
        uint32_t allocated;
        uint32_t peak;
        uint32_t attached;
        uint64_t denied;
} VMCounters;

/* Where it runs. */
typedef struct VMPlace {
        char *unit;
        char *slice;
        char *cgroup; /* the unit's; NULL while it is not known */
        uint32_t leader;
        uint64_t cgroup_id; /* 0 while it is not known */
} VMPlace;

/* Is the quota in force? As announced last, see vm_force(). */
typedef struct VMQuotaState {
        bool in_force; /* in all limits */
        char *error;   /* why not; NULL: unknown, or it is */
} VMQuotaState;

/* Of sets that are gone. */
typedef struct VMGone {
        uint64_t denied, peak;
} VMGone;

/* What the bus knows of it, and what it is still to hear. */
typedef struct VMSignals {
        TAILQ_ENTRY(VM) of_changed; /* while changes_queued */
        VMVisibility visibility;
        VMCounters told; /* as last announced, while somebody listens */
        bool told_known;
        bool changes_queued;
        unsigned changed; /* VMChange */
} VMSignals;

/* One machine, or what stands for one: known by UUID, with one cgroup and zero or more sets. */
struct VM {
        TAILQ_ENTRY(VM) entries;
        World *world;
        VMLife *life;    /* watches and timers of whoever sees to the VM */
        uint64_t number; /* later ones have higher ones, and come later in the list */
        VMKind kind;
        VMState state;
        char uuid[UUID_STRING_SIZE];
        char *key; /* in the state files */
        char *name;
        char *machine;         /* machined's name; NULL without one */
        uint64_t machine_usec; /* when it was made, CLOCK_REALTIME */
        VMPlace place;

        PolicyResult policy;          /* what should hold */
        bool policy_known;            /* it was worked out at all */
        DefaultSource default_source; /* that it was worked out with */
        Limit misc_max;               /* of the cgroup; those of sets are the sets' */
        VMQuotaState quota;

        TAILQ_HEAD(, Set) sets;
        size_t n_sets;
        VMGone gone;

        TAILQ_HEAD(, OtherMachine) other_machines; /* of the same UUID, see other-machines.h */

        bool listed;       /* in the list of machines that is being gone through */
        bool viommu_noted; /* that its vIOMMU offers more than the quota, in this run */

        int log_level; /* of its comings and goings: LOG_INFO, LOG_DEBUG when there are very many */
        VMSignals signals;
};

/* Makes a VM; nothing is known of it but who it is. key: NULL for the UUID. -EEXIST when the UUID is taken. */
int vm_new(World *w, VMKind kind, const char *uuid, const char *key, const char *name, VM **ret);

/* Its sets are left without a VM. life must have been freed. */
VM *vm_free(VM *vm);

VM *vm_find_by_uuid(const World *w, const char *uuid);
/* By the key of its overrides. */
VM *vm_find_by_key(const World *w, const char *key);
VM *vm_find_by_machine(const World *w, const char *machine);
/* Machines can share a unit: the first one then. */
VM *vm_find_by_cgroup(const World *w, const char *unit_path);

/* Are both machines in the same cgroup, whose limit then is one for both? */
bool vm_shares_cgroup(const VM *vm, const VM *other);

/* Can only the system's manager have made this unit? Those of users have one of its services above them. */
bool unit_path_is_of_system(const char *unit_path);

/* Does a user's session or service manager run it? Only the system's own slices can hold a machine that goes by its UUID. */
bool unit_path_is_below_user_slice(const char *cgroup);

/* Takes effect on policy when that is worked out the next time. */
int vm_set_name(VM *vm, const char *name);

void vm_add_set(VM *vm, Set *set);
void vm_remove_set(VM *vm, Set *set);

/* Does the VM run in the slice, or in one below, or is it announced for it? */
bool vm_is_in_slice(const VM *vm, const char *slice);

/* Has it a machine, or is it one of those that need none? */
static inline bool vm_is_running(const VM *vm) {
        return vm->state != VM_RESERVED;
}

/* "reserved", "running" */
const char *vm_state_to_string(VMState state);

LogContext vm_log_context(const VM *vm, const char *message_id);

/* s: NULL for none. -ENOMEM, and *where stays as it is. */
int replace_string(char **where, const char *s);
