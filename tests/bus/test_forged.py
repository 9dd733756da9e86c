#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Signals from a wrong sender.

Any local user can address a signal to any connection, and the bus delivers it without a match rule. Run as root, the
forger is another user than all services.
"""

from ctlenv import *
from minibus import wait_until

DRIVER = "org.freedesktop.DBus"
DRIVER_PATH = "/org/freedesktop/DBus"
SYSTEMD_PATH = "/org/freedesktop/systemd1"


class Forger:
    """Sends the same signal to every connection of a process, and to everybody."""

    def __init__(self, test, pid):
        self.connection = test.bus.connect(CALLER_UID)
        test.addCleanup(self.connection.close)
        self.targets = self.connections_of(pid)

    def connections_of(self, pid):
        names = self.connection.call_driver("ListNames")[0]
        return [n for n in names if n.startswith(":") and self.pid_of(n) == pid]

    def pid_of(self, name):
        try:
            return self.connection.call_driver("GetConnectionUnixProcessID", "s", (name,))[0]
        except BusError:
            return None

    def send(self, path, interface, member, signature, *args):
        for target in (None, *self.targets):
            self.connection.emit(path, interface, member, signature, args, target)
        # On return the bus has passed all of it on: what is sent from now on arrives later.
        self.connection.sync()

    def machine(self, member, name, path):
        self.send(Machined.PATH, Machined.NAME + ".Manager", member, "so", name, path)

    def owner_changed(self, name, old, new):
        self.send(DRIVER_PATH, DRIVER, "NameOwnerChanged", "sss", name, old, new)


class ForgedTest(CtlTest):
    config = "[Manager]\nDefaultQuota=1000\n"

    def setUp(self):
        super().setUp()
        self.cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.set_quota(WEB, 4)
        self.wait_limit(self.cgroup, 4)
        self.wait_quota(1, 4)
        self.path = self.machined.path_of("qemu-1-web")
        self.forger = Forger(self, self.daemon.process.pid)
        self.assertEqual(len(self.forger.targets), 2)

    def everything_heard(self, name="db", uuid=DB, number=2):
        """What machined really says comes after what was forged before."""
        self.add_machine(name, uuid, number)
        self.wait_vm(name)

    def check_untouched(self):
        self.everything_heard()
        self.assertEqual(self.vm_names(), ["db", "web"])
        self.assertEqual(self.source(WEB), (4, "persistent"))
        self.assertEqual((self.root.limit(self.cgroup), self.root.quota(1)), ("pasid 4", 4))
        self.assertEqual(self.daemon.text().count("VM web is gone"), 0)


class ToDaemon(ForgedTest):
    def test_machine_removed(self):
        self.forger.machine("MachineRemoved", "qemu-1-web", self.path)
        self.check_untouched()

    def test_machine_new(self):
        """The machine that exists under another name would become the VM, and its end would not be seen."""
        self.forger.machine("MachineNew", "qemu-9-evil", self.path)
        self.check_untouched()
        self.assertNotIn("qemu-9-evil", self.daemon.text())
        self.root.remove_set(1)
        self.machined.remove("qemu-1-web")
        self.wait_no_vm("web")

    def test_reservation(self):
        """The announced next start is taken up when the machine really ends, and not before."""
        self.reserve(WEB, "web", quota=7)
        self.forger.machine("MachineRemoved", "qemu-1-web", self.path)
        self.check_untouched()
        self.assertEqual(self.get(WEB, "State"), "running")

    def test_systemd_reloading(self):
        self.forger.send(SYSTEMD_PATH, Systemd.NAME + ".Manager", "Reloading", "b", False)
        self.check_untouched()
        self.assertNotIn("systemd was reloaded", self.daemon.text())
        self.systemd.reload()
        self.daemon.wait_output("systemd was reloaded")

    def test_owner_of_machined(self):
        """It cannot make itself machined either."""
        name = self.forger.connection.name
        self.forger.owner_changed(Machined.NAME, "", name)
        self.forger.owner_changed(Systemd.NAME, "", name)
        self.forger.machine("MachineRemoved", "qemu-1-web", self.path)
        self.forger.send(SYSTEMD_PATH, Systemd.NAME + ".Manager", "Reloading", "b", False)
        self.check_untouched()
        for text in ("systemd-machined is back", "systemd is back on the bus", "systemd was reloaded"):
            self.assertNotIn(text, self.daemon.text())

    def test_end_of_machined(self):
        """Nor can it have the real one ignored."""
        self.forger.owner_changed(Machined.NAME, self.machined.connection.name, "")
        self.check_untouched()

    def test_new_machined(self):
        """After a restart the new owner is believed, and the old one is not."""
        old = self.bus.connect()
        self.addCleanup(old.close)
        self.machined.stop()
        old.request_name(Machined.NAME)
        old.release_name(Machined.NAME)
        self.machined.start()
        self.daemon.wait_output("systemd-machined is back")
        old.emit(Machined.PATH, Machined.NAME + ".Manager", "MachineRemoved", "so", ("qemu-1-web", self.path))
        old.sync()
        self.check_untouched()
        self.root.remove_set(1)
        self.machined.remove("qemu-1-web")
        self.wait_no_vm("web")

    def test_end_of_another_subscriber(self):
        self.manager_call("Subscribe")
        self.wait_changed(Allocated=0)
        self.forger.owner_changed(self.client.name, self.client.name, "")
        # The daemon reads a connection in order: with the answer to the forger it has seen what came before.
        self.call(MANAGER_PATH, PROPERTIES, "Get", "ss", (MANAGER, "Version"), client=self.forger.connection)
        self.root.set_attribute(1, "allocated", 3)
        self.wait_changed(Allocated=3)

    def test_disconnected(self):
        """The bus refuses a signal of sd-bus's own, and with it the connection."""
        self.assertRaises(
            (ConnectionError, BrokenPipeError),
            self.forger.send,
            "/org/freedesktop/DBus/Local",
            "org.freedesktop.DBus.Local",
            "Disconnected",
            "",
        )
        self.check_untouched()
        self.assertNotIn("Lost the connection", self.daemon.text())
        again = Forger(self, self.daemon.process.pid)
        self.assertEqual(again.targets, self.forger.targets)

    def test_half_disconnected(self):
        """Likewise for the path or the interface alone."""
        for path, interface in ((MANAGER_PATH, "org.freedesktop.DBus.Local"), ("/org/freedesktop/DBus/Local", MANAGER)):
            forger = Forger(self, self.daemon.process.pid)
            self.assertRaises((ConnectionError, BrokenPipeError), forger.send, path, interface, "Disconnected", "")
        self.check_untouched()
        self.assertNotIn("Lost the connection", self.daemon.text())


class Early(CtlTest):
    """What machined says before the daemon has its list counts, too."""

    def test_signals_before_the_list(self):
        self.add_machine("web", WEB, 1)
        self.machined.hold_list = True
        self.daemon.spawn("--log-level=debug")
        wait_until(lambda: self.machined.held, "the question for the list")
        self.add_machine("db", DB, 2)
        wait_until(lambda: self.machined.path_of("qemu-2-db") in self.machined.asked, "the question for the new machine")
        self.machined.let_go()
        self.daemon.wait_notify("READY=1")
        self.assertEqual(self.vm_names(), ["db", "web"])


class ToPasidctl(ForgedTest):
    def forge_to(self, p):
        return Forger(self, p.pid)

    def test_monitor(self):
        p = self.spawn("monitor", "--json=short")
        self.addCleanup(p.communicate)
        self.addCleanup(p.kill)
        self.assertIn("monitoring", p.stderr.readline())
        forger = self.forge_to(p)
        forger.send(MANAGER_PATH, MANAGER, "VMAdded", "sso", OTHER, "evil", vm_path(OTHER))
        forger.send(MANAGER_PATH, MANAGER, "VMRemoved", "sso", WEB, "web", vm_path(WEB))
        forger.send(
            vm_path(WEB), PROPERTIES, "PropertiesChanged", "sa{sv}as", VM, {"Name": ("s", "evil")}, []
        )
        forger.owner_changed(BUS_NAME, self.forger.targets[0], "")
        forger.owner_changed(BUS_NAME, "", forger.connection.name)
        self.everything_heard()
        event = json.loads(p.stdout.readline())
        self.assertEqual((event["event"], event.get("uuid")), ("VMAdded", DB))

    def test_libvirt_watch(self):
        libvirt = self.bus.connect()
        self.addCleanup(libvirt.close)
        read, lists = [], []
        path = "/org/libvirt/QEMU/domain/_1"

        def get_xml(message):
            read.append(message.fields[1])
            return "s", (f"<domain id='3' type='kvm'><name>web</name><uuid>{WEB}</uuid></domain>",)

        def list_domains(message):
            lists.append(message)
            return "ao", ([],)

        libvirt.handle("org.libvirt.Connect", "ListDomains", list_domains)
        libvirt.handle("org.libvirt.Domain", "GetXMLDesc", get_xml)
        libvirt.request_name("org.libvirt")
        p = self.spawn("libvirt-watch", stdout=subprocess.DEVNULL)
        self.addCleanup(p.communicate)
        self.addCleanup(p.kill)
        wait_until(lambda: lists, "the list of domains")
        forger = self.forge_to(p)
        unit = SYSTEMD_PATH + "/unit/libvirtd_2eservice"
        changes = ("org.freedesktop.systemd1.Unit", {"ActiveState": ("s", "active")}, [])
        for name in ("org.libvirt", BUS_NAME):
            forger.owner_changed(name, "", forger.connection.name)
        forger.send(path + "6", "org.libvirt.Domain", "MetadataChange", "is", 2, "urn:pasidd:domain:1")
        forger.send(unit, PROPERTIES, "PropertiesChanged", "sa{sv}as", *changes)
        libvirt.emit(path, "org.libvirt.Domain", "MetadataChange", "is", (2, "urn:pasidd:domain:1"))
        wait_until(lambda: read, "the domain is read")
        self.assertEqual(read, [path])
        self.assertEqual(len(lists), 1)


if __name__ == "__main__":
    main()
