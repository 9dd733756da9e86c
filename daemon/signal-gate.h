/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "manager.h"

/*
 * May a signal be broadcast? dbus-daemon keeps what a listener does not read,
 * and counts it for the sender; above 127 MiB it takes nothing more from the
 * sender, and nobody gets an answer. Whoever only listens is not known to the
 * daemon. So the bus is asked from time to time how much of the daemon's it
 * keeps. While that is too much, signals are left out, for everybody.
 */

/* For the next signal. False also while the bus does not take what was sent before. */
bool signal_gate_is_open(Manager *m);

/* The bus is gone, with all that it kept. */
void signal_gate_reset(Manager *m);
