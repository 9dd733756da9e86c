#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Limits of VMs that systemd-machined has not reported yet, because any user can keep it busy."""

from minibus import wait_until
from testenv import *


class Early(BusTest):
    config = "[Manager]\nDefaultQuota=100\nSlices=machine.slice user.slice\n"

    def setUp(self):
        super().setUp()
        self.start()
        self.machined.hold_properties = True

    def new_scope(self, machine, slice_name="machine"):
        """Of a VM that machined does not even announce."""
        cgroup = f"/{slice_name}.slice/machine-{unit_escape(machine)}.scope"
        self.root.cgroup(cgroup)
        return cgroup

    def check_untouched(self, cgroup):
        """A scope that appears after it has its limit."""
        self.reserve(OTHER, "last", quota=3)
        self.wait_limit(self.new_scope("qemu-99-last"), 3)
        self.assertEqual(self.root.limit(cgroup), "pasid max")


class Announced(Early):
    def test_limit_and_set(self):
        self.reserve(WEB, "web", quota=500, watermark=7)
        cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.wait_limit(cgroup, 500)
        self.wait_quota(1, 500)
        self.wait_attribute(1, "watermark", 7)
        # It counts as the VM's only when machined says so.
        self.assertEqual(self.get(WEB, "State"), "reserved")
        wait_until(lambda: self.machined.held_properties, "machined is asked")
        self.machined.let_go_properties()
        self.wait_get(WEB, "State", "running")
        self.assertEqual(self.get(WEB, "ControlGroup"), cgroup)
        self.assertEqual((self.root.limit(cgroup), self.root.quota(1)), ("pasid 500", 500))
        self.assertEqual(self.set_quota(WEB, 6), (500, "persistent"))
        self.assertEqual((self.root.limit(cgroup), self.root.quota(1)), ("pasid 6", 6))

    def test_override(self):
        """What holds is what has been announced and what administrators have said of it."""
        self.reserve(WEB, "web", quota=500)
        self.set_quota(WEB, 8)
        self.wait_limit(self.new_scope("qemu-1-web"), 8)

    def test_machine_of_another(self):
        self.reserve(WEB, "web", quota=500)
        cgroup = self.add_machine("web", DB, 1, sets=[1])
        self.wait_limit(cgroup, 500)
        self.wait_quota(1, 500)
        wait_until(lambda: self.machined.held_properties, "machined is asked")
        self.machined.let_go_properties()
        self.wait_get(DB, "ControlGroup", cgroup)
        self.wait_limit(cgroup, 100)
        self.wait_quota(1, 100)
        self.assertEqual(self.get(WEB, "State"), "reserved")

    def add_container(self):
        cgroup = "/machine.slice/" + f"machine-{unit_escape('qemu-1-web')}.scope"
        self.root.cgroup(cgroup)
        self.root.process(1001, cgroup)
        self.machined.add("qemu-1-web", DB, cgroup.rsplit("/", 1)[1], 1001, machine_class="container")
        return cgroup

    def test_no_vm(self):
        self.reserve(WEB, "web", quota=500)
        cgroup = self.add_container()
        self.wait_limit(cgroup, 500)
        wait_until(lambda: self.machined.held_properties, "machined is asked")
        self.machined.let_go_properties()
        self.wait_limit(cgroup, "max")
        self.reconcile()
        self.assertEqual(self.root.limit(cgroup), "pasid max")

    def test_no_vm_with_a_set(self):
        self.reserve(WEB, "web", quota=500)
        cgroup = self.add_container()
        self.root.add_set(1, 1001, cgroup)
        self.wait_quota(1, 500)
        wait_until(lambda: self.machined.held_properties, "machined is asked")
        self.machined.let_go_properties()
        self.wait_quota(1, 100)
        self.wait_limit(cgroup, 100)

    def test_no_vm_and_a_limit_of_somebody(self):
        self.reserve(WEB, "web", quota=500)
        cgroup = self.add_container()
        self.wait_limit(cgroup, 500)
        limits = f"sys/fs/cgroup{cgroup}/misc.max"
        self.root.overwrite(limits, "pasid 77\n")
        wait_until(lambda: self.machined.held_properties, "machined is asked")
        self.machined.let_go_properties()
        self.reconcile()
        # Where there is a second line, pasidd has removed its own limit from it.
        self.assertEqual(self.root.read(limits), self.root.misc(77, "max"))

    def test_set_quota(self):
        """An administrator need not wait for machined either."""
        self.reserve(WEB, "web", quota=500)
        cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.wait_limit(cgroup, 500)
        self.wait_quota(1, 500)
        self.set_quota(WEB, 6)
        self.wait_limit(cgroup, 6)
        self.wait_quota(1, 6)
        self.reserve(WEB, "web", quota=500, watermark=3)
        self.wait_attribute(1, "watermark", 3)

    def test_no_vm_after_a_restart(self):
        """The list of machines says no more of a container than that it is one."""
        self.reserve(WEB, "web", quota=500)
        cgroup = self.add_container()
        self.wait_limit(cgroup, 500)
        self.machined.hold_properties = False
        self.restart()
        self.reconcile()
        self.wait_limit(cgroup, "max")

    def test_used_again_elsewhere(self):
        """Nobody tells of cgroups outside of Slices=."""
        self.root.cgroup("/vms.slice")
        for number, quota in ((1, 500), (2, 5)):
            cgroup = f"/vms.slice/machine-{unit_escape('qemu-1-web')}.scope"
            self.reserve(WEB, "web", quota=quota)
            self.root.cgroup(cgroup)
            self.root.process(1000 + number, cgroup)
            self.machined.add("qemu-1-web", WEB, cgroup.rsplit("/", 1)[1], 1000 + number)
            self.root.add_set(number, 1000 + number, cgroup)
            self.wait_quota(number, quota)
            self.reserve(WEB, "web", quota=quota + 1)
            self.wait_quota(number, quota + 1)
            self.root.remove_set(number)
            self.machined.remove("qemu-1-web")
            self.root.remove_cgroup(cgroup)
            self.release(WEB)
        self.assertNotIn("Cannot limit cgroup", self.daemon.text())

    def test_next_start(self):
        """machined tells of the last run's end late."""
        self.machined.hold_properties = False
        old = self.add_machine("web", WEB, 1)
        self.wait_limit(old, 100)
        self.machined.hold_properties = True
        self.reserve(WEB, "web", quota=7)
        new = self.add_machine("web", WEB, 2, usec=2)
        self.wait_limit(new, 7)
        self.assertEqual(self.root.limit(old), "pasid 100")

    def test_shortened_name(self):
        self.reserve(WEB, "a name_with blanks é", quota=5)
        self.wait_limit(self.new_scope("qemu-1-anamewithblanks"), 5)

    def test_names_alike(self):
        """The complete name is meant; and where none is, the most that was announced."""
        self.reserve(WEB, "a b", quota=5)
        self.reserve(DB, "ab", quota=3)
        self.reserve(OTHER, "a_b", quota=4)
        self.wait_limit(self.new_scope("qemu-1-ab"), 3)
        self.release(DB)
        self.wait_limit(self.new_scope("qemu-2-ab"), 5)

    def test_retry(self):
        self.reserve(WEB, "web", quota=5)
        (self.root.path / "sys/fs/cgroup/machine.slice").rename(self.root.aside / "machine.slice")
        scope = self.root.aside / "machine.slice" / f"machine-{unit_escape('qemu-1-web')}.scope"
        scope.mkdir()
        (scope / "misc.max").symlink_to(self.root.aside)
        (self.root.aside / "machine.slice").rename(self.root.path / "sys/fs/cgroup/machine.slice")
        self.daemon.wait_output("Cannot limit cgroup /machine.slice/machine-qemu")
        cgroup = f"/machine.slice/{scope.name}"
        self.root.write(f"sys/fs/cgroup{cgroup}/misc.max", "pasid max\n")
        self.wait_limit(cgroup, 5)

    def test_gone(self):
        """The name of a scope is used again."""
        self.reserve(WEB, "web", quota=5)
        cgroup = self.new_scope("qemu-1-web")
        self.wait_limit(cgroup, 5)
        self.root.remove_cgroup(cgroup)
        self.release(WEB)
        self.check_untouched(self.new_scope("qemu-1-web"))

    def test_after_a_restart(self):
        self.reserve(WEB, "web", quota=5)
        self.daemon.kill()
        cgroup = self.new_scope("qemu-1-web")
        self.machined.fail_list = "too busy"
        self.start()
        self.wait_limit(cgroup, 5)

    def test_of_users(self):
        self.reserve(WEB, "web", quota=5)
        self.root.cgroup("/user.slice")
        self.root.cgroup("/user.slice/user-1000.slice")
        self.check_untouched(self.new_scope("qemu-1-web", "user.slice/user-1000"))

    def test_others(self):
        self.reserve(WEB, "web", quota=5)
        for i, name in enumerate(("web", "lxc-1-web", "qemu-web", "qemu-1", "qemu-1-webb", "qemu-1-we")):
            with self.subTest(name=name):
                cgroup = self.new_scope(name)
                self.reserve(OTHER, "last", quota=3)
                self.wait_limit(self.new_scope(f"qemu-9{i}-last"), 3)
                self.assertEqual(self.root.limit(cgroup), "pasid max")


class Many(BusTest):
    """More machines are announced than anybody wants to ask about."""

    config = "[Manager]\nDefaultQuota=100\n"
    N = 300

    def uuid(self, i):
        return f"aaaabbbb-0000-4000-8000-{i:012x}"

    def test_storm(self):
        self.start()
        self.machined.hold_properties = True
        for i in range(self.N):
            self.machined.add(f"qemu-{i}-vm{i}", self.uuid(i), f"vm{i}.scope", 1000 + i)
        self.daemon.wait_output("Too many announced machines to query each")
        wait_until(lambda: len(self.machined.asked) >= 16, "machined is asked")
        # Perhaps the list, too, asks by now.
        self.assertLess(len(self.machined.asked), self.N // 2)
        self.machined.let_go_properties()
        wait_until(lambda: len(self.list_vms()) == self.N, "all machines are known")

    def test_end_while_waiting(self):
        self.start()
        self.machined.hold_properties = True
        for i in range(20):
            self.machined.add(f"qemu-{i}-vm{i}", self.uuid(i), f"vm{i}.scope", 1000 + i)
        wait_until(lambda: len(self.machined.asked) == 16, "machined is asked")
        for i in range(10, 20):
            self.machined.remove(f"qemu-{i}-vm{i}")
        self.machined.held_properties = [
            m for m in self.machined.held_properties if any(m.fields[1] == self.machined.path_of(n) for n in self.machined.machines)
        ]
        self.machined.let_go_properties()
        wait_until(lambda: len(self.list_vms()) == 10, "the others are known")
        self.reconcile()
        self.assertEqual(len(self.list_vms()), 10)

    def test_last_question_ends(self):
        """A machine that ends unanswered was all that a set of another machine waited for."""
        self.start()
        self.machined.hold_properties = True
        cgroup = "/system.slice/cont.service"
        self.root.cgroup("/system.slice")
        self.root.cgroup(cgroup)
        self.root.process(1500, cgroup)
        self.machined.add("cont", OTHER, "cont.service", 1500, machine_class="container")
        self.machined.add("qemu-9-short", DB, "machine-short.scope", 1600)
        wait_until(lambda: len(self.machined.held_properties) == 2, "machined is asked")
        self.root.add_set(1, 1500, cgroup)
        wait_until(lambda: "1 not assigned" in self.get_manager("Status"), "the set is there")
        (held,) = (m for m in self.machined.held_properties if m.fields[1] == self.machined.path_of("cont"))
        self.machined.hold_properties = False
        self.machined.connection.answer(held, *self.machined.get_all(held))
        self.machined.remove("qemu-9-short")
        self.wait_quota(1, 100)

    def test_sets_wait(self):
        """The set of a machine that has not been asked about is not taken for a unit's."""
        self.start()
        self.machined.hold_properties = True
        for i in range(self.N):
            self.machined.add(f"qemu-{i}-vm{i}", self.uuid(i), f"machine-vm{i}.scope", 1000 + i)
        self.daemon.wait_output("Too many announced machines to query each")
        cgroup = f"/machine.slice/machine-vm{self.N - 1}.scope"
        self.root.cgroup(cgroup)
        self.root.process(1000 + self.N - 1, cgroup)
        self.root.add_set(1, 1000 + self.N - 1, cgroup)
        self.machined.let_go_properties()
        self.wait_get_when_known(self.uuid(self.N - 1), cgroup)
        self.wait_quota(1, 100)
        self.assertNotIn(f"VM machine-vm{self.N - 1}.scope", self.daemon.text())

    def wait_get_when_known(self, uuid, cgroup):
        wait_until(lambda: uuid in [row[0] for row in self.list_vms()], "the VM is known")
        self.wait_get(uuid, "ControlGroup", cgroup)


if __name__ == "__main__":
    main()
