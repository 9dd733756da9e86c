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

/* State of signal-gate.h. */
typedef struct SignalGate {
        sd_bus_slot *question;
        sd_event_source *timer; /* for the next question */
        sd_event_source *pause; /* timer for changes that wait for room in the queue */
        unsigned n_sent;        /* since the last question */
        uint64_t opened;        /* when it was last opened, monotonic µs; 0: never */
        uint64_t not_before;    /* it stays closed until this time */
        uint64_t closed_usec;   /* minimum time for which it stays closed */
        bool closed;
        bool unknown;   /* the bus has no such statistics */
        char **removed; /* paths of objects that were removed while it was closed */
        size_t n_removed;
} SignalGate;

#define METRICS_CALLS_MAX 288U

/* Pending calls of GetMetrics. */
typedef struct MetricsCalls {
        sd_bus_message *waiting[METRICS_CALLS_MAX];
        size_t n_waiting;
        uint64_t next_usec; /* time before which no call is answered */
        sd_event_source *timer;
} MetricsCalls;

/* Pending questions to polkit, see polkit.h. */
typedef struct Authorization {
        TAILQ_HEAD(AuthList, AuthRequest) requests;
        unsigned next_cancellation; /* number of the next question that can be cancelled */
        RateLimit log;
} Authorization;

/* Subscribers to usage, see subscribers.h and usage-signals.h. */
typedef struct Subscribers {
        TAILQ_HEAD(SubscriberList, Subscriber) list;
        size_t n;
        BusPeer *ends;          /* watch for subscribers that leave the bus; only while there are any */
        sd_event_source *timer; /* only while there are any */
        uint64_t next;          /* number of the next VM to check, or of a later one if that is gone */
        void (*sent)(Api *api, uint64_t bytes); /* accounts for signals to each subscriber */
} Subscribers;

/* Pending calls that change overrides, see override-queue.h. */
typedef struct OverrideQueue {
        TAILQ_HEAD(WaitingList, WaitingCall) waiting;
        const sd_bus_message *turn;           /* the call whose handler is being called again */
        TAILQ_HEAD(, OverrideAnswer) answers; /* to calls whose changes are in progress */
} OverrideQueue;

/* Pending calls of Reconcile, see reconcile-bus.h. */
typedef struct ReconcileCalls {
        sd_bus_message **waiting;
        size_t n_waiting;
} ReconcileCalls;

/* Handlers that the owner of the api layer provides. */
typedef struct ApiHandlers {
        void (*name_acquired)(void *userdata);
        void (*bus_failed)(
                void *userdata); /* a request to the bus has failed: the connection must be made again */
} ApiHandlers;

/* The D-Bus API. */
struct Api {
        Control *control;
        World *world; /* control's */
        sd_event *event;
        const char *root; /* control's */
        const ApiHandlers *handlers;
        void *userdata;

        sd_bus *bus;         /* connection on which the daemon is called */
        bool name_requested; /* the reply is pending */
        bool name_acquired;
        Callers *callers; /* connections that call the daemon, and their resources */
        int hook_fd; /* listening socket for libvirt's hook, until hook_socket has it; negative: none was passed */
        HookSocket *hook_socket;

        SignalGate signals;
        Authorization authorization;
        Subscribers subscribers;
        MetricsCalls metrics_calls;
        OverrideQueue overrides;
        ReconcileCalls reconcile_calls;
};

/* Takes ownership of hook_fd. handlers must outlive the Api. Returns 0 or -ENOMEM. */
int api_new(Control *control, int hook_fd, const ApiHandlers *handlers, void *userdata, Api **ret);
Api *api_free(Api *api);
DEFINE_CLEANUP_FUNC(Api *, api_free, api_freep);

/*
 * Adds all objects to a new connection. The caller keeps the connection, until api_connection_lost(). Returns 0 or a
 * negative errno.
 */
int api_connected(Api *api, sd_bus *bus);

/* To be called before the connection is closed. Drops everything that depends on it. */
void api_connection_lost(Api *api);

/* To be called when the connection is not usable any more: the name is lost. */
void api_connection_unavailable(Api *api);

/* Requests the daemon's name, unless that has been done. handlers->name_acquired() is called on success. */
void api_request_name(Api *api);

/* Functions of the *-bus.c files that have no header. They return 0 or a negative errno. */
int event_bus_add(Api *api);
int hook_bus_add(Api *api);
int hook_bus_add_to(Api *api, sd_bus *bus); /* adds the hook's methods to a connection of hook-socket.h */
int manager_bus_add(Api *api);
int metrics_bus_add(Api *api);
int policy_bus_add(Api *api);
int vm_bus_add(Api *api);

/* To be called when a caller has left the bus: drops its pending calls. */
void metrics_bus_caller_gone(Api *api, const char *name);
/* Drops all pending calls. */
void metrics_bus_forget(Api *api);
