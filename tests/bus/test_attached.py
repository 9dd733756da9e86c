#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A kernel that also counts and limits the PASIDs that a VM attaches through iommufd ("pasid_attach")."""

import test_admission
import test_early_limit
import test_failures
import test_quota
import test_reconcile
import test_retry
import test_slices
from minibus import wait_until
from testenv import *


class Attached:
    """Mixed into what holds on a kernel with one count, to show that it holds on one with two."""

    counts_attached = True


class Sources(Attached, test_quota.Sources):
    pass


class SetQuota(Attached, test_quota.SetQuota):
    pass


class DefaultQuota(Attached, test_quota.DefaultQuota):
    pass


class ForeignRevert(Attached, test_quota.ForeignRevert):
    pass


class ForeignAdopt(Attached, test_quota.ForeignAdopt):
    pass


class Slices(Attached, test_slices.Slices):
    pass


class SliceForeign(Attached, test_slices.Foreign):
    pass


class SliceForeignAdopt(Attached, test_slices.ForeignAdopt):
    pass


class KernelRefuses(Attached, test_failures.KernelRefuses):
    pass


class EarlyLimit(Attached, test_early_limit.Announced):
    pass


class Retry(Attached, test_retry.Retry):
    pass


class Reconcile(Attached, test_reconcile.Reconcile):
    pass


class Limits(Attached, BusTest):
    """Both lines of misc.max, one at a time."""

    config = "[Manager]\nDefaultQuota=100\n[Slice tenant.slice]\nLimit=500\n"
    NAME = "misc.max (pasid_attach)"

    def setUp(self):
        super().setUp()
        self.root.cgroup("/tenant.slice")
        self.cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.file = f"sys/fs/cgroup{self.cgroup}/misc.max"
        self.start()

    def test_both_lines(self):
        self.assertEqual(self.root.read(self.file), "pasid 100\npasid_attach 100\n")
        self.set_quota(WEB, 7)
        self.assertEqual(self.root.read(self.file), "pasid 7\npasid_attach 7\n")
        self.assertEqual(self.root.read("sys/fs/cgroup/tenant.slice/misc.max"), "pasid 500\npasid_attach 500\n")
        self.assertEqual(self.root.read("sys/fs/cgroup/machine.slice/misc.max"), "pasid max\npasid_attach max\n")

    def test_capacity_is_that_of_numbers(self):
        self.assertEqual(self.get_manager("Capacity"), 100000)

    def test_other_change(self):
        """Whoever writes the second line is found out as with the first one."""
        self.root.overwrite(self.file, "pasid_attach 9\n")
        self.wait_limit(self.cgroup, 100)
        self.daemon.wait_output(f"Somebody else set {self.NAME} of VM web to 9 instead of 100, reverting it")

    def test_other_change_of_a_slice(self):
        self.root.overwrite("sys/fs/cgroup/tenant.slice/misc.max", "pasid_attach 9\n")
        self.wait_limit("/tenant.slice", 500)
        self.daemon.wait_output(f"Somebody else set {self.NAME} of slice tenant.slice")

    def test_reconcile(self):
        """Unseen, both of a VM's lines and one of a slice's: each line is told of."""
        self.root.write(self.file, "pasid 3\npasid_attach max\n")
        self.root.write("sys/fs/cgroup/tenant.slice/misc.max", "pasid 500\npasid_attach 8\n")
        self.assertEqual(
            sorted(self.reconcile()),
            [
                ("slice", "tenant.slice", "tenant.slice", f"/tenant.slice/{self.NAME}", "8", "500"),
                ("vm", WEB, "web", f"{self.cgroup}/misc.max", "3", "100"),
                ("vm", WEB, "web", f"{self.cgroup}/{self.NAME}", "max", "100"),
            ],
        )
        self.assertEqual(self.root.limit(self.cgroup), "pasid 100")
        self.assertEqual(self.root.limit("/tenant.slice"), "pasid 500")

    def test_confirm(self):
        """What the hook is told looks at both lines."""
        self.confirm(WEB)
        self.root.write(self.file, "pasid 100\npasid_attach 9\n")
        self.confirm(WEB)
        self.assertEqual(self.root.limit(self.cgroup), "pasid 100")
        self.root.block(self.file)
        self.assert_error("org.pasidd1.Error.NotApplied", "misc.max", self.confirm, WEB)


class Adopt(Attached, BusTest):
    config = "[Manager]\nForeignChanges=adopt\n[Slice tenant.slice]\nLimit=500\n"

    def test_limit(self):
        """The other line, and the sets, get the value, too."""
        cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.root.overwrite(f"sys/fs/cgroup{cgroup}/misc.max", "pasid_attach 8\n")
        self.wait_get(WEB, "Quota", 8)
        self.assertEqual(self.source(WEB), (8, "runtime"))
        self.wait_limit(cgroup, 8)
        self.assertEqual(self.root.quota(1), 8)

    def test_shared(self):
        """Of a limit that is the sum of two quotas neither line is adopted."""
        cgroup = self.add_machine("web", WEB, 1)
        self.root.process(1002, f"{cgroup}/libvirt/emulator")
        self.machined.add("qemu-2-db", DB, cgroup.rpartition("/")[2], 1002)
        self.start()
        wait_until(lambda: len(self.list_vms()) == 2, "both are there")
        self.wait_limit(cgroup, 2000)
        self.root.overwrite(f"sys/fs/cgroup{cgroup}/misc.max", "pasid_attach 8\n")
        self.wait_limit(cgroup, 2000)
        self.assertEqual(self.get(WEB, "Quota"), 1000)

    def test_slice(self):
        self.root.cgroup("/tenant.slice")
        self.start()
        self.root.overwrite("sys/fs/cgroup/tenant.slice/misc.max", "pasid_attach 8\n")
        self.wait_limit("/tenant.slice", 8)
        self.assertEqual(self.slices()["tenant.slice"][0], "runtime")


class Report(Attached, BusTest):
    config = "[Manager]\nForeignChanges=report\n"

    def test_limit(self):
        cgroup = self.add_machine("web", WEB, 1)
        self.start()
        self.root.overwrite(f"sys/fs/cgroup{cgroup}/misc.max", "pasid_attach 8\n")
        self.wait_get(WEB, "QuotaInForce", False)
        self.assertEqual(self.get(WEB, "QuotaError"), "somebody else has changed misc.max (pasid_attach)")
        self.assertEqual(self.root.read(f"sys/fs/cgroup{cgroup}/misc.max"), "pasid 1000\npasid_attach 8\n")
        self.root.overwrite(f"sys/fs/cgroup{cgroup}/misc.max", "pasid_attach 1000\n")
        self.wait_get(WEB, "QuotaInForce", True)


class Later(BusTest):
    """The second resource may appear while VMs run. Its line says "max" then, which is nobody's wish."""

    config = "[Manager]\nForeignChanges=adopt\n[Slice tenant.slice]\nLimit=500\n"

    def appear(self, cgroups):
        self.root.counts_attached = True
        for cgroup in cgroups:
            self.root.overwrite(f"sys/fs/cgroup{cgroup}/misc.max", "pasid_attach max\n")
        self.root.write("sys/fs/cgroup/misc.capacity", self.root.misc(100000, "max"))

    def test_limited_with_the_next_set(self):
        self.root.cgroup("/tenant.slice")
        cgroup = self.add_machine("web", WEB, 1)
        self.start()
        self.appear([cgroup, "/tenant.slice"])
        self.root.add_set(1, 1001, cgroup)
        self.wait_limit(cgroup, 1000)
        self.wait_limit("/tenant.slice", 500)
        self.assertEqual(self.source(WEB), (1000, "default"))
        self.assertNotIn("Somebody else", self.daemon.text())

    def test_confirm(self):
        """The hook comes before the set does: the line is not taken for somebody's change, and is written again soon."""
        cgroup = self.add_machine("web", WEB, 1)
        self.start()
        self.appear([cgroup])
        self.assert_error("org.pasidd1.Error.NotApplied", "pasid_attach", self.confirm, WEB)
        self.wait_limit(cgroup, 1000)
        self.assertEqual(self.source(WEB), (1000, "default"))

    def test_reconcile(self):
        cgroup = self.add_machine("web", WEB, 1)
        self.start()
        self.appear([cgroup])
        self.reconcile()
        self.assertEqual(self.root.limit(cgroup), "pasid 1000")


class NumbersLater(Attached, BusTest):
    """The same for the other line: an IOMMU may appear while VMs run that are limited in what they attach."""

    config = "[Manager]\nForeignChanges=adopt\n"

    def test_confirm(self):
        self.root.write("sys/fs/cgroup/misc.capacity", "pasid_attach max\n")
        cgroup = self.add_machine("web", WEB, 1)
        self.root.write(f"sys/fs/cgroup{cgroup}/misc.max", "pasid_attach max\n")
        self.start()
        self.assertEqual(self.root.limit(cgroup), "pasid_attach 1000")
        self.root.overwrite(f"sys/fs/cgroup{cgroup}/misc.max", "pasid max\npasid_attach 1000\n")
        self.assert_error("org.pasidd1.Error.NotApplied", "another value", self.confirm, WEB)
        self.assertEqual(self.source(WEB), (1000, "default"))
        self.assertNotIn("Somebody else", self.daemon.text())


class AttachedAlone(Attached, BusTest):
    """A kernel without numbers to give out, such as one whose IOMMUs have no PASIDs, can still limit attaches."""

    def test_limit(self):
        self.root.write("sys/fs/cgroup/misc.capacity", "pasid_attach max\n")
        cgroup = self.add_machine("web", WEB, 1)
        self.root.write(f"sys/fs/cgroup{cgroup}/misc.max", "pasid_attach max\n")
        self.start()
        self.assertEqual(self.root.read(f"sys/fs/cgroup{cgroup}/misc.max"), "pasid_attach 1000\n")
        self.assertEqual(self.get_manager("Capacity"), 0)
        self.assertIn("only attached PASIDs are limited", self.get_manager("Status"))
        self.assertTrue(self.get(WEB, "QuotaInForce"))


class AdmissionUsers(Attached, test_admission.Users):
    def test_attached_needs_no_numbers(self):
        """The host is short of numbers alone. A slice's limit holds for each of the two."""
        self.root.set_attribute(1, "attached", 30)
        self.assertEqual(self.get_manager("Committed"), 0)
        self.assertEqual(self.slices()["user.slice"][3], 30)
        self.reserve(WEB, "web", quota=100)

    def test_larger_sum(self):
        self.root.set_attribute(1, "allocated", 20)
        self.root.set_attribute(2, "attached", 30)
        self.assertEqual(self.slices()["user.slice"][3], 30)
        self.root.set_attribute(3, "allocated", 15)
        self.assertEqual(self.slices()["user.slice"][3], 35)


class AdmissionSlice(Attached, test_admission.PerSlice):
    def test_attached(self):
        """What others in the slice have attached is not there for a machine's quota."""
        self.add_unit("x.service", 1, None, slice_name="machine.slice/machine-a")
        self.wait_vm("x.service")
        self.root.set_attribute(1, "attached", 20)
        self.assert_error(
            test_admission.NOT_ADMITTED,
            "in machine-a.slice, 30 are left",
            self.reserve,
            WEB,
            "web",
            slice="machine-a.slice",
            quota=31,
        )
        self.reserve(WEB, "web", slice="machine-a.slice", quota=30)


class AdmissionAlone(Attached, BusTest):
    """Without numbers there is nothing to be short of on the host; the limit of a slice holds."""

    config = "[Manager]\nAdmission=enforce\n[Slice machine-a.slice]\nLimit=50\n"

    def test_slice(self):
        self.root.write("sys/fs/cgroup/misc.capacity", "pasid_attach max\n")
        self.start()
        self.reserve(WEB, "web", slice="machine.slice", quota=1000)
        self.assert_error(
            test_admission.NOT_ADMITTED,
            "in machine-a.slice, 50 are left",
            self.reserve,
            DB,
            "db",
            slice="machine-a.slice",
            quota=51,
        )


class Counters(Attached, BusTest):
    def setUp(self):
        super().setUp()
        self.add_machine("web", WEB, 1, sets=[1, 2])
        self.start()

    def test_properties(self):
        self.root.set_attribute(1, "allocated", 1)
        self.root.set_attribute(1, "attached", 4)
        self.root.set_attribute(1, "attached_peak", 6)
        self.root.set_attribute(2, "attached", 3)
        self.assertEqual(self.get(WEB, "Attached"), 7)
        self.assertEqual(self.get(WEB, "Allocated"), 1)
        self.assertEqual(sorted(self.get(WEB, "AttachedSets")), [(1, 4, 6), (2, 3, 0)])
        self.root.write("sys/fs/cgroup/misc.current", self.root.misc(5, 9))
        self.assertEqual(self.get_manager("Attached"), 9)
        self.assertEqual(self.get_manager("Allocated"), 5)

    def test_metrics(self):
        self.root.set_attribute(1, "attached", 4)
        self.root.write("sys/fs/cgroup/misc.current", self.root.misc(5, 9))
        (text,) = self.manager_call("GetMetrics")
        self.assertIn(f'pasidd_vm_attached{{uuid="{WEB}",name="web"}} 4\n', text)
        self.assertIn("\npasidd_attached 9\n", text)

    def test_subscribed(self):
        self.manager_call("Subscribe")
        self.wait_changed(Attached=0)
        self.root.set_attribute(1, "attached", 4)
        self.wait_changed(Attached=4)

    def test_refused(self):
        self.set_quota(WEB, 4)
        self.root.set_attribute(1, "attached", 4)
        self.root.set_attribute(1, "denied", 1)
        signal = self.client.wait_signal("AttachRefused")
        self.assertEqual(signal.args, (WEB, "web", vm_path(WEB), 1, "quota", 4, 4, 0))
        self.daemon.wait_output(
            "VM web was denied the attach of a PASID, because its quota is used up (attached 4, quota 4;"
        )
        self.assertEqual(
            self.last_event("quota-exceeded"),
            {
                "set": 1,
                "reason": "quota",
                "allocated": 0,
                "quota": 4,
                "suppressed": 0,
                "count": "attached",
                "attached": 4,
            },
        )
        self.assertEqual([s for s in self.client.signals if s.member == "QuotaExceeded"], [])
        self.assertEqual(self.get(WEB, "Denied"), 1)

    def test_numbers_refused(self):
        """Where what is attached is counted as well, an event can still be about numbers."""
        self.set_quota(WEB, 4)
        self.root.set_attribute(1, "allocated", 4)
        self.root.set_attribute(1, "denied", 1)
        self.client.wait_signal("QuotaExceeded")
        self.assertNotIn("count", self.last_event("quota-exceeded"))

    def test_watermark(self):
        self.set_quota(WEB, 10, watermark=3)
        self.root.set_attribute(1, "attached", 3)
        signal = self.client.wait_signal("AttachWatermarkReached")
        self.assertEqual(signal.args, (WEB, "web", vm_path(WEB), 1, 3, 3))
        self.daemon.wait_output("VM web has attached 3 PASIDs, its watermark is 3")
        details = self.last_event("watermark-reached")
        self.assertEqual(
            details, {"set": 1, "allocated": 0, "watermark": 3, "suppressed": 0, "count": "attached", "attached": 3}
        )

    def test_watermark_of_both(self):
        """The kernel's event does not say which count it is about: the one that was below the watermark before."""
        self.set_quota(WEB, 10, watermark=3)
        self.root.set_attribute(1, "allocated", 5)
        signal = self.client.wait_signal("WatermarkReached")
        self.assertEqual(signal.args, (WEB, "web", vm_path(WEB), 1, 5, 3))
        self.root.set_attribute(1, "attached", 4)
        signal = self.client.wait_signal("AttachWatermarkReached")
        self.assertEqual(signal.args, (WEB, "web", vm_path(WEB), 1, 4, 3))
        self.assertEqual(len(self.events("watermark-reached")), 2)

    def events(self, kind):
        return [event for event in self.manager_call("ListEvents", "t", 0)[0] if event[2] == kind]

    def last_event(self, kind):
        return self.events(kind)[-1][6]


class NotCounted(BusTest):
    """On a kernel without these counts everything is as it was."""

    def test_properties(self):
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.assertEqual(self.get(WEB, "Attached"), 0)
        self.assertEqual(self.get(WEB, "AttachedSets"), [])
        self.assertEqual(self.get_manager("Attached"), 0)


if __name__ == "__main__":
    main()
