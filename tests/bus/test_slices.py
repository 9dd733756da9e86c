#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Limits of slices: by configuration and by override, nested slices, and slices that are created and removed."""


from minibus import wait_until
from testenv import *

INVALID_SLICE = "org.pasidd1.Error.InvalidSlice"
INVALID_QUOTA = "org.pasidd1.Error.InvalidQuota"
NOT_APPLIED = "org.pasidd1.Error.NotApplied"
NOT_SAVED = "org.pasidd1.Error.NotSaved"
NONE = 2**32 - 1

TENANT = "/tenant.slice"
TENANT_A = "/tenant.slice/tenant-a.slice"


class Slices(BusTest):
    config = """[Slice tenant.slice]
Limit=100
[Slice tenant-a.slice]
Limit=60
"""

    def setUp(self):
        super().setUp()
        self.root.cgroup(TENANT)
        self.root.cgroup(TENANT_A)

    def check(self, cgroup, limit):
        self.assertEqual(self.root.limit(cgroup), f"pasid {limit}")

    def test_configured(self):
        self.start()
        self.check(TENANT, 100)
        self.check(TENANT_A, 60)
        self.check("/machine.slice", "max")
        self.assertIn("+misc", self.root.read(f"sys/fs/cgroup{TENANT}/cgroup.subtree_control"))
        file = f"{self.root.path}/etc/pasidd/pasidd.conf"
        self.assertEqual(
            self.slices(),
            {
                "machine.slice": ("none", "", NONE, 0, 0, 0, True, ""),
                "tenant.slice": ("config", f"{file}:2", 100, 0, 0, 0, True, ""),
                "tenant-a.slice": ("config", f"{file}:4", 60, 0, 0, 0, True, ""),
            },
        )

    def test_counts(self):
        self.root.config("[Manager]\nDefaultQuota=7\n" + self.config)
        self.start()
        self.add_machine("web", WEB, 1, slice_name="tenant.slice/tenant-a")
        self.add_machine("db", DB, 2, slice_name="tenant")
        self.add_machine("x", OTHER, 3)
        wait_until(lambda: len(self.list_vms()) == 3, "all are there")
        self.root.overwrite(f"sys/fs/cgroup{TENANT}/misc.current", "pasid 5\n")
        self.root.overwrite(f"sys/fs/cgroup{TENANT}/misc.peak", "pasid 6\n")
        self.assertEqual(self.slices()["tenant.slice"][3:6], (14, 5, 6))
        self.assertEqual(self.slices()["tenant-a.slice"][3:6], (7, 0, 0))
        # One that is announced for a slice counts there before it runs.
        self.release(DB)
        self.reserve("99999999-0000-4000-8000-000000000010", "y", quota=3, slice="tenant-a-b.slice")
        self.assertEqual(self.slices()["tenant.slice"][3], 17)
        self.assertEqual(self.slices()["tenant-a.slice"][3], 10)
        self.assertEqual(self.slices()["machine.slice"][3], 7)

    def test_explain(self):
        self.start()
        self.add_machine("web", WEB, 1, slice_name="tenant.slice/tenant-a")
        self.wait_vm("web")
        self.set_slice("tenant.slice", 90)
        file = f"{self.root.path}/etc/pasidd/pasidd.conf"
        self.assertEqual(
            self.manager_call("Explain", "s", "web")[2],
            [
                ("", "kernel", "misc.capacity", 100000, 1000, 0, True),
                ("tenant.slice", "persistent", f"{self.root.path}/var/lib/pasidd/state", 90, 1000, 0, True),
                ("tenant-a.slice", "config", f"{file}:4", 60, 1000, 0, True),
            ],
        )

    def test_override(self):
        self.start()
        self.assertEqual(self.set_slice("tenant.slice", 70), (100, "persistent"))
        self.check(TENANT, 70)
        self.assertEqual(self.set_slice("tenant.slice", 80, runtime=True), (70, "runtime"))
        self.check(TENANT, 80)
        self.restart()
        self.check(TENANT, 80)
        self.assertEqual(self.reset_slice("tenant.slice", runtime=True), (70, "persistent"))
        self.check(TENANT, 70)
        self.assertEqual(self.set_slice("tenant.slice", NONE), (70, "persistent"))
        self.check(TENANT, "max")
        self.assertEqual(self.reset_slice("tenant.slice"), (100, "config"))
        self.check(TENANT, 100)
        self.assertEqual(list((self.root.path / PERSISTENT_STATE).iterdir()), [])

    def test_dry_run(self):
        self.start()
        before = self.snapshot()
        self.assertEqual(self.set_slice("tenant.slice", 70, dry_run=True), (100, "persistent"))
        self.assertEqual(self.set_slice("new.slice", 70, dry_run=True), (NONE, "persistent"))
        self.assertEqual(self.reset_slice("tenant.slice", dry_run=True), (100, "config"))
        self.assertEqual(self.snapshot(), before)

    def test_one_that_nobody_configured(self):
        self.root.cgroup("/other.slice")
        self.start()
        self.assertNotIn("other.slice", self.slices())
        self.assertEqual(self.set_slice("other.slice", 5), (NONE, "persistent"))
        self.check("/other.slice", 5)
        # VMs in it are VMs like others from now on.
        cgroup = self.add_machine("web", WEB, 1, slice_name="other")
        self.wait_limit(cgroup, 1000)
        # Nothing asks for a limit any more: what pasidd had set goes.
        self.assertEqual(self.reset_slice("other.slice"), (NONE, "none"))
        self.check("/other.slice", "max")

    def test_limit_of_nobody_is_not_touched(self):
        self.root.write("sys/fs/cgroup/machine.slice/misc.max", "pasid 4711\n")
        self.start()
        self.check("/machine.slice", 4711)
        self.manager_call("Reload")
        self.reconcile()
        self.check("/machine.slice", 4711)

    def test_dropped_from_the_configuration(self):
        """Also while nobody looked."""
        self.start()
        self.root.config("[Slice tenant-a.slice]\nLimit=60\n")
        self.manager_call("Reload")
        self.check(TENANT, "max")
        self.daemon.kill()
        self.root.config("")
        self.start()
        self.check(TENANT_A, "max")

    def test_iommu_comes_later(self):
        """What could not be limited at start is once there is something to limit, and is no change by somebody else."""
        self.root.config("[Manager]\nForeignChanges=adopt\n" + self.config)
        self.root.write("sys/fs/cgroup/misc.capacity", "")
        self.start()
        self.assertEqual(self.get_manager("Capacity"), 0)
        self.root.write("sys/fs/cgroup/misc.capacity", "pasid 5000\n")
        self.add_machine("web", WEB, 1, sets=[1])
        wait_until(lambda: self.get_manager("Capacity") == 5000, "the capacity is known")
        self.check(TENANT, 100)
        self.check(TENANT_A, 60)
        self.reconcile()
        self.assertEqual([self.slices()["tenant.slice"][i] for i in (0, 2, 6)], ["config", 100, True])

    def test_controller_not_enabled(self):
        self.start()
        (self.root.path / f"sys/fs/cgroup{TENANT}/misc.max").unlink()
        self.assert_error(NOT_APPLIED, "misc controller is not enabled", self.set_slice, "tenant.slice", 5)

    def test_reload(self):
        self.start()
        self.root.config("[Slice tenant.slice]\nLimit=50\n[Slice tenant-a.slice]\nLimit=max\n")
        self.manager_call("Reload")
        self.check(TENANT, 50)
        self.check(TENANT_A, "max")

    def test_comes_and_goes(self):
        """systemd makes slices with their first unit, and removes them with the last."""
        self.root.remove_cgroup(TENANT)
        self.start()
        in_force, error = self.slices()["tenant.slice"][6:]
        self.assertEqual((in_force, error), (False, "the slice does not exist at present"))
        # Its override is accepted all the same.
        self.assertEqual(self.set_slice("tenant.slice", 55), (100, "persistent"))
        for _ in range(3):
            self.root.cgroup(TENANT)
            self.wait_limit(TENANT, 55)
            self.root.cgroup(TENANT_A)
            self.wait_limit(TENANT_A, 60)
            self.assertEqual(self.slices()["tenant.slice"][6:], (True, ""))
            self.root.remove_cgroup(TENANT)

    def test_override_goes(self):
        """With its last override a slice that is not configured is no longer pasidd's."""
        self.root.cgroup("/other.slice")
        self.start()
        self.set_slice("other.slice", 5)
        self.assertEqual(self.root.limit("/other.slice"), "pasid 5")
        self.reset_slice("other.slice")
        self.assertEqual(self.root.limit("/other.slice"), "pasid max")
        self.assertNotIn("other.slice", self.slices())
        self.assertIn("tenant.slice", self.slices())

    def test_refused(self):
        self.start()
        for name in ("x", "", "-.slice", "a--b.slice", "/tenant.slice", "web.service"):
            with self.subTest(name=name):
                self.assert_error(INVALID_SLICE, None, self.set_slice, name, 5)
                self.assert_error(INVALID_SLICE, None, self.reset_slice, name)
        self.assert_error(INVALID_QUOTA, "1048577", self.set_slice, "tenant.slice", 2**20 + 1)
        self.check(TENANT, 100)

    def test_kernel_refuses(self):
        """All or nothing."""
        self.start()
        self.root.block(f"sys/fs/cgroup{TENANT}/misc.max")
        self.assert_error(NOT_APPLIED, "tenant.slice.*misc.max", self.set_slice, "tenant.slice", 5)
        self.assertEqual(self.slices()["tenant.slice"][:1] + self.slices()["tenant.slice"][2:3], ("config", 100))
        self.assertFalse(self.root.exists(f"{PERSISTENT_STATE}/tenant.slice"))

    def test_cannot_save(self):
        self.start()
        self.root.block_state(PERSISTENT_STATE)
        self.assert_error(NOT_SAVED, "could not be saved", self.set_slice, "tenant.slice", 5)
        self.check(TENANT, 100)

    def test_polkit(self):
        self.start()
        self.polkit.mode = "no"
        self.assert_error(ACCESS_DENIED, None, self.set_slice, "tenant.slice", 5)
        self.assert_error(ACCESS_DENIED, None, self.reset_slice, "tenant.slice")
        self.assertEqual({q["action"] for q in self.polkit.questions}, {"org.pasidd1.set-slice-quota"})
        self.check(TENANT, 100)


class Foreign(BusTest):
    config = "[Slice tenant.slice]\nLimit=100\n"
    policy = "revert"

    def setUp(self):
        super().setUp()
        self.root.config(f"[Manager]\nForeignChanges={self.policy}\n" + self.config)
        self.root.cgroup(TENANT)
        self.start()

    def overwrite(self, value):
        self.root.overwrite(f"sys/fs/cgroup{TENANT}/misc.max", f"pasid {value}\n")

    def test_limit(self):
        for value in ("max", "7"):
            self.overwrite(value)
            self.wait_limit(TENANT, 100)
        self.daemon.wait_output("Somebody else set misc.max of slice tenant.slice")


class ForeignAdopt(Foreign):
    policy = "adopt"

    def test_limit(self):
        self.overwrite("7")
        wait_until(lambda: self.slices()["tenant.slice"][0] == "runtime", "it is adopted")
        self.assertEqual(self.slices()["tenant.slice"][2], 7)
        self.overwrite("max")
        wait_until(lambda: self.slices()["tenant.slice"][2] == NONE, "it is adopted")
        self.assertEqual(self.root.limit(TENANT), "pasid max")


class ForeignReport(Foreign):
    policy = "report"

    def test_limit(self):
        self.overwrite("7")
        self.daemon.wait_output("Somebody else set misc.max of slice tenant.slice")
        self.assertEqual(self.slices()["tenant.slice"][6:], (False, "somebody else has changed it"))
        self.systemd.reload()
        self.client.sync()
        self.slices()
        self.assertEqual(self.root.limit(TENANT), "pasid 7")
        self.reconcile()
        self.assertEqual(self.root.limit(TENANT), "pasid 100")
        self.assertEqual(self.slices()["tenant.slice"][6:], (True, ""))

    def test_put_right_by_the_other(self):
        self.overwrite("7")
        self.daemon.wait_output("Somebody else set misc.max of slice tenant.slice")
        self.overwrite("100")
        wait_until(lambda: self.slices()["tenant.slice"][6:] == (True, ""), "it is in force again")


if __name__ == "__main__":
    main()
