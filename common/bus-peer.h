/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "macro.h"

/*
 * The peer behind a well-known bus name, and the signals that it sends.
 *
 * A match rule with sender='NAME' does not authenticate the sender: the bus
 * applies it to broadcast signals only, so a signal that is addressed to one
 * connection needs no rule at all, and sd-bus, which knows no owners, passes
 * signals of every connection to the handler of such a rule. Any local user
 * can send them.
 *
 * A BusPeer therefore keeps track of the unique name that owns the well-known
 * name and hands on only signals of that sender. The owner comes from the bus
 * alone: from GetNameOwner and from NameOwnerChanged signals whose sender is
 * org.freedesktop.DBus, a name that the bus gives to no connection.
 *
 * All signal subscriptions of the project are made here.
 */
typedef struct BusPeer BusPeer;

/* The well-known name has another owner: its unique name, or NULL for none. Not called for the first answer. */
typedef void (*BusPeerOwnerHandler)(const char *owner, void *userdata);

/*
 * Follows the owner of a well-known name on a bus. Nothing waits: the bus is
 * asked asynchronously, and its answer arrives before any signal of a
 * subscription that is added to the peer afterwards. For the name
 * "org.freedesktop.DBus" the peer is the bus itself. on_owner may be NULL.
 * Returns 0 or a negative errno. The peer holds no reference to the bus and
 * must be freed before it.
 */
int bus_peer_new(sd_bus *bus, const char *name, BusPeerOwnerHandler on_owner, void *userdata, BusPeer **ret);

/* Ends all subscriptions. A handler may do so, as the last thing. Returns NULL. */
BusPeer *bus_peer_free(BusPeer *peer);
DEFINE_CLEANUP_FUNC(BusPeer *, bus_peer_free, bus_peer_freep);

/*
 * Subscribes to signals of the peer. rule is the rest of a match rule, without
 * type and sender. handler gets signals of the present owner only; its
 * subscription lasts as long as the peer. Returns 0 or a negative errno.
 */
int bus_peer_subscribe(BusPeer *peer, const char *rule, sd_bus_message_handler_t handler, void *userdata);

/*
 * A reply to a call of the well-known name shows the owner, too. Used only
 * while the bus has not said who the owner is, because it failed to answer.
 */
void bus_peer_replied(BusPeer *peer, sd_bus_message *reply);

/* Is this a message of the present owner? */
bool bus_peer_is_sender(const BusPeer *peer, sd_bus_message *message);

/*
 * Calls handler when the connection breaks. The signal is made by sd-bus
 * itself; one that arrives from a peer is refused by the bus and by sd-bus.
 */
int bus_on_disconnected(sd_bus *bus, sd_bus_message_handler_t handler, void *userdata);

/* Was a call not answered, as opposed to answered with an error? */
bool bus_error_is_no_answer(const sd_bus_error *error);

/* Did a call fail because nobody owns the well-known name that it was sent to? */
bool bus_error_is_no_service(const sd_bus_error *error);
