#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Logging: it never blocks, and all records are escaped text."""

from minibus import wait_until
from testenv import *


class NobodyReads(BusTest):
    def start_with(self, journal):
        self.daemon.spawn("--log-level=debug", PASIDD_JOURNAL_SOCKET=str(journal))
        self.daemon.wait_notify("READY=1")
        target = ("org.freedesktop.LogControl1", "LogTarget", ("s", "journal"))
        self.call("/org/freedesktop/LogControl1", PROPERTIES, "Set", "ssv", target)

    def test_journal(self):
        """Quotas are set and VMs get their limits while journald hangs; afterwards a record reports the dropped records."""
        cgroup = self.add_machine("web", WEB, 1, sets=[1])
        path = self.directory / "journal"
        with HungJournal(path) as journal:
            self.start_with(path)
            self.wait_vm("web")
            journal.fill()
            for quota in (4, 5, 6):
                self.set_quota(WEB, quota)
                self.assertEqual(self.source(WEB), (quota, "persistent"))
                self.assertEqual(self.root.limit(cgroup), f"pasid {quota}")
            new = self.add_machine("db", DB, 2, sets=[2])
            self.wait_limit(new, 1000)
            # Whatever the daemon logs first tells of it, perhaps while this drains.
            records = journal.drain()
            self.set_quota(WEB, 7)
            wait_until(lambda: records.extend(journal.drain()) or any("were dropped" in r for r in records), "a record of the loss")
            self.assertRegex("".join(records), "MESSAGE=[0-9]+ records were dropped because the journal did not take them")


class Text(BusTest):
    def test_names(self):
        """Control characters, and what is no UTF-8, do not get through; and nothing gets longer than a line may be."""
        self.start()
        for name in (b"a\nb", b"\x1b[31m", b"\xff\xfe", b"x" * 255):
            self.root.cgroup("/machine.slice/plain.slice")
            os.rename(self.root.path / "sys/fs/cgroup/machine.slice/plain.slice",
                os.fsencode(self.root.path / "sys/fs/cgroup/machine.slice") + b"/" + name[:240] + b".slice")
        self.root.cgroup("/machine.slice/last.slice")
        self.daemon.wait_output("/machine.slice/last.slice")
        for line in self.daemon.output:
            self.assertRegex(line, r"^pasidd: ")
            self.assertTrue(line.isprintable(), line)
            self.assertLessEqual(len(line.encode()), 2048)

    def test_many_sets(self):
        """Any process can make sets: four lines for each of the first 20 in a minute, then none."""
        self.daemon.spawn("--log-level=info")
        self.daemon.wait_notify("READY=1")
        self.root.cgroup("/user.slice")
        before = len(self.daemon.output)
        for i in range(100):
            self.root.add_set(100 + i, 5000 + i, "/user.slice")
        wait_until(lambda: len(self.list_vms()) == 100, "all sets are VMs")
        self.assertLess(len(self.daemon.output) - before, 100)

    def test_many_refusals(self):
        """Those beyond the first 20 have one limit together."""
        self.daemon.spawn("--log-level=info")
        self.daemon.wait_notify("READY=1")
        self.root.cgroup("/user.slice")
        for i in range(100):
            self.root.add_set(100 + i, 5000 + i, "/user.slice")
        wait_until(lambda: len(self.list_vms()) == 100, "all sets are VMs")
        for i in range(100):
            self.root.set_attribute(100 + i, "denied", 1)
        wait_until(lambda: sum(self.get(uuid, "Denied") for uuid, _, _ in self.list_vms()) == 100, "all are counted")
        self.assertLessEqual(len([line for line in self.daemon.output if "was denied" in line]), 23)

    def test_many_slices(self):
        """Records of one kind have a limit, whatever they are about."""
        self.daemon.spawn("--log-level=info")
        self.daemon.wait_notify("READY=1")
        for i in range(300):
            self.root.cgroup(f"/machine.slice/a{i}.slice")
        self.root.cgroup("/machine.slice/last.slice")
        control = "sys/fs/cgroup/machine.slice/last.slice/cgroup.subtree_control"
        wait_until(lambda: "misc" in self.root.read(control), "the last one has the controller")
        lines = [line for line in self.daemon.output if "Enabled the misc controller" in line]
        self.assertLessEqual(len(lines), 200)


if __name__ == "__main__":
    main()
