/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "caller-unread.h"

#include "log.h"

/*
 * dbus-daemon stores up to 127 MiB of messages of one sender. Beyond that it does
 * not read from the sender any more, and then no caller gets a reply.
 */
#define UNREAD_MAX (UINT64_C(64) * 1024 * 1024)

/* Additional room for refusals. */
#define UNREAD_REFUSALS_MAX (UINT64_C(16) * 1024 * 1024)

/* Above this size the user's connections are pinged to find out what they have read. */
#define UNREAD_PING (UINT64_C(4) * 1024 * 1024)

/* Maximum number of unanswered Pings; see QUESTIONS_MAX in callers.c. */
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

/*
 * The reply, even an error, shows that the connection has read everything before it, if the reply is from that
 * connection.
 */
static int on_pong(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        CallerConnection *c = userdata;

        end_ping(c);
        if (streq_ptr(sd_bus_message_get_sender(reply), c->name))
                forget_unread(c, c->unread_at_ping);
        return 0;
}

/* No timeout: the bus would still count the call as open, and another Ping would add to that. */
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
