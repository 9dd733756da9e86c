/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"

/*
 * Connections that want to hear of usage (Manager.Subscribe). A connection
 * that ends is no subscriber any more.
 */

/*
 * sender: the unique name of whoever calls. No error when it is a subscriber
 * already. -EUSERS when there are too many, or too many of the same user.
 */
int subscribers_add(Api *api, const char *sender);
void subscribers_remove(Api *api, const char *sender);

/* The bus is gone, and everybody with it. */
void subscribers_forget(Api *api);
