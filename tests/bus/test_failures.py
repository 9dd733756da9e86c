#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Refusals by the kernel and objects that disappear: errors are reported, no change is left incomplete."""

import contextlib

from minibus import wait_until
from testenv import *

NOT_APPLIED = "org.pasidd1.Error.NotApplied"


class KernelRefuses(BusTest):
    def setUp(self):
        super().setUp()
        self.cgroup = self.add_machine("web", WEB, 1, sets=[1, 2, 3])
        self.start()
        self.set_quota(WEB, 7)

    @contextlib.contextmanager
    def read_only(self, name):
        path = self.root.path / name
        path.chmod(0o444)
        yield
        path.chmod(0o644)

    def refuse(self, pattern, function, *args, **kwargs):
        before = self.snapshot()
        self.assert_error(NOT_APPLIED, pattern, function, *args, **kwargs)
        self.assertEqual(self.snapshot(), before)

    def test_limit(self):
        with self.read_only(f"sys/fs/cgroup{self.cgroup}/misc.max"):
            self.refuse("web: .*misc.max: Permission denied", self.set_quota, WEB, 9)
            self.refuse("web: .*misc.max: Permission denied", self.reset_quota, WEB)
        self.assertEqual(self.set_quota(WEB, 9), (7, "persistent"))

    def test_each_set(self):
        """The others have got their old quota back."""
        for i in (1, 2, 3):
            with self.subTest(set=i), self.read_only(f"sys/class/vfio_pasid/set{i}/quota"):
                self.refuse(f"web: quota of set {i}: Permission denied", self.set_quota, WEB, 9)
        self.assertEqual([self.root.quota(i) for i in (1, 2, 3)], [7, 7, 7])

    def test_watermark(self):
        with self.read_only("sys/class/vfio_pasid/set2/watermark"):
            self.refuse("watermark of set 2", self.set_quota, WEB, 9, watermark=5)

    def test_default(self):
        with self.read_only("sys/module/vfio_pasid/parameters/default_quota"):
            self.refuse("Permission denied", self.set_default, 9)
        self.assertEqual(self.set_default(9), (1000,))

    def test_not_a_file(self):
        self.root.block("sys/class/vfio_pasid/set2/quota")
        self.assert_error(NOT_APPLIED, "set 2: Is a directory", self.set_quota, WEB, 9)
        self.assertEqual(self.root.quota(1), 7)
        self.assertEqual(self.source(WEB), (7, "persistent"))
        # It could not be given back everywhere.
        self.assertFalse(self.get(WEB, "QuotaInForce"))
        self.assertIn("set 2: Is a directory", self.get(WEB, "QuotaError"))

    def test_nonsense_in_the_file(self):
        self.root.write(f"sys/fs/cgroup{self.cgroup}/misc.max", "pasid lots\n")
        self.assert_error(NOT_APPLIED, "misc.max", self.set_quota, WEB, 9)
        self.assertEqual(self.source(WEB), (7, "persistent"))

    def test_set_goes_meanwhile(self):
        """No error: what is gone needs no quota."""
        shutil.rmtree(self.root.path / "sys/class/vfio_pasid/set2")
        self.assertEqual(self.set_quota(WEB, 9), (7, "persistent"))
        self.assertEqual([self.root.quota(i) for i in (1, 3)], [9, 9])

    def test_cgroup_goes_meanwhile(self):
        self.root.remove_cgroup(self.cgroup)
        self.assertEqual(self.set_quota(WEB, 9), (7, "persistent"))


class AtStart(BusTest):
    def test_told_in_properties(self):
        """Without a caller there is no error: QuotaInForce shows the failure."""
        cgroup = self.add_machine("web", WEB, 1, sets=[1])
        path = self.root.path / f"sys/fs/cgroup{cgroup}/misc.max"
        path.chmod(0o444)
        self.start()
        self.wait_get(WEB, "QuotaInForce", False)
        self.assertIn("misc.max: Permission denied", self.get(WEB, "QuotaError"))
        self.daemon.wait_output("Quota 1000 of VM web is not in force")

        path.chmod(0o644)
        self.client.forget_signals()
        self.assertEqual(self.set_quota(WEB, 5), (1000, "persistent"))
        self.wait_changed(QuotaInForce=True, QuotaError="")

    def test_controller_not_enabled(self):
        """A scope without misc.* files."""
        unit = "machine-qemu\\x2d1\\x2dweb.scope"
        self.root.cgroup(f"/machine.slice/{unit}", misc=False)
        self.root.process(1001, f"/machine.slice/{unit}")
        self.machined.add("qemu-1-web", WEB, unit, 1001)
        self.start()
        self.assertFalse(self.get(WEB, "QuotaInForce"))
        self.assertIn("misc controller is not enabled", self.get(WEB, "QuotaError"))

    def test_default_quota(self):
        """The module's parameter cannot be written: this is logged, and everything else works."""
        (self.root.path / "sys/module/vfio_pasid/parameters/default_quota").chmod(0o444)
        self.add_machine("web", WEB, 1, sets=[1])
        self.root.config("[Manager]\nDefaultQuota=5\n")
        self.start()
        self.daemon.wait_output("default quota")
        self.assertEqual(self.root.quota(1), 5)


class BusGoes(BusTest):
    def test_comes_back(self):
        cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.set_quota(WEB, 7)
        self.bus.stop()
        self.daemon.wait_output("Lost the connection to the system bus")
        # The daemon's own work goes on.
        self.root.overwrite("sys/class/vfio_pasid/set1/quota", "8\n")
        self.wait_quota(1, 7)

        self.bus.start()
        self.machined.stop()
        self.machined.start()
        self.polkit = Polkit(self.bus)
        self.addCleanup(self.polkit.stop)
        self.client = self.connect()
        wait_until(lambda: self.client.call_driver("NameHasOwner", "s", (BUS_NAME,))[0], "pasidd is back", 20)
        self.wait_vm("web")
        self.assertEqual(self.source(WEB), (7, "persistent"))
        self.assertEqual(self.set_quota(WEB, 9), (7, "persistent"))
        self.assertEqual(self.root.limit(cgroup), "pasid 9")

    def test_goes_while_systemd_is_asked(self):
        """No answer is not the answer that there is no InvocationID."""
        held = []
        self.systemd.connection.handle(PROPERTIES, "Get", held.append)
        self.start()
        self.add_unit("vm.service", 1, OTHER)
        wait_until(lambda: held, "systemd is asked")
        self.bus.stop()
        self.daemon.wait_output("Lost the connection to the system bus")
        # systemd is there first, as it is in service.
        self.daemon.process.send_signal(signal.SIGSTOP)
        self.bus.start()
        self.systemd = Systemd(self.bus, {"vm.service": OTHER})
        self.addCleanup(self.systemd.stop)
        self.daemon.process.send_signal(signal.SIGCONT)
        self.client = self.connect()
        wait_until(lambda: self.client.call_driver("NameHasOwner", "s", (BUS_NAME,))[0], "pasidd is back", 20)
        self.wait_vm("vm.service")
        self.assertEqual([uuid for uuid, _, _ in self.list_vms()], [OTHER])

    def test_systemd_leaves_while_it_is_asked(self):
        """The bus goes on, and says that nobody has the name."""
        held = []
        self.systemd.connection.handle(PROPERTIES, "Get", held.append)
        self.start()
        self.add_unit("vm.service", 1, OTHER)
        wait_until(lambda: held, "systemd is asked")
        self.systemd.stop()
        self.reconcile()
        self.assertEqual(self.list_vms(), [])
        self.systemd = Systemd(self.bus, {"vm.service": OTHER})
        self.addCleanup(self.systemd.stop)
        self.wait_vm("vm.service")
        self.assertEqual([uuid for uuid, _, _ in self.list_vms()], [OTHER])

    def test_unit_starts_while_it_is_away(self):
        """It waits for its InvocationID, other sets do not."""
        self.root.config("[Manager]\nDefaultQuota=77\n")
        self.start()
        self.bus.stop()
        self.daemon.wait_output("Lost the connection to the system bus")
        self.add_unit("vm.service", 1, OTHER)
        self.root.process(3000, "/")
        self.root.add_set(2, 3000, "/")
        self.wait_quota(2, 77)
        self.daemon.wait_output("Cannot connect to the system bus")
        self.bus.start()
        self.systemd = Systemd(self.bus, {"vm.service": OTHER})
        self.addCleanup(self.systemd.stop)
        self.client = self.connect()
        wait_until(lambda: self.client.call_driver("NameHasOwner", "s", (BUS_NAME,))[0], "pasidd is back", 20)
        self.wait_vm("vm.service")
        self.assertIn(OTHER, [uuid for uuid, _, _ in self.list_vms()])
        self.wait_quota(1, 77)

    def test_is_away_at_start(self):
        """Nor does the daemon's start wait for what must wait."""
        self.bus.stop()
        self.add_unit("vm.service", 1, OTHER)
        self.daemon.spawn()
        self.daemon.wait_notify("READY=1")

    def test_comes_late(self):
        self.bus.stop()
        self.root.process(3000, "/system.slice/x.service")
        self.daemon.spawn()
        self.daemon.wait_notify("READY=1")
        self.bus.start()
        self.client = self.connect()
        wait_until(lambda: self.client.call_driver("NameHasOwner", "s", (BUS_NAME,))[0], "pasidd is there", 20)
        self.assertEqual(self.get_manager("State"), "running")


class Watchdog(BusTest):
    def test_fed(self):
        self.daemon.spawn(WATCHDOG_USEC="400000")
        self.daemon.wait_notify("READY=1")
        wait_until(lambda: len([s for s in self.daemon.states if "WATCHDOG=1" in s]) >= 3, "the watchdog is fed")


class Quiet(BusTest):
    def wakeups(self):
        (status,) = [
            line
            for line in pathlib.Path(f"/proc/{self.daemon.process.pid}/status").read_text().splitlines()
            if line.startswith("voluntary_ctxt_switches")
        ]
        return int(status.split()[1])

    def test_no_wakeups(self):
        """With VMs, sets and a reservation, and nothing going on."""
        self.add_machine("web", WEB, 1, sets=[1])
        self.add_unit("vm.service", 2, OTHER)
        self.start()
        self.reserve(DB, "db")
        self.client.sync()
        time.sleep(0.5)
        before = self.wakeups()
        time.sleep(2)
        self.assertEqual(self.wakeups(), before)


if __name__ == "__main__":
    main()
