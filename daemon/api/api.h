/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "control.h"
#include "log.h"

typedef struct Api Api;
typedef struct AuthRequest AuthRequest;
typedef struct BusPeer BusPeer;
typedef struct Callers Callers;
typedef struct HookSocket HookSocket;
typedef struct OverrideAnswer OverrideAnswer;
typedef struct Subscriber Subscriber;
typedef struct WaitingCall WaitingCall;

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

/* Questions to polkit, see polkit.h. */
typedef struct Authorization {
        TAILQ_HEAD(AuthList, AuthRequest) requests;
        unsigned next_cancellation; /* number of the next question that can be taken back */
        RateLimit log;
} Authorization;

/* Who wants to hear of usage, see subscribers.h and usage-signals.h. */
typedef struct Subscribers {
        TAILQ_HEAD(SubscriberList, Subscriber) list;
        size_t n;
        BusPeer *ends;          /* the bus, which says that they have left; while there are any */
        sd_event_source *timer; /* likewise */
        uint64_t next;          /* number of the VM to be looked at; a later one if that is gone */
        void (*sent)(Api *api, uint64_t bytes); /* signals to each of them */
} Subscribers;

/* Calls that change overrides, see override-queue.h. */
typedef struct OverrideQueue {
        TAILQ_HEAD(WaitingList, WaitingCall) waiting;
        const sd_bus_message *turn;           /* whose handler is being called again */
        TAILQ_HEAD(, OverrideAnswer) answers; /* to calls whose changes are under way */
} OverrideQueue;

/* Calls of Reconcile that wait, see reconcile-bus.h. */
typedef struct ReconcileCalls {
        sd_bus_message **waiting;
        size_t n_waiting;
} ReconcileCalls;

/* What the api layer tells its owner. */
typedef struct ApiHandlers {
        void (*name_acquired)(void *userdata);
        void (*bus_failed)(void *userdata); /* what was asked of the bus has failed: connect anew */
} ApiHandlers;

/* D-Bus towards callers. */
struct Api {
        Control *control;
        World *world; /* control's */
        sd_event *event;
        const char *root; /* control's */
        const ApiHandlers *handlers;
        void *userdata;

        sd_bus *bus;         /* on which the daemon is called */
        bool name_requested; /* the answer is under way */
        bool name_acquired;
        Callers *callers; /* who calls on it, and what each may use */
        int hook_fd; /* the listening socket of libvirt's hook, until that is there; negative: none was passed */
        HookSocket *hook_socket;

        SignalGate signals;
        Authorization authorization;
        Subscribers subscribers;
        MetricsCalls metrics_calls;
        OverrideQueue overrides;
        ReconcileCalls reconcile_calls;
};

/* hook_fd: is taken. handlers must last. -ENOMEM. */
int api_new(Control *control, int hook_fd, const ApiHandlers *handlers, void *userdata, Api **ret);
Api *api_free(Api *api);
DEFINE_CLEANUP_FUNC(Api *, api_free, api_freep);

/* There is a connection to be called on: adds all objects to it. It stays the caller's, until api_connection_lost(). */
int api_connected(Api *api, sd_bus *bus);

/* Everything that has to do with the connection is forgotten. */
void api_connection_lost(Api *api);

/* The connection cannot be used any more: the name is not the daemon's. */
void api_connection_unavailable(Api *api);

/* Asks for the daemon's name, unless that was done. handlers->name_acquired() is called when it is there. */
void api_request_name(Api *api);

/* Those of the files *-bus.c that have no header of their own. */
int event_bus_add(Api *api);
int hook_bus_add(Api *api);
int hook_bus_add_to(Api *api, sd_bus *bus); /* the hook's methods on a connection of its own */
int manager_bus_add(Api *api);
int metrics_bus_add(Api *api);
int policy_bus_add(Api *api);
int vm_bus_add(Api *api);

/* A caller has left the bus: it does not wait for metrics any more. */
void metrics_bus_caller_gone(Api *api, const char *name);
/* Nobody waits for metrics any more. */
void metrics_bus_forget(Api *api);
