#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""All overrides, including those of VMs that are off: the basis of export and import."""

import json

from testenv import *

INVALID_QUOTA = "org.pasidd1.Error.InvalidQuota"
INVALID_SLICE = "org.pasidd1.Error.InvalidSlice"
NOT_SAVED = "org.pasidd1.Error.NotSaved"


class Overrides(BusTest):
    def setUp(self):
        super().setUp()
        self.cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.root.cgroup("/tenant.slice")
        self.start()

    def list(self):
        return self.manager_call("ListOverrides")[0]

    def set(self, layer, kind, key, name="", dry_run=False, **values):
        options = {"dry-run": ("b", True)} if dry_run else {}
        (changed,) = self.manager_call(
            "SetOverride", "ssssa{sv}a{sv}", layer, kind, key, name, self.options(values), options
        )
        return changed

    def make(self):
        self.set_quota(WEB, 5, watermark=3)
        self.set_quota(WEB, 6, runtime=True)
        self.set_default(70)
        self.manager_call("SetSliceQuota", "sua{sv}", "tenant.slice", 80, {})
        self.set("persistent", "vm", DB, "db", quota=9)
        self.set("persistent", "vm", "unit:vm.service", "vm.service", watermark=1)

    ROWS = [
        ("runtime", "vm", WEB, "web", {"quota": 6}),
        ("persistent", "default", "", "", {"quota": 70}),
        ("persistent", "slice", "tenant.slice", "", {"quota": 80}),
        ("persistent", "vm", WEB, "web", {"quota": 5, "watermark": 3}),
        ("persistent", "vm", DB, "db", {"quota": 9}),
        ("persistent", "vm", "unit:vm.service", "vm.service", {"watermark": 1}),
    ]

    def test_list(self):
        self.assertEqual(self.list(), [])
        self.make()
        self.assertEqual(self.list(), self.ROWS)

    def files(self):
        """Without serials, which are random."""
        states = [self.root.state(d) for d in (RUNTIME_STATE, PERSISTENT_STATE)]
        for state in states:
            for entry in state["vms"].values():
                entry.pop("serial", None)
                entry.pop("supersedes", None)
        return states

    def test_export_and_import(self):
        """What was listed makes the same again, elsewhere and in any order."""
        self.make()
        files = self.files()
        rows = self.list()
        for layer, kind, key, name, values in rows:
            self.assertFalse(self.set(layer, kind, key, name, **values))
        for layer, kind, key, name, _ in rows:
            self.assertTrue(self.set(layer, kind, key, name))
        self.assertEqual(self.list(), [])
        self.assertEqual(self.source(WEB), (1000, "default"))
        for layer, kind, key, name, values in reversed(rows):
            self.assertTrue(self.set(layer, kind, key, name, **values))
        self.assertEqual(sorted(map(str, self.list())), sorted(map(str, self.ROWS)))
        self.assertEqual(self.files(), files)
        self.assertEqual(self.root.quota(1), 6)
        self.assertEqual(self.root.default_quota(), 70)
        self.assertEqual(self.root.limit("/tenant.slice"), "pasid 80")

    def test_of_a_vm_that_is_off(self):
        self.set("persistent", "vm", DB.upper(), "db", quota=9, watermark=4)
        self.assertEqual(self.vm_names(), ["web"])
        cgroup = self.add_machine("db", DB, 2, sets=[2])
        self.wait_limit(cgroup, 9)
        self.wait_attribute(2, "watermark", 4)
        self.assertEqual(self.source(DB), (9, "persistent"))

    def test_of_one_that_runs(self):
        self.assertTrue(self.set("persistent", "vm", WEB, "", quota=4))
        self.assertEqual([self.root.quota(1), self.root.limit(self.cgroup)], [4, "pasid 4"])
        # The layers are apart: what is for this boot wins still.
        self.set("runtime", "vm", WEB, "", quota=3)
        self.set("persistent", "vm", WEB, "", quota=8)
        self.assertEqual(self.source(WEB), (3, "runtime"))
        self.set("runtime", "vm", WEB)
        self.assertEqual(self.source(WEB), (8, "persistent"))

    def test_dry_run(self):
        before = self.snapshot()
        self.assertTrue(self.set("persistent", "vm", WEB, dry_run=True, quota=4))
        self.assertTrue(self.set("persistent", "vm", DB, dry_run=True, quota=4))
        self.assertTrue(self.set("runtime", "slice", "tenant.slice", dry_run=True, quota=4))
        self.assertTrue(self.set("persistent", "default", "", dry_run=True, quota=4))
        self.assertFalse(self.set("persistent", "default", "", dry_run=True))
        self.assertEqual(self.snapshot(), before)

    def test_refused(self):
        before = self.snapshot()
        for name, args, values in (
            (INVALID_ARGS, ("forever", "vm", WEB), {"quota": 1}),
            (INVALID_ARGS, ("runtime", "net", WEB), {"quota": 1}),
            (INVALID_ARGS, ("runtime", "vm", "web"), {"quota": 1}),
            (INVALID_ARGS, ("runtime", "vm", ""), {"quota": 1}),
            (INVALID_ARGS, ("runtime", "vm", "unit:"), {"quota": 1}),
            (INVALID_ARGS, ("runtime", "vm", "unit:a\nb"), {"quota": 1}),
            (INVALID_ARGS, ("runtime", "vm", WEB, "a\nb"), {"quota": 1}),
            (INVALID_ARGS, ("runtime", "vm", WEB), {"limit": 1}),
            (INVALID_ARGS, ("runtime", "default", "x"), {"quota": 1}),
            (INVALID_ARGS, ("runtime", "default", ""), {"watermark": 1}),
            (INVALID_ARGS, ("runtime", "slice", "tenant.slice"), {"watermark": 1}),
            (INVALID_SLICE, ("runtime", "slice", "tenant"), {"quota": 1}),
            (INVALID_QUOTA, ("runtime", "vm", WEB), {"quota": 2**20 + 1}),
            (INVALID_QUOTA, ("runtime", "vm", DB), {"watermark": 2**20 + 1}),
            (INVALID_QUOTA, ("runtime", "default", ""), {"quota": 2**20 + 1}),
            (INVALID_QUOTA, ("runtime", "slice", "tenant.slice"), {"quota": 2**20 + 1}),
        ):
            with self.subTest(args=args):
                self.assert_error(name, None, self.set, *args, **values)
        self.assertEqual(self.snapshot(), before)

    def test_cannot_save(self):
        self.root.block_state(PERSISTENT_STATE)
        self.assert_error(NOT_SAVED, "could not be saved", self.set, "persistent", "vm", DB, quota=1)
        self.assertEqual(self.list(), [])

    def test_actions(self):
        self.polkit.mode = "no"
        for kind, key, action in (
            ("vm", WEB, "set-quota"),
            ("slice", "tenant.slice", "set-slice-quota"),
            ("default", "", "set-default-quota"),
        ):
            self.polkit.questions.clear()
            self.assert_error(ACCESS_DENIED, None, self.set, "runtime", kind, key, quota=1)
            self.assertEqual([q["action"] for q in self.polkit.questions], [f"org.pasidd1.{action}"])
        self.assertEqual(self.list(), [])

    def test_what_a_later_version_keeps(self):
        """Members that are not known here are still there after a change."""
        self.daemon.kill()
        later = {
            "version": 1,
            "future": {"a": [1, {"b": None}]},
            "vms": {WEB: {"name": "web", "override": {"quota": 5, "burst": 7}, "tags": ["x"]}, DB: {"tags": []}},
        }
        self.root.write("var/lib/pasidd/state.json", json.dumps(later))
        self.start()
        self.assertEqual(self.source(WEB), (5, "persistent"))
        self.set_quota(WEB, 6)
        later["vms"][WEB]["override"]["quota"] = 6
        self.assertEqual(self.root.state(PERSISTENT_STATE), later)
        self.reset_quota(WEB)
        del later["vms"][WEB]["override"]
        self.assertEqual(self.root.state(PERSISTENT_STATE), later)


if __name__ == "__main__":
    main()
