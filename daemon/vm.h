/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "announcement.h"
#include "kernel-set.h"
#include "manager.h"
#include "policy.h"
#include "uuid.h"

typedef enum VMKind {
        VM_KIND_MACHINE, /* machined's, or one that libvirt announced; UUID is libvirt's */
        VM_KIND_UNIT,    /* a unit whose processes have sets; UUID is its InvocationID */
        VM_KIND_SET,     /* a set whose unit is not known */
} VMKind;

typedef enum VMState {
        VM_RESERVED,
        VM_RUNNING,
} VMState;

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

struct VM {
        TAILQ_ENTRY(VM) entries;
        TAILQ_ENTRY(VM) of_changed; /* while changes_queued */
        Manager *manager;
        VMKind kind;
        VMState state;
        char uuid[UUID_STRING_SIZE];
        char *key;  /* in the state files */
        char *path; /* D-Bus object */
        char *name;
        char *machine;         /* machined's name; NULL without one */
        bool unregistered;     /* libvirt runs it without machined, see libvirt-qemu.h */
        uint64_t machine_usec; /* when it was made, CLOCK_REALTIME */
        char *unit;
        char *slice;
        char *cgroup; /* the unit's; NULL while it is not known */
        uint32_t leader;
        uint64_t cgroup_id; /* 0 while it is not known */

        PolicyResult policy; /* what should hold */
        bool policy_known;
        DefaultSource default_source; /* that it was worked out with */
        bool in_force;
        bool failed; /* not in force because of an error */
        char *error; /* why not */

        TAILQ_HEAD(, Set) sets;
        size_t n_sets;
        uint64_t refreshed; /* the event loop's iteration in which the sets' counters were read */
        uint64_t gone_denied, gone_peak; /* of sets that are gone */

        TAILQ_HEAD(, OtherMachine) other_machines; /* of the same UUID, see other-machines.h */

        bool listed; /* in the list of machines that is being gone through */
        sd_event_source *reservation_timeout;
        unsigned n_extensions; /* of the reservation */

        CgroupSubscription *limit_watch; /* misc.max */
        CgroupSubscription *gone_watch;  /* the directory above a unit's cgroup */
        sd_event_source *revert_holdoff;
        bool revert_again;
        bool foreign;      /* somebody else's value is left in place */
        bool viommu_noted; /* that its vIOMMU offers more than the quota, in this run */

        bool announced;  /* VMAdded was sent, or had to be left out */
        bool untold;     /* it was left out, see signal-gate.h */
        VMCounters told; /* as last announced, while somebody listens */
        bool told_known;
        int log_level;    /* of its comings and goings: LOG_INFO, LOG_DEBUG when there are very many */
        unsigned changed; /* VMChange */
        bool changes_queued;
        RateLimit limit_log, watermark_log, foreign_log;
        uint64_t refusals_untold; /* since the last event about one */
};

/*
 * Makes a VM; nothing is known of it but who it is. The bus learns of it by
 * vm_announce(). key: NULL for the UUID. -EEXIST when the UUID is taken.
 */
int vm_new(Manager *m, VMKind kind, const char *uuid, const char *key, const char *name, VM **ret);

/* Tells the bus, unless it knows already. */
void vm_announce(VM *vm);

/* Takes the VM from the bus and frees it. Its sets are left without a VM. */
void vm_remove(VM *vm, const char *why);

/* The same without a word, when the daemon ends. */
VM *vm_free(VM *vm);

VM *vm_find_by_uuid(Manager *m, const char *uuid);
VM *vm_find_by_path(Manager *m, const char *path);
/* By the key of its overrides. */
VM *vm_find_by_key(Manager *m, const char *key);
VM *vm_find_by_machine(Manager *m, const char *machine);
/* Machines can share a unit: the first one then. */
VM *vm_find_by_cgroup(Manager *m, const char *unit_path);

/* Are both machines in the same cgroup, whose limit then is one for both? */
bool vm_shares_cgroup(const VM *vm, const VM *other);

/* Can only the system's manager have made this unit? Those of users have one of its services above them. */
bool unit_path_is_of_system(const char *unit_path);

/* Does a user's session or service manager run it? Only the system's own slices can hold a machine that goes by its UUID. */
bool unit_path_is_below_user_slice(const char *cgroup);

/* Each takes effect on policy with the next vm_apply(). */
int vm_set_name(VM *vm, const char *name);
/* NULL: it has none now. The cgroup is another one with another machine. */
int vm_set_machine(VM *vm, const char *machine, const char *unit, uint32_t leader);
/* -EBADMSG for a path that cannot be shown. */
int vm_set_cgroup(VM *vm, const char *unit_path);
/* Hears of everything that is written to the cgroup's misc.max from now on, if it has one. */
void vm_watch_limit(VM *vm);

void vm_add_set(VM *vm, Set *set);
void vm_remove_set(VM *vm, Set *set);

/* Does the VM run in the slice, or in one below, or is it announced for it? */
bool vm_is_in_slice(const VM *vm, const char *slice);

/* Is nothing left that the VM lives by? */
bool vm_is_finished(const VM *vm);

/* Removes the units' VMs whose unit is gone, where the news of that may have been lost. */
void vm_units_check(Manager *m);

/* "reserved", "running" */
const char *vm_state_to_string(VMState state);

/* Announces changed properties once the current handler is through. */
void vm_queue_changes(VM *vm, unsigned changes);

LogContext vm_log_context(const VM *vm, const char *message_id);

/* Reads the sets' counters from the kernel, once in each turn of the event loop. */
void vm_refresh_counters(VM *vm);
/* The same, and their quotas and watermarks. */
void vm_refresh_sets(VM *vm);

void vm_read_counters(VM *vm, VMCounters *ret);

/* In words, where the quota comes from. The caller frees *ret. */
int vm_quota_origin(const VM *vm, char **ret);
/* The same for another quota than the one that holds. */
int vm_policy_origin(const VM *vm, const PolicyResult *policy, char **ret);
