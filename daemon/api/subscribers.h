/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"

/*
 * Connections that have subscribed to usage (Manager.Subscribe). A connection
 * that leaves the bus is removed.
 */

/*
 * Adds a subscriber. sender: the caller's unique name. Returns 0, also if it has
 * subscribed already; -EUSERS if there are too many subscribers, or too many of
 * this user; or another negative errno.
 */
int subscribers_add(Api *api, const char *sender);
void subscribers_remove(Api *api, const char *sender);

/* Removes all, when the connection to the bus is lost. */
void subscribers_forget(Api *api);
