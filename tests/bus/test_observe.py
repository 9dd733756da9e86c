#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Finding VMs by process and cgroup, following their usage, and log control."""

import shutil
import time

from minibus import BusError, wait_until
from testenv import *

NO_SUCH_VM = "org.pasidd1.Error.NoSuchVM"
NO_SUCH_PROCESS = "org.freedesktop.DBus.Error.UnixProcessIdUnknown"


class ByProcess(BusTest):
    def setUp(self):
        super().setUp()
        self.cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.wait_vm("web")

    def find(self, pid):
        return self.manager_call("GetVMByPID", "u", pid)[0]

    def test_leader_and_others(self):
        self.root.process(1050, f"{self.cgroup}/libvirt/vcpu1")
        self.assertEqual([self.find(1001), self.find(1050)], [vm_path(WEB)] * 2)

    def test_without_a_set(self):
        self.add_machine("db", DB, 2)
        self.wait_vm("db")
        self.assertEqual(self.find(1002), vm_path(DB))

    def test_moved_after_its_set_was_made(self):
        """The set says whose the process is, wherever it is now."""
        shutil.rmtree(self.root.path / "proc/1001")
        self.root.process(1001, "/system.slice/other.service")
        self.assertEqual(self.find(1001), vm_path(WEB))

    def test_another_process_with_the_pid(self):
        shutil.rmtree(self.root.path / "proc/1001")
        self.root.process(1001, "/system.slice/other.service", start_time=6000)
        self.assert_error(NO_SUCH_VM, "1001 does not belong to a VM", self.find, 1001)

    def test_no_vm(self):
        self.root.process(1060, "/system.slice/cron.service")
        self.root.process(1061, "/")
        for pid in (1060, 1061):
            self.assert_error(NO_SUCH_VM, f"{pid} does not belong to a VM", self.find, pid)

    def test_no_process(self):
        for pid in (0, 4000, 2**31, 2**32 - 1):
            self.assert_error(NO_SUCH_PROCESS, f"no process {pid}", self.find, pid)


class ByControlGroup(BusTest):
    def setUp(self):
        super().setUp()
        self.cgroup = self.add_machine("web", WEB, 1)
        self.unit = self.add_unit("firecracker.service", 1, DB)
        self.start()
        self.wait_vm("web")

    def find(self, cgroup):
        return self.manager_call("GetVMByControlGroup", "s", cgroup)[0]

    def test_found(self):
        for cgroup, uuid in (
            (self.cgroup, WEB),
            (f"{self.cgroup}/libvirt/emulator", WEB),
            (self.unit, DB),
        ):
            self.assertEqual(self.find(cgroup), vm_path(uuid))

    def test_not_found(self):
        for cgroup in ("/", "/machine.slice", self.cgroup + "x", "/machine.slice/other.scope", "/system.slice"):
            self.assert_error(NO_SUCH_VM, "does not belong to a VM", self.find, cgroup)

    def test_no_path(self):
        for cgroup in ("", "machine.slice", "/machine.slice/../x.scope", "/./x.scope"):
            self.assert_error(INVALID_ARGS, "Invalid control group path", self.find, cgroup)


class Usage(BusTest):
    """Manager.Subscribe"""

    def setUp(self):
        super().setUp()
        self.cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.wait_vm("web")

    def subscribe(self, client=None):
        self.manager_call("Subscribe", client=client)

    def changes(self, name="Allocated"):
        self.client.sync()
        return [
            s.args[1][name]
            for s in self.client.signals
            if s.member == "PropertiesChanged" and s.path == vm_path(WEB) and name in s.args[1]
        ]

    def is_quiet(self, seconds=1.6):
        """More than three turns of the daemon's."""
        self.client.forget_signals()
        self.root.set_attribute(1, "allocated", self.root.set_value(1, "allocated") + 1)
        time.sleep(seconds)
        return not self.changes()

    def test_announced(self):
        self.subscribe()
        # Once, for what was read before may be stale.
        self.wait_changed(Allocated=0, Peak=0, Denied=0)
        self.root.set_attribute(1, "peak", 7)
        self.root.set_attribute(1, "allocated", 5)
        self.wait_changed(Allocated=5)
        self.root.set_attribute(1, "allocated", 3)
        self.wait_changed(Allocated=3)
        self.root.set_attribute(1, "denied", 2)
        self.wait_changed(Denied=2)
        self.client.forget_signals()
        time.sleep(1.2)
        self.assertEqual(self.changes(), [])

    def test_coalesced(self):
        self.subscribe()
        self.wait_changed(Allocated=0)
        begin = time.monotonic()
        while time.monotonic() - begin < 3:
            self.root.set_attribute(1, "allocated", self.root.set_value(1, "allocated") + 1)
            time.sleep(0.01)
        self.assertIn(len(self.changes()), range(3, 8))
        last = self.root.set_value(1, "allocated")
        wait_until(lambda: self.changes()[-1:] == [last], "the last value is announced")

    def test_nobody_listens(self):
        self.assertTrue(self.is_quiet())

    def test_unsubscribe(self):
        other = self.connect()
        self.subscribe()
        self.subscribe()
        self.subscribe(client=other)
        self.manager_call("Unsubscribe")
        self.assertFalse(self.is_quiet())
        self.manager_call("Unsubscribe", client=other)
        self.manager_call("Unsubscribe", client=other)
        self.assertTrue(self.is_quiet())

    def test_subscriber_ends(self):
        other = self.connect()
        self.subscribe(client=other)
        self.wait_changed(Allocated=0)
        other.close()
        self.assertTrue(self.is_quiet())

    def test_second_subscriber_is_told_all(self):
        self.subscribe()
        self.wait_changed(Allocated=0)
        other = self.connect()
        self.subscribe(client=other)
        self.wait_changed(Allocated=0)

    def test_a_value_as_of_the_last_subscription(self):
        """Between two subscriptions it was another one, which may be what the client has read."""
        self.subscribe()
        self.wait_changed(Allocated=0)
        self.manager_call("Unsubscribe")
        self.root.set_attribute(1, "allocated", 9)
        self.assertEqual(self.get(WEB, "Allocated"), 9)
        self.client.forget_signals()
        self.subscribe()
        self.root.set_attribute(1, "allocated", 0)
        wait_until(lambda: self.changes()[-1:] == [0], "the old value is announced anew")

    def test_vm_goes_meanwhile(self):
        self.subscribe()
        self.wait_changed(Allocated=0)
        self.root.remove_set(1)
        self.root.remove_cgroup(self.cgroup)
        self.machined.remove("qemu-1-web")
        self.wait_no_vm("web")
        self.add_machine("db", DB, 2, sets=[2])
        self.wait_vm("db")
        self.root.set_attribute(2, "allocated", 4)
        self.wait_changed(Allocated=4)

    def test_bus_comes_back(self):
        self.subscribe()
        self.wait_changed(Allocated=0)
        self.bus.stop()
        self.bus.start()
        self.machined.stop()
        self.machined.start()
        self.client = self.connect()
        wait_until(lambda: BUS_NAME in self.client.call_driver("ListNames")[0], "pasidd is back")
        self.assertTrue(self.is_quiet())
        self.subscribe()
        self.wait_changed(Allocated=self.root.set_value(1, "allocated"))

    def test_too_many(self):
        """Of one user: it gets a third of the places, and others still have some."""
        clients = [self.bus.connect(CALLER_UID) for _ in range(100)]
        for c in clients:
            self.addCleanup(c.close)
        for c in clients[:85]:
            self.subscribe(client=c)
        self.assert_error(
            "org.freedesktop.DBus.Error.LimitsExceeded", "too many subscribers", self.subscribe, client=clients[-1]
        )
        # No error for one who has a place.
        self.subscribe(client=clients[0])
        clients[0].close()
        wait_until(lambda: self.has_place(clients[-1]), "the place is free again")

    def has_place(self, client):
        try:
            self.subscribe(client=client)
        except BusError:
            return False
        return True


class LogControl(BusTest):
    PATH = "/org/freedesktop/LogControl1"
    INTERFACE = "org.freedesktop.LogControl1"

    def read(self, name):
        return self.call(self.PATH, PROPERTIES, "Get", "ss", (self.INTERFACE, name))[0]

    def write(self, name, value, interface=INTERFACE, kind="s"):
        self.call(self.PATH, PROPERTIES, "Set", "ssv", (interface, name, (kind, value)))

    def setUp(self):
        super().setUp()
        self.daemon.spawn("--log-level=notice")
        self.daemon.wait_notify("READY=1")

    def test_read(self):
        self.assertEqual(
            self.call(self.PATH, PROPERTIES, "GetAll", "s", (self.INTERFACE,))[0],
            {"LogLevel": "notice", "LogTarget": "auto", "SyslogIdentifier": "pasidd"},
        )

    def test_level(self):
        self.assertNotIn("ready", self.daemon.text())
        self.write("LogLevel", "debug")
        self.assertEqual(self.read("LogLevel"), "debug")
        self.daemon.wait_output("log level is now debug")
        self.add_machine("web", WEB, 1)
        self.daemon.wait_output("VM web")
        self.write("LogLevel", "err")
        self.assertEqual(self.read("LogLevel"), "err")

    def test_target(self):
        self.write("LogLevel", "info")
        self.write("LogTarget", "null")
        self.assertEqual(self.read("LogTarget"), "null")
        self.add_machine("web", WEB, 1)
        self.wait_vm("web")
        self.write("LogTarget", "console")
        self.add_machine("db", DB, 2)
        self.daemon.wait_output("VM db")
        self.assertNotIn("VM web", self.daemon.text())

    def test_bad_values(self):
        self.assert_error(INVALID_ARGS, "Invalid log level", self.write, "LogLevel", "loud")
        self.assert_error(INVALID_ARGS, "auto, journal, console or null", self.write, "LogTarget", "kmsg")
        self.assert_error(INVALID_ARGS, 'has type "s", not "u"', self.write, "LogLevel", 7, kind="u")
        self.assertEqual([self.read("LogLevel"), self.read("LogTarget")], ["notice", "auto"])

    def test_what_cannot_be_set(self):
        read_only = "org.freedesktop.DBus.Error.PropertyReadOnly"
        self.assert_error(read_only, None, self.write, "SyslogIdentifier", "x")
        self.assert_error("org.freedesktop.DBus.Error.UnknownProperty", None, self.write, "Volume", "x")
        self.assert_error("org.freedesktop.DBus.Error.UnknownProperty", None, self.write, "LogLevel", "x", "a.b")

    def test_permission(self):
        self.polkit.questions.clear()
        self.write("LogLevel", "info")
        self.assertEqual([q["action"] for q in self.polkit.questions], ["org.pasidd1.log-control"])
        self.polkit.mode = "no"
        self.assert_error(ACCESS_DENIED, "denied", self.write, "LogLevel", "debug")
        self.assert_error(ACCESS_DENIED, "denied", self.write, "LogTarget", "null")
        self.assertEqual([self.read("LogLevel"), self.read("LogTarget")], ["info", "auto"])


if __name__ == "__main__":
    main()
