#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests with 1 000 VMs, in a separate file because they take longest."""

import time

from testenv import *


class Many(BusTest):
    def test_list_of_1000(self):
        """One answer has them all."""
        uuids = [f"aaaabbbb-0000-4000-8000-{i:012x}" for i in range(1000)]
        for i, uuid in enumerate(uuids):
            self.add_machine(f"vm{i}", uuid, i + 1)
        self.start_quietly()
        self.assertEqual(self.list_vms(), sorted((u, f"vm{i}", vm_path(u)) for i, u in enumerate(uuids)))


class BusyUsage(BusTest):
    def test_1000_busy_vms(self):
        """Each turn has its share, so that nobody's queue overflows, and each VM has its turn."""
        for i in range(1, 1001):
            self.add_machine(f"vm{i}", f"aaaabbbb-0000-4000-8000-{i:012x}", i, sets=[i])
        self.start_quietly()
        self.manager_call("Subscribe")
        self.client.forget_signals()
        begin = time.monotonic()
        n = 0
        # Every VM at least once, however slow this machine is.
        while n < 50 or time.monotonic() - begin < 6:
            n += 1
            for i in range(1, 1001, 50):
                self.root.set_attribute(i + n % 50, "allocated", n)
        # How long the daemon takes over it is up to the machine; how many it sends meanwhile is not.
        announced = set()
        while len(announced) < 1000 and time.monotonic() - begin < 60:
            self.client.sync()
            # The manager has properties of its own.
            signals = [s for s in self.client.signals if s.member == "PropertiesChanged" and s.path != MANAGER_PATH]
            announced = {s.path for s in signals}
            time.sleep(0.1)
        took = time.monotonic() - begin
        self.assertEqual(len(announced), 1000)
        self.assertLessEqual(len(signals), 250 * (took / 0.5 + 1))
        # It is still there for others.
        self.assertEqual(self.get_manager("State"), "running")


if __name__ == "__main__":
    main()
