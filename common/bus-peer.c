/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <sys/queue.h>

#include "bus-peer.h"

#define DRIVER_NAME "org.freedesktop.DBus"
#define DRIVER_PATH "/org/freedesktop/DBus"

typedef struct Subscription {
        SLIST_ENTRY(Subscription) entries;
        BusPeer *peer;
        sd_bus_slot *slot;
        sd_bus_message_handler_t handler;
        void *userdata;
} Subscription;

struct BusPeer {
        sd_bus *bus;
        char *name;
        char *owner;      /* unique name; NULL: no owner, or owner not determined yet */
        bool owner_known; /* owner is what the bus reported; false: GetNameOwner has not been answered */
        sd_bus_slot *match_owner, *owner_slot;
        BusPeerOwnerHandler on_owner;
        void *userdata;
        SLIST_HEAD(, Subscription) subscriptions;
};

static bool is_from_driver(sd_bus_message *message) {
        return streq_ptr(sd_bus_message_get_sender(message), DRIVER_NAME);
}

/* If memory runs out, the owner stays undetermined and no sender is accepted. */
static void set_owner(BusPeer *peer, const char *owner) {
        free(peer->owner);
        peer->owner = isempty(owner) ? NULL : strdup(owner);
        peer->owner_known = peer->owner || isempty(owner);
}

static int on_owner_changed(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const char *name, *owner;
        BusPeer *peer = userdata;

        if (!is_from_driver(message) || sd_bus_message_read(message, "sss", &name, NULL, &owner) < 0 ||
                !streq(name, peer->name))
                return 0;

        set_owner(peer, owner);
        if (peer->on_owner)
                peer->on_owner(peer->owner, peer->userdata);
        return 0;
}

static int on_owner_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        BusPeer *peer = userdata;
        const char *owner;

        peer->owner_slot = sd_bus_slot_unref(peer->owner_slot);
        /* Other errors, e.g. LimitsExceeded, leave the owner undetermined. */
        if (sd_bus_message_is_method_error(reply, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
                set_owner(peer, NULL);
        else if (!sd_bus_message_is_method_error(reply, NULL) && is_from_driver(reply) &&
                 sd_bus_message_read(reply, "s", &owner) >= 0)
                set_owner(peer, owner);

        return 0;
}

static int follow_owner(BusPeer *peer) {
        _cleanup_free_ char *rule = NULL;
        int r;

        if (asprintf(&rule,
                    "type='signal',sender='" DRIVER_NAME "',path='" DRIVER_PATH "',interface='" DRIVER_NAME
                    "',member='NameOwnerChanged',arg0='%s'",
                    peer->name) < 0) {
                rule = NULL;
                return -ENOMEM;
        }

        /* The bus handles messages in order, so no change of owner is missed between the two. */
        r = sd_bus_add_match_async(peer->bus, &peer->match_owner, rule, on_owner_changed, NULL, peer);
        if (r < 0)
                return r;

        return sd_bus_call_method_async(peer->bus, &peer->owner_slot, DRIVER_NAME, DRIVER_PATH, DRIVER_NAME,
                "GetNameOwner", on_owner_answer, peer, "s", peer->name);
}

int bus_peer_new(sd_bus *bus, const char *name, BusPeerOwnerHandler on_owner, void *userdata, BusPeer **ret) {
        _cleanup_(bus_peer_freep) BusPeer *peer = NULL;
        int r;

        peer = calloc(1, sizeof(*peer));
        if (!peer)
                return -ENOMEM;

        SLIST_INIT(&peer->subscriptions);
        peer->bus = bus;
        peer->on_owner = on_owner;
        peer->userdata = userdata;
        peer->name = strdup(name);
        if (!peer->name)
                return -ENOMEM;

        if (streq(name, DRIVER_NAME)) {
                set_owner(peer, DRIVER_NAME);
                r = peer->owner ? 0 : -ENOMEM;
        } else
                r = follow_owner(peer);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(peer);
        return 0;
}

static void subscription_free(Subscription *s) {
        sd_bus_slot_unref(s->slot);
        free(s);
}

BusPeer *bus_peer_free(BusPeer *peer) {
        Subscription *s;

        if (!peer)
                return NULL;

        while ((s = SLIST_FIRST(&peer->subscriptions))) {
                SLIST_REMOVE_HEAD(&peer->subscriptions, entries);
                subscription_free(s);
        }
        sd_bus_slot_unref(peer->match_owner);
        sd_bus_slot_unref(peer->owner_slot);
        free(peer->owner);
        free(peer->name);
        free(peer);
        return NULL;
}

bool bus_peer_is_sender(const BusPeer *peer, sd_bus_message *message) {
        return peer->owner && streq_ptr(sd_bus_message_get_sender(message), peer->owner);
}

static int on_signal(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Subscription *s = userdata;

        return bus_peer_is_sender(s->peer, message) ? s->handler(message, s->userdata, error) : 0;
}

int bus_peer_subscribe(BusPeer *peer, const char *rule, sd_bus_message_handler_t handler, void *userdata) {
        _cleanup_free_ char *whole = NULL;
        Subscription *s;
        int r;

        if (asprintf(&whole, "type='signal',sender='%s',%s", peer->name, rule) < 0) {
                whole = NULL;
                return -ENOMEM;
        }

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->peer = peer;
        s->handler = handler;
        s->userdata = userdata;

        r = sd_bus_add_match_async(peer->bus, &s->slot, whole, on_signal, NULL, s);
        if (r < 0) {
                subscription_free(s);
                return r;
        }

        SLIST_INSERT_HEAD(&peer->subscriptions, s, entries);
        return 0;
}

void bus_peer_replied(BusPeer *peer, sd_bus_message *reply) {
        const char *sender = sd_bus_message_get_sender(reply);

        /* Errors such as ServiceUnknown come from the bus itself. */
        if (!peer->owner_known && sender && sender[0] == ':')
                set_owner(peer, sender);
}

int bus_on_disconnected(sd_bus *bus, sd_bus_message_handler_t handler, void *userdata) {
        return sd_bus_match_signal(bus, NULL, NULL, "/org/freedesktop/DBus/Local",
                "org.freedesktop.DBus.Local", "Disconnected", handler, userdata);
}

bool bus_error_is_no_answer(const sd_bus_error *error) {
        return sd_bus_error_has_names(error, SD_BUS_ERROR_LIMITS_EXCEEDED, SD_BUS_ERROR_NO_REPLY,
                       SD_BUS_ERROR_TIMEOUT, SD_BUS_ERROR_DISCONNECTED, SD_BUS_ERROR_NO_MEMORY) > 0;
}

bool bus_error_is_no_service(const sd_bus_error *error) {
        return sd_bus_error_has_names(error, SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER) >
               0;
}
