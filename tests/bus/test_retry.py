#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Values that the kernel refuses at first are retried automatically."""

from minibus import wait_until
from testenv import *


class Retry(BusTest):
    config = "[Manager]\nDefaultQuota=100\n"

    def refuse(self, name):
        path = self.root.path / name
        path.chmod(0o444)
        self.addCleanup(lambda: path.exists() and path.chmod(0o644))
        return lambda: path.chmod(0o644)

    def test_limit_of_a_vm(self):
        cgroup = self.add_machine("web", WEB, 1, sets=[1])
        accept = self.refuse(f"sys/fs/cgroup{cgroup}/misc.max")
        self.start()
        self.assertFalse(self.get(WEB, "QuotaInForce"))
        accept()
        self.wait_limit(cgroup, 100)
        self.wait_get(WEB, "QuotaInForce", True)

    def test_quota_of_a_set(self):
        self.add_machine("web", WEB, 1, sets=[1, 2])
        accept = self.refuse("sys/class/vfio_pasid/set2/quota")
        self.start()
        self.assertFalse(self.get(WEB, "QuotaInForce"))
        accept()
        self.wait_quota(2, 100)
        self.wait_get(WEB, "QuotaInForce", True)

    def test_limit_of_a_slice(self):
        self.root.config(self.config + "[Slice machine.slice]\nLimit=500\n")
        accept = self.refuse("sys/fs/cgroup/machine.slice/misc.max")
        self.start()
        self.assertNotEqual(self.root.limit("/machine.slice"), "pasid 500")
        accept()
        self.wait_limit("/machine.slice", 500)

    def test_default(self):
        accept = self.refuse("sys/module/vfio_pasid/parameters/default_quota")
        self.start()
        self.assertNotEqual(self.root.default_quota(), 100)
        accept()
        wait_until(lambda: self.root.default_quota() == 100, "the kernel has it")

    def test_controller(self):
        control = "sys/fs/cgroup/machine.slice/cgroup.subtree_control"
        self.root.write(control, "")
        accept = self.refuse(control)
        self.start()
        self.daemon.wait_output("Cannot enable the misc controller in cgroup /machine.slice")
        accept()
        wait_until(lambda: "misc" in self.root.read(control), "it is enabled")

    def test_log(self):
        """A failure that lasts is logged once, however often it is tried again."""
        cgroup = self.add_machine("web", WEB, 1, sets=[1])
        accept = self.refuse(f"sys/fs/cgroup{cgroup}/misc.max")
        self.root.set_attribute(1, "quota", 7)
        self.start()
        for value in (8, 9):
            self.root.write("sys/class/vfio_pasid/set1/quota", f"{value}\n")
            self.wait_quota(1, 100)
        accept()
        self.wait_limit(cgroup, 100)
        self.assertEqual(self.daemon.text().count("of VM web is not in force"), 1)


if __name__ == "__main__":
    main()
