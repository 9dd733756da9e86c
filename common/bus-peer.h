/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "macro.h"

/*
 * The owner of a well-known bus name, and the signals that it sends.
 *
 * A match rule with sender='NAME' does not authenticate the sender. The bus
 * applies match rules to broadcast signals only; a signal that is addressed to
 * one connection is delivered without a rule. sd-bus does not track owners and
 * passes signals of every connection to the handler of such a rule. So any
 * local user can forge these signals.
 *
 * A BusPeer therefore tracks the unique name that owns the well-known name and
 * forwards only signals of that sender. The owner is taken from the bus alone:
 * from GetNameOwner and from NameOwnerChanged signals whose sender is
 * org.freedesktop.DBus, a name that the bus assigns to no connection.
 *
 * All signal subscriptions of the project use this interface.
 */
typedef struct BusPeer BusPeer;

/*
 * Called when the owner of the well-known name changes. owner is the new unique
 * name, or NULL if the name has no owner any more. Not called for the first
 * answer of the bus.
 */
typedef void (*BusPeerOwnerHandler)(const char *owner, void *userdata);

/*
 * Tracks the owner of a well-known name on a bus. Does not block: GetNameOwner
 * is called asynchronously, and its reply arrives before any signal of a
 * subscription that is added to the peer afterwards. For the name
 * "org.freedesktop.DBus" the peer is the bus itself. on_owner may be NULL.
 * Returns 0 or a negative errno. The peer holds no reference to the bus and
 * must be freed before it.
 */
int bus_peer_new(sd_bus *bus, const char *name, BusPeerOwnerHandler on_owner, void *userdata, BusPeer **ret);

/* Ends all subscriptions. A signal handler may call this as its last action. Returns NULL. */
BusPeer *bus_peer_free(BusPeer *peer);
DEFINE_CLEANUP_FUNC(BusPeer *, bus_peer_free, bus_peer_freep);

/*
 * Subscribes to signals of the peer. rule is the rest of a match rule, without
 * type and sender. handler gets signals of the current owner only; the
 * subscription lasts as long as the peer. Returns 0 or a negative errno.
 */
int bus_peer_subscribe(BusPeer *peer, const char *rule, sd_bus_message_handler_t handler, void *userdata);

/*
 * Takes the owner from the sender of a reply to a call of the well-known name.
 * Does nothing if the owner is already known. Needed where the bus failed to
 * answer GetNameOwner.
 */
void bus_peer_replied(BusPeer *peer, sd_bus_message *reply);

/* Was the message sent by the current owner? */
bool bus_peer_is_sender(const BusPeer *peer, sd_bus_message *message);

/*
 * Calls handler when the connection breaks. sd-bus generates this signal
 * locally; both the bus and sd-bus reject one that a peer sends. Returns 0 or a
 * negative errno.
 */
int bus_on_disconnected(sd_bus *bus, sd_bus_message_handler_t handler, void *userdata);

/* Does the error mean that the call got no answer, as opposed to an error as the answer? */
bool bus_error_is_no_answer(const sd_bus_error *error);

/* Did the call fail because the well-known name has no owner? */
bool bus_error_is_no_service(const sd_bus_error *error);
