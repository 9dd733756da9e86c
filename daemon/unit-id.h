/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-id128.h>

#include "manager.h"

/* Asks systemd for the InvocationID of a unit. *ret as with bus_call(); the reply is for the function below. */
int unit_ask_invocation_id(
        Manager *m, const char *unit, sd_bus_message_handler_t handler, void *userdata, BusCall **ret);

/* Negative when systemd does not know, or is not there to be asked. */
int unit_read_invocation_id(sd_bus_message *reply, sd_id128_t *ret);
