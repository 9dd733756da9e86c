/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"

/* machined's announcements and the reactions to them. */

/* To be called for each new connection. Returns 0 or a negative errno. */
int machine_events_start(Control *control);

/* To be called when the state of machined's list has changed. */
void machine_events_set_state(Control *control, MachinesState state);
