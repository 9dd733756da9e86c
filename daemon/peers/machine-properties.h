/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "uuid.h"

/* The class of machines that are VMs. */
#define MACHINE_CLASS_VM "vm"

/* What machined says of a machine. The strings live as long as the message. */
typedef struct MachineProperties {
        char uuid[UUID_STRING_SIZE];
        const char *name, *class, *unit;
        uint32_t leader, uid;
        uint64_t usec; /* when it was made, CLOCK_REALTIME */
        bool has_uuid;
} MachineProperties;

/* Reads an a{sv}. Returns 0, or a negative errno with *ret untouched. */
int machine_properties_read(sd_bus_message *message, MachineProperties *ret);

/* Is it a VM that goes by its UUID? Logs why not, where somebody could expect it. */
bool machine_properties_are_vm(const char *machine, const MachineProperties *p);
