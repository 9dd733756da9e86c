#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Admission: committed PASIDs and their maximum; and the lifetime of unused reservations."""

from minibus import wait_until
from testenv import *

NOT_ADMITTED = "org.pasidd1.Error.NotAdmitted"
IDS = [f"99999999-0000-4000-8000-0000000000{n:02}" for n in range(10, 30)]


class Admission(BusTest):
    mode = "enforce"
    ratio = "1"
    more = ""

    def setUp(self):
        super().setUp()
        self.root.write("sys/fs/cgroup/misc.capacity", self.root.misc(100, "max"))
        self.root.config(
            f"[Manager]\nDefaultQuota=40\nAdmission={self.mode}\nOvercommitRatio={self.ratio}\n{self.more}"
        )
        self.start()

    def overcommitted(self):
        return self.client.wait_signal("Overcommitted").args


class Enforce(Admission):
    def test_refused(self):
        self.reserve(WEB, "web")
        self.reserve(DB, "db")
        before = self.snapshot()
        self.assert_error(
            NOT_ADMITTED,
            "^VM x needs 40 PASIDs, but of the 100 that may be committed on this host, 20 are left",
            self.reserve,
            OTHER,
            "x",
        )
        self.assertEqual(self.snapshot(), before)
        self.daemon.wait_output("Not admitted: VM x needs 40 PASIDs")
        self.assertEqual(self.reserve(OTHER, "x", quota=20), (20, "metadata"))

    def test_running_ones_count(self):
        self.add_machine("web", WEB, 1)
        self.add_machine("db", DB, 2)
        wait_until(lambda: len(self.list_vms()) == 2, "both run")
        self.assert_error(NOT_ADMITTED, "20 are left", self.reserve, OTHER, "x")
        self.machined.remove("qemu-2-db")
        self.wait_no_vm("db")
        self.reserve(OTHER, "x")

    def test_the_same_again(self):
        """A VM does not stand in its own way."""
        self.reserve(WEB, "web", quota=90)
        self.reserve(WEB, "web", quota=100)
        self.add_machine("web", WEB, 1)
        self.wait_get(WEB, "State", "running")
        self.reserve(WEB, "web", quota=95)

    def test_what_runs_is_not_asked(self):
        self.add_machine("web", WEB, 1)
        self.wait_vm("web")
        self.assertEqual(self.reserve(WEB, "web", quota=400, reconnect=True), (400, "metadata"))

    def test_by_what_policy_says(self):
        """The quota that will hold counts, whoever says it."""
        self.manager_call(
            "SetOverride", "ssssa{sv}a{sv}", "persistent", "vm", OTHER, "x", {"quota": ("u", 101)}, {}
        )
        self.assert_error(NOT_ADMITTED, "101 PASIDs", self.reserve, OTHER, "x", quota=1)

    def test_release_makes_room(self):
        self.reserve(WEB, "web", quota=100)
        self.assert_error(NOT_ADMITTED, "0 are left", self.reserve, DB, "db")
        self.release(WEB)
        self.reserve(DB, "db")

    def test_set_quota_is_for_the_administrator(self):
        """He can promise too much, and hears of it."""
        self.reserve(WEB, "web")
        self.set_quota(WEB, 101)
        self.assertEqual(self.overcommitted(), ("", 101, 100))

    def test_properties(self):
        self.assertEqual(
            [self.get_manager(p) for p in ("Admission", "OvercommitRatio", "CommitLimit", "Committed")],
            ["enforce", 1.0, 100, 0],
        )
        self.root.config("[Manager]\nAdmission=warn\nOvercommitRatio=2.5\n")
        self.manager_call("Reload")
        self.assertEqual(
            [self.get_manager(p) for p in ("Admission", "OvercommitRatio", "CommitLimit")], ["warn", 2.5, 250]
        )


class Users(Admission):
    """A quota that nobody gave to a process is not committed to it: a user can have any number of processes."""

    more = """[Rule users]
MatchSlice=user.slice
Quota=60
[Rule dpdk]
MatchName=dpdk*
Quota=60
[Slice user.slice]
Limit=70
"""
    UNITS = "user.slice/user-1000.slice/user@1000.service/app"

    def setUp(self):
        super().setUp()
        # As many idle processes with sets as a user likes; one in a unit of the system, such as a crontab's.
        for i in range(1, 6):
            self.users_unit(i)
        self.add_unit("cron.service", 6, None)
        self.wait_vm("cron.service")

    def users_unit(self, number):
        self.add_unit(f"x{number}.scope", number, None, slice_name=self.UNITS)
        self.wait_vm(f"user@1000.service/x{number}.scope")

    def test_idle_sets(self):
        self.assertEqual(self.reserve(WEB, "web", quota=100), (100, "metadata"))
        self.assertEqual(self.get_manager("Committed"), 100)
        self.client.sync()
        self.assertFalse([s for s in self.client.signals if s.member == "Overcommitted"])

    def test_what_is_held(self):
        """It is not free. An allocation raises no event, so it is read when somebody asks."""
        self.root.set_attribute(1, "allocated", 30)
        self.assertEqual(self.get_manager("Committed"), 30)
        self.assertEqual(self.slices()["user.slice"][3], 30)
        self.root.set_attribute(6, "allocated", 5)
        self.assert_error(NOT_ADMITTED, "65 are left", self.reserve, WEB, "web", quota=66)
        self.root.set_attribute(1, "allocated", 20)
        self.reserve(WEB, "web", quota=75)

    def test_more_than_the_quota(self):
        """What is held is not free because the quota is lower now."""
        self.root.set_attribute(1, "allocated", 40)
        (uuid,) = (uuid for uuid, name, _ in self.list_vms() if name == "user@1000.service/x1.scope")
        self.set_quota(uuid, 1)
        self.assertEqual(self.get_manager("Committed"), 40)
        self.reserve(WEB, "web", quota=60)

    def test_machines_that_users_register(self):
        """A user's set does not wait for what machined says of his machines, unseen and not counted."""
        self.machined.hold_properties = True
        cgroup = f"/{self.UNITS}/x9.scope"
        self.root.cgroup(cgroup)
        self.root.process(1009, cgroup)
        self.machined.add("mine", DB, "x9.scope", 1009, uid=1000)
        wait_until(lambda: self.machined.held_properties, "machined is asked")
        self.root.add_set(9, 1009, cgroup)
        self.root.set_attribute(9, "allocated", 30)
        self.wait_vm("user@1000.service/x9.scope")
        self.assertEqual(self.get_manager("Committed"), 30)

    def test_what_an_administrator_gave(self):
        """Only root makes units of the system. A user can have any number of units of the name that an override is for."""
        (uuid,) = (uuid for uuid, name, _ in self.list_vms() if name == "user@1000.service/x1.scope")
        self.set_quota(uuid, 7)
        self.assertEqual(self.get_manager("Committed"), 0)
        (uuid,) = (uuid for uuid, name, _ in self.list_vms() if name == "cron.service")
        self.set_quota(uuid, 7)
        self.assertEqual(self.get_manager("Committed"), 7)
        self.add_unit("dpdk.service", 7, None)
        self.wait_vm("dpdk.service")
        self.assertEqual(self.get_manager("Committed"), 67)
        self.assert_error(NOT_ADMITTED, "33 are left", self.reserve, WEB, "web")


class Ratio(Admission):
    ratio = "1.5"

    def test_more_than_there_is(self):
        self.reserve(WEB, "web", quota=100)
        self.reserve(DB, "db", quota=50)
        self.assert_error(NOT_ADMITTED, "of the 150 that may be committed", self.reserve, OTHER, "x", quota=1)


class Warn(Admission):
    mode = "warn"

    def test_signal(self):
        """Once when it begins, and anew after it ended."""
        for round_number in range(2):
            for n, uuid in enumerate(IDS[:3]):
                self.reserve(uuid, f"vm{n}")
            self.assertEqual(self.overcommitted(), ("", 120, 100))
            self.daemon.wait_output("This host is overcommitted: 120 PASIDs", count=round_number + 1)
            self.client.forget_signals()
            self.reserve(IDS[3], "vm3")
            for uuid in IDS[:4]:
                self.release(uuid)
            self.daemon.wait_output("This host is no longer overcommitted", count=round_number + 1)
            self.assertFalse([s for s in self.client.signals if s.member == "Overcommitted"])

    def test_at_start(self):
        for n, uuid in enumerate(IDS[:3]):
            self.reserve(uuid, f"vm{n}")
        self.overcommitted()
        self.restart()
        self.daemon.wait_output("This host is overcommitted")


class Off(Admission):
    mode = "off"

    def test_silent(self):
        for n, uuid in enumerate(IDS[:5]):
            self.reserve(uuid, f"vm{n}")
        self.assertEqual(self.get_manager("Committed"), 200)
        self.client.sync()
        self.assertFalse([s for s in self.client.signals if s.member == "Overcommitted"])
        self.assertNotIn("overcommitted", self.daemon.text())
        # It begins to matter with a reload.
        self.root.config("[Manager]\nDefaultQuota=40\nAdmission=warn\n")
        self.manager_call("Reload")
        self.assertEqual(self.overcommitted(), ("", 200, 100))


class PerSlice(Admission):
    mode = "off"
    more = """[Slice machine-a.slice]
Limit=50
Admission=enforce
[Slice machine-a-b.slice]
Limit=20
Admission=warn
OvercommitRatio=2
"""

    def test_slice(self):
        self.reserve(WEB, "web", slice="machine-a.slice")
        self.assert_error(
            NOT_ADMITTED, "in machine-a.slice, 10 are left", self.reserve, DB, "db", slice="machine-a-b.slice"
        )
        self.reserve(DB, "db", slice="machine.slice", quota=1000)
        self.reserve(OTHER, "x", slice="machine-a-b.slice", quota=10)

    def test_warned_of(self):
        self.reserve(OTHER, "x", slice="machine-a-b.slice", quota=41)
        self.assertEqual(self.overcommitted(), ("machine-a-b.slice", 41, 40))
        self.daemon.wait_output("Slice machine-a-b.slice is overcommitted: 41 PASIDs are committed to VMs, the limit is 40.")

    def test_override_counts(self):
        self.reserve(WEB, "web", slice="machine-a.slice")
        self.manager_call("SetSliceQuota", "sua{sv}", "machine-a.slice", 80, {})
        self.reserve(DB, "db", slice="machine-a.slice")


class Expiry(BusTest):
    """A reservation lasts as long as something shows that the VM is being started."""

    config = "[Manager]\nReservationTimeoutSec=1\n"

    def setUp(self):
        super().setUp()
        self.start()

    def command(self, pid, *args, cgroup="/system.slice/libvirtd.service"):
        self.root.process(pid, cgroup)
        self.root.write(f"proc/{pid}/cmdline", "".join(arg + "\0" for arg in args))

    def lapses(self, name="web", timeout=10):
        self.daemon.wait_output(f"VM {name} was announced but never started", timeout=timeout)
        self.wait_no_vm(name)

    def stays(self, why):
        """Over two time-outs."""
        self.daemon.wait_output(f"there is {why}: keeping its reservation", count=2)
        self.assertEqual(self.vm_names(), ["web"])

    def status(self, name):
        self.root.write(f"run/libvirt/qemu/{name}.xml", "<domstatus/>")

    def test_nothing(self):
        self.reserve(WEB, "web")
        self.lapses()

    def test_command_lines(self):
        """Whoever starts a process says what its command line is, a user's crontab outside of user.slice as well."""
        self.command(500, "qemu", "-uuid", WEB, cgroup="/system.slice/cron.service")
        self.command(501, "qemu", "-uuid", WEB, cgroup="/user.slice/user-1000.slice/session-1.scope")
        self.command(502, "sh", "web", "prepare", "begin", "-", cgroup="/system.slice/cron.service")
        self.reserve(WEB, "web")
        self.lapses()

    def test_command_line_that_blocks(self):
        """It is in memory that the process can lock, and to read it then takes as long as the process likes."""
        self.root.process(500, "/user.slice/user-1000.slice/session-1.scope")
        os.mkfifo(self.root.path / "proc/500/cmdline")
        self.root.own(self.root.path / "proc/500")
        self.reserve(WEB, "web")
        self.lapses()

    def test_status(self):
        self.status("web")
        self.reserve(WEB, "web")
        self.stays("libvirt's status file of it")
        (self.root.path / "run/libvirt/qemu/web.xml").unlink()
        self.lapses()

    @unittest.skipUnless(IS_ROOT, "needs another user")
    def test_status_of_another(self):
        """The directory is that of the user that QEMU runs as."""
        self.status("web")
        os.chown(self.root.path / "run/libvirt/qemu/web.xml", CALLER_UID, CALLER_UID)
        self.reserve(WEB, "web")
        self.lapses()

    def test_libvirt(self):
        """Over a restart of pasidd, too; but not over one of libvirt, even if its number is another's by then."""
        self.command(500, "/usr/sbin/libvirtd")
        self.reserve(WEB, "web", libvirt_pid=500)
        self.stays("the libvirt daemon that announced it")
        self.restart()
        self.stays("the libvirt daemon that announced it")
        shutil.rmtree(self.root.path / "proc/500")
        self.root.process(500, "/system.slice/libvirtd.service", start_time=6000)
        self.lapses()

    def test_libvirt_of_a_user(self):
        self.command(500, "/usr/sbin/libvirtd", cgroup="/user.slice/user-1000.slice/session-1.scope")
        self.reserve(WEB, "web", libvirt_pid=500)
        self.lapses()

    def test_every_evidence_ends(self):
        """After 20 times as long."""
        self.command(500, "/usr/sbin/libvirtd")
        self.status("db")
        self.reserve(WEB, "web", libvirt_pid=500)
        self.reserve(DB, "db")
        self.lapses("web", 120)
        self.lapses("db", 120)
        self.assertEqual(self.daemon.text().count("keeping its reservation"), 40)

    def test_starts_late(self):
        self.status("web")
        self.reserve(WEB, "web", quota=5)
        self.stays("libvirt's status file of it")
        cgroup = self.add_machine("web", WEB, 1)
        self.wait_limit(cgroup, 5)
        self.assertEqual(self.source(WEB), (5, "metadata"))


if __name__ == "__main__":
    main()
