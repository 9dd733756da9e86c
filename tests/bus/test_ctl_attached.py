#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Output of pasidctl about PASIDs that are attached through iommufd."""

from ctlenv import *


class Attached(CtlTest):
    counts_attached = True

    def setUp(self):
        super().setUp()
        self.add_machine("web", WEB, 1, sets=[1])
        self.add_machine("db", DB, 2)
        self.start()
        self.set_quota(WEB, 10, watermark=5)

    def attach(self, attached):
        self.root.set_attribute(1, "attached", attached)
        self.root.set_attribute(1, "attached_peak", attached)
        self.root.write("sys/fs/cgroup/misc.current", self.root.misc(0, attached))

    def test_list(self):
        """A column where there is any, and in JSON always."""
        columns = "NAME UUID STATE QUOTA SOURCE ALLOCATED PEAK DENIED".split()
        self.assertEqual(self.ok("list").splitlines()[0].split(), columns)
        self.attach(4)
        columns.insert(6, "ATTACHED")
        lines = self.ok("list").splitlines()
        self.assertEqual(lines[0].split(), columns)
        self.assertEqual(lines[2].split()[5:8], ["0", "4", "0"])
        self.assertEqual(self.ok("list", "-o", "+attached").splitlines()[0].split(), columns)
        self.assertEqual([vm["attached"] for vm in self.json("list")], [0, 4])
        self.assertEqual(self.json("list", "-o", "ATTACHED"), [{"attached": 0}, {"attached": 4}])

    def test_warning(self):
        self.attach(9)
        self.assertIn("Above 80 % of the quota: web (9 of 10).", self.ok("list"))

    def test_show(self):
        self.attach(4)
        shown = self.json("show", "web")
        self.assertEqual((shown["attached"], shown["usage"]), (4, 40))
        self.assertEqual([(s["attached"], s["attached_peak"]) for s in shown["sets"]], [(4, 4)])
        text = self.ok("show", "web")
        self.assertRegex(text, r" Attached: 4\n")
        self.assertRegex(text, r"\n *SET .* ATTACHED ATTACHEDPEAK\n")

    def test_status(self):
        self.attach(4)
        self.assertEqual(self.json("status")["attached"], 4)

    def test_top(self):
        self.assertNotIn("ATTACHED", self.ok("top"))
        self.attach(4)
        lines = self.ok("top", "--sort=ATTACHED").splitlines()
        self.assertIn("0 of 100000 PASIDs held, 4 attached, 110 committed", lines[0])
        self.assertEqual(lines[3].split(), "NAME STATE QUOTA ALLOCATED ATTACHED USAGE PEAK DENIED WARNINGS".split())
        self.assertEqual([line.split()[0] for line in lines[4:]], ["web", "db"])

    def test_set_quota(self):
        self.attach(4)
        self.assertIn("has attached 4 PASIDs already, 1 too many", self.ok("set-quota", "--dry-run", "web", "3"))
        self.assertEqual(self.json("set-quota", "--dry-run", "web", "3")["attached"], 4)

    def test_events(self):
        self.attach(10)
        self.root.set_attribute(1, "denied", 1)
        self.client.wait_signal("AttachRefused")
        events = {event["type"]: event["details"] for event in self.json("events")}
        self.assertEqual((events["quota-exceeded"]["count"], events["quota-exceeded"]["attached"]), ("attached", 10))
        self.assertEqual(events["watermark-reached"]["count"], "attached")
        self.assertIn("was denied the attach of a PASID", self.ok("events"))

    def test_monitor(self):
        process = self.spawn("monitor", "--json=short")
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        self.assertIn("monitoring", process.stderr.readline())
        self.attach(10)
        self.root.set_attribute(1, "denied", 1)
        events = {}
        # Which of them comes first depends on how many of the changes the daemon sees at once.
        while not {"AttachRefused", "AttachWatermarkReached"} <= events.keys():
            event = json.loads(process.stdout.readline())
            events[event["event"]] = event
        event = events["AttachRefused"]
        self.assertEqual((event["uuid"], event["set"], event["attached"], event["quota"]), (WEB, 1, 10, 10))
        self.assertEqual(events["AttachWatermarkReached"]["watermark"], 5)


class NotCounted(CtlTest):
    def test_show(self):
        """A set of a kernel that does not count them has no such column, nor key."""
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.assertNotIn("attached", self.json("show", "web")["sets"][0])
        self.assertNotIn("ATTACHED", self.ok("show", "web"))


if __name__ == "__main__":
    main()
