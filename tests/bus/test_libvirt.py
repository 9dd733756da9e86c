#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Metadata of running domains, which libvirt-watch and reconcile read from libvirt-dbus."""

from ctlenv import *
from minibus import BusError, wait_until

QUOTA = '<pasid:quota xmlns:pasid="urn:pasidd:domain:1" max="{}"/>'
LIBVIRTD = "/org/freedesktop/systemd1/unit/libvirtd_2eservice"


class LibvirtDbus:
    """libvirt-dbus, as far as it is asked: which domains run, and what their XML is."""

    NAME = "org.libvirt"

    def __init__(self, bus):
        self.bus = bus
        self.domains = {}
        self.lists = 0
        self.broken = False
        self.start()

    def start(self):
        self.connection = self.bus.connect()
        self.connection.handle(self.NAME + ".Connect", "ListDomains", self.list_domains)
        self.connection.handle(self.NAME + ".Domain", "GetXMLDesc", self.get_xml)
        self.connection.request_name(self.NAME)

    def stop(self):
        self.connection.close()

    @staticmethod
    def path_of(uuid):
        return "/org/libvirt/QEMU/domain/_" + uuid.replace("-", "_")

    def list_domains(self, message):
        self.lists += 1
        if self.broken:
            raise BusError("org.libvirt.Error", "Failed to connect socket to '/run/libvirt/libvirt-sock'")
        # 1 is "active".
        running = [path for path, (xml, runs) in self.domains.items() if runs or message.args != (1,)]
        return "ao", (running,)

    def get_xml(self, message):
        if message.fields[1] not in self.domains:
            raise BusError("org.libvirt.Error", "Domain not found")
        xml, _ = self.domains[message.fields[1]]
        return "s", (xml,)

    def set(self, name, uuid, metadata="", runs=True):
        """As after "virsh metadata --live", but nobody is told."""
        attribute = "id='3' " if runs else ""
        xml = (
            f"<domain {attribute}type='kvm'><name>{name}</name><uuid>{uuid}</uuid>"
            f"<metadata>{metadata}</metadata></domain>"
        )
        self.domains[self.path_of(uuid)] = (xml, runs)

    def tell(self, uuid):
        self.connection.emit(self.path_of(uuid), self.NAME + ".Domain", "MetadataChange", "is", (2, "urn:pasidd:domain:1"))


class LibvirtTest(CtlTest):
    def setUp(self):
        super().setUp()
        self.libvirt = LibvirtDbus(self.bus)
        self.addCleanup(lambda: self.libvirt.stop())
        self.cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.wait_vm("web")

    def libvirt_unit(self, state):
        """What systemd answers of libvirt, whichever of its daemons it is."""
        self.systemd.unit("libvirtd.service", ActiveState=state)
        self.systemd.unit("virtqemud.service", ActiveState="inactive")

    def libvirt_unit_changes(self, state):
        """The same, and systemd tells of it."""
        self.libvirt_unit(state)
        self.systemd.connection.emit(
            LIBVIRTD,
            PROPERTIES,
            "PropertiesChanged",
            "sa{sv}as",
            ("org.freedesktop.systemd1.Unit", {"Job": ("s", ""), "ActiveState": ("s", state)}, []),
        )

    def wait_source(self, uuid, quota, source):
        wait_until(lambda: self.source(uuid) == (quota, source), f"{quota} by {source}")


class Watch(LibvirtTest):
    def watch(self):
        p = self.spawn("libvirt-watch", stdout=subprocess.DEVNULL)

        def end():
            p.kill()
            p.communicate()

        self.addCleanup(end)
        return p

    def test_changes(self):
        self.libvirt.set("web", WEB, QUOTA.format(5))
        self.watch()
        self.wait_source(WEB, 5, "metadata")
        self.libvirt.set("web", WEB, QUOTA.format(6))
        self.libvirt.tell(WEB)
        self.wait_source(WEB, 6, "metadata")
        self.wait_limit(self.cgroup, 6)
        self.wait_quota(1, 6)
        self.libvirt.set("web", WEB)
        self.libvirt.tell(WEB)
        self.wait_source(WEB, 100, "default")

    def test_of_what_does_not_run(self):
        self.libvirt.set("db", DB, QUOTA.format(5), runs=False)
        self.libvirt.set("other", OTHER, QUOTA.format(5))
        self.libvirt.set("web", WEB, QUOTA.format(7))
        self.watch()
        self.wait_source(WEB, 7, "metadata")
        for uuid in (DB, OTHER):
            self.libvirt.tell(uuid)
        # In order: what comes after these has been dealt with after them.
        self.libvirt.set("web", WEB, QUOTA.format(8))
        self.libvirt.tell(WEB)
        self.wait_source(WEB, 8, "metadata")
        self.assertEqual(self.vm_names(), ["web"])
        self.assertEqual(self.get_manager("Committed"), 8)

    def test_new_libvirt_dbus(self):
        self.libvirt.set("web", WEB, QUOTA.format(5))
        self.watch()
        self.wait_source(WEB, 5, "metadata")
        self.libvirt.stop()
        self.libvirt.set("web", WEB, QUOTA.format(6))
        self.libvirt.start()
        self.wait_source(WEB, 6, "metadata")

    def test_new_daemon(self):
        self.libvirt.set("web", WEB, QUOTA.format(5))
        self.watch()
        self.wait_source(WEB, 5, "metadata")
        self.daemon.kill()
        self.libvirt.set("web", WEB, QUOTA.format(6))
        self.libvirt.tell(WEB)
        self.start()
        self.wait_source(WEB, 6, "metadata")

    def test_new_libvirt(self):
        """libvirt-dbus does not connect by itself, and without that tells of nothing."""
        self.libvirt.set("web", WEB, QUOTA.format(5))
        self.watch()
        self.wait_source(WEB, 5, "metadata")
        wait_until(lambda: self.systemd.subscribers, "a subscription")
        lists = self.libvirt.lists

        self.libvirt.set("web", WEB, QUOTA.format(6))
        self.libvirt_unit_changes("deactivating")
        self.libvirt_unit_changes("active")
        self.wait_source(WEB, 6, "metadata")
        # That it is so still is no news.
        self.libvirt_unit_changes("active")
        self.libvirt.set("web", WEB, QUOTA.format(7))
        self.libvirt.tell(WEB)
        self.wait_source(WEB, 7, "metadata")
        self.assertEqual(self.libvirt.lists, lists + 1)

    def test_libvirt_that_does_not_run(self):
        """A question would start it by its socket, and an administrator may have stopped it."""
        self.libvirt_unit("inactive")
        self.libvirt.set("web", WEB, QUOTA.format(5))
        self.watch()
        wait_until(lambda: self.systemd.subscribers, "a subscription")
        self.daemon.kill()
        self.start()
        self.wait_vm("web")
        self.libvirt.stop()
        self.libvirt.start()
        # What it does when it has heard of all that; a signal that comes before it listens to the new owner is lost.
        def told():
            self.libvirt.tell(WEB)
            return self.source(WEB) == (5, "metadata")

        wait_until(told, "5 by metadata")
        self.assertEqual(self.libvirt.lists, 0)
        self.libvirt.set("web", WEB, QUOTA.format(6))
        self.libvirt_unit_changes("active")
        # More than one signal may have been told.
        wait_until(lambda: self.libvirt.lists, "a list")
        self.wait_source(WEB, 6, "metadata")
        self.assertEqual(self.libvirt.lists, 1)

    def test_libvirt_dbus_that_was_stopped(self):
        """It comes back when somebody else starts it, also where libvirt runs."""
        self.systemd.unit("libvirt-dbus.service", LoadState="loaded", ActiveState="active")
        self.libvirt_unit("active")
        self.libvirt.set("web", WEB, QUOTA.format(5))
        self.watch()
        self.wait_source(WEB, 5, "metadata")
        wait_until(lambda: self.systemd.subscribers, "a subscription")
        lists = self.libvirt.lists
        self.systemd.unit("libvirt-dbus.service", LoadState="loaded", ActiveState="inactive")
        asked = self.systemd.asked
        self.libvirt.stop()
        wait_until(lambda: self.systemd.asked > asked, "a question why libvirt-dbus went")
        self.libvirt_unit_changes("deactivating")
        self.libvirt_unit_changes("active")
        self.libvirt.set("web", WEB, QUOTA.format(6))
        self.libvirt.start()
        self.wait_source(WEB, 6, "metadata")
        self.assertEqual(self.libvirt.lists, lists + 1)

    def test_libvirt_that_comes_later(self):
        self.libvirt.broken = True
        self.libvirt.set("web", WEB, QUOTA.format(5))
        p = self.watch()
        self.assertIn("Cannot list libvirt's domains: Failed to connect socket", p.stderr.readline())
        self.libvirt.broken = False
        self.wait_source(WEB, 5, "metadata")

    def test_bad_metadata(self):
        self.libvirt.set("web", WEB, QUOTA.format(5))
        p = self.watch()
        self.wait_source(WEB, 5, "metadata")
        self.libvirt.set("web", WEB, QUOTA.format("many"))
        self.libvirt.tell(WEB)
        self.assertRegex(p.stderr.readline(), 'The XML of .* has <pasid:quota max="many">')
        self.assertEqual(self.source(WEB), (5, "metadata"))

    def test_without_libvirt_dbus(self):
        """It waits for it."""
        self.libvirt.stop()
        p = self.watch()
        self.assertIn("Cannot list libvirt's domains", p.stderr.readline())
        self.libvirt.set("web", WEB, QUOTA.format(5))
        self.libvirt.start()
        self.wait_source(WEB, 5, "metadata")

    def test_bus_that_goes(self):
        p = self.watch()
        wait_until(lambda: self.libvirt.lists, "a list")
        self.bus.stop()
        self.assertEqual(p.wait(10), FAILURE)


class Reconcile(LibvirtTest):
    config = "[Manager]\nDefaultQuota=100\nForeignChanges=report\n"

    def test_changes(self):
        self.libvirt.set("web", WEB, QUOTA.format(5))
        self.libvirt.set("other", OTHER, QUOTA.format(5))
        repairs = self.json_once("reconcile")
        self.assertEqual(
            repairs,
            [{"kind": "vm", "id": WEB, "name": "web", "what": "quota", "before": "100", "after": "5"}],
        )
        self.assert_documented("array of repair", repairs)
        self.assertEqual(self.source(WEB), (5, "metadata"))
        self.assertEqual(self.ok("reconcile"), "No differences found.\n")

        # In front of what the kernel had otherwise, which ForeignChanges=report has left.
        self.add_machine("db", DB, 2, sets=[2])
        self.wait_quota(2, 100)
        self.root.set_attribute(2, "quota", 9)
        wait_until(lambda: not self.get(DB, "QuotaInForce"), "the change is seen")
        self.libvirt.set("web", WEB, QUOTA.format(6))
        self.assertEqual(
            [(r["name"], r["what"], r["before"], r["after"]) for r in self.json_once("reconcile")],
            [("web", "quota", "5", "6"), ("db", "set 2 quota", "9", "100")],
        )

    def json_once(self, *args):
        return json.loads(self.ok(*args, "--json=short"))

    def test_bad_metadata(self):
        self.libvirt.set("web", WEB, QUOTA.format("many"))
        status, out, err = self.run_ctl("reconcile")
        self.assertEqual((status, out), (OK, "No differences found.\n"))
        self.assertRegex(err, 'Skipped the metadata of a domain: .*max="many"')

    def test_without_libvirt_dbus(self):
        self.libvirt.stop()
        self.assertEqual(self.ok("reconcile"), "No differences found.\n")

    def test_libvirt_that_does_not_run(self):
        self.libvirt_unit("inactive")
        self.libvirt.set("web", WEB, QUOTA.format(5))
        self.assertEqual(self.ok("reconcile"), "No differences found.\n")
        self.assertEqual(self.libvirt.lists, 0)

    def test_broken_libvirt(self):
        self.libvirt.broken = True
        self.assertEqual(self.ok("reconcile"), "No differences found.\n")


if __name__ == "__main__":
    main()
