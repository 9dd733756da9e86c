#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""VMs and their properties."""

import os
import shutil
import xml.etree.ElementTree as ElementTree

from minibus import BusError, wait_until
from testenv import *

UNIT_ID = "12345678-0000-4000-8000-000000000003"


def describe(interface):
    """What an interface's XML says, in a form that can be compared."""
    members = {}
    for member in interface:
        if member.tag not in ("method", "signal", "property"):
            continue
        annotations = {a.get("name"): a.get("value") for a in member.findall("annotation")}
        # What is left out means the default.
        annotations = {k: v for k, v in annotations.items() if not (k.endswith("EmitsChangedSignal") and v == "true")}
        arguments = [
            (a.get("name"), a.get("type"), a.get("direction", "in" if member.tag == "method" else "out"))
            for a in member.findall("arg")
        ]
        members[member.tag, member.get("name")] = (
            member.get("type"),
            member.get("access"),
            arguments,
            annotations,
        )
    return members


class Introspection(BusTest):
    def check(self, path, name):
        (text,) = self.call(path, "org.freedesktop.DBus.Introspectable", "Introspect")
        live = {i.get("name"): i for i in ElementTree.fromstring(text).findall("interface")}
        documented = ElementTree.parse(SOURCE / f"conf/dbus/{name}.xml").getroot().find("interface")
        self.maxDiff = None
        self.assertEqual(describe(live[name]), describe(documented))

    def test_manager(self):
        self.start()
        self.check(MANAGER_PATH, MANAGER)

    def test_vm(self):
        self.add_machine("web", WEB, 1)
        self.start()
        self.check(vm_path(WEB), VM)

    def test_tree(self):
        self.add_machine("web", WEB, 1)
        self.start()
        (text,) = self.call(f"{MANAGER_PATH}/vm", "org.freedesktop.DBus.Introspectable", "Introspect")
        nodes = [n.get("name") for n in ElementTree.fromstring(text).findall("node")]
        self.assertEqual(nodes, [vm_path(WEB).rsplit("/", 1)[1]])

    def test_object_manager(self):
        self.add_machine("web", WEB, 1)
        self.start()
        (objects,) = self.call(MANAGER_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
        self.assertEqual(objects[vm_path(WEB)][VM]["Name"], "web")
        self.assertEqual(objects[vm_path(WEB)][VM]["UUID"], WEB)


class Machines(BusTest):
    def test_none(self):
        self.start()
        self.assertEqual(self.list_vms(), [])
        self.assertEqual(self.get_manager("State"), "running")
        self.assertEqual(self.get_manager("Capacity"), 100000)
        self.assertEqual(self.get_manager("Committed"), 0)
        self.assertEqual(self.get_manager("Resyncs"), 0)

    def test_there_at_start(self):
        cgroup = self.add_machine("web", WEB, 1, sets=[7])
        self.start()
        self.assertEqual(self.list_vms(), [(WEB, "web", vm_path(WEB))])
        self.wait_get(WEB, "QuotaInForce", True)
        self.root.set_attribute(7, "allocated", 3)
        self.root.set_attribute(7, "peak", 4)
        self.root.set_attribute(7, "denied", 5)
        self.assertEqual(
            self.get_all(WEB),
            {
                "UUID": WEB,
                "Name": "web",
                "State": "running",
                "Unit": cgroup.rsplit("/", 1)[1],
                "Slice": "machine.slice",
                "ControlGroup": cgroup,
                "Leader": 1001,
                "Quota": 1000,
                "QuotaSource": "default",
                "QuotaOrigin": "DefaultQuota=",
                "Watermark": 0,
                "QuotaInForce": True,
                "QuotaError": "",
                "Metadata": [],
                "Allocated": 3,
                "Peak": 4,
                "Attached": 0,
                "Denied": 5,
                "Sets": [(7, 1001, 1000, 0, 3, 4, 5)],
                "AttachedSets": [],
            },
        )
        self.assertEqual(self.root.limit(cgroup), "pasid 1000")

    def test_comes_and_goes(self):
        self.start()
        cgroup = self.add_machine("web", WEB, 1, sets=[7])
        added = self.client.wait_signal("VMAdded")
        self.assertEqual(added.args, (WEB, "web", vm_path(WEB)))
        interfaces = self.client.wait_signal("InterfacesAdded")
        self.assertEqual(interfaces.args[0], vm_path(WEB))
        self.assertEqual(interfaces.args[1][VM]["UUID"], WEB)
        self.wait_limit(cgroup, 1000)
        self.wait_get(WEB, "QuotaInForce", True)
        self.assertEqual(self.get_manager("Committed"), 1000)

        self.root.remove_set(7)
        self.machined.remove("qemu-1-web")
        removed = self.client.wait_signal("VMRemoved")
        self.assertEqual(removed.args, (WEB, "web", vm_path(WEB)))
        self.assertEqual(self.client.wait_signal("InterfacesRemoved").args[0], vm_path(WEB))
        self.assertEqual(self.list_vms(), [])
        self.assert_error("org.freedesktop.DBus.Error.UnknownObject", "Unknown object", self.get, WEB, "Name")

    def test_announced_before_its_cgroup(self):
        """machined says MachineNew before the scope exists."""
        self.start()
        unit = "machine-qemu\\x2d1\\x2dweb.scope"
        cgroup = f"/machine.slice/{unit}"
        self.root.process(1001, "/system.slice/libvirtd.service")
        self.machined.add("qemu-1-web", WEB, unit, 1001)
        self.client.wait_signal("VMAdded")
        self.assertEqual(self.get(WEB, "ControlGroup"), "")
        self.assertFalse(self.get(WEB, "QuotaInForce"))
        self.assertNotEqual(self.get(WEB, "QuotaError"), "")
        self.client.forget_signals()

        self.root.cgroup(cgroup)
        self.wait_limit(cgroup, 1000)
        self.wait_changed(ControlGroup=cgroup, Slice="machine.slice", QuotaInForce=True, QuotaError="")

    def test_other_classes(self):
        self.machined.add("container", DB, "machine-container.scope", 1002, machine_class="container")
        self.add_machine("web", WEB, 1)
        self.start()
        self.assertEqual(self.vm_names(), ["web"])
        self.machined.add("container2", OTHER, "machine-container2.scope", 1003, machine_class="container")
        self.machined.add("qemu-4-late", DB, "machine-late.scope", 1004)
        self.wait_vm("late")
        self.assertEqual(self.vm_names(), ["late", "web"])

    def test_without_uuid_goes_by_its_unit(self):
        """A machine that machined knows no Id of."""
        cgroup = "/machine.slice/machine-raw.scope"
        self.root.cgroup(cgroup)
        self.root.process(1005, cgroup)
        self.root.add_set(5, 1005, cgroup)
        self.machined.add("raw", None, "machine-raw.scope", 1005)
        self.systemd.invocations["machine-raw.scope"] = UNIT_ID
        self.start()
        self.wait_vm("machine-raw.scope")
        self.assertEqual(self.get(UNIT_ID, "UUID"), UNIT_ID)

    def test_machined_restarts(self):
        self.add_machine("web", WEB, 1, sets=[1])
        self.add_machine("db", DB, 2, sets=[2])
        self.start()
        self.assertEqual(self.vm_names(), ["db", "web"])

        self.machined.stop()
        self.client.sync()
        self.assertEqual(self.vm_names(), ["db", "web"])
        self.set_quota(WEB, 5)
        self.assertEqual(self.root.quota(1), 5)

        # What changes while it is away is found when it comes back.
        self.root.remove_set(2)
        self.machined.remove("qemu-2-db")
        self.add_machine("late", OTHER, 3, sets=[3])
        self.machined.start()
        self.wait_vm("late")
        self.wait_no_vm("db")
        self.assertEqual(self.vm_names(), ["late", "web"])
        self.wait_quota(3, 1000)
        self.assertEqual(self.source(WEB), (5, "persistent"))

    def test_machined_fails_at_first(self):
        self.add_machine("web", WEB, 1)
        self.machined.fail_list = "not now"
        self.start()
        self.daemon.wait_output("not now")
        self.assertEqual(self.list_vms(), [])
        self.machined.fail_list = None
        self.wait_vm("web")

    def test_name_comes_last(self):
        """Whoever finds the name on the bus finds all VMs."""
        self.add_machine("web", WEB, 1)
        self.machined.hold_list = True
        self.daemon.spawn()
        wait_until(lambda: self.machined.held, "machined is asked")
        self.client.sync()
        self.assertEqual(self.client.call_driver("NameHasOwner", "s", (BUS_NAME,)), (False,))
        self.assertEqual(self.daemon.states, [])
        self.machined.let_go()
        wait_until(lambda: self.client.call_driver("NameHasOwner", "s", (BUS_NAME,))[0], "pasidd has its name")
        self.assertEqual(self.vm_names(), ["web"])
        self.daemon.wait_notify("READY=1")

    def test_many(self):
        """More than the 128 calls that the bus lets one connection have open at a time."""
        uuids = [f"aaaabbbb-0000-4000-8000-{i:012x}" for i in range(1, 301)]
        for i, uuid in enumerate(uuids, 1):
            self.add_machine(f"vm{i}", uuid, i, sets=[i])
            self.root.process(5000 + i, "/")
            self.root.add_set(1000 + i, 5000 + i)
            self.add_unit(f"vm{i}.service", 2000 + i, f"bbbbbbbb-0000-4000-8000-{i:012x}")
        self.start()
        wait_until(lambda: len(self.list_vms()) == 900, f"all VMs are there, not {len(self.list_vms())}")
        self.assertEqual({uuid for uuid, _, _ in self.list_vms()} & set(uuids), set(uuids))
        self.set_default(7)
        for i in range(1, 301):
            self.assertEqual([self.root.quota(i) for i in (i, 1000 + i, 2000 + i)], [7, 7, 7])

    def test_old_scope_lingers(self):
        """Both have the VM's UUID; the younger one is the VM."""
        for first, second in ((1, 2), (2, 1)):
            with self.subTest(first=first):
                cgroups = {n: self.add_machine("web", WEB, n, sets=[n], usec=n) for n in (first, second)}
                self.start()
                self.wait_vm("web")
                self.assertEqual(self.get(WEB, "ControlGroup"), cgroups[2])
                self.root.remove_set(1)
                self.root.remove_cgroup(cgroups[1])
                self.machined.remove("qemu-1-web")
                self.set_quota(WEB, 7)
                self.assertEqual([self.root.limit(cgroups[2]), self.root.quota(2)], ["pasid 7", 7])
                self.daemon.stop()
                self.root.remove_set(2)
                self.root.remove_cgroup(cgroups[2])
                self.machined.remove("qemu-2-web")
                for pid in (1001, 1002):
                    shutil.rmtree(self.root.path / f"proc/{pid}")

    def end_machine(self, number, cgroup, seen):
        """Whether pasidd hears of it, or finds it out by the next list."""
        if not seen:
            self.machined.stop()
        self.root.remove_set(number)
        self.root.remove_cgroup(cgroup)
        self.machined.remove(f"qemu-{number}-web")
        if not seen:
            self.machined.start()

    def test_older_machine_remains(self):
        """Of two with the same UUID the younger one ends: the older one is the VM, with all that it had."""
        for seen in (True, False):
            with self.subTest(seen=seen):
                first = self.add_machine("web", WEB, 1, sets=[1], usec=1)
                self.start()
                self.wait_vm("web")
                self.set_quota(WEB, 7, runtime=True)
                second = self.add_machine("web", WEB, 2, sets=[2], usec=2)
                self.wait_get(WEB, "ControlGroup", second)
                self.wait_limit(second, 7)

                self.end_machine(2, second, seen)
                self.wait_get(WEB, "ControlGroup", first)
                self.assertEqual(self.get(WEB, "Leader"), 1001)
                self.assertEqual(self.get(WEB, "QuotaSource"), "runtime")
                self.set_quota(WEB, 8, runtime=True)
                self.assertEqual([self.root.limit(first), self.root.quota(1)], ["pasid 8", 8])

                self.end_machine(1, first, seen)
                self.wait_no_vm("web")
                self.daemon.stop()
                for pid in (1001, 1002):
                    shutil.rmtree(self.root.path / f"proc/{pid}")

    def test_older_machine_takes_over_from_a_unit(self):
        """Its set came before it was known to be the VM's, and went by its unit until then."""
        first = self.add_machine("web", WEB, 1, sets=[1], usec=1)
        second = self.add_machine("web", WEB, 2, sets=[2], usec=2)
        self.start()
        self.wait_get(WEB, "ControlGroup", second)
        wait_until(lambda: len(self.list_vms()) == 2, "the older machine's set goes by its unit")
        self.end_machine(2, second, False)
        self.wait_get(WEB, "ControlGroup", first)
        wait_until(lambda: self.vm_names() == ["web"], "the unit is the VM's")
        self.assertEqual(len(self.get(WEB, "Sets")), 1)
        self.end_machine(1, first, True)
        self.wait_no_vm("web")

    def test_older_machine_taken_for_a_unit(self):
        """Its unit is no VM any more once its last set has gone, or if that went before it was known to be a machine's."""
        for later in (True, False):
            with self.subTest(later=later):
                self.start()
                self.machined.stop()
                # In the order in which they are listed.
                second = self.add_machine("web", WEB, 2, usec=2)
                first = self.add_machine("web", WEB, 1, sets=[1], usec=1)
                wait_until(lambda: len(self.list_vms()) == 1, "the set goes by its unit")
                if not later:
                    self.root.remove_set(1)
                self.machined.start()
                self.wait_vm("web")
                self.wait_get(WEB, "ControlGroup", second)
                if later:
                    wait_until(lambda: len(self.list_vms()) == 2, "the older machine's set goes by its unit")
                    self.root.remove_set(1)
                wait_until(lambda: self.vm_names() == ["web"], "the unit is no VM")
                self.root.add_set(2, 1002, second)
                self.end_machine(2, second, True)
                self.wait_get(WEB, "ControlGroup", first)
                self.root.add_set(1, 1001, first)
                self.end_machine(1, first, True)
                self.wait_no_vm("web")
                self.daemon.stop()
                for pid in (1001, 1002):
                    shutil.rmtree(self.root.path / f"proc/{pid}")

    def test_replaced_unseen(self):
        """Another machine of the same UUID while machined was away: the former one is no more."""
        first = self.add_machine("web", WEB, 1, sets=[1], usec=1)
        self.start()
        self.wait_get(WEB, "ControlGroup", first)
        self.machined.stop()
        self.root.remove_set(1)
        self.root.remove_cgroup(first)
        self.machined.remove("qemu-1-web")
        second = self.add_machine("web", WEB, 2, sets=[2], usec=2)
        self.machined.start()
        self.wait_get(WEB, "ControlGroup", second)
        self.end_machine(2, second, True)
        self.wait_no_vm("web")

    def test_older_machine_ends_unseen(self):
        """It is not what remains of the VM when the younger one ends."""
        first = self.add_machine("web", WEB, 1, sets=[1], usec=1)
        second = self.add_machine("web", WEB, 2, sets=[2], usec=2)
        self.start()
        self.wait_get(WEB, "ControlGroup", second)
        self.end_machine(1, first, False)
        self.add_machine("db", DB, 3)
        self.wait_vm("db")
        self.end_machine(2, second, True)
        self.wait_no_vm("web")

    def test_outside_of_slices(self):
        """Where the controller is not enabled the sets' quotas are the limit."""
        self.root.cgroup("/tenant.slice")
        unit = "machine-qemu\\x2d1\\x2dweb.scope"
        cgroup = f"/tenant.slice/{unit}"
        self.root.cgroup(cgroup, misc=False)
        self.root.process(1001, cgroup)
        self.machined.add("qemu-1-web", WEB, unit, 1001)
        self.root.add_set(1, 1001, cgroup)
        self.start()
        self.wait_vm("web")
        self.assertEqual(self.get(WEB, "ControlGroup"), cgroup)
        self.wait_get(WEB, "QuotaInForce", True)
        self.set_quota(WEB, 5)
        self.assertEqual(self.root.quota(1), 5)

    def test_ends_unseen_with_a_stale_unit(self):
        """A list without the machine, whose last set's process sits in a unit that was started anew since."""
        cgroup = self.add_machine("web", WEB, 1)
        self.start()
        self.wait_vm("web")
        unit = self.add_unit("vm.service", 1, None)
        self.set_invocation(unit, OTHER)
        self.wait_vm("vm.service")
        self.root.remove_set(1)
        self.set_invocation(unit, DB)
        self.root.add_set(2, 2001, cgroup)
        wait_until(lambda: len(self.get(WEB, "Sets")) == 1, "the set is the VM's")
        self.machined.stop()
        self.machined.remove("qemu-1-web")
        self.root.remove_cgroup(cgroup)
        self.machined.start()
        self.wait_no_vm("web")
        self.wait_vm("vm.service")
        self.assertEqual(self.root.quota(2), 1000)

    def test_same_uuid_again(self):
        """A VM that is stopped and started anew: another machine, the same VM."""
        first = self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.set_quota(WEB, 9)
        self.root.remove_set(1)
        self.root.remove_cgroup(first)
        self.machined.remove("qemu-1-web")
        self.wait_no_vm("web")
        second = self.add_machine("web", WEB, 2, sets=[2])
        self.wait_vm("web")
        self.wait_quota(2, 9)
        self.wait_limit(second, 9)
        self.assertEqual(self.get(WEB, "ControlGroup"), second)


class WithoutMachined(BusTest):
    with_machined = False

    def test_starts(self):
        self.start()
        self.assertEqual(self.list_vms(), [])
        self.daemon.wait_output("systemd-machined is not available")

    def test_comes_later(self):
        self.start()
        self.machined = Machined(self.bus)
        self.addCleanup(self.machined.stop)
        self.add_machine("web", WEB, 1)
        self.wait_vm("web")


class Sets(BusTest):
    def test_of_a_machine(self):
        cgroup = self.add_machine("web", WEB, 1)
        self.start()
        self.set_quota(WEB, 4)
        self.root.add_set(1, 1001, cgroup)
        self.wait_quota(1, 4)
        self.root.process(1010, f"{cgroup}/libvirt/vcpu0")
        self.root.add_set(2, 1010, cgroup)
        self.wait_quota(2, 4)
        wait_until(lambda: len(self.get(WEB, "Sets")) == 2, "both sets are the VM's")
        self.assertEqual(self.vm_names(), ["web"])

        # Counters go on when a set ends.
        self.root.set_attribute(1, "denied", 3)
        self.root.set_attribute(1, "allocated", 2)
        wait_until(lambda: self.get(WEB, "Denied") == 3, "the refusals are counted")
        self.assertEqual(self.get(WEB, "Allocated"), 2)
        self.root.remove_set(1)
        wait_until(lambda: len(self.get(WEB, "Sets")) == 1, "the set is gone")
        self.assertEqual(self.get(WEB, "Allocated"), 0)
        self.assertEqual(self.get(WEB, "Denied"), 3)

    def test_before_the_machine(self):
        """The set is there before machined tells of the machine: never mistaken for a plain unit's."""
        self.start()
        unit = "machine-qemu\\x2d1\\x2dweb.scope"
        cgroup = f"/machine.slice/{unit}"
        self.root.cgroup(cgroup)
        self.root.process(1001, cgroup)
        self.root.add_set(1, 1001, cgroup)
        self.machined.add("qemu-1-web", WEB, unit, 1001)
        self.wait_vm("web")
        self.wait_quota(1, 1000)
        wait_until(lambda: len(self.get(WEB, "Sets")) == 1, "the set is the VM's")
        self.assertEqual(self.vm_names(), ["web"])

    def test_of_a_unit(self):
        self.start()
        cgroup = self.add_unit("firecracker.service", 1, UNIT_ID)
        self.client.wait_signal("VMAdded")
        properties = self.get_all(UNIT_ID)
        self.assertEqual(properties["Name"], "firecracker.service")
        self.assertEqual(properties["Unit"], "firecracker.service")
        self.assertEqual(properties["Slice"], "system.slice")
        self.assertEqual(properties["ControlGroup"], cgroup)
        self.assertEqual(properties["State"], "running")
        self.assertEqual(properties["Leader"], 2001)
        self.set_quota(UNIT_ID, 3)
        self.assertEqual(self.root.quota(1), 3)

        self.root.remove_set(1)
        self.root.remove_cgroup(cgroup)
        self.client.wait_signal("VMRemoved")
        self.assertEqual(self.list_vms(), [])

    def test_unit_override_by_name(self):
        """The next run of the unit has another InvocationID and the same persistent quota."""
        cgroup = self.add_unit("firecracker.service", 1, UNIT_ID)
        self.start()
        self.wait_vm("firecracker.service")
        self.set_quota(UNIT_ID, 3)
        self.root.remove_set(1)
        self.root.remove_cgroup(cgroup)
        self.wait_no_vm("firecracker.service")
        self.add_unit("firecracker.service", 2, OTHER)
        self.wait_vm("firecracker.service")
        self.wait_quota(2, 3)
        self.assertEqual(self.source(OTHER), (3, "persistent"))

    def test_of_no_unit(self):
        self.root.process(3000, "/")
        self.root.add_set(1, 3000)
        self.start()
        self.wait_vm("set-1")
        ((uuid, _, _),) = self.list_vms()
        self.assert_error(INVALID_ARGS, "runtime", self.set_quota, uuid, 2)
        self.set_quota(uuid, 2, runtime=True)
        self.assertEqual(self.root.quota(1), 2)
        self.root.remove_set(1)
        self.wait_no_vm("set-1")

    def test_recycled_pid(self):
        """The process that /proc shows is another one than the set's."""
        cgroup = self.add_machine("web", WEB, 1)
        self.root.add_set(1, 1001, start_time=4000)
        self.start()
        self.wait_vm("set-1")
        self.assertEqual(self.get(WEB, "Sets"), [])

        # The cgroup in which the set was made is as good as the process.
        self.root.add_set(2, 1001, cgroup, start_time=4000)
        wait_until(lambda: len(self.get(WEB, "Sets")) == 1, "the set is the VM's")

    def test_goes_while_asked_about(self):
        """The last answer that start-up waits for never comes."""
        held = []
        cgroup = "/machine.slice/machine-x.scope"
        self.root.cgroup(cgroup)
        self.root.process(1001, cgroup)
        self.root.add_set(1, 1001, cgroup)
        self.machined.connection.handle("org.freedesktop.machine1.Manager", "GetMachineByPID", held.append)
        self.daemon.spawn("--log-level=debug")
        wait_until(lambda: held, "machined is asked")
        self.root.remove_set(1)
        self.daemon.wait_notify("READY=1")

    def test_users_unit_keeps_off_ids(self):
        """Neither PID 1 nor the attributes of a cgroup that the user owns say what a user's unit is."""
        self.start()
        self.systemd.invocations["vm.service"] = OTHER
        cgroup = "/user.slice/user-1000.slice/user@1000.service/app.slice/vm.service"
        parent = ""
        for name in cgroup.split("/")[1:]:
            parent += f"/{name}"
            self.root.cgroup(parent)
        self.set_invocation(cgroup, WEB)
        self.root.process(2002, cgroup)
        self.root.add_set(2, 2002, cgroup)
        self.wait_vm("user@1000.service/vm.service")
        ((uuid, _, _),) = self.list_vms()
        self.assertNotIn(uuid, (WEB, OTHER))

    def test_users_scope_is_no_machines(self):
        """A user's unit has the name of a scope that machined has announced and that is not there yet."""
        self.start()
        unit = "machine-qemu\\x2d1\\x2dweb.scope"
        self.root.process(1001, "/system.slice/libvirtd.service")
        self.machined.add("qemu-1-web", WEB, unit, 1001)
        self.wait_vm("web")
        cgroup = f"/user.slice/user-1000.slice/user@1000.service/{unit}"
        parent = ""
        for name in cgroup.split("/")[1:]:
            parent += f"/{name}"
            self.root.cgroup(parent)
        self.root.process(2002, cgroup)
        self.root.add_set(2, 2002, cgroup)
        self.wait_vm(f"user@1000.service/{unit}")
        self.assertEqual(self.get(WEB, "ControlGroup"), "")
        self.root.cgroup(f"/machine.slice/{unit}")
        self.wait_limit(f"/machine.slice/{unit}", 1000)

    def test_users_unit_goes_with_its_last_set(self):
        """Their cgroups can stay as long and be as many as the user likes."""
        self.start()
        for i in range(1, 4):
            cgroup = self.add_unit(f"x{i}.scope", i, None, slice_name="user.slice/user-1000.slice/user@1000.service/app")
            self.wait_vm(f"user@1000.service/x{i}.scope")
            self.root.remove_set(i)
            self.wait_no_vm(f"user@1000.service/x{i}.scope")
        self.assertEqual(self.get_manager("Committed"), 0)
        # It may come again.
        self.root.add_set(9, 2003, cgroup)
        self.wait_vm("user@1000.service/x3.scope")

    def test_users_cgroup_is_no_text(self):
        """A name that the bus would not take must not keep it from hearing of all other VMs."""
        self.add_machine("web", WEB, 1)
        self.start()
        parent = "/user.slice/user-1000.slice/user@1000.service/b\udcff"
        cgroup = parent + "/x.scope"
        (self.root.path / f"sys/fs/cgroup{parent}").mkdir(parents=True)
        self.root.cgroup(cgroup)
        self.root.process(2002, "/")
        (self.root.path / "proc/2002/cgroup").write_bytes(b"0::" + os.fsencode(cgroup) + b"\n")
        self.root.add_set(2, 2002, cgroup)
        self.wait_vm("set-2")
        (objects,) = self.call(MANAGER_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
        self.assertEqual(sorted(o[VM]["Name"] for o in objects.values() if VM in o), ["set-2", "web"])

    def test_users_unit_is_not_the_systems(self):
        """A user may call a unit what they like; it must not get the quota of the system's unit of that name."""
        cgroup = self.add_unit("vm.service", 1, UNIT_ID)
        self.start()
        self.wait_vm("vm.service")
        self.set_quota(UNIT_ID, 500)
        self.root.remove_set(1)
        self.root.remove_cgroup(cgroup)
        self.wait_no_vm("vm.service")

        slice_name = "user.slice/user-1000.slice/user@1000.service/app"
        self.add_unit("vm.service", 2, OTHER, slice_name=slice_name)
        self.client.wait_signal("VMAdded", lambda args: args[0] != UNIT_ID)
        ((uuid, _, _),) = self.list_vms()
        self.assertEqual(self.source(uuid), (1000, "default"))


class Lookup(BusTest):
    def test_get_vm(self):
        self.add_machine("web", WEB, 1)
        self.add_machine("db", DB, 2)
        self.add_machine("aaaa", OTHER, 3)
        self.start()
        for what, uuid in (
            (WEB, WEB),
            (WEB.upper(), WEB),
            (WEB.replace("-", ""), WEB),
            ("web", WEB),
            ("aaaab", WEB),
            ("aaaacccc-0000", DB),
            ("aaaa", OTHER),
        ):
            with self.subTest(what=what):
                self.assertEqual(self.manager_call("GetVM", "s", what), (vm_path(uuid),))

    def test_not_found(self):
        self.add_machine("web", WEB, 1)
        self.start()
        for what in ("", "we", "Web", "aaa", "bbbb", OTHER, "web\n"):
            with self.subTest(what=what):
                self.assert_error("org.pasidd1.Error.NoSuchVM", "no VM", self.manager_call, "GetVM", "s", what)

    def test_ambiguous(self):
        self.add_machine("twin", WEB, 1)
        self.add_machine("twin", DB, 2)
        self.start()
        for what in ("twin", "aaaa"):
            with self.subTest(what=what):
                with self.assertRaises(BusError) as context:
                    self.manager_call("GetVM", "s", what)
                self.assertEqual(context.exception.name, "org.pasidd1.Error.AmbiguousVM")
                # Says what could have been meant.
                for line in (f"{WEB} twin", f"{DB} twin"):
                    self.assertIn(line, context.exception.message.splitlines())


class Slices(BusTest):
    config = "[Manager]\nSlices=machine.slice tenant-a.slice\n"

    def enabled(self, cgroup):
        path = "sys/fs/cgroup" + ("" if cgroup == "/" else cgroup) + "/cgroup.subtree_control"
        return self.root.exists(path) and "+misc" in self.root.read(path)

    def test_enabled_at_start(self):
        self.root.cgroup("/tenant.slice")
        self.root.cgroup("/tenant.slice/tenant-a.slice")
        self.root.cgroup("/system.slice")
        self.start()
        for cgroup in ("/", "/machine.slice", "/tenant.slice", "/tenant.slice/tenant-a.slice"):
            with self.subTest(cgroup=cgroup):
                self.assertTrue(self.enabled(cgroup))
        self.assertFalse(self.enabled("/system.slice"))

    def test_appears_later_and_again(self):
        self.start()
        for _ in range(2):
            self.root.cgroup("/tenant.slice")
            self.root.cgroup("/tenant.slice/tenant-a.slice")
            wait_until(lambda: self.enabled("/tenant.slice/tenant-a.slice"), "misc is enabled in the new slice")
            self.assertTrue(self.enabled("/tenant.slice"))
            self.root.remove_cgroup("/tenant.slice")
            self.client.sync()
            self.get_manager("State")

    def test_enabled_already(self):
        self.root.write("sys/fs/cgroup/machine.slice/cgroup.subtree_control", "cpu misc\n")
        self.start()
        self.assertEqual(self.root.read("sys/fs/cgroup/machine.slice/cgroup.subtree_control"), "cpu misc\n")

    def test_not_available(self):
        self.root.write("sys/fs/cgroup/machine.slice/cgroup.controllers", "cpu\n")
        self.start()
        self.daemon.wait_output("Cannot enable the misc controller in cgroup /machine.slice")
        self.assertEqual(self.root.read("sys/fs/cgroup/machine.slice/cgroup.subtree_control"), "")

    def test_machine_in_a_tenants_slice(self):
        self.root.cgroup("/tenant.slice")
        self.root.cgroup("/tenant.slice/tenant-a.slice")
        self.start()
        cgroup = self.add_machine("web", WEB, 1, slice_name="tenant.slice/tenant-a", sets=[1])
        self.wait_limit(cgroup, 1000)
        self.assertEqual(self.get(WEB, "Slice"), "tenant-a.slice")


if __name__ == "__main__":
    main()
