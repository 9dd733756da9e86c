#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Manager.ListEvents, and the catalog."""

import os
import re
import time
import unittest

from minibus import BusError, wait_until
from testenv import *


class Events(BusTest):
    def setUp(self):
        super().setUp()
        self.cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.begin = int(time.time() * 1_000_000)
        self.start()
        self.wait_vm("web")

    def events(self, since=0):
        return self.manager_call("ListEvents", "t", since)[0]

    def missed(self, since):
        return self.manager_call("ListEvents", "t", since)[1]

    def wait_events(self, n, kind):
        def found():
            events = [e for e in self.events() if e[2] == kind]
            return len(events) >= n and events

        return wait_until(found, f"{n} events {kind}")

    def test_none(self):
        """That a VM has come, with its first quota, is none."""
        self.assertEqual(self.manager_call("ListEvents", "t", 0), ([], False))

    def test_quota_changed(self):
        self.root.process(os.getpid(), "/user.slice/user-1000.slice/session-2.scope")
        self.set_quota(WEB, 6)
        ((sequence, usec, kind, uuid, name, message, details),) = self.events()
        self.assertGreater(sequence, self.begin)
        self.assertLess(sequence, 2**53)
        self.assertTrue(self.begin < usec <= time.time() * 1_000_000)
        self.assertEqual((kind, uuid, name), ("quota-changed", WEB, "web"))
        self.assertEqual(message, "Quota of VM web is now 6 (persistent), it was 1000.")
        self.assertEqual(
            details,
            {
                "previous": 1000,
                "quota": 6,
                "source": "persistent",
                "uid": CALLER_UID,
                "pid": os.getpid(),
                "unit": "session-2.scope",
            },
        )
        self.daemon.wait_output(message)

    def test_who_in_no_unit(self):
        self.reset_quota(WEB)
        self.set_quota(WEB, 6, runtime=True)
        self.set_quota(WEB, 7, dry_run=True)
        ((*_, details),) = self.events()
        self.assertNotIn("unit", details)
        self.assertEqual((details["uid"], details["pid"]), (CALLER_UID, os.getpid()))

    def test_nobody_asked(self):
        """A reload that changes a VM's quota and the default."""
        self.add_machine("db", DB, 2)
        self.wait_vm("db")
        self.root.config("[Manager]\nDefaultQuota=20\n[Rule web]\nMatchName=web\nQuota=5\n")
        self.daemon.reload()
        events = {e[2]: e for e in self.events()}
        self.assertEqual(len(self.events()), 2)
        self.assertEqual(events["quota-changed"][3], WEB)
        self.assertEqual(events["quota-changed"][6], {"previous": 1000, "quota": 5, "source": "rule"})
        self.assertEqual(events["default-quota-changed"][3:5], ("", ""))
        self.assertEqual(events["default-quota-changed"][6], {"previous": 1000, "quota": 20, "source": "config"})

    def test_who_reloads(self):
        """What follows from the request names the caller, all of it; the signal that asks for the same names nobody."""
        self.root.cgroup("/tenant.slice")
        self.root.config(
            "[Manager]\nDefaultQuota=20\n[Rule web]\nMatchName=web\nQuota=5\n[Slice tenant.slice]\nLimit=30\n"
        )
        self.manager_call("Reload")
        events = self.events()
        self.assertEqual(
            sorted((e[2], e[6].get("uid")) for e in events),
            [(kind, CALLER_UID) for kind in ("default-quota-changed", "quota-changed", "slice-quota-changed")],
        )
        self.assertEqual({e[6]["pid"] for e in events}, {os.getpid()})

    def test_who_reserves(self):
        self.reserve(DB, "db", quota=5)
        self.assertEqual(self.events(), [])
        self.reserve(DB, "db", quota=6)
        ((_, _, kind, uuid, _, _, details),) = self.events()
        self.assertEqual((kind, uuid, details["uid"]), ("quota-changed", DB, CALLER_UID))

    def test_default_quota(self):
        """One event, however many VMs follow."""
        self.add_machine("db", DB, 2)
        self.wait_vm("db")
        self.set_default(30)
        self.assertEqual(self.get(DB, "Quota"), 30)
        ((_, _, kind, uuid, _, _, details),) = self.events()
        self.assertEqual((kind, uuid), ("default-quota-changed", ""))
        self.assertEqual(
            {k: details[k] for k in ("previous", "quota", "source", "uid")},
            {"previous": 1000, "quota": 30, "source": "persistent", "uid": CALLER_UID},
        )
        self.set_default(30)
        self.assertEqual(len(self.events()), 1)

    def test_quota_exceeded(self):
        self.set_quota(WEB, 4)
        self.root.set_attribute(1, "allocated", 4)
        since = self.events()[-1][0]
        self.root.set_attribute(1, "denied", 1)
        ((_, _, _, uuid, name, message, details),) = self.wait_events(1, "quota-exceeded")
        self.assertEqual((uuid, name), (WEB, "web"))
        self.assertIn("holds 4, quota 4", message)
        self.assertEqual(
            {k: details[k] for k in ("set", "reason", "allocated", "quota", "suppressed")},
            {"set": 1, "reason": "quota", "allocated": 4, "quota": 4, "suppressed": 0},
        )
        self.assertNotIn("uid", details)
        self.assertEqual([e[2] for e in self.events(since)], ["quota-exceeded"])

    def test_refusals_without_end(self):
        """A guest cannot fill the ring; what has no event of its own is in the number of the next."""
        for denied in range(1, 9):
            self.root.set_attribute(1, "denied", denied)
            self.client.wait_signal("QuotaExceeded", timeout=20)
        self.assertEqual(len(self.wait_events(3, "quota-exceeded")), 3)

    def test_watermark(self):
        self.set_quota(WEB, 10, watermark=3)
        self.wait_attribute(1, "watermark", 3)
        self.root.set_attribute(1, "allocated", 3)
        ((*_, details),) = self.wait_events(1, "watermark-reached")
        self.assertEqual(details, {"set": 1, "allocated": 3, "watermark": 3, "suppressed": 0})

    def test_foreign_change(self):
        self.root.overwrite(f"sys/fs/cgroup{self.cgroup}/misc.max", "pasid 77\n")
        ((*_, details),) = self.wait_events(1, "foreign-change")
        self.assertEqual(
            details, {"what": "misc.max", "value": 77, "quota": 1000, "action": "revert", "suppressed": 0}
        )

    def test_since(self):
        for quota in (1, 2, 3):
            self.set_quota(WEB, quota)
        sequences = [e[0] for e in self.events()]
        self.assertEqual(sequences, list(range(sequences[0], sequences[0] + 3)))
        self.assertEqual([e[6]["quota"] for e in self.events(sequences[0])], [2, 3])
        self.assertEqual(self.events(sequences[2]), [])
        self.assertFalse(self.missed(sequences[0]))
        self.assertTrue(self.missed(1))

    def test_clock_set_back(self):
        """A number from a run in the future: its owner has seen nothing of this one."""
        self.set_quota(WEB, 6)
        ((sequence, *_),) = self.events()
        self.assertEqual(self.manager_call("ListEvents", "t", sequence), ([], False))
        for since in (sequence + 1, sequence + 3600 * 10**6, 2**64 - 1):
            self.assertEqual([e[0] for e in self.events(since)], [sequence])
            self.assertTrue(self.missed(since))

    def test_slice(self):
        self.root.cgroup("/tenant.slice")
        self.set_slice("tenant.slice", 50)
        self.set_slice("tenant.slice", 40, dry_run=True)
        ((_, _, kind, uuid, _, message, details),) = self.events()
        self.assertEqual((kind, uuid), ("slice-quota-changed", ""))
        self.assertEqual(message, "The limit of slice tenant.slice is now 50 (persistent), it was max.")
        self.assertEqual(
            {k: details[k] for k in ("slice", "previous", "quota", "source", "uid")},
            {
                "slice": "tenant.slice",
                "previous": 2**32 - 1,
                "quota": 50,
                "source": "persistent",
                "uid": CALLER_UID,
            },
        )
        # What is refused has not changed.
        self.root.block("sys/fs/cgroup/tenant.slice/misc.max")
        with self.assertRaises(BusError):
            self.set_slice("tenant.slice", 40)
        self.assertEqual(len(self.events()), 1)
        (self.root.path / "sys/fs/cgroup/tenant.slice/misc.max").unlink()
        self.root.write("sys/fs/cgroup/tenant.slice/misc.max", "pasid 50\n")

        self.root.config("[Slice tenant.slice]\nLimit=30\n")
        self.reset_slice("tenant.slice")
        self.daemon.reload()
        self.assertEqual(
            [(e[6]["previous"], e[6]["quota"], e[6]["source"], "uid" in e[6]) for e in self.events()[1:]],
            [(50, 2**32 - 1, "none", True), (2**32 - 1, 30, "config", False)],
        )
        # Nor is what is found at start a change.
        self.restart()
        self.assertEqual(self.events(), [])

    def test_foreign_change_of_a_slice(self):
        self.root.cgroup("/tenant.slice")
        self.set_slice("tenant.slice", 50)
        self.root.overwrite("sys/fs/cgroup/tenant.slice/misc.max", "pasid 77\n")
        ((*_, details),) = self.wait_events(1, "foreign-change")
        self.assertEqual(
            details,
            {
                "slice": "tenant.slice",
                "what": "misc.max",
                "value": 77,
                "quota": 50,
                "action": "revert",
                "suppressed": 0,
            },
        )

    def test_ring_is_full(self):
        for i in range(1100):
            self.set_quota(WEB, i % 2, runtime=True)
        events = self.events()
        self.assertEqual(len(events), 1024)
        self.assertEqual([e[6]["quota"] for e in events[-2:]], [0, 1])
        self.assertFalse(self.missed(events[0][0]))
        self.assertTrue(self.missed(events[0][0] - 2))

    def test_restart(self):
        """Nothing comes twice, and who has seen the last event of the run before sees the first of this one."""
        self.set_quota(WEB, 6)
        before = self.events()[-1][0]
        self.restart()
        self.assertEqual(self.events(before), [])
        self.set_quota(WEB, 7)
        ((sequence, *_),) = self.events(before)
        self.assertGreater(sequence, before)
        self.assertTrue(self.missed(before))


class Catalog(unittest.TestCase):
    """Every MESSAGE_ID has its entry, and the entries of events say what to do."""

    def setUp(self):
        self.ids = dict(
            re.findall(r'^#define (MESSAGE_\w+) +"([0-9a-f]{32})"$', (SOURCE / "daemon/model/messages.h").read_text(), re.M)
        )
        text = (SOURCE / "conf/pasidd.catalog").read_text()
        self.entries = dict(re.findall(r"^-- ([0-9a-f]{32})\n(.*?)(?=^-- |\Z)", text, re.M | re.S))

    def test_complete(self):
        self.assertGreater(len(self.ids), 10)
        self.assertEqual(len(set(self.ids.values())), len(self.ids))
        self.assertEqual(sorted(self.ids.values()), sorted(self.entries))

    def test_form(self):
        for message_id, entry in self.entries.items():
            with self.subTest(id=message_id):
                header, _, body = entry.partition("\n\n")
                self.assertRegex(header, r"\ASubject: .+\nDefined-By: pasidd\nDocumentation: man:pasidd\(8\)")
                self.assertTrue(body.strip())
                for line in entry.splitlines():
                    self.assertLessEqual(len(re.sub("@.*?@", "", line)), 82)
                self.assertLessEqual(
                    set(re.findall("@(.*?)@", entry)),
                    {"PASID_VM_NAME", "PASID_VM_UUID", "PASID_SET", "PASID_QUOTA", "PASID_SLICE"},
                )

    def test_events_say_what_to_do(self):
        for name in (
            "QUOTA_SET",
            "QUOTA_EXCEEDED",
            "WATERMARK_REACHED",
            "FOREIGN_CHANGE",
            "RESYNC",
            "DEFAULT_QUOTA_SET",
            "OVERCOMMITTED",
            "SLICE_LIMIT_SET",
        ):
            with self.subTest(name=name):
                self.assertRegex(self.entries[self.ids["MESSAGE_" + name]], '"?pasidctl[ \n]')

    def test_records_use_them(self):
        source = "".join(p.read_text() for p in (SOURCE / "daemon").rglob("*.c"))
        for name in self.ids:
            with self.subTest(name=name):
                self.assertIn(name, source)


if __name__ == "__main__":
    main()
