/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-id128.h>

#include "manager.h"

/* id: NULL when systemd does not know, or is not there to be asked. */
typedef void (*UnitIdHandler)(const sd_id128_t *id, void *userdata);

/*
 * Asks systemd for the InvocationID of a unit; handler is called with the
 * answer, unless *ret_slot was unreferenced before. -ENOTCONN without a bus.
 */
int unit_ask_invocation_id(
        Manager *m, const char *unit, UnitIdHandler handler, void *userdata, sd_bus_slot **ret_slot);
