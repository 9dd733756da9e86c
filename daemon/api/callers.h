/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "budget.h"
#include "api.h"

/*
 * Who calls on the bus. When a connection calls for the first time the bus is
 * asked, without waiting, whose it is; call-queue.c keeps its calls until the
 * answer is there, so that whoever handles a call knows the caller's uid.
 * Connections of one uid share what that uid may use. root's are not limited.
 */

typedef struct CallerConnection CallerConnection;
typedef struct CallerUser CallerUser;

/* A call that waits for its caller to be known, or for its caller's budget. */
typedef struct HeldCall {
        TAILQ_ENTRY(HeldCall) entries;
        sd_bus_message *message;
        size_t places; /* see call_places(); 0: it has that of its connection */
} HeldCall;
TAILQ_HEAD(HeldCallList, HeldCall);

/* A uid other than root's, and what it has used. */
struct CallerUser {
        TAILQ_ENTRY(CallerUser) entries;
        uint32_t uid;
        unsigned n_connections;
        unsigned n_pings; /* that are not answered yet */
        Bucket cpu;       /* microseconds of the daemon's time */
        uint64_t unread;  /* bytes of answers that the connections may not have read yet */
        struct HeldCallList held;
        size_t n_held; /* places */
};

struct CallerConnection {
        TAILQ_ENTRY(CallerConnection) entries;
        Callers *callers;
        char *name; /* unique */
        bool known; /* uid, pid and user are */
        uint32_t uid, pid;
        CallerUser *user;         /* NULL: root, or not known yet */
        struct HeldCallList held; /* while it is not known */
        size_t n_held;            /* places */
        uint64_t unread, unread_at_ping;
        sd_bus_slot *question, *ping;
};

typedef struct CallersHandlers {
        void (*known)(CallerConnection *connection); /* its held calls may go on */
        void (*no_room)(CallerConnection
                        *connection); /* for it, whose user is not known: it is about to be forgotten */
        void (*ends)(CallerConnection *connection); /* it is about to be freed */
        void (*gone)(Api *api, const char *name);   /* the caller has left the bus */
} CallersHandlers;

struct Callers {
        Api *api;
        const CallersHandlers *handlers;
        TAILQ_HEAD(CallerConnectionList, CallerConnection) connections;
        TAILQ_HEAD(CallerUserList, CallerUser) users;
        size_t n_connections, n_users, n_roots, n_pings;
        size_t n_of_users;              /* connections that are known not to be root's */
        size_t n_held, n_held_of_users; /* places; of users that are known not to be root */
        unsigned n_questions;
        uint64_t unread; /* of all users */
        Bucket cpu;      /* of all users */
        BusPeer *ends;   /* of connections, while there are any of users */

        /* call-queue.c */
        sd_event_source *measure, *timer;
        CallerUser *running;      /* whose call is being handled */
        uint64_t running_begin;   /* in CPU time of this thread */
        sd_bus_message *released; /* the held call that is to be handled next */
};

/* The daemon's time for one user, and for all users but root together: microseconds in a second. */
extern const BucketRate callers_user_rate, callers_all_rate;

/* For the connection that api->bus is. Sets api->callers. handlers must last. */
int callers_new(Api *api, const CallersHandlers *handlers);
/* The bus is gone, and everybody with it. */
Callers *callers_free(Callers *callers);

/* Finds or makes the connection, and has the bus asked about one that is new. NULL: no memory, or far too many. */
CallerConnection *callers_get(Callers *callers, const char *name);

/*
 * The uid and the process id (0: not known) of whoever has sent a call that is
 * being handled. Returns false if that is not known; it then was no call.
 */
bool callers_find(const Api *api, const char *sender, uint32_t *ret_uid, uint32_t *ret_pid);

/* caller_unread_charge() by name; for root always true. */
bool callers_charge_by_name(Api *api, const char *name, uint64_t bytes);
