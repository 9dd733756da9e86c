/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"

/* What machined says, and what is done about it. */

/* For a connection that has just been made. 0 or a negative errno. */
int machine_events_start(Control *control);

/* Whether machines are known has changed. */
void machine_events_known(Control *control, MachinesKnown known);
