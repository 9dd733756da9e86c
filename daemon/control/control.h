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

/* What the control layer tells its owner. */
typedef struct ControlHandlers {
        /* There is something in world.changes. */
        void (*changed)(void *userdata);

        /* The kernel has PASID sets, and everything that works with them has begun: time to connect to the bus. Called once. */
        void (*kernel_present)(void *userdata);

        /* The kernel refused a set of the VM a PASID; the count of a set has reached its watermark. Each time. */
        void (*refused)(const VM *vm, const KernelMessage *message, void *userdata);
        void (*watermark_reached)(const VM *vm, const KernelMessage *message, void *userdata);

        /* Something was added to the event log. */
        void (*event)(const Event *event, void *userdata);

        /* What reconcile_for_caller() has asked for is done. */
        void (*reconciled)(const ChangeList *changes, void *userdata);

        /* A change to overrides has come to its end: those that wait for it may go on. */
        void (*overrides_idle)(void *userdata);

        /* The configuration is about to be read anew; that is done. */
        void (*reload_begins)(void *userdata);
        void (*reload_ends)(void *userdata);
} ControlHandlers;

/* The quota that the kernel gives new sets. */
typedef struct DefaultQuota {
        Limit limit;
        uint32_t announced; /* by the last event about it, or at the start */
        bool known;         /* there was one */
        RateLimit foreign_log;
} DefaultQuota;

/* Limits for the log that are no VM's own. */
typedef struct ControlLog {
        RateLimit units;                        /* VMs that are no machines */
        RateLimit many_refused, many_watermark; /* of all VMs beyond what units lets through */
        RateLimit resyncs;
} ControlLog;

/*
 * What parts of this layer tell one another where the one that tells must not
 * know the one that is told. control.c connects them.
 */
typedef struct ControlHooks {
        const struct SliceWatchHandlers *slices; /* what happens in the slices that are watched */
        void (*unit_gone)(VM *vm);               /* the unit of a VM may have ended */
        void (*cgroup_known)(
                VM *machine); /* a machine's cgroup is known, and its sets can be found by that */
        void (*sets_may_match)(Control *control); /* the VMs of sets that wait may be known now */
        void (*start_overdue)(VM *vm);            /* what was announced for the VM has not come in time */
} ControlHooks;

/* Whom it asks, and whom it listens to. */
typedef struct ControlPeers {
        BusCalls *calls;
        SystemdWatch *systemd_watch; /* while there is a connection */
        Machined *machined;          /* likewise */
} ControlPeers;

/*
 * What is done, and in which order: ties the kernel's sets to VMs and sees to
 * it that each has its quota. Owns the world with all VMs and sets.
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
 * place: where config, which is taken over even on failure, comes from. calls:
 * for questions to machined and systemd. place, calls and handlers must last.
 */
int control_new(sd_event *event, const char *root, ConfigPlace *place, Config *config, BusCalls *calls,
        const ControlHandlers *handlers, void *userdata, Control **ret);
Control *control_free(Control *control);
DEFINE_CLEANUP_FUNC(Control *, control_free, control_freep);

/* Everything before the kernel is asked: state, counters, reservations. Logs what fails. */
int control_prepare(Control *control);

/* Opens the source of sets. Takes the netlink sockets, if there are any. Logs what fails. */
int control_start(Control *control, PassedSockets *sockets);

/* There is a connection for questions: begins to listen to machined and systemd. */
int control_connected(Control *control);

/* What may have happened before it was there is looked for. */
void control_connection_ready(Control *control);

/* There is no connection, or none that can be used. */
void control_connection_unavailable(Control *control);

/* The connection is about to be closed, if there is one. */
void control_connection_lost(Control *control);

/* CLOCK_MONOTONIC in microseconds, of this turn of the event loop. */
static inline uint64_t control_now(const Control *control) {
        uint64_t now = 0;

        (void) sd_event_now(control->event, CLOCK_MONOTONIC, &now);
        return now;
}
