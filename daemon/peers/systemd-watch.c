/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-peer.h"
#include "log.h"
#include "systemd-watch.h"

#define SYSTEMD_NAME    "org.freedesktop.systemd1"
#define SYSTEMD_PATH    "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"

struct SystemdWatch {
        BusCalls *calls;
        SystemdChangedHandler changed;
        void *userdata;
        BusPeer *peer;
        sd_bus_slot *subscribe_slot;
};

static int on_subscribed(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const sd_bus_error *e = sd_bus_message_get_error(reply);
        SystemdWatch *w = userdata;

        w->subscribe_slot = sd_bus_slot_unref(w->subscribe_slot);
        bus_peer_replied(w->peer, reply);
        if (e)
                log_debug("Cannot subscribe to systemd, its reloads will not be noticed: %s",
                        strempty(e->message));

        return 0;
}

/* systemd drops subscriptions when its own connection breaks. Subscribing twice is harmless. */
static void subscribe(SystemdWatch *w) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        sd_bus *bus = bus_calls_get_bus(w->calls);
        int r;

        w->subscribe_slot = sd_bus_slot_unref(w->subscribe_slot);
        r = sd_bus_message_new_method_call(
                bus, &message, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, "Subscribe");
        if (r >= 0)
                r = sd_bus_message_set_auto_start(message, false);
        if (r >= 0)
                r = sd_bus_call_async(
                        bus, &w->subscribe_slot, message, on_subscribed, w, BUS_CALL_TIMEOUT_USEC);
        if (r < 0)
                log_debug_errno(r, "Cannot subscribe to systemd, ignoring: %m");
}

static int on_reloading(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        SystemdWatch *w = userdata;
        int active;

        if (sd_bus_message_read(message, "b", &active) >= 0 && !active)
                w->changed("systemd was reloaded", w->userdata);

        return 0;
}

static void on_owner(const char *owner, void *userdata) {
        SystemdWatch *w = userdata;

        if (!owner)
                return;

        subscribe(w);
        w->changed("systemd is back on the bus", w->userdata);
}

SystemdWatch *systemd_watch_free(SystemdWatch *w) {
        if (!w)
                return NULL;

        bus_peer_free(w->peer);
        sd_bus_slot_unref(w->subscribe_slot);
        free(w);
        return NULL;
}

DEFINE_CLEANUP_FUNC(SystemdWatch *, systemd_watch_free, systemd_watch_freep);

int systemd_watch_new(BusCalls *calls, SystemdChangedHandler changed, void *userdata, SystemdWatch **ret) {
        _cleanup_(systemd_watch_freep) SystemdWatch *w = NULL;
        int r;

        w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;
        w->calls = calls;
        w->changed = changed;
        w->userdata = userdata;

        r = bus_peer_new(bus_calls_get_bus(calls), SYSTEMD_NAME, on_owner, w, &w->peer);
        if (r >= 0)
                r = bus_peer_subscribe(w->peer,
                        "path='" SYSTEMD_PATH "',interface='" SYSTEMD_MANAGER "',member='Reloading'",
                        on_reloading, w);
        if (r < 0)
                return r;

        subscribe(w);
        *ret = TAKE_PTR(w);
        return 0;
}
