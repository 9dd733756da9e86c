#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Restoring the desired state: when, after which changes, and the answer of Reconcile."""

from minibus import wait_until
from testenv import *


class Reconcile(BusTest):
    config = "[Slice tenant.slice]\nLimit=100\n"

    def setUp(self):
        super().setUp()
        self.root.cgroup("/tenant.slice")
        self.cgroup = self.add_machine("web", WEB, 1, sets=[1, 2])
        self.start()

    def put(self, name, text):
        """Changes a file so that nobody hears of it: it is another file afterwards."""
        self.root.write(name, text)

    def test_nothing_to_do(self):
        self.assertEqual(self.reconcile(), [])

    def test_tells_what_it_changed(self):
        self.put("sys/module/vfio_pasid/parameters/default_quota", "5\n")
        self.put("sys/fs/cgroup/tenant.slice/misc.max", "pasid 7\n")
        self.put(f"sys/fs/cgroup{self.cgroup}/misc.max", "pasid max\n")
        # A watermark raises no event.
        self.root.overwrite("sys/class/vfio_pasid/set2/watermark", "3\n")
        self.assertEqual(
            sorted(self.reconcile()),
            [
                ("host", "", "", "default_quota", "5", "1000"),
                ("slice", "tenant.slice", "tenant.slice", "/tenant.slice/misc.max", "7", "100"),
                ("vm", WEB, "web", f"{self.cgroup}/misc.max", "max", "1000"),
                ("vm", WEB, "web", "set 2 watermark", "3", "0"),
            ],
        )
        self.assertEqual(self.root.default_quota(), 1000)
        self.assertEqual(self.root.limit("/tenant.slice"), "pasid 100")
        self.assertEqual(self.root.limit(self.cgroup), "pasid 1000")
        self.assertEqual(self.root.set_value(2, "watermark"), 0)
        self.assertEqual(self.reconcile(), [])

    def test_finds_what_was_not_heard_of(self):
        """A machine whose announcement was lost, one that is gone, and the controller turned off."""
        self.machined.machines["qemu-2-db"] = {
            **self.machined.machines["qemu-1-web"],
            "Id": uuid_module.UUID(DB).bytes,
            "Unit": "machine-qemu\\x2d2\\x2ddb.scope",
            "Leader": 1002,
            "pids": {1002},
        }
        del self.machined.machines["qemu-1-web"]
        self.root.remove_set(1)
        self.root.remove_set(2)
        self.put("sys/fs/cgroup/machine.slice/cgroup.subtree_control", "cpu\n")
        self.reconcile()
        wait_until(lambda: self.vm_names() == ["db"], "the list is the present one")
        self.assertIn("+misc", self.root.read("sys/fs/cgroup/machine.slice/cgroup.subtree_control"))

    def test_another_machine_of_the_same_name(self):
        """libvirt counts from 1 again after a restart; the end of the first and the begin of the second were missed."""
        self.root.process(1099, f"{self.cgroup}/libvirt/emulator")
        self.machined.machines["qemu-1-web"].update(Timestamp=2, Leader=1099)
        self.reconcile()
        self.assertEqual(self.get(WEB, "Leader"), 1099)
        self.assertEqual((self.get(WEB, "ControlGroup"), self.get(WEB, "QuotaInForce")), (self.cgroup, True))

    def test_several_at_once(self):
        self.put(f"sys/fs/cgroup{self.cgroup}/misc.max", "pasid 3\n")
        other = self.connect()
        serials = [c.send(BUS_NAME, MANAGER_PATH, MANAGER, "Reconcile") for c in (self.client, other)]
        answers = [c.reply(s)[0] for c, s in zip((self.client, other), serials)]
        self.assertIn(("vm", WEB, "web", f"{self.cgroup}/misc.max", "3", "1000"), answers[0] + answers[1])
        self.assertEqual(self.root.limit(self.cgroup), "pasid 1000")

    def test_without_machined(self):
        self.machined.stop()
        self.put(f"sys/fs/cgroup{self.cgroup}/misc.max", "pasid 3\n")
        self.assertEqual(len(self.reconcile()), 1)
        self.assertEqual(self.vm_names(), ["web"])

    def test_caller_goes(self):
        other = self.connect()
        other.send(BUS_NAME, MANAGER_PATH, MANAGER, "Reconcile")
        other.close()
        self.assertEqual(self.reconcile(), [])

    def test_polkit(self):
        self.polkit.mode = "no"
        self.put(f"sys/fs/cgroup{self.cgroup}/misc.max", "pasid 3\n")
        self.assert_error(ACCESS_DENIED, None, self.reconcile)
        self.assertEqual({q["action"] for q in self.polkit.questions}, {"org.pasidd1.reconcile"})
        self.assertEqual(self.root.limit(self.cgroup), "pasid 3")

    # By itself.

    def test_systemd_reloads(self):
        wait_until(lambda: self.systemd.subscribers, "pasidd subscribes")
        self.put(f"sys/fs/cgroup{self.cgroup}/misc.max", "pasid 3\n")
        self.put("sys/fs/cgroup/machine.slice/cgroup.subtree_control", "cpu\n")
        self.systemd.reload()
        self.wait_limit(self.cgroup, 1000)
        self.assertIn("+misc", self.root.read("sys/fs/cgroup/machine.slice/cgroup.subtree_control"))

    def test_systemd_executes_itself_anew(self):
        """Its connection to the bus is another one then, and whom it tells of reloads has to say so again."""
        wait_until(lambda: self.systemd.subscribers, "pasidd subscribes")
        self.systemd.stop()
        self.put(f"sys/fs/cgroup{self.cgroup}/misc.max", "pasid 3\n")
        self.systemd = Systemd(self.bus)
        self.addCleanup(self.systemd.stop)
        self.wait_limit(self.cgroup, 1000)
        wait_until(lambda: self.systemd.subscribers, "pasidd subscribes anew")

    def test_machined_comes_back(self):
        self.machined.stop()
        self.put(f"sys/fs/cgroup{self.cgroup}/misc.max", "pasid 3\n")
        self.machined.start()
        self.wait_limit(self.cgroup, 1000)

    def test_machined_goes_while_it_is_asked(self):
        """Its list has been read, the machines' properties not yet: no machine has ended."""
        self.reserve(DB, "db", quota=30)
        cgroup = self.add_machine("db", DB, 2, sets=[9])
        self.wait_get(DB, "State", "running")
        self.wait_quota(9, 30)
        self.machined.asked.clear()
        self.machined.hold_properties = True
        serial = self.client.send(BUS_NAME, MANAGER_PATH, MANAGER, "Reconcile")
        wait_until(lambda: len(self.machined.asked) == 2, "machined is asked for both machines")
        self.machined.stop()
        self.daemon.wait_output("Cannot get the list of machines, trying again")
        self.assertEqual(self.client.reply(serial)[0], [])
        self.assertEqual((self.source(DB), self.root.limit(cgroup)), ((30, "metadata"), "pasid 30"))
        # One that begins and one that ends meanwhile are found with the next list.
        self.machined.hold_properties = False
        del self.machined.machines["qemu-1-web"]
        self.root.remove_cgroup(self.cgroup)
        self.root.remove_set(1)
        self.machined.start()
        self.wait_no_vm("web")
        self.assertEqual((self.source(DB), self.root.limit(cgroup)), ((30, "metadata"), "pasid 30"))

    def test_bus_comes_back(self):
        self.bus.stop()
        self.daemon.wait_output("Lost the connection to the system bus")
        self.put(f"sys/fs/cgroup{self.cgroup}/misc.max", "pasid 3\n")
        self.put("sys/fs/cgroup/tenant.slice/misc.max", "pasid 7\n")
        self.bus.start()
        self.wait_limit(self.cgroup, 1000)
        self.wait_limit("/tenant.slice", 100)

    def test_scope_reappears(self):
        """Another cgroup of the same name: watched and limited like the first."""
        for _ in range(3):
            self.root.remove_cgroup(self.cgroup)
            self.root.cgroup(self.cgroup)
            self.wait_limit(self.cgroup, 1000)
            self.root.overwrite(f"sys/fs/cgroup{self.cgroup}/misc.max", "pasid 3\n")
            self.wait_limit(self.cgroup, 1000)

    def test_slice_reappears(self):
        self.root.remove_cgroup("/machine.slice")
        self.root.cgroup("/machine.slice")
        wait_until(
            lambda: "+misc" in self.root.read("sys/fs/cgroup/machine.slice/cgroup.subtree_control"), "it is enabled"
        )
        self.root.cgroup(self.cgroup)
        self.wait_limit(self.cgroup, 1000)


class Report(BusTest):
    """ForeignChanges=report: said, and left as it is."""

    config = "[Manager]\nForeignChanges=report\n[Rule web]\nMatchName=web\nQuota=50\n"

    def setUp(self):
        super().setUp()
        self.cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.root.overwrite("sys/class/vfio_pasid/set1/quota", "9\n")
        self.daemon.wait_output("Somebody else set the quota of a set of VM web to 9 instead of 50, leaving it so")

    def test_told(self):
        self.assertEqual(self.source(WEB), (50, "rule"))
        self.assertFalse(self.get(WEB, "QuotaInForce"))
        self.assertEqual(self.get(WEB, "QuotaError"), "somebody else has changed the quota of a set")

    def test_stays(self):
        """Whatever else happens."""
        self.set_default(300)
        self.machined.stop()
        self.machined.start()
        wait_until(lambda: self.systemd.subscribers, "pasidd subscribes")
        self.systemd.reload()
        self.root.add_set(2, 1001, self.cgroup)
        self.wait_quota(2, 50)
        self.assertEqual(self.root.quota(1), 9)
        self.assertFalse(self.get(WEB, "QuotaInForce"))

    def test_asked_for(self):
        self.assertEqual(self.reconcile(), [("vm", WEB, "web", "set 1 quota", "9", "50")])
        self.assertEqual(self.root.quota(1), 50)
        self.assertTrue(self.get(WEB, "QuotaInForce"))

    def test_reload(self):
        self.manager_call("Reload")
        self.assertEqual(self.root.quota(1), 50)

    def test_other_quota(self):
        self.set_quota(WEB, 60)
        self.assertEqual(self.root.quota(1), 60)
        self.assertTrue(self.get(WEB, "QuotaInForce"))

    def test_other_quota_is_refused(self):
        """Nothing of it is left, and what was left to somebody else is there again."""
        self.root.overwrite(f"sys/fs/cgroup{self.cgroup}/misc.max", "pasid 30\n")
        self.daemon.wait_output("Somebody else set misc.max of VM web to 30")
        self.root.add_set(2, 1001, self.cgroup)
        self.wait_quota(2, 50)
        (self.root.path / "sys/class/vfio_pasid/set2/quota").chmod(0o444)
        self.assert_error("org.pasidd1.Error.NotApplied", "quota of VM web", self.set_quota, WEB, 60)
        self.assertEqual((self.root.quota(1), self.root.limit(self.cgroup)), (9, "pasid 30"))
        self.assertEqual(self.source(WEB), (50, "rule"))

    def test_put_right_by_the_other(self):
        self.root.overwrite("sys/class/vfio_pasid/set1/quota", "50\n")
        self.wait_get(WEB, "QuotaInForce", True)

    def test_restart(self):
        """At start nobody knows who wrote what is there: what should be is."""
        self.restart()
        self.assertEqual(self.root.quota(1), 50)


class ReportToAdopt(BusTest):
    """A reload with another policy treats all kinds of numbers alike: what was left is adopted."""

    config = "[Manager]\nForeignChanges=report\n[Rule web]\nMatchName=web\nQuota=50\n[Slice tenant.slice]\nLimit=100\n"

    def test_reload(self):
        self.root.cgroup("/tenant.slice")
        cgroup = self.add_machine("web", WEB, 1)
        self.start()
        self.wait_limit("/tenant.slice", 100)
        self.root.overwrite(f"sys/fs/cgroup{cgroup}/misc.max", "pasid 9\n")
        self.root.overwrite("sys/fs/cgroup/tenant.slice/misc.max", "pasid 50\n")
        self.root.overwrite("sys/module/vfio_pasid/parameters/default_quota", "77\n")
        self.daemon.wait_output("Somebody else set misc.max of VM web to 9")
        self.daemon.wait_output("Somebody else set misc.max of slice tenant.slice to 50")
        self.root.config(self.config.replace("report", "adopt"))
        self.manager_call("Reload")
        self.assertEqual(self.root.limit(cgroup), "pasid 9")
        self.assertEqual(self.source(WEB), (9, "runtime"))
        self.assertEqual(self.root.limit("/tenant.slice"), "pasid 50")
        self.assertEqual(self.root.default_quota(), 77)


class ReportUnheard(BusTest):
    """Numbers whose changes the kernel does not announce follow the same policy, once they are compared."""

    action = "report"

    def setUp(self):
        super().setUp()
        self.root.config(f"[Manager]\nForeignChanges={self.action}\nDefaultQuota=50\n")
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        wait_until(lambda: self.systemd.subscribers, "pasidd subscribes")

    def test_default(self):
        self.root.overwrite("sys/module/vfio_pasid/parameters/default_quota", "9\n")
        self.systemd.reload()
        self.daemon.wait_output("Somebody else set default_quota of the kernel to 9 instead of 50")
        self.check_default()

    def check_default(self):
        self.assertEqual(self.root.default_quota(), 9)
        self.reconcile()
        self.assertEqual(self.root.default_quota(), 50)

    def test_watermark(self):
        self.root.overwrite("sys/class/vfio_pasid/set1/watermark", "7\n")
        self.systemd.reload()
        self.daemon.wait_output("Somebody else set the watermark of a set of VM web to 7 instead of 0")
        self.check_watermark()

    def check_watermark(self):
        self.assertEqual(self.root.set_value(1, "watermark"), 7)


class RevertUnheard(ReportUnheard):
    action = "revert"

    def check_default(self):
        wait_until(lambda: self.root.default_quota() == 50, "it is reverted")

    def check_watermark(self):
        self.wait_attribute(1, "watermark", 0)


class AdoptDefaultUnheard(ReportUnheard):
    action = "adopt"

    def check_default(self):
        wait_until(lambda: self.get_manager("DefaultQuota") == 9, "it is adopted")
        self.assertEqual(self.root.default_quota(), 9)

    def check_watermark(self):
        self.wait_get(WEB, "Watermark", 7)


class AdoptUnheard(BusTest):
    config = "[Manager]\nForeignChanges=adopt\n"

    def test_at_reconcile(self):
        """What was not heard of is adopted like the rest."""
        cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.root.write(f"sys/fs/cgroup{cgroup}/misc.max", "pasid 8\n")
        self.assertEqual(self.reconcile(), [("vm", WEB, "web", "set 1 quota", "1000", "8")])
        self.assertEqual(self.source(WEB), (8, "runtime"))

    def test_file_of_a_user(self):
        """In a delegated cgroup users could give themselves any quota."""
        cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        (self.root.path / f"sys/fs/cgroup{cgroup}/misc.max").chmod(0o664)
        self.root.overwrite(f"sys/fs/cgroup{cgroup}/misc.max", "pasid 9000\n")
        self.daemon.wait_output("Somebody else set misc.max of VM web to 9000 instead of 1000, reverting it")
        self.wait_limit(cgroup, 1000)
        self.assertEqual((self.source(WEB), self.root.quota(1)), ((1000, "default"), 1000))

    def test_what_was_never_in_force(self):
        """Not to have taken the limit is a failure of the kernel's, not a wish of somebody's; and anybody may Confirm."""
        self.root.config("[Manager]\nForeignChanges=adopt\nDefaultQuota=50\n")
        unit = "machine-qemu\\x2d1\\x2dweb.scope"
        cgroup = f"/machine.slice/{unit}"
        self.root.cgroup(cgroup, misc=False)
        self.root.process(1001, cgroup)
        self.machined.add("qemu-1-web", WEB, unit, 1001)
        self.start()
        self.assertFalse(self.get(WEB, "QuotaInForce"))
        # The controller is enabled after all.
        self.root.write(f"sys/fs/cgroup{cgroup}/misc.max", "pasid max\n")
        self.wait_limit(cgroup, 50)
        self.assertEqual((self.source(WEB), self.root.limit(cgroup)), ((50, "default"), "pasid 50"))
        self.assertEqual(self.confirm(WEB), (50,))


if __name__ == "__main__":
    main()
