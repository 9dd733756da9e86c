/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-peer.h"
#include "callers.h"
#include "subscribers.h"
#include "usage-signals.h"

static const Places seats = { .max = 288, .for_root = 32 };

struct Subscriber {
        TAILQ_ENTRY(Subscriber) entries;
        Api *api;
        char *name;
        uint32_t uid;
        sd_bus_slot *question; /* NameHasOwner */
};

static Subscriber *find(Api *api, const char *name) {
        Subscriber *s;

        TAILQ_FOREACH (s, &api->subscribers.list, entries)
                if (streq(s->name, name))
                        return s;

        return NULL;
}

static void subscriber_free(Subscriber *s) {
        Api *api = s->api;

        TAILQ_REMOVE(&api->subscribers.list, s, entries);
        api->subscribers.n--;
        sd_bus_slot_unref(s->question);
        free(s->name);
        free(s);

        if (api->subscribers.n == 0) {
                usage_signals_stop(api);
                api->subscribers.ends = bus_peer_free(api->subscribers.ends);
        }
}

static int on_name_gone(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const char *name;
        Subscriber *s;

        if (sd_bus_message_read(message, "s", &name) < 0)
                return 0;

        s = find(userdata, name);
        if (s)
                subscriber_free(s);
        return 0;
}

/* The connection may have left before its end was watched. */
static int on_has_owner(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        Subscriber *s = userdata;
        int there;

        if (sd_bus_message_is_method_error(reply, NULL) || sd_bus_message_read(reply, "b", &there) < 0 ||
                !there)
                subscriber_free(s);
        else
                s->question = sd_bus_slot_unref(s->question);
        return 0;
}

/* One match for all subscribers, because the number of matches per connection is limited. Only while there are subscribers,
 * because the daemon would wake up for each program that leaves the bus. */
static int listen_for_ends(Api *api) {
        _cleanup_(bus_peer_freep) BusPeer *peer = NULL;
        int r;

        if (api->subscribers.ends)
                return 0;

        r = bus_peer_new(api->bus, "org.freedesktop.DBus", NULL, NULL, &peer);
        if (r >= 0)
                r = bus_peer_subscribe(peer,
                        "path='/org/freedesktop/DBus',interface='org.freedesktop.DBus',"
                        "member='NameOwnerChanged',arg2=''",
                        on_name_gone, api);
        if (r < 0)
                return r;

        api->subscribers.ends = TAKE_PTR(peer);
        return 0;
}

static bool has_seat(const Api *api, uint32_t uid) {
        PlacesTaken taken = {};
        const Subscriber *s;

        TAILQ_FOREACH (s, &api->subscribers.list, entries)
                places_count(&taken, s->uid, s->uid == uid, 1);
        return places_allow(&seats, &taken, uid, 1);
}

/* Accounts for signals to each subscriber. Removes subscribers that do not read them. */
static void charge(Api *api, uint64_t bytes) {
        Subscriber *s, *next;

        for (s = TAILQ_FIRST(&api->subscribers.list); s; s = next) {
                next = TAILQ_NEXT(s, entries);
                if (callers_charge_by_name(api, s->name, bytes))
                        continue;
                log_debug("Subscriber %s does not read the signals, removing it.", s->name);
                subscriber_free(s);
        }
}

int subscribers_add(Api *api, const char *sender) {
        uint32_t uid, pid;
        Subscriber *s;
        int r;

        if (!find(api, sender)) {
                if (!callers_find(api, sender, &uid, &pid))
                        return -EACCES;
                if (!has_seat(api, uid))
                        return -EUSERS;

                r = listen_for_ends(api);
                if (r < 0)
                        return r;

                s = calloc(1, sizeof(*s));
                if (!s)
                        return -ENOMEM;
                s->api = api;
                s->uid = uid;
                TAILQ_INSERT_TAIL(&api->subscribers.list, s, entries);
                api->subscribers.n++;

                s->name = strdup(sender);
                r = s->name ? sd_bus_call_method_async(api->bus, &s->question, "org.freedesktop.DBus",
                                      "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameHasOwner",
                                      on_has_owner, s, "s", sender)
                            : -ENOMEM;
                if (r < 0) {
                        subscriber_free(s);
                        return r;
                }
        }

        return usage_signals_start(api, charge);
}

void subscribers_remove(Api *api, const char *sender) {
        Subscriber *s = find(api, sender);

        if (s)
                subscriber_free(s);
}

void subscribers_forget(Api *api) {
        Subscriber *s;

        while ((s = TAILQ_FIRST(&api->subscribers.list)))
                subscriber_free(s);
}
