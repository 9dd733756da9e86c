/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-peer.h"
#include "bus-options.h"
#include "caller-unread.h"
#include "callers.h"

#define BUS_DRIVER "org.freedesktop.DBus"

/*
 * dbus-daemon allows 256 connections per user, and 2048 in all. Connections whose user is unknown yet may be root's, so
 * they use places that are kept for root.
 */
static const Places connection_places = { .max = 4096, .for_root = 1024 };
#define USERS_MAX 1024U

/* Maximum number of root's connections that are cached, to avoid a question for each call. */
#define ROOTS_MAX 32U

/* Below the bus's limit of open calls (128 with dbus-daemon), because there are also questions to polkit, and Pings. */
#define QUESTIONS_MAX 32U

/* The rest of the time is for root, the kernel's events, and new VMs. */
const BucketRate callers_user_rate = { .per_sec = 200000, .burst = 400000 };
const BucketRate callers_all_rate = { .per_sec = 500000, .burst = 1000000 };

static void ask_next(Callers *callers);

static CallerConnection *find(const Callers *callers, const char *name) {
        CallerConnection *c;

        TAILQ_FOREACH (c, &callers->connections, entries)
                if (streq(c->name, name))
                        return c;

        return NULL;
}

static void user_free(Callers *callers, CallerUser *user) {
        if (callers->running == user)
                callers->running = NULL;
        TAILQ_REMOVE(&callers->users, user, entries);
        callers->n_users--;
        free(user);
}

/* Users without connections are kept until their CPU bucket is full, so that reconnecting does not reset it. */
static void forget_idle_users(Callers *callers) {
        uint64_t now = control_now(callers->api->control);
        CallerUser *user, *next;

        for (user = TAILQ_FIRST(&callers->users); user; user = next) {
                next = TAILQ_NEXT(user, entries);
                if (user->n_connections == 0 && bucket_is_full(&user->cpu, &callers_user_rate, now))
                        user_free(callers, user);
        }
}

static CallerUser *get_user(Callers *callers, uint32_t uid) {
        CallerUser *user;

        TAILQ_FOREACH (user, &callers->users, entries)
                if (user->uid == uid)
                        return user;

        forget_idle_users(callers);
        if (callers->n_users >= USERS_MAX)
                return NULL;

        user = calloc(1, sizeof(*user));
        if (!user)
                return NULL;
        user->uid = uid;
        TAILQ_INIT(&user->held);
        TAILQ_INSERT_TAIL(&callers->users, user, entries);
        callers->n_users++;
        return user;
}

static void end_question(CallerConnection *c) {
        if (!c->question)
                return;

        c->question = sd_bus_slot_unref(c->question);
        c->callers->n_questions--;
}

static void connection_free(CallerConnection *c) {
        Callers *callers = c->callers;

        callers->handlers->ends(c);
        end_question(c);
        caller_unread_end(c);
        if (c->user) {
                c->user->n_connections--;
                callers->n_of_users--;
        } else if (c->known)
                callers->n_roots--;
        TAILQ_REMOVE(&callers->connections, c, entries);
        callers->n_connections--;
        free(c->name);
        free(c);
}

static bool any_user_connected(const Callers *callers) {
        const CallerUser *user;

        TAILQ_FOREACH (user, &callers->users, entries)
                if (user->n_connections > 0)
                        return true;

        return false;
}

static void remove_connection(CallerConnection *c) {
        Callers *callers = c->callers;

        callers->handlers->gone(callers->api, c->name);
        connection_free(c);
        /* Without this, the daemon would wake up for each program that leaves the bus. */
        if (!any_user_connected(callers))
                callers->ends = bus_peer_free(callers->ends);
}

static int on_name_gone(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Callers *callers = userdata;
        CallerConnection *c;
        const char *name;

        if (sd_bus_message_read(message, "s", &name) < 0)
                return 0;

        c = find(callers, name);
        if (c)
                remove_connection(c);
        return 0;
}

static int watch_names(Callers *callers) {
        _cleanup_(bus_peer_freep) BusPeer *peer = NULL;
        int r;

        if (callers->ends)
                return 0;

        r = bus_peer_new(callers->api->bus, BUS_DRIVER, NULL, NULL, &peer);
        if (r >= 0)
                r = bus_peer_subscribe(peer,
                        "path='/org/freedesktop/DBus',interface='" BUS_DRIVER "',"
                        "member='NameOwnerChanged',arg2=''",
                        on_name_gone, callers);
        if (r < 0)
                return r;

        callers->ends = TAKE_PTR(peer);
        return 0;
}

/* The connection may have left before its end was watched. */
static int on_has_owner(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        CallerConnection *c = userdata;
        Callers *callers = c->callers;
        int there;

        end_question(c);
        if (sd_bus_message_is_method_error(reply, NULL) || sd_bus_message_read(reply, "b", &there) < 0 ||
                !there)
                remove_connection(c);

        ask_next(callers);
        return 0;
}

static int ask_driver(CallerConnection *c, const char *member, sd_bus_message_handler_t handler) {
        int r;

        r = sd_bus_call_method_async(c->callers->api->bus, &c->question, BUS_DRIVER, "/org/freedesktop/DBus",
                BUS_DRIVER, member, handler, c, "s", c->name);
        if (r >= 0)
                c->callers->n_questions++;
        return r;
}

static void forget_oldest_root(Callers *callers) {
        CallerConnection *c;

        TAILQ_FOREACH (c, &callers->connections, entries)
                if (c->known && !c->user) {
                        connection_free(c);
                        return;
                }
}

/* The connection itself is included in n_connections, but not in the user's. */
static bool has_place(const Callers *callers, const CallerUser *user) {
        const PlacesTaken taken = {
                .own = user->n_connections,
                .users = callers->n_of_users,
                .all = callers->n_connections - 1,
        };

        return places_allow(&connection_places, &taken, user->uid, 1);
}

static int set_known(CallerConnection *c) {
        Callers *callers = c->callers;
        bool watched = callers->ends;
        CallerUser *user;
        int r;

        if (c->uid == 0) {
                if (callers->n_roots >= ROOTS_MAX)
                        forget_oldest_root(callers);
                callers->n_roots++;
                c->known = true;
                return 0;
        }

        user = get_user(callers, c->uid);
        if (!user || !has_place(callers, user))
                return -EUSERS;

        r = watch_names(callers);
        if (r >= 0 && !watched)
                r = ask_driver(c, "NameHasOwner", on_has_owner);
        if (r < 0)
                return r;

        c->user = user;
        c->user->n_connections++;
        callers->n_of_users++;
        c->known = true;
        return 0;
}

static int read_number(sd_bus_message *reply, uint32_t *ret) {
        if (sd_bus_message_is_method_error(reply, NULL))
                return -EACCES;

        return sd_bus_message_read(reply, "u", ret) < 0 ? -EBADMSG : 0;
}

/*
 * The connection has left the bus or its uid is unknown, so there is nobody to reply to; or there is no place for it.
 */
static void ignore_caller(CallerConnection *c, int r) {
        log_debug_errno(r, "Ignoring the calls of %s: %m", c->name);
        if (r == -EUSERS)
                c->callers->handlers->no_room(c);
        remove_connection(c);
}

/* The pid is for the record only, so a failure is ignored. */
static int on_pid(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        CallerConnection *c = userdata;
        Callers *callers = c->callers;
        int r;

        end_question(c);
        if (read_number(reply, &c->pid) < 0)
                c->pid = 0;
        r = set_known(c);
        if (r < 0)
                ignore_caller(c, r);
        else
                c->callers->handlers->known(c);

        ask_next(callers);
        return 0;
}

/* Only the bus's answer about the uid is trusted. */
static int on_uid(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        CallerConnection *c = userdata;
        Callers *callers = c->callers;
        int r;

        end_question(c);
        r = read_number(reply, &c->uid);
        if (r >= 0)
                r = ask_driver(c, "GetConnectionUnixProcessID", on_pid);
        if (r < 0) {
                ignore_caller(c, r);
                ask_next(callers);
        }
        return 0;
}

/*
 * Asks about the next connections; the bus answers immediately. Does not use
 * GetConnectionCredentials: dbus-broker adds a file descriptor to its reply, even
 * for connections that do not accept any, which breaks the connection.
 */
static void ask_next(Callers *callers) {
        CallerConnection *c, *next;

        for (c = TAILQ_FIRST(&callers->connections); c && callers->n_questions < QUESTIONS_MAX; c = next) {
                next = TAILQ_NEXT(c, entries);
                if (c->known || c->question)
                        continue;
                if (ask_driver(c, "GetConnectionUnixUser", on_uid) < 0)
                        connection_free(c);
        }
}

CallerConnection *callers_get(Callers *callers, const char *name) {
        CallerConnection *c = find(callers, name);

        if (c)
                return c;
        if (callers->n_connections >= connection_places.max)
                return NULL;

        c = calloc(1, sizeof(*c));
        if (!c)
                return NULL;
        c->callers = callers;
        c->name = strdup(name);
        if (!c->name) {
                free(c);
                return NULL;
        }
        TAILQ_INIT(&c->held);
        TAILQ_INSERT_TAIL(&callers->connections, c, entries);
        callers->n_connections++;

        ask_next(callers);
        return find(callers, name);
}

bool callers_find(const Api *api, const char *sender, uint32_t *ret_uid, uint32_t *ret_pid) {
        const CallerConnection *c = api->callers && sender ? find(api->callers, sender) : NULL;

        if (!c || !c->known)
                return false;

        *ret_uid = c->uid;
        *ret_pid = c->pid;
        return true;
}

bool callers_charge_by_name(Api *api, const char *name, uint64_t bytes) {
        CallerConnection *c = api->callers ? find(api->callers, name) : NULL;

        return !c || caller_unread_charge(c, bytes);
}

int callers_new(Api *api, const CallersHandlers *handlers) {
        Callers *callers;

        callers = calloc(1, sizeof(*callers));
        if (!callers)
                return -ENOMEM;

        callers->api = api;
        callers->handlers = handlers;
        TAILQ_INIT(&callers->connections);
        TAILQ_INIT(&callers->users);
        api->callers = callers;
        return 0;
}

Callers *callers_free(Callers *callers) {
        if (!callers)
                return NULL;

        while (!TAILQ_EMPTY(&callers->connections))
                connection_free(TAILQ_FIRST(&callers->connections));
        while (!TAILQ_EMPTY(&callers->users))
                user_free(callers, TAILQ_FIRST(&callers->users));
        bus_peer_free(callers->ends);
        sd_bus_message_unref(callers->released);
        sd_event_source_disable_unref(callers->measure);
        sd_event_source_disable_unref(callers->timer);
        free(callers);
        return NULL;
}
