/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "caller-unread.h"

#include "log.h"

/*
 * dbus-daemon keeps up to 127 MiB of messages of one sender. When there is no
 * room it takes no more from that sender, and nobody gets an answer any more.
 */
#define UNREAD_MAX (UINT64_C(64) * 1024 * 1024)

/* On top of that, to say that there is no room for an answer. */
#define UNREAD_REFUSALS_MAX (UINT64_C(16) * 1024 * 1024)

/* From here on it is found out what a user's connections have read. */
#define UNREAD_PING (UINT64_C(4) * 1024 * 1024)

/* Pings that are not answered yet: see QUESTIONS_MAX in callers.c. */
#define PINGS_MAX 32U

static void forget_unread(CallerConnection *c, uint64_t bytes) {
        if (!c->user)
                return;

        c->unread -= bytes;
        c->user->unread -= bytes;
        c->callers->unread -= bytes;
}

static void end_ping(CallerConnection *c) {
        if (!c->ping)
                return;

        c->ping = sd_bus_slot_unref(c->ping);
        c->user->n_pings--;
        c->callers->n_pings--;
}

/* An error shows as well as an answer that the connection has read what came before, if it comes from there. */
static int on_pong(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        CallerConnection *c = userdata;

        end_ping(c);
        if (streq_ptr(sd_bus_message_get_sender(reply), c->name))
                forget_unread(c, c->unread_at_ping);
        return 0;
}

/* Without a time limit: the bus would still count it as open, so that another one makes it worse. */
static void ping(CallerConnection *c) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        Callers *callers = c->callers;
        int r;

        r = sd_bus_message_new_method_call(
                callers->api->bus, &message, c->name, "/", "org.freedesktop.DBus.Peer", "Ping");
        if (r >= 0)
                r = sd_bus_message_set_auto_start(message, false);
        if (r >= 0)
                r = sd_bus_call_async(callers->api->bus, &c->ping, message, on_pong, c, UINT64_MAX);
        if (r < 0) {
                log_debug_errno(r, "Cannot send Ping to %s, ignoring: %m", c->name);
                return;
        }

        c->unread_at_ping = c->unread;
        c->user->n_pings++;
        callers->n_pings++;
}

static void ping_connections(Callers *callers, const CallerUser *user) {
        CallerConnection *c;

        TAILQ_FOREACH (c, &callers->connections, entries)
                if (c->user == user && c->unread > 0 && !c->ping &&
                        share_allows(user->n_pings, callers->n_pings, 1, PINGS_MAX))
                        ping(c);
}

static bool charge(CallerConnection *c, uint64_t bytes, uint64_t max) {
        Callers *callers = c->callers;
        CallerUser *user = c->user;

        if (!user)
                return true;

        if (user->unread >= UNREAD_PING)
                ping_connections(callers, user);
        if (!share_allows(user->unread, callers->unread, bytes, max))
                return false;

        c->unread += bytes;
        user->unread += bytes;
        callers->unread += bytes;
        return true;
}

bool caller_unread_charge(CallerConnection *c, uint64_t bytes) {
        return charge(c, bytes, UNREAD_MAX);
}

bool caller_unread_charge_refusal(CallerConnection *c, uint64_t bytes) {
        return charge(c, bytes, UNREAD_MAX + UNREAD_REFUSALS_MAX);
}

void caller_unread_end(CallerConnection *c) {
        end_ping(c);
        forget_unread(c, c->unread);
}
