/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "callers.h"

/* Accounts for sent messages that the connections of a user have not read yet. */

/*
 * To be called before bytes are sent to a connection. Adds them to the unread
 * bytes of its user and returns true, or returns false if that exceeds the user's
 * share. Bytes are released when the connection answers a later Ping, or leaves
 * the bus.
 */
bool caller_unread_charge(CallerConnection *connection, uint64_t bytes);
/* The same for a refusal, for which there is some extra room. */
bool caller_unread_charge_refusal(CallerConnection *connection, uint64_t bytes);

/* To be called when the connection ends: releases its unread bytes. */
void caller_unread_end(CallerConnection *connection);
