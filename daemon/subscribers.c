/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-peer.h"
#include "callers.h"
#include "subscribers.h"
#include "usage-signals.h"

static const Places seats = { .max = 288, .for_root = 32 };

struct Subscriber {
        TAILQ_ENTRY(Subscriber) entries;
        Manager *manager;
        char *name;
        uint32_t uid;
        sd_bus_slot *question; /* is it still there? */
};

static Subscriber *find(Manager *m, const char *name) {
        Subscriber *s;

        TAILQ_FOREACH (s, &m->subscribers, entries)
                if (streq(s->name, name))
                        return s;

        return NULL;
}

static void subscriber_free(Subscriber *s) {
        Manager *m = s->manager;

        TAILQ_REMOVE(&m->subscribers, s, entries);
        m->n_subscribers--;
        sd_bus_slot_unref(s->question);
        free(s->name);
        free(s);

        if (m->n_subscribers == 0) {
                usage_signals_stop(m);
                m->subscriber_ends = bus_peer_free(m->subscriber_ends);
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

/* It may have gone before we listened for that. */
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

/* One for all of them: a connection may have only so many matches. Only while there are subscribers, or every
 * program that leaves the bus would wake us. */
static int listen_for_ends(Manager *m) {
        _cleanup_(bus_peer_freep) BusPeer *peer = NULL;
        int r;

        if (m->subscriber_ends)
                return 0;

        r = bus_peer_new(m->bus, "org.freedesktop.DBus", NULL, NULL, &peer);
        if (r >= 0)
                r = bus_peer_subscribe(peer,
                        "path='/org/freedesktop/DBus',interface='org.freedesktop.DBus',"
                        "member='NameOwnerChanged',arg2=''",
                        on_name_gone, m);
        if (r < 0)
                return r;

        m->subscriber_ends = TAKE_PTR(peer);
        return 0;
}

static bool has_seat(const Manager *m, uint32_t uid) {
        PlacesTaken taken = {};
        const Subscriber *s;

        TAILQ_FOREACH (s, &m->subscribers, entries)
                places_count(&taken, s->uid, s->uid == uid, 1);
        return places_allow(&seats, &taken, uid, 1);
}

int subscribers_add(Manager *m, const char *sender) {
        uint32_t uid, pid;
        Subscriber *s;
        int r;

        if (!find(m, sender)) {
                if (!callers_find(m, sender, &uid, &pid))
                        return -EACCES;
                if (!has_seat(m, uid))
                        return -EUSERS;

                r = listen_for_ends(m);
                if (r < 0)
                        return r;

                s = calloc(1, sizeof(*s));
                if (!s)
                        return -ENOMEM;
                s->manager = m;
                s->uid = uid;
                TAILQ_INSERT_TAIL(&m->subscribers, s, entries);
                m->n_subscribers++;

                s->name = strdup(sender);
                r = s->name ? sd_bus_call_method_async(m->bus, &s->question, "org.freedesktop.DBus",
                                      "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameHasOwner",
                                      on_has_owner, s, "s", sender)
                            : -ENOMEM;
                if (r < 0) {
                        subscriber_free(s);
                        return r;
                }
        }

        return usage_signals_start(m);
}

void subscribers_remove(Manager *m, const char *sender) {
        Subscriber *s = find(m, sender);

        if (s)
                subscriber_free(s);
}

void subscribers_charge(Manager *m, uint64_t bytes) {
        Subscriber *s, *next;

        for (s = TAILQ_FIRST(&m->subscribers); s; s = next) {
                next = TAILQ_NEXT(s, entries);
                if (callers_charge_by_name(m, s->name, bytes))
                        continue;
                log_debug("%s does not read the signals it has subscribed to, no longer a subscriber.",
                        s->name);
                subscriber_free(s);
        }
}

void subscribers_forget(Manager *m) {
        Subscriber *s;

        while ((s = TAILQ_FIRST(&m->subscribers)))
                subscriber_free(s);
}
