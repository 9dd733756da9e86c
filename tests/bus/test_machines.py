#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Owners of machines: registered by users, in a shared unit, not registered with machined, ended while it was away."""

import os
import shutil
import signal

from minibus import wait_until
from testenv import *

SESSION = "/user.slice/user-1000.slice/session-2.scope"


class OfUsers(BusTest):
    """systemd 258 and later lets users register machines, under any name and UUID that is not taken."""

    config = "[Manager]\nDefaultQuota=1000\n"

    def setUp(self):
        super().setUp()
        self.cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.set_quota(WEB, 500)
        self.wait_limit(self.cgroup, 500)

    def user_machine(self, uid, unit_path=SESSION, leader=700, uuid=WEB, set_id=2):
        """With a set of its leader's, once machined has told of it."""
        self.root.cgroup(unit_path)
        self.root.process(leader, unit_path)
        self.machined.add("evil", uuid, unit_path.rsplit("/", 1)[1], leader, usec=2, uid=uid)
        self.root.add_set(set_id, leader, unit_path)

    def check_real_one(self):
        self.assertEqual(self.root.quota(2), 1000)
        self.assertEqual((self.get(WEB, "ControlGroup"), self.get(WEB, "Leader")), (self.cgroup, 1001))
        self.set_quota(WEB, 5)
        self.assertEqual((self.root.limit(self.cgroup), self.root.quota(1)), ("pasid 5", 5))
        self.assertEqual(self.root.quota(2), 1000)
        # And its next set.
        self.root.process(1900, self.cgroup)
        self.root.add_set(3, 1900, self.cgroup)
        self.wait_quota(3, 5)

    def check(self, *args, **kwargs):
        self.user_machine(*args, **kwargs)
        self.wait_vm("session-2.scope")
        self.check_real_one()
        self.machined.remove("evil")
        self.root.remove_set(2)
        self.add_machine("db", DB, 2)
        self.wait_vm("db")
        self.assertEqual(self.source(WEB), (5, "persistent"))

    def test_uid(self):
        self.check(1000)

    def test_unit(self):
        """Of root, but in a session: the cgroup is still what the user has."""
        self.check(0)

    def test_unit_without_uid(self):
        self.check(None)

    def test_uid_in_the_systems_slice(self):
        self.root.cgroup("/system.slice")
        self.user_machine(1000, "/system.slice/session-2.scope")
        self.wait_vm("session-2.scope")
        self.check_real_one()

    def test_uid_of_another_type(self):
        """What it means cannot be known, so the machine is nobody's."""
        self.user_machine(("s", "nobody"))
        self.daemon.wait_output("Cannot parse the properties of machine evil")
        self.check_real_one()

    def test_listed(self):
        """The same for the list of machines that the daemon starts with."""
        self.user_machine(1000)
        self.wait_vm("session-2.scope")
        self.restart()
        self.check_real_one()

    def test_root(self):
        self.machined.add("new", DB, "machine-new.scope", 800, uid=0)
        self.root.cgroup("/machine.slice/machine-new.scope")
        self.root.process(800, "/machine.slice/machine-new.scope")
        self.wait_vm("new")
        self.wait_get(DB, "ControlGroup", "/machine.slice/machine-new.scope")


class Endless(BusTest):
    def test_list_is_complete(self):
        """Somebody makes one machine after the other: the list does not wait for those that came since."""
        self.add_machine("web", WEB, 1)
        self.machined.hold_list = True
        self.daemon.spawn("--log-level=debug")
        wait_until(lambda: self.machined.held, "the list is asked for")
        path = self.machined.path_of("endless")
        self.machined.connection.handle(
            PROPERTIES, "GetAll", lambda m: None if m.fields[1] == path else self.machined.get_all(m)
        )
        self.machined.connection.emit(Machined.PATH, Machined.NAME + ".Manager", "MachineNew", "so", ("endless", path))
        self.machined.let_go()
        self.daemon.wait_notify("READY=1")
        self.wait_vm("web")
        self.assertNotIn("Cannot get the list of machines", self.daemon.text())


class ReturnsDuringList(BusTest):
    def test_end_unseen(self):
        """machined sends its list and returns without one of the machines, while the daemon has not read any of it."""
        self.machined.hold_list = self.machined.hold_properties = True
        self.daemon.spawn()
        wait_until(lambda: self.machined.held, "the list is asked for")
        self.machined.add("web", WEB, "machine-web.scope", 700)
        wait_until(lambda: self.machined.held_properties, "the new machine is asked for")

        os.kill(self.daemon.process.pid, signal.SIGSTOP)
        self.machined.let_go()
        self.machined.let_go_properties()
        self.machined.stop()
        self.machined.machines.clear()
        self.machined.start()
        os.kill(self.daemon.process.pid, signal.SIGCONT)

        self.daemon.wait_notify("READY=1")
        wait_until(lambda: not self.list_vms(), "the machine has ended")


class OfUsersWatched(BusTest):
    """The same where even user.slice is among the slices that are watched."""

    config = "[Manager]\nDefaultQuota=1000\nSlices=machine.slice user.slice\n"

    def test_cgroup_comes_later(self):
        self.root.cgroup("/user.slice")
        self.root.cgroup("/user.slice/user-1000.slice")
        self.start()
        self.machined.add("evil", WEB, "session-2.scope", 700, uid=0)
        self.wait_get_or_none(WEB)
        self.root.process(700, SESSION)
        self.root.cgroup(SESSION)
        wait_until(lambda: not self.list_vms(), "the machine is nobody's")

    def wait_get_or_none(self, uuid):
        wait_until(lambda: any(vm[0] == uuid for vm in self.list_vms()), "the machine is known")


class SharedUnit(BusTest):
    """Two machines in one unit: the limit of its cgroup is for both, the sets are each one's own."""

    config = "[Manager]\nDefaultQuota=1000\n[Rule db]\nMatchName=db\nQuota=70\n"
    UNIT = "/machine.slice/vms.service"

    def setUp(self):
        super().setUp()
        self.root.cgroup(self.UNIT)
        self.start()
        self.reserve(WEB, "web", quota=4)
        self.register("web", WEB, 900)

    def register(self, name, uuid, leader, parent=1):
        self.root.process(leader, self.UNIT, parent=parent)
        self.machined.add(name, uuid, "vms.service", leader)
        self.wait_vm(name)
        self.wait_get(uuid, "ControlGroup", self.UNIT)

    def both(self):
        self.root.add_set(1, 900, self.UNIT)
        self.register("db", DB, 901)
        self.root.add_set(2, 901, self.UNIT)

    def check_quiet(self):
        """Nothing is left to do, and nobody else is blamed for what the daemon wrote."""
        for _ in range(3):
            self.assertEqual(self.reconcile(), [])
        self.assertNotIn("Somebody else", self.daemon.text())
        for vm in (WEB, DB):
            self.assertTrue(self.get(vm, "QuotaInForce"), self.get(vm, "QuotaError"))

    def test_each_its_own(self):
        self.both()
        self.wait_quota(2, 70)
        self.assertEqual(self.root.quota(1), 4)
        self.wait_limit(self.UNIT, 74)
        self.check_quiet()

        self.set_quota(WEB, 10)
        self.assertEqual((self.root.quota(1), self.root.quota(2)), (10, 70))
        self.assertEqual(self.root.limit(self.UNIT), "pasid 80")
        self.check_quiet()

    def test_after_a_restart(self):
        self.both()
        self.wait_limit(self.UNIT, 74)
        self.restart()
        self.assertEqual((self.root.quota(1), self.root.quota(2)), (4, 70))
        self.assertEqual(self.root.limit(self.UNIT), "pasid 74")
        self.check_quiet()

    def test_one_ends(self):
        self.both()
        self.wait_limit(self.UNIT, 74)
        self.root.remove_set(2)
        self.machined.remove("db")
        self.wait_no_vm("db")
        self.wait_limit(self.UNIT, 4)
        self.assertEqual(self.reconcile(), [])
        self.assertNotIn("Somebody else", self.daemon.text())

    def test_set_before_its_machine(self):
        """As long as machined knows one machine there, all that is in the unit is that one's."""
        self.root.process(901, self.UNIT)
        self.root.add_set(2, 901, self.UNIT)
        self.wait_quota(2, 4)
        self.machined.add("db", DB, "vms.service", 901)
        self.wait_quota(2, 70)
        self.wait_limit(self.UNIT, 74)
        self.check_quiet()

    def test_children(self):
        """The leader need not be QEMU itself."""
        self.both()
        self.root.process(950, self.UNIT, parent=901)
        self.root.process(951, self.UNIT, parent=950)
        self.root.add_set(3, 951, self.UNIT)
        self.wait_quota(3, 70)
        self.assertEqual(self.manager_call("GetVMByPID", "u", 951), (vm_path(DB),))
        self.assertEqual(self.manager_call("GetVMByPID", "u", 900), (vm_path(WEB),))
        self.check_quiet()

    def test_of_neither(self):
        """It cannot be said whose it is: a VM of its own, with the default."""
        self.both()
        self.root.process(960, self.UNIT)
        self.root.add_set(3, 960, self.UNIT)
        self.wait_vm("set-3")
        self.wait_quota(3, 1000)
        self.assert_error("org.pasidd1.Error.NoSuchVM", "", self.manager_call, "GetVMByControlGroup", "s", self.UNIT)
        self.check_quiet()

    def test_foreign_change(self):
        self.both()
        self.wait_limit(self.UNIT, 74)
        self.root.overwrite(f"sys/fs/cgroup{self.UNIT}/misc.max", "pasid 999\n")
        self.wait_limit(self.UNIT, 74)
        self.assertEqual((self.root.quota(1), self.root.quota(2)), (4, 70))


class SharedUnitAdopt(SharedUnit):
    """Another limit is nobody's quota where there is more than one."""

    config = SharedUnit.config.replace("[Rule", "ForeignChanges=adopt\n[Rule")


class WithoutMachined(BusTest):
    """libvirt makes the cgroups itself then, and a pid file is all that it leaves of its machines."""

    config = "[Manager]\nDefaultQuota=1000\nReservationTimeoutSec=1\n[Rule db]\nMatchName=db\nQuota=70\n"
    with_machined = False

    def setUp(self):
        super().setUp()
        self.root.cgroup("/machine", misc=False)
        self.start()

    def run_qemu(self, name, number, set_id=None, machine=None):
        unit = f"/machine/qemu-{number}-{machine or name}.libvirt-qemu"
        pid = 1000 + number
        self.root.cgroup(unit, misc=False)
        self.root.process(pid, unit + "/emulator")
        self.root.write(f"run/libvirt/qemu/{name}.pid", f"{pid}")
        if set_id:
            self.root.add_set(set_id, pid, unit)
        return unit

    def end_qemu(self, name, number, cgroup, set_id=None):
        if set_id:
            self.root.remove_set(set_id)
        shutil.rmtree(self.root.path / f"proc/{1000 + number}")
        (self.root.path / f"run/libvirt/qemu/{name}.pid").unlink()
        self.root.remove_cgroup(cgroup)

    def check_quiet(self, *names):
        for _ in range(3):
            self.assertEqual(self.reconcile(), [])
        self.assertEqual(self.vm_names(), sorted(names))
        self.assertNotIn("Somebody else", self.daemon.text())

    def test_metadata_and_rule(self):
        self.reserve(WEB, "web", quota=4)
        self.reserve(DB, "db")
        cgroup = self.run_qemu("web", 1, 7)
        self.run_qemu("db", 2, 8)
        self.wait_quota(7, 4)
        self.wait_quota(8, 70)
        self.assertEqual((self.get(WEB, "State"), self.get(WEB, "Leader")), ("running", 1001))
        self.assertEqual(self.get(WEB, "ControlGroup"), cgroup)
        self.assertEqual((self.confirm(WEB), self.confirm(DB)), ((4,), (70,)))
        self.assertEqual(self.manager_call("GetVMByPID", "u", 1001), (vm_path(WEB),))
        self.check_quiet("db", "web")
        self.set_quota(WEB, 9)
        self.assertEqual(self.root.quota(7), 9)
        self.check_quiet("db", "web")

    def test_started(self):
        """Without a set it is found when the hook says that it runs; and so do both of the hook's ways to say it."""
        for number, (uuid, name, how) in enumerate(((WEB, "web", "update"), (DB, "db", "reconnect")), 1):
            self.reserve(uuid, name, quota=4)
            self.run_qemu(name, number)
            self.reserve(uuid, name, quota=5, **{how: True})
            self.assertEqual(self.get(uuid, "State"), "running")
        self.root.add_set(7, 1001)
        self.wait_quota(7, 5)
        self.check_quiet("db", "web")

    def test_does_not_lapse(self):
        """Nor does it for lack of both."""
        self.reserve(WEB, "web", quota=4)
        self.run_qemu("web", 1)
        self.wait_get(WEB, "State", "running")

    def test_end(self):
        self.reserve(WEB, "web", quota=4)
        cgroup = self.run_qemu("web", 1, 7)
        self.wait_quota(7, 4)
        self.release(WEB)
        self.assertEqual(self.get(WEB, "State"), "running")
        self.end_qemu("web", 1, cgroup, 7)
        self.wait_no_vm("web")
        self.assertNotIn(WEB, self.root.state(RUNTIME_STATE)["vms"])

    def test_next_run(self):
        """Under a new number, announced while the last run has not quite ended."""
        self.reserve(WEB, "web", quota=4)
        cgroup = self.run_qemu("web", 1, 7)
        self.wait_quota(7, 4)
        self.reserve(WEB, "web", quota=6)
        self.assertEqual(self.source(WEB), (4, "metadata"))
        self.end_qemu("web", 1, cgroup, 7)
        self.wait_get(WEB, "State", "reserved")
        self.run_qemu("web", 2, 8)
        self.wait_quota(8, 6)
        self.check_quiet("web")

    def announce_and_kill(self):
        self.root.config("[Manager]\nDefaultQuota=1000\n")
        self.daemon.reload()
        self.reserve(WEB, "web", quota=4)
        cgroup = self.run_qemu("web", 1, 7)
        self.wait_quota(7, 4)
        self.reserve(WEB, "web", quota=6)
        self.daemon.kill()
        return cgroup

    def test_next_run_after_kill(self):
        cgroup = self.announce_and_kill()
        self.start()
        self.assertEqual((self.get(WEB, "State"), self.source(WEB)), ("running", (4, "metadata")))
        self.end_qemu("web", 1, cgroup, 7)
        self.wait_get(WEB, "State", "reserved")
        self.run_qemu("web", 2, 8)
        self.wait_quota(8, 6)

    def test_next_run_unseen(self):
        cgroup = self.announce_and_kill()
        self.end_qemu("web", 1, cgroup, 7)
        self.run_qemu("web", 2, 8)
        self.start()
        self.wait_quota(8, 6)
        self.assertEqual((self.get(WEB, "State"), self.source(WEB)), ("running", (6, "metadata")))

    def test_end_unseen_before_next_run(self):
        cgroup = self.announce_and_kill()
        self.end_qemu("web", 1, cgroup, 7)
        self.start()
        self.assertEqual((self.get(WEB, "State"), self.source(WEB)), ("reserved", (6, "metadata")))
        self.run_qemu("web", 2, 8)
        self.wait_quota(8, 6)

    def test_restart(self):
        self.reserve(WEB, "web", quota=4)
        cgroup = self.run_qemu("web", 1, 7)
        self.wait_quota(7, 4)
        self.restart()
        self.assertEqual((self.get(WEB, "State"), self.source(WEB)), ("running", (4, "metadata")))
        self.check_quiet("web")
        self.daemon.kill()
        self.end_qemu("web", 1, cgroup, 7)
        self.start()
        self.assertEqual(self.list_vms(), [])

    def test_shortened_name(self):
        self.reserve(WEB, "a name with blanks", quota=4)
        self.run_qemu("a name with blanks", 1, 7, machine="anamewithblanks")
        self.wait_quota(7, 4)

    def test_not_announced(self):
        """Without the hook nothing is known of it but its cgroup."""
        self.run_qemu("web", 1, 7)
        self.wait_vm("qemu-1-web.libvirt-qemu")
        self.wait_quota(7, 1000)
        # Until libvirt says it.
        self.reserve(WEB, "web", quota=4, reconnect=True)
        self.wait_quota(7, 4)
        self.check_quiet("web")

    def test_machine_of_its_name_ends(self):
        """machined has come since, and a user registers what he likes: the VM lives by what libvirt left."""
        self.reserve(WEB, "web", quota=4)
        self.run_qemu("web", 1, 7)
        self.wait_quota(7, 4)
        self.machined = Machined(self.bus)
        self.addCleanup(self.machined.stop)
        self.machined.add("qemu-1-web", OTHER, "session-2.scope", 5000, uid=1000)
        self.machined.remove("qemu-1-web")
        # In order: this machine comes after that one's end.
        self.add_machine("db", DB, 2)
        self.wait_vm("db")
        self.assertEqual(self.source(WEB), (4, "metadata"))
        self.assertEqual(self.root.quota(7), 4)

    def test_pid_file_of_another_name(self):
        """The directory is that of QEMU's user, who could rename what is in it."""
        self.reserve(DB, "db", quota=4)
        self.run_qemu("web", 1, 7)
        self.root.write("run/libvirt/qemu/db.pid", "1001")
        self.wait_vm("qemu-1-web.libvirt-qemu")
        self.assertNotEqual(self.root.quota(7), 4)

    @unittest.skipUnless(IS_ROOT, "needs another user")
    def test_pid_file_of_another_user(self):
        self.reserve(WEB, "web", quota=4)
        self.run_qemu("web", 1)
        os.chown(self.root.path / "run/libvirt/qemu/web.pid", CALLER_UID, CALLER_UID)
        self.root.add_set(7, 1001)
        self.wait_vm("qemu-1-web.libvirt-qemu")

    def test_cgroup_of_a_user(self):
        """A user has such a name in the tree of his own manager, and a pid that some file of libvirt's still has."""
        cgroup = "/user.slice/user-1000.slice/user@1000.service/machine/qemu-1-web.libvirt-qemu"
        self.reserve(WEB, "web", quota=4)
        self.root.cgroup(cgroup)
        self.root.process(1001, cgroup)
        self.root.write("run/libvirt/qemu/web.pid", "1001")
        self.root.add_set(7, 1001, cgroup)
        self.wait_quota(7, 1000)
        self.wait_vm("user@1000.service/qemu-1-web.libvirt-qemu")


if __name__ == "__main__":
    main()
