/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/queue.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "boot-seed.h"
#include "config-place.h"
#include "config.h"
#include "kernel-source.h"
#include "log.h"
#include "macro.h"
#include "misc-file.h"
#include "retry.h"
#include "slice-watch.h"
#include "state-store.h"

typedef struct AuthRequest AuthRequest;
typedef struct BusCall BusCall;
typedef struct BusPeer BusPeer;
typedef struct Callers Callers;
typedef struct CgroupIndex CgroupIndex;
typedef struct Counters Counters;
typedef struct EarlyLimit EarlyLimit;
typedef struct EventLog EventLog;
typedef struct HookSocket HookSocket;
typedef struct Machined Machined;
typedef struct Manager Manager;
typedef struct OverrideQueue OverrideQueue;
typedef struct Reconciliation Reconciliation;
typedef struct Set Set;
typedef struct SliceLimit SliceLimit;
typedef struct Subscriber Subscriber;
typedef struct SystemdWatch SystemdWatch;
typedef struct VM VM;

typedef struct ManagerOptions {
        const char *root;   /* "" in service */
        const char *config; /* NULL: the usual file and its drop-ins */
        PassedSockets sockets;
} ManagerOptions;

/* What there is to know about the machines that machined has. */
typedef enum MachinesKnown {
        MACHINES_UNKNOWN,     /* not asked yet, or the answer is under way */
        MACHINES_UNAVAILABLE, /* no bus, or no answer; asked again later */
        MACHINES_LISTED,
} MachinesKnown;

/* Who said which quota new sets and VMs without an own one get. */
typedef enum DefaultSource {
        DEFAULT_SOURCE_RUNTIME,
        DEFAULT_SOURCE_PERSISTENT,
        DEFAULT_SOURCE_CONFIG,
} DefaultSource;

/* What pasidd writes to the kernel, and tries again when that failed. In the order in which that is done. */
typedef enum LimitKind {
        LIMIT_KIND_DEFAULT_QUOTA,
        LIMIT_KIND_CONTROLLER, /* +misc in a slice */
        LIMIT_KIND_SLICE,
        LIMIT_KIND_VM,
        _LIMIT_KIND_MAX,
} LimitKind;

/* What the bus says of signals that nobody reads, see signal-gate.h. */
typedef struct SignalGate {
        sd_bus_slot *question;
        sd_event_source *timer; /* for the next question */
        sd_event_source *pause; /* of changes that wait for room */
        unsigned n_sent;        /* since the last question */
        uint64_t opened;        /* when it was opened last, monotonic µs; 0: never */
        uint64_t not_before;    /* when it may open */
        uint64_t closed_usec;   /* how long it stays closed, at least */
        bool closed;
        bool unknown;   /* it does not say */
        char **removed; /* paths of objects that ended since it was closed */
        size_t n_removed;
} SignalGate;

#define METRICS_CALLS_MAX 288U

/* Calls of GetMetrics that wait. */
typedef struct MetricsCalls {
        sd_bus_message *waiting[METRICS_CALLS_MAX];
        size_t n_waiting;
        uint64_t next_usec; /* not before then */
        sd_event_source *timer;
} MetricsCalls;

/*
 * The whole daemon. Ties the kernel's sets to VMs and sees to it that each has
 * its quota. Owns all VMs and sets.
 */
struct Manager {
        sd_event *event;
        int instance_lock; /* negative: it could not be had */
        char *root;
        ConfigPlace place;

        Config *config;
        StateStore state;
        OverrideQueue *overrides; /* changes to it */
        BootSeed boot_seed;

        PassedSockets sockets; /* until their users have them */
        KernelSource *kernel;
        CgroupWatch *cgroup_watch;
        SliceWatch *slices;
        TAILQ_HEAD(SliceLimitList, SliceLimit) slice_limits; /* parents before children */
        TAILQ_HEAD(EarlyLimitList, EarlyLimit) early_limits;
        Retry retries[_LIMIT_KIND_MAX];
        sd_event_source *retry_timer;   /* for all of them */
        Reconciliation *reconciliation; /* while one is under way */
        bool overcommitted;
        uint32_t capacity;
        bool counts_attached; /* the kernel counts what is attached through iommufd */
        bool kernel_present;  /* capacity is known */
        bool sets_listed;

        sd_bus *bus;       /* on which we are called */
        sd_bus *query_bus; /* to machined and systemd, and what they say */
        Callers *callers;  /* who calls on it, and what each may use */
        HookSocket *hook_socket;
        sd_event_source *bus_retry;
        uint64_t bus_backoff_usec;
        bool bus_logged;     /* that it cannot be reached */
        bool name_requested; /* the answer is under way */
        bool name_acquired;
        SignalGate signals;

        TAILQ_HEAD(BusCallList, BusCall) calls_waiting;
        unsigned n_calls_open;
        sd_event_source *calls_retry; /* while one that waits could not be sent */
        sd_event_source *match_retry; /* while systemd did not say what a set's unit is */

        SystemdWatch *systemd_watch;
        Machined *machined;
        MachinesKnown machines;

        TAILQ_HEAD(VMList, VM) vms;
        TAILQ_HEAD(ChangedVMs, VM) vms_changed; /* to be told of */
        void *vms_by_uuid, *sets_by_id;         /* trees of tsearch(3) */
        TAILQ_HEAD(SetList, Set) sets;
        size_t n_vms, n_sets;
        size_t n_other_machines;   /* of all VMs, see other-machines.h */
        unsigned n_match_passes;   /* that many sets are being matched */
        CgroupIndex *cgroup_index; /* during such a pass */

        TAILQ_HEAD(AuthList, AuthRequest) auth_requests;
        unsigned next_cancellation; /* number of the next question that can be taken back */
        const Caller *caller;       /* on whose behalf something is changed right now; NULL: nobody's */

        EventLog *events;
        uint32_t default_told; /* the default quota that the last event told of */
        bool default_known;
        bool default_foreign; /* somebody else's value is left in place */
        RateLimit default_log;

        TAILQ_HEAD(SubscriberList, Subscriber) subscribers;
        size_t n_subscribers;
        BusPeer *subscriber_ends;     /* the bus, which says that they have left; while there are any */
        sd_event_source *usage_timer; /* likewise */
        VM *usage_next;               /* to be looked at; NULL: the first */

        MetricsCalls metrics_calls;

        sd_event_source *changes; /* deferred: tells the bus what changed */
        unsigned changed;         /* ManagerChange */
        char *status;             /* as last told */

        uint64_t resyncs;
        Counters *counters;   /* of earlier runs */
        char *counters_saved; /* as they stand in the file */
        RateLimit resync_log, polkit_log, unit_log, counters_log;
        RateLimit many_limit_log, many_watermark_log; /* of all VMs beyond what unit_log lets through */
        bool ready;
        int exit_status; /* when it does not come to running */
};

/* Properties that wait to be announced. */
typedef enum ManagerChange {
        MANAGER_CHANGED_STATE = 1 << 0,  /* State, Capacity */
        MANAGER_CHANGED_STATUS = 1 << 1, /* it may have; what is told is that it has */
        MANAGER_CHANGED_DEFAULT = 1 << 2,
} ManagerChange;

/*
 * The signals that the event loop handles wait from now on. To be called first
 * thing: SIGHUP ends a process that has not come to that. 0 or a negative errno.
 */
int manager_block_signals(void);

/* Reads the configuration. Takes the sockets. Even on failure *ret may be set, for its exit_status; free it. All is logged. */
int manager_new(const ManagerOptions *options, Manager **ret);
Manager *manager_free(Manager *m);
DEFINE_CLEANUP_FUNC(Manager *, manager_free, manager_freep);

/* Everything before the kernel is asked: state, event loop, reservations. Logs what fails. */
int manager_prepare(Manager *m);

/*
 * Runs until told to stop. Returns the process's exit status; or a negative
 * errno when it could not begin, and m->exit_status is what to end with.
 */
int manager_run(Manager *m);

/* Ends the event loop, from within a handler. */
void manager_exit(Manager *m, int status);

/* Is there anything that a quota or a slice limits? Else the misc controller has no lines for PASIDs. */
bool manager_has_limits(const Manager *m);

/*
 * Has somebody else changed misc.max, which should have this limit in each line? A line that came after pasidd wrote the
 * file, with its resource, has been changed by nobody. *ret_resource is the first that was.
 */
bool manager_limits_differ(
        const Manager *m, const MiscValues *limits, uint64_t limit, MiscResource *ret_resource);

/* "running" or "idle"; and a sentence, for the caller to free. */
const char *manager_state(const Manager *m);
char *manager_status(const Manager *m);

/* The default quota in force, and who set it. */
uint32_t manager_default_quota(const Manager *m, DefaultSource *ret_source);
const char *default_source_to_string(DefaultSource source);

/*
 * Tells the kernel the default quota and brings all VMs to what policy says
 * now. Fails when the kernel did not take the default; problems of single VMs
 * stay with them.
 */
int manager_apply_default_quota(Manager *m);
void manager_apply_all(Manager *m);

/* Watches the slices that there are to be watched now, in place of those before, and sets their limits. */
int manager_watch_slices(Manager *m);

/*
 * The sum of vm_committed() of all VMs except one (or NULL), of numbers alone:
 * of what is attached there is no capacity. Whoever tells somebody calls
 * admission_refresh() first.
 */
uint64_t manager_committed(const Manager *m, const char *except_uuid);

/*
 * Reads the configuration anew. On failure the old one stays and *ret_error
 * says why, with file and line; the caller frees it.
 */
int manager_reload(Manager *m, char **ret_error);

/* Something about the manager or a VM changed that the bus should hear of, once the current handler is through. */
void manager_queue_changes(Manager *m, unsigned changes);

/* The kernel has PASID sets: everything that works with them begins, at the first call. */
int manager_kernel_is_present(Manager *m, uint32_t capacity);

/* The bus came, is lost, or cannot be reached; whether machines are known changed. */
void manager_machines_known(Manager *m, MachinesKnown known);
/* Takes the bus name, and sends READY=1, once everything is in place. */
void manager_check_ready(Manager *m);

uint64_t manager_now(const Manager *m);
