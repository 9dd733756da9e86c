/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "kernel-set.h"
#include "limit.h"
#include "rate-limit.h"
#include "world.h"

typedef struct BusCalls BusCalls;
typedef struct CgroupWatch CgroupWatch;
typedef struct ChangeList ChangeList;
typedef struct ConfigPlace ConfigPlace;
typedef struct Control Control;
typedef struct Counting Counting;
typedef struct EarlyLimit EarlyLimit;
typedef struct Event Event;
typedef struct EventLog EventLog;
typedef struct KernelSource KernelSource;
typedef struct LimitOps LimitOps;
typedef struct Limits Limits;
typedef struct Machined Machined;
typedef struct Matching Matching;
typedef struct Overrides Overrides;
typedef struct PassedSockets PassedSockets;
typedef struct Reconciliation Reconciliation;
typedef struct SliceWatch SliceWatch;
typedef struct StateStore StateStore;
typedef struct SystemdWatch SystemdWatch;

/* Handlers that the owner of the control layer provides. */
typedef struct ControlHandlers {
        /* There are changes in world.changes. */
        void (*changed)(void *userdata);

        /* The kernel has PASID sets, and this layer works with them: the bus can be connected. Called once. */
        void (*kernel_present)(void *userdata);

        /* Called for each denial of a set of the VM, and each time that a count of a set reaches its watermark. */
        void (*denied)(const VM *vm, const KernelMessage *message, void *userdata);
        void (*refused)(const VM *vm, const KernelMessage *message, void *userdata);
        void (*watermark_reached)(const VM *vm, const KernelMessage *message, void *userdata);

        /* An event was added to the event log. */
        void (*event)(const Event *event, void *userdata);

        /* The reconciliation requested by reconcile_for_caller() is done. */
        void (*reconciled)(const ChangeList *changes, void *userdata);

        /* A change to overrides is done: the next one can begin. */
        void (*overrides_idle)(void *userdata);

        /* Called before and after the configuration is reloaded. */
        void (*reload_begins)(void *userdata);
        void (*reload_ends)(void *userdata);
} ControlHandlers;

/* The quota that the kernel assigns to new sets. */
typedef struct DefaultQuota {
        Limit limit;
        uint32_t announced; /* by the last event, or at the start */
        bool known;         /* announced is set */
        RateLimit foreign_log;
} DefaultQuota;

/* Rate limits for log records that are not specific to a VM. */
typedef struct ControlLog {
        RateLimit units;                       /* VMs that are not machines */
        RateLimit many_denied, many_watermark; /* for all VMs beyond the limit "units" */
        RateLimit resyncs;
} ControlLog;

/*
 * Calls from lower to higher files of this layer, which the former must not
 * depend on. control.c connects them.
 */
typedef struct ControlHooks {
        const struct SliceWatchHandlers *slices; /* events in the watched slices */
        void (*unit_gone)(VM *vm);               /* the unit of a VM may have ended */
        void (*cgroup_known)(
                VM *machine); /* the machine's cgroup is known now, so that its sets can be found */
        void (*sets_may_match)(Control *control); /* the VMs of waiting sets may be known now */
        void (*start_overdue)(VM *vm);            /* the announced VM has not started in time */
} ControlHooks;

/* The connections to other services. */
typedef struct ControlPeers {
        BusCalls *calls;
        SystemdWatch *systemd_watch; /* while connected */
        Machined *machined;          /* while connected */
} ControlPeers;

/*
 * The control layer: assigns the kernel's sets to VMs and enforces each VM's
 * quota. Owns the world with all VMs and sets.
 */
struct Control {
        World world;
        sd_event *event;
        char *root;
        Config *config; /* the world's */
        ConfigPlace *place;
        StateStore *store;
        Overrides *overrides; /* changes to it */
        Counting *counting;
        EventLog *events;

        KernelSource *kernel;
        CgroupWatch *cgroup_watch;
        SliceWatch *slices;
        TAILQ_HEAD(EarlyLimitList, EarlyLimit) early_limits;
        Limits *limits;
        DefaultQuota default_quota;
        Matching *matching;
        Reconciliation *reconciliation; /* while one is under way */
        ChangeList *recording;          /* of what is changed; NULL: nobody wants to know */
        ControlLog log;

        ControlPeers peers;

        const ControlHooks *hooks;
        const ControlHandlers *handlers;
        void *userdata;
};

/*
 * place: location from which config was loaded. Takes ownership of config, also
 * on failure. calls: for questions to machined and systemd. place, calls and
 * handlers must outlive the Control. Returns 0 or a negative errno.
 */
int control_new(sd_event *event, const char *root, ConfigPlace *place, Config *config, BusCalls *calls,
        const ControlHandlers *handlers, void *userdata, Control **ret);
Control *control_free(Control *control);
DEFINE_CLEANUP_FUNC(Control *, control_free, control_freep);

/* Loads state, counters and reservations. Returns 0 or a negative errno, which has been logged. */
int control_prepare(Control *control);

/*
 * Opens the source of sets. Takes ownership of the netlink sockets. Returns 0 or a negative errno, which has been
 * logged.
 */
int control_start(Control *control, PassedSockets *sockets);

/*
 * To be called when there is a connection for questions: starts to follow machined and systemd. Returns 0 or a
 * negative errno.
 */
int control_connected(Control *control);

/* To be called after that. Reconciles, because events may have been missed without the connection. */
void control_connection_ready(Control *control);

/* To be called when there is no usable connection. */
void control_connection_unavailable(Control *control);

/* To be called before the connection is closed, if there is one. */
void control_connection_lost(Control *control);

/* CLOCK_MONOTONIC in microseconds, at this iteration of the event loop. */
static inline uint64_t control_now(const Control *control) {
        uint64_t now = 0;

        (void) sd_event_now(control->event, CLOCK_MONOTONIC, &now);
        return now;
}
