/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "budget.h"
#include "api.h"

/*
 * The connections that call the daemon. At the first call of a connection the bus
 * is asked asynchronously for its uid; call-queue.c holds its calls until the
 * answer, so that handlers always know the caller's uid. Connections with the
 * same uid share the resources of one user. root is not limited.
 */

typedef struct CallerConnection CallerConnection;
typedef struct CallerUser CallerUser;

/* A call that waits until its caller is known, or for its user's budget. */
typedef struct HeldCall {
        TAILQ_ENTRY(HeldCall) entries;
        sd_bus_message *message;
        size_t places; /* see call_places(); 0: it takes no place besides its connection */
} HeldCall;
TAILQ_HEAD(HeldCallList, HeldCall);

/* A uid other than root's, and its use of resources. */
struct CallerUser {
        TAILQ_ENTRY(CallerUser) entries;
        uint32_t uid;
        unsigned n_connections;
        unsigned n_pings; /* unanswered Pings */
        Bucket cpu;       /* microseconds of the daemon's time */
        uint64_t unread;  /* bytes that its connections may not have read yet */
        struct HeldCallList held;
        size_t n_held; /* in places */
};

struct CallerConnection {
        TAILQ_ENTRY(CallerConnection) entries;
        Callers *callers;
        char *name; /* unique name */
        bool known; /* uid, pid and user are set */
        uint32_t uid, pid;
        CallerUser *user;         /* NULL: root, or not known yet */
        struct HeldCallList held; /* while it is not known */
        size_t n_held;            /* in places */
        uint64_t unread, unread_at_ping;
        sd_bus_slot *question, *ping;
};

typedef struct CallersHandlers {
        void (*known)(CallerConnection *connection);   /* its held calls can proceed */
        void (*no_room)(CallerConnection *connection); /* there is no place for it; it will be freed */
        void (*ends)(CallerConnection *connection);    /* it will be freed */
        void (*gone)(Api *api, const char *name);      /* the caller has left the bus */
} CallersHandlers;

struct Callers {
        Api *api;
        const CallersHandlers *handlers;
        TAILQ_HEAD(CallerConnectionList, CallerConnection) connections;
        TAILQ_HEAD(CallerUserList, CallerUser) users;
        size_t n_connections, n_users, n_roots, n_pings;
        size_t n_of_users;              /* connections of users other than root */
        size_t n_held, n_held_of_users; /* in places; the latter for users other than root */
        unsigned n_questions;
        uint64_t unread; /* sum over all users */
        Bucket cpu;      /* shared by all users */
        BusPeer *ends;   /* watch for connections that leave the bus; only while users are connected */

        /* Used by call-queue.c. */
        sd_event_source *measure, *timer;
        CallerUser *running;      /* user whose call is being handled */
        uint64_t running_begin;   /* CPU time of this thread at the start */
        sd_bus_message *released; /* held call that sd-bus will dispatch next */
};

/* CPU time of the daemon for one user, and for all users except root together: microseconds per second. */
extern const BucketRate callers_user_rate, callers_all_rate;

/* To be called for each new connection api->bus. Sets api->callers. handlers must last. Returns 0 or -ENOMEM. */
int callers_new(Api *api, const CallersHandlers *handlers);
/* To be called when the connection to the bus is lost. Returns NULL. */
Callers *callers_free(Callers *callers);

/*
 * Finds or adds the connection, and starts to determine its user. Returns NULL when out of memory or if there are far
 * too many.
 */
CallerConnection *callers_get(Callers *callers, const char *name);

/*
 * Returns the uid and pid (0: unknown) of the sender of a call that is being
 * handled. Returns false if they are unknown; then it was not a call.
 */
bool callers_find(const Api *api, const char *sender, uint32_t *ret_uid, uint32_t *ret_pid);

/* caller_unread_charge() by unique name. Always true for root. */
bool callers_charge_by_name(Api *api, const char *name, uint64_t bytes);
