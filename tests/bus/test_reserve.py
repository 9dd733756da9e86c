#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Announcements by the libvirt hook: reservations, from before a VM's start to after its end."""

import json

from minibus import wait_until
from testenv import *

NO_SUCH_VM = "org.pasidd1.Error.NoSuchVM"
NOT_APPLIED = "org.pasidd1.Error.NotApplied"


class Reserve(BusTest):
    config = "[Manager]\nDefaultQuota=100\nDefaultWatermark=1\n[Rule r]\nMatchName=db*\nQuota=40\n"

    def setUp(self):
        super().setUp()
        self.start()

    def test_life_of_a_vm(self):
        self.assertEqual(self.reserve(WEB, "web", quota=5, watermark=3), (5, "metadata"))
        self.assertEqual(self.client.wait_signal("VMAdded").args, (WEB, "web", vm_path(WEB)))
        properties = self.get_all(WEB)
        self.assertEqual(properties["State"], "reserved")
        self.assertEqual((properties["Quota"], properties["Watermark"]), (5, 3))
        self.assertEqual((properties["ControlGroup"], properties["Unit"], properties["Leader"]), ("", "", 0))
        self.assertFalse(properties["QuotaInForce"])
        self.assertEqual(self.get_manager("Committed"), 5)
        self.assert_error(NOT_APPLIED, "not running yet", self.confirm, WEB)

        self.client.forget_signals()
        cgroup = self.add_machine("web", WEB, 1)
        self.wait_changed(
            State="running",
            Unit=cgroup.rsplit("/", 1)[1],
            Slice="machine.slice",
            ControlGroup=cgroup,
            Leader=1001,
            QuotaInForce=True,
            QuotaError="",
        )
        self.assertEqual(self.root.limit(cgroup), "pasid 5")
        self.assertEqual(self.confirm(WEB), (5,))
        self.root.add_set(1, 1001, cgroup)
        self.wait_quota(1, 5)
        self.wait_attribute(1, "watermark", 3)

        # "stopped" and "release" come before machined has seen the end: the quota holds that long.
        self.release(WEB)
        self.assertEqual(self.source(WEB), (5, "metadata"))
        self.root.remove_set(1)
        self.machined.remove("qemu-1-web")
        self.assertEqual(self.client.wait_signal("VMRemoved").args[0], WEB)
        self.release(WEB)
        self.assertEqual(self.root.state(RUNTIME_STATE)["vms"], {})

    def test_sets_that_outlive_it(self):
        """Another process holds the container; the next start is announced and called off."""
        cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.wait_vm("web")
        self.wait_quota(1, 100)
        self.reserve(WEB, "web", quota=5)
        self.machined.remove("qemu-1-web")
        self.wait_get(WEB, "State", "reserved")
        self.assertEqual(self.root.quota(1), 5)
        self.release(WEB)
        self.wait_vm(cgroup.rsplit("/", 1)[1])
        self.wait_quota(1, 100)

    def test_without_metadata(self):
        self.assertEqual(self.reserve(WEB, "web"), (100, "default"))
        self.assertEqual(self.reserve(DB, "db"), (40, "rule"))
        self.assertEqual(self.reserve(OTHER, "x", watermark=9), (100, "default"))
        self.assertEqual(self.get(OTHER, "Watermark"), 9)
        self.assertEqual(self.get_manager("Committed"), 240)

    def test_override_wins(self):
        self.reserve(WEB, "web", quota=5)
        self.assertEqual(self.set_quota(WEB, 6), (5, "persistent"))
        self.assertEqual(self.reserve(WEB, "web", quota=7), (6, "persistent"))
        self.assertEqual(self.reset_quota(WEB), (7, "metadata"))

    def test_other_forms_of_the_uuid(self):
        self.reserve(WEB.upper(), "web")
        self.reserve(WEB.replace("-", ""), "web2")
        self.assertEqual(self.list_vms(), [(WEB, "web2", vm_path(WEB))])

    def test_never_started(self):
        self.reserve(WEB, "web", quota=5)
        self.release(WEB)
        self.assertEqual(self.client.wait_signal("VMRemoved").args[0], WEB)
        self.assertEqual(self.list_vms(), [])
        self.assert_error(NO_SUCH_VM, "no VM", self.confirm, WEB)

    def test_release_of_the_unknown(self):
        self.release(OTHER)
        self.release(OTHER)

    def test_name_of_the_domain(self):
        """machined's name is a shortened one; the hook has the real one."""
        self.reserve(WEB, "a name with blanks é", quota=5)
        self.add_machine("anamewithblanks", WEB, 1)
        self.wait_get(WEB, "State", "running")
        self.assertEqual(self.get(WEB, "Name"), "a name with blanks é")
        self.assertEqual(self.manager_call("GetVM", "s", "a name with blanks é"), (vm_path(WEB),))
        self.restart()
        self.assertEqual(self.get(WEB, "Name"), "a name with blanks é")

    def test_survives_kill(self):
        self.reserve(WEB, "web", quota=5, watermark=2)
        self.restart()
        properties = self.get_all(WEB)
        self.assertEqual((properties["State"], properties["Quota"], properties["Watermark"]), ("reserved", 5, 2))
        cgroup = self.add_machine("web", WEB, 1)
        self.wait_limit(cgroup, 5)
        self.restart()
        self.assertEqual(self.source(WEB), (5, "metadata"))
        self.assertEqual(self.get(WEB, "State"), "running")

    def test_ended_while_nobody_looked(self):
        self.reserve(WEB, "web", quota=5)
        self.add_machine("web", WEB, 1)
        self.wait_get(WEB, "State", "running")
        self.daemon.kill()
        self.machined.remove("qemu-1-web")
        self.start()
        self.assertEqual(self.list_vms(), [])
        # Its metadata must not meet its next start.
        self.add_machine("web", WEB, 2)
        self.wait_vm("web")
        self.assertEqual(self.source(WEB), (100, "default"))

    def test_reconnect(self):
        """libvirtd was restarted and tells of the VMs that run."""
        cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.wait_vm("web")
        self.assertEqual(self.source(WEB), (100, "default"))
        self.assertEqual(self.reserve(WEB, "web", quota=5, reconnect=True), (5, "metadata"))
        self.assertEqual(self.get(WEB, "State"), "running")
        self.assertEqual(self.root.limit(cgroup), "pasid 5")
        self.assertEqual(self.root.quota(1), 5)

    def test_update(self):
        """The metadata of a VM that runs was changed; of one that does not, nothing is to be known."""
        cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.wait_vm("web")
        self.assertEqual(self.reserve(WEB, "web", quota=5, update=True), (5, "metadata"))
        self.assertEqual(self.reserve(WEB, "web", quota=6, watermark=2, update=True), (6, "metadata"))
        self.wait_limit(cgroup, 6)
        self.wait_quota(1, 6)
        self.assertEqual(self.reserve(WEB, "web", update=True), (100, "default"))

        self.assert_error(NO_SUCH_VM, "no running VM", self.reserve, DB, "db", quota=5, update=True)
        self.reserve(DB, "db", quota=7)
        self.assert_error(NO_SUCH_VM, "no running VM", self.reserve, DB, "db", quota=5, update=True)
        self.assertEqual(self.source(DB), (7, "metadata"))

        # What is known of its next start stays, and it is no start itself.
        self.reserve(WEB, "web", quota=8)
        self.assertEqual(self.reserve(WEB, "web", quota=9, update=True), (9, "metadata"))
        self.assertEqual(self.source(WEB), (9, "metadata"))
        self.root.remove_set(1)
        self.machined.remove("qemu-1-web")
        self.wait_get(WEB, "State", "reserved")
        self.assertEqual(self.source(WEB), (8, "metadata"))

    def test_restart_overlaps(self):
        """The next start is prepared before machined has seen the last end."""
        self.reserve(WEB, "web", quota=5)
        self.add_machine("web", WEB, 1)
        self.wait_get(WEB, "State", "running")
        self.reserve(WEB, "web", quota=6)
        self.machined.remove("qemu-1-web")
        self.wait_get(WEB, "State", "reserved")
        self.assertEqual(self.source(WEB), (6, "metadata"))
        cgroup = self.add_machine("web", WEB, 2)
        self.wait_get(WEB, "State", "running")
        self.wait_limit(cgroup, 6)

    def test_confirm_tells_the_truth(self):
        cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.wait_vm("web")
        self.wait_quota(1, 100)
        self.assertEqual(self.confirm(WEB), (100,))
        self.assertEqual(self.confirm(WEB.upper()), (100,))
        # Nobody tells the daemon about this one: it has to look.
        self.root.block(f"sys/fs/cgroup{cgroup}/misc.max")
        self.assert_error(NOT_APPLIED, "/misc.max: Is a directory", self.confirm, WEB)
        self.assertFalse(self.get(WEB, "QuotaInForce"))
        self.assertIn("misc.max", self.get(WEB, "QuotaError"))

    def test_confirm_reads_once(self):
        """Anybody may ask for it, and a process can have very many sets."""
        n = 100
        self.add_machine("web", WEB, 1, sets=range(1, n + 1))
        self.wait_vm("web")
        wait_until(lambda: len(self.get(WEB, "Sets")) == n, "all sets are known")
        self.wait_get(WEB, "QuotaInForce", True)
        before = self.count_reads()
        self.confirm(WEB)
        numbers = 2 * n + 1
        self.assertIn(self.count_reads() - before, range(numbers, numbers + n))

    def count_reads(self):
        """Of the daemon, read(2) and the like."""
        with open(f"/proc/{self.daemon.process.pid}/io", encoding="utf-8") as f:
            return int(dict(line.split(":") for line in f)["syscr"])

    def test_uuid_of_a_unit(self):
        """A libvirt VM's UUID is its own, whoever else claims it."""
        self.add_unit("vm.service", 1, OTHER)
        self.wait_vm("vm.service")
        self.assertEqual(self.reserve(OTHER, "web", quota=4), (4, "metadata"))
        self.assertEqual(self.get(OTHER, "Name"), "web")
        self.wait_vm("vm.service")
        self.assertEqual(len(self.list_vms()), 2)
        self.assertEqual(self.root.quota(1), self.root.default_quota())

    def test_name_outlives_the_daemon(self):
        """machined's name lacks the characters that libvirt allows and machined does not."""
        self.reserve(WEB, "web_1")
        self.add_machine("web1", WEB, 1, sets=[1])
        self.wait_get(WEB, "State", "running")
        self.restart()
        self.assertEqual(self.get(WEB, "Name"), "web_1")

        self.root.remove_set(1)
        self.machined.remove("qemu-1-web1")
        self.wait_no_vm("web_1")
        self.assertNotIn("web_1", str(self.root.state(RUNTIME_STATE)))

    def test_name_of_one_that_ended_unseen(self):
        self.reserve(WEB, "web_1")
        self.add_machine("web1", WEB, 1)
        self.wait_get(WEB, "State", "running")
        self.daemon.stop()
        self.machined.remove("qemu-1-web1")
        self.start()
        self.assertEqual(self.list_vms(), [])
        self.assertNotIn("web_1", str(self.root.state(RUNTIME_STATE)))

    def wait_running(self, cgroup, quota):
        """The limit comes before machined has said what is in the cgroup."""
        self.wait_limit(cgroup, quota)
        self.wait_get(WEB, "ControlGroup", cgroup)

    def test_next_start(self):
        """libvirt asks about a restore or a migration before it finds that the VM runs, and refuses then."""
        self.reserve(WEB, "web", quota=50)
        cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.wait_running(cgroup, 50)
        self.assertEqual(self.reserve(WEB, "web", quota=4), (4, "metadata"))
        self.assertEqual(self.source(WEB), (50, "metadata"))
        self.assertEqual([self.root.limit(cgroup), self.root.quota(1)], ["pasid 50", 50])

        self.root.remove_set(1)
        self.root.remove_cgroup(cgroup)
        self.machined.remove("qemu-1-web")
        self.wait_get(WEB, "State", "reserved")
        self.assertEqual(self.source(WEB), (4, "metadata"))
        cgroup = self.add_machine("web", WEB, 2, sets=[2])
        self.wait_limit(cgroup, 4)
        self.wait_quota(2, 4)

    def test_next_start_released(self):
        self.reserve(WEB, "web", quota=50)
        cgroup = self.add_machine("web", WEB, 1)
        self.wait_running(cgroup, 50)
        self.reserve(WEB, "web", quota=4)
        self.release(WEB)
        self.assertEqual(self.source(WEB), (50, "metadata"))
        self.machined.remove("qemu-1-web")
        self.wait_no_vm("web")


class NextStart(BusTest):
    """The next start of a VM that runs was announced, and the daemon is killed."""

    config = "[Manager]\nDefaultQuota=100\n[Rule r]\nMatchName=db*\nQuota=40\n"

    def setUp(self):
        super().setUp()
        self.start()
        self.reserve(WEB, "web", quota=50)
        self.cgroup = self.add_machine("web", WEB, 1, usec=10)
        self.wait_limit(self.cgroup, 50)
        # The limit comes before machined has said what is in the cgroup.
        self.wait_get(WEB, "ControlGroup", self.cgroup)
        self.assertEqual(self.reserve(WEB, "web", quota=4, watermark=2), (4, "metadata"))

    def end_machine(self):
        self.root.remove_cgroup(self.cgroup)
        self.machined.remove("qemu-1-web")

    def entry(self):
        return self.root.state(RUNTIME_STATE)["vms"].get(WEB)

    def check_next_run(self, cgroup):
        self.wait_limit(cgroup, 4)
        self.wait_get(WEB, "ControlGroup", cgroup)
        self.assertEqual((self.get(WEB, "State"), self.source(WEB)), ("running", (4, "metadata")))
        self.assertEqual(self.get(WEB, "Watermark"), 2)
        self.assertNotIn("next", self.entry())

    def test_killed(self):
        self.restart()
        self.assertEqual((self.get(WEB, "State"), self.source(WEB)), ("running", (50, "metadata")))
        self.assertEqual(self.root.limit(self.cgroup), "pasid 50")
        self.end_machine()
        self.wait_get(WEB, "State", "reserved")
        self.assertEqual(self.source(WEB), (4, "metadata"))
        self.check_next_run(self.add_machine("web", WEB, 2, usec=20))
        self.restart()
        self.assertEqual(self.source(WEB), (4, "metadata"))

    def test_begins_before_the_end(self):
        """machined has not seen the last end yet, before the daemon was killed nor after."""
        self.restart()
        self.check_next_run(self.add_machine("web", WEB, 2, usec=20))
        self.end_machine()
        self.everything_heard()
        self.assertEqual(self.source(WEB), (4, "metadata"))

    def test_begins_unseen_before_the_end(self):
        self.daemon.kill()
        cgroup = self.add_machine("web", WEB, 2, usec=20)
        self.start()
        self.check_next_run(cgroup)

    def everything_heard(self):
        self.add_machine("db", DB, 9)
        self.wait_vm("db")

    def test_replaced_unseen(self):
        self.daemon.kill()
        self.end_machine()
        cgroup = self.add_machine("web", WEB, 2, usec=20)
        self.start()
        self.check_next_run(cgroup)

    def test_ended_unseen(self):
        self.daemon.kill()
        self.end_machine()
        self.start()
        self.assertEqual((self.get(WEB, "State"), self.source(WEB)), ("reserved", (4, "metadata")))
        self.assertTrue(self.entry()["reserved"])
        self.check_next_run(self.add_machine("web", WEB, 2, usec=20))

    def test_released(self):
        self.restart()
        self.assertIn("next", self.entry())
        self.release(WEB)
        self.assertEqual(self.entry()["metadata"], {"quota": 50})
        self.assertNotIn("next", self.entry())
        self.daemon.kill()
        self.end_machine()
        self.start()
        self.assertEqual(self.list_vms(), [])
        self.assertIsNone(self.entry())

    def test_lapses(self):
        """It is waited for after a restart as before."""
        self.root.config("[Manager]\nReservationTimeoutSec=1\n")
        self.assertIn("next", self.entry())
        self.restart()
        wait_until(lambda: "next" not in self.entry(), "the next start is forgotten")
        self.assertEqual(self.source(WEB), (50, "metadata"))
        self.end_machine()
        self.wait_no_vm("web")

    def test_name_and_rule(self):
        """The domain was renamed between the two, and its metadata taken away."""
        self.assertEqual(self.reserve(WEB, "db_1"), (40, "rule"))
        self.restart()
        self.assertEqual((self.get(WEB, "Name"), self.source(WEB)), ("web", (50, "metadata")))
        self.daemon.kill()
        self.end_machine()
        cgroup = self.add_machine("db1", WEB, 2, usec=20)
        self.start()
        self.wait_limit(cgroup, 40)
        self.assertEqual((self.get(WEB, "Name"), self.source(WEB)), ("db_1", (40, "rule")))

    def test_of_two_machines(self):
        """The older of two machines of the UUID may be listed first. It is not the next start."""
        self.add_machine("copy", WEB, 3, usec=5)
        self.everything_heard()
        self.daemon.kill()
        listed = self.machined.machines
        self.machined.machines = dict(sorted(listed.items(), key=lambda item: item[1]["Timestamp"]))
        self.start()
        self.assertEqual((self.get(WEB, "Leader"), self.source(WEB)), (1001, (50, "metadata")))
        self.assertIn("next", self.entry())

    def test_started_without_the_hook(self):
        cgroup = self.add_machine("old", OTHER, 4, usec=10)
        self.wait_vm("old")
        self.reserve(OTHER, "old", quota=7)
        self.restart()
        self.assertEqual((self.get(OTHER, "State"), self.source(OTHER)), ("running", (100, "default")))
        self.root.remove_cgroup(cgroup)
        self.machined.remove("qemu-4-old")
        self.wait_get(OTHER, "State", "reserved")
        self.assertEqual(self.source(OTHER), (7, "metadata"))

    def test_cannot_be_saved(self):
        temporary = self.root.block_state(RUNTIME_STATE)
        before = self.snapshot()
        self.assert_error("org.pasidd1.Error.NotSaved", "could not be saved: .*directory", self.reserve, WEB, "web", quota=9)
        self.assertEqual(self.snapshot(), before)
        # What was said before still holds, also while nothing can be saved.
        self.end_machine()
        self.wait_get(WEB, "State", "reserved")
        self.assertEqual(self.source(WEB), (4, "metadata"))
        (temporary / "x").rmdir()
        temporary.rmdir()
        wait_until(lambda: self.entry().get("reserved"), "the file is written after all")

    def test_file_of_another_version(self):
        """An older version keeps the members that it does not know, also when the run has ended."""
        self.daemon.kill()
        state = self.root.state(RUNTIME_STATE)
        del state["vms"][WEB]["running"], state["vms"][WEB]["metadata"]
        self.root.write(f"{RUNTIME_STATE}/{WEB}", json.dumps(state))
        self.start()
        self.assertEqual(self.source(WEB), (100, "default"))
        self.end_machine()
        self.wait_no_vm("web")


if __name__ == "__main__":
    main()
