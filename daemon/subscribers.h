/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "manager.h"

/*
 * Connections that want to hear of usage (Manager.Subscribe). A connection
 * that ends is no subscriber any more.
 */

/* sender: a unique name. No error when it is one already. -EUSERS when there are too many. */
int subscribers_add(Manager *m, const char *sender);
void subscribers_remove(Manager *m, const char *sender);

/* The bus is gone, and everybody with it. */
void subscribers_forget(Manager *m);
