#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Changes of cgroups: one inotify descriptor for all watches, and no endless loop."""

from minibus import wait_until
from testenv import *

INVOCATION = "0123456789abcdef0123456789abcdef"


class OneWatch(BusTest):
    def answers(self):
        """A daemon that turns round in its event loop answers nobody."""
        self.assertTrue(self.get_manager("State"))

    def test_unit_beside_a_watched_slice(self):
        """The unit's end and the slice's new cgroups are seen in one directory."""
        self.add_unit("plain.service", 1, INVOCATION, slice_name="machine")
        self.start()
        self.wait_vm("plain.service")
        self.daemon.reload()
        self.root.cgroup("/machine.slice/other.service")
        self.answers()
        cgroup = self.add_machine("web", WEB, 2, sets=[2])
        self.wait_vm("web")
        self.wait_limit(cgroup, 1000)

    def test_slice_override_beside_a_unit(self):
        self.add_unit("plain.service", 1, INVOCATION, slice_name="machine")
        self.start()
        self.wait_vm("plain.service")
        self.set_slice("machine.slice", 500)
        self.root.cgroup("/machine.slice/other.service")
        self.answers()
        self.root.remove_set(1)
        self.root.remove_cgroup("/machine.slice/plain.service")
        self.wait_no_vm("plain.service")

    def test_descriptors(self):
        """Their number does not grow with that of machines, units and slices."""
        self.add_machine("vm-0", uuid_of(0), 1, sets=[1])
        self.start()
        self.wait_vm("vm-0")
        before = self.daemon.count_fds()
        for i in range(1, 20):
            self.add_machine(f"vm-{i}", uuid_of(i), i + 1, sets=[i + 1])
            self.root.cgroup(f"/machine.slice/machine-tenant{i}.slice")
        for i in range(20, 30):
            self.add_unit(f"plain{i}.service", 100 + i, f"{i:032x}", slice_name="machine")
        wait_until(lambda: len(self.list_vms()) == 30, "all are known")
        for i in range(20):
            self.wait_get(uuid_of(i), "QuotaInForce", True)
        wait_until(lambda: self.daemon.count_fds() == before, "no descriptor is kept")


def uuid_of(i):
    return f"aaaabbbb-0000-4000-8000-{i:012d}"


if __name__ == "__main__":
    main()
