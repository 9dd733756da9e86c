#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The verbs about policy and events with a fake daemon: their calls and their output."""

import ast

from ctlenv import *
from minibus import BusError

# nova/compute/provider_config.py of a source of Nova.
NOVA_PROVIDER_CONFIG = os.environ.get("NOVA_PROVIDER_CONFIG")
NONE = 2**32 - 1
NONE64 = 2**64 - 1


class FakeDaemon:
    """org.pasidd1 with one VM and canned answers; keeps the calls."""

    def __init__(self, bus):
        self.calls = []
        self.answers = {}
        self.manager = {
            "State": ("s", "running"),
            "Status": ("s", "all well"),
            "Capacity": ("u", 1000),
            "Allocated": ("u", 15),
            "OvercommitRatio": ("d", 1.5),
        }
        self.vm = {
            "UUID": ("s", WEB),
            "Name": ("s", "web"),
            "State": ("s", "running"),
            "Quota": ("u", 4),
            "QuotaSource": ("s", "metadata"),
            "QuotaInForce": ("b", True),
            "Watermark": ("u", 3),
            "Allocated": ("u", 5),
        }
        c = self.connection = bus.connect()
        for member in (
            "Explain ListSlices SetSliceQuota ResetSliceQuota ListOverrides SetOverrides Reconcile ListEvents".split()
        ):
            c.handle(MANAGER, member, lambda message, member=member: self.answer(member, message))
        c.handle(MANAGER, "GetVM", lambda message: ("o", (vm_path(WEB),)))
        c.handle(PROPERTIES, "GetAll", lambda message: ("a{sv}", (self.vm if "/vm/" in message.fields[1] else self.manager,)))
        c.handle(PROPERTIES, "Get", lambda message: ("v", (self.manager[message.args[1]],)))
        c.handle(
            "org.freedesktop.DBus.ObjectManager",
            "GetManagedObjects",
            lambda message: ("a{oa{sa{sv}}}", ({vm_path(WEB): {VM: self.vm}},)),
        )
        c.request_name(BUS_NAME)

    def answer(self, member, message):
        self.calls.append((member, *message.args))
        answer = self.answers[member]
        if isinstance(answer, BusError):
            raise answer
        return answer

    def stop(self):
        self.connection.close()


class PolicyTest(CtlTest):
    def setUp(self):
        super().setUp()
        self.fake = FakeDaemon(self.bus)
        self.addCleanup(self.fake.stop)

    def answer(self, member, signature, *args):
        self.fake.answers[member] = (signature, args)


class Explain(PolicyTest):
    def setUp(self):
        super().setUp()
        self.answer(
            "Explain",
            "oa(ssssusus)a(sssutub)",
            vm_path(WEB),
            [
                ("runtime", "", "/run/pasidd/state", "unset", 0, "unset", 0, "not overridden"),
                ("persistent", "", "/var/lib/pasidd/state", "unset", 0, "wins", 3, "set by set-quota"),
                ("metadata", "", "", "wins", 4, "outranked", 2, "of the domain"),
                ("rule", "gold", "/etc/pasidd/pasidd.conf:12", "no-match", 0, "unset", 0, "MatchName=db-* does not fit"),
                ("default", "", "", "outranked", 100, "outranked", 0, "DefaultQuota="),
            ],
            [
                ("", "kernel", "", 1000, 107, 15, True),
                ("machine.slice", "none", "", NONE, NONE64, NONE, True),
                ("machine-a.slice", "config", "/etc/pasidd/pasidd.conf:3", 50, 60, 9, False),
            ],
        )

    def test_tree(self):
        lines = self.ok("explain", "web").splitlines()
        self.assertEqual(self.fake.calls, [("Explain", WEB)])
        self.assertEqual(lines[0].split(), ["WHO", "QUOTA", "WATERMARK", "WHY"])
        for line, (depth, pattern) in zip(
            lines[1:],
            (
                (0, r"^host +capacity 1000, 107 committed$"),
                (1, r"^└─machine.slice +no limit$"),
                (2, r"^  └─machine-a.slice +limit 50, 60 committed, not in force \(/etc/pasidd/pasidd.conf:3\)$"),
                (3, r"^    └─web +4 +3 +in force$"),
                (4, r"^      ├─runtime +- +- +not overridden"),
                (4, r"^      ├─persistent +- +3 \* +set by set-quota \(/var"),
                (4, r"^      ├─metadata +4 \* +2 +of the domain$"),
                (4, r"^      ├─rule gold +- +- +MatchName=db-\* does not fit \(/etc/pasidd/pasidd.conf:12\)$"),
                (4, r"^      └─default +100 +off +DefaultQuota=$"),
            ),
        ):
            with self.subTest(depth=depth):
                self.assertRegex(line, pattern)
        self.assertIn("* marks", lines[-1])
        self.extra_environment = {"SYSTEMD_COLORS": "1"}
        self.assertEqual(self.ok("explain", "web").count("\x1b[32m"), 2)

    def test_json(self):
        shown = self.json("explain", "web")
        self.assertEqual((shown["uuid"], shown["quota"], shown["watermark"]), (WEB, 4, 3))
        self.assertEqual([c["quota_verdict"] for c in shown["candidates"]].index("wins"), 2)
        self.assertNotIn("limit", shown["limits"][1])
        self.assertEqual(shown["limits"][2]["limit"], 50)
        self.assert_documented("explanation", shown)


class Slices(PolicyTest):
    def setUp(self):
        super().setUp()
        self.answer(
            "ListSlices",
            "a(sssutuubs)",
            [
                ("machine.slice", "none", "", NONE, 107, 15, 20, True, ""),
                ("a.slice", "persistent", "/var/lib/pasidd/state", 64, 60, 9, 9, False, "no such slice"),
            ],
        )

    def test_list(self):
        lines = self.ok("slices").splitlines()
        self.assertEqual(lines[0].split(), "SLICE LIMIT SOURCE COMMITTED ALLOCATED PEAK INFORCE".split())
        self.assertEqual(lines[1].split(), ["machine.slice", "-", "none", "107", "15", "20", "yes"])
        self.assertEqual(self.ok("slices", "-o", "error", "--no-legend"), "-\nno such slice\n")
        slices = self.json("slices")
        self.assert_documented("array of slice", slices)
        self.assertNotIn("limit", slices[0])
        self.assertEqual(slices[1]["limit"], 64)

    def test_set(self):
        self.answer("SetSliceQuota", "us", NONE, "persistent")
        self.assertEqual(
            self.run_ctl("set-quota", "--slice=a.slice", "64"),
            (OK, "a.slice: limit none -> 64 (persistent)\n", "a.slice: the limit is not in force: no such slice\n"),
        )
        self.assertEqual(self.fake.calls[-2], ("SetSliceQuota", "a.slice", 64, {}))
        self.answer("SetSliceQuota", "us", 64, "runtime")
        self.assertEqual(
            self.ok("set-quota", "--slice", "a.slice", "max", "--runtime", "--dry-run"),
            "a.slice: limit would change 64 -> none (runtime)\n",
        )
        self.assertEqual(
            self.fake.calls[-1], ("SetSliceQuota", "a.slice", NONE, {"runtime": True, "dry-run": True})
        )
        self.answer("ListSlices", "a(sssutuubs)", [])
        self.assert_documented("change", self.json("set-quota", "--slice=a.slice", "5"))
        for arguments, pattern in (
            (("--slice=a.slice",), "Too few arguments"),
            ((b"--slice=\xff", "5"), "not valid UTF-8"),
            (("--slice=a.slice", "web", "5"), "'web': name either a VM or"),
            (("--slice=a.slice", "5", "--watermark=3"), "cannot be used with --slice="),
        ):
            self.fail_with(USAGE, pattern, "set-quota", *arguments)

    def test_reset(self):
        self.answer("ResetSliceQuota", "us", NONE, "none")
        self.assertEqual(self.ok("reset-quota", "--slice=a.slice"), "a.slice: limit 64 -> none (none)\n")
        self.assertEqual(self.fake.calls[-1], ("ResetSliceQuota", "a.slice", {}))
        self.fail_with(USAGE, "Unexpected argument", "reset-quota", "--slice=a.slice", "web")
        self.fail_with(USAGE, "Too few arguments", "reset-quota")


class Reconcile(PolicyTest):
    def test_reconcile(self):
        self.answer("Reconcile", "a(ssssss)", [])
        self.assertEqual(self.ok("reconcile"), "No differences found.\n")
        self.assertEqual(self.json("reconcile"), [])
        self.answer("Reconcile", "a(ssssss)", [("vm", WEB, "web", "set 5 quota", "9", "4")])
        self.assertEqual(
            self.ok("reconcile", "--no-legend").split(), ["vm", "web", "set", "5", "quota", "9", "4"]
        )
        self.assert_documented("array of repair", self.json("reconcile"))


class Events(PolicyTest):
    def setUp(self):
        super().setUp()
        self.answer(
            "ListEvents",
            "a(ttssssa{sv})b",
            [
                (3, 1000 * 10**6, "resync", "", "", "lost events", {"why": ("s", "gap")}),
                (
                    7,
                    1700000000 * 10**6,
                    "quota-exceeded",
                    WEB,
                    "web",
                    "refused a PASID",
                    {"set": ("t", 5), "reason": ("s", "quota"), "new": ("s", "a b")},
                ),
            ],
            True,
        )

    def test_events(self):
        out = self.ok("events")
        self.assertEqual(self.fake.calls, [("ListEvents", 0)])
        self.assertEqual(out.splitlines()[0].split(), ["TIME", "TYPE", "NAME", "MESSAGE"])
        self.assertEqual(out.splitlines()[2], "2023-11-14 22:13:20 quota-exceeded web  refused a PASID")
        self.assertIn("Earlier events", out)
        self.assertEqual(self.ok("events", "-o", "details", "--no-legend").splitlines()[1], 'set=5 reason=quota new="a b"')
        events = self.json("events")
        self.assert_documented("array of past event", events)
        self.assertEqual(events[1]["details"], {"set": 5, "reason": "quota", "new": "a b"})
        self.assertEqual(events[1]["time"], "2023-11-14T22:13:20.000000+00:00")

    def test_since(self):
        self.assertEqual([e["sequence"] for e in self.json("events", "--since=@1001")], [7])
        self.assertEqual([e["sequence"] for e in self.json("events", "--since=2023-11-14 22:13:20")], [7])
        for arguments in (("--since=1h",), ("--since=-1h",), ("--since", "-1h")):
            self.assertEqual(self.ok("events", *arguments), "No events.\n")
        self.fail_with(USAGE, "Invalid --since=soon", "events", "--since=soon")


class Overrides(PolicyTest):
    ROWS = [
        ("persistent", "vm", WEB, "web", {"quota": ("u", 4), "watermark": ("u", 3)}),
        ("runtime", "slice", "a.slice", "", {"quota": ("u", 64)}),
        ("persistent", "slice", "a.slice", "", {"quota": ("u", NONE)}),
        ("persistent", "default", "", "", {"quota": ("u", 9)}),
    ]

    def setUp(self):
        super().setUp()
        self.answer("ListOverrides", "a(ssssa{sv})", self.ROWS)
        self.answer("SetOverrides", "u", 4)

    def write(self, text):
        self.root.write("overrides.json", text)
        return str(self.root.path / "overrides.json")

    def test_round_trip(self):
        exported = self.ok("export")
        self.assertEqual(exported, self.ok("export", "--json=pretty"))
        self.assert_documented("overrides", json.loads(exported))
        self.fake.calls.clear()
        self.assertEqual(self.ok("import", self.write(exported)), "4 overrides, of which 4 changed something.\n")
        # One call for all.
        rows = [(*row[:4], {key: value for key, (_, value) in row[4].items()}) for row in self.ROWS]
        self.assertEqual(self.fake.calls, [("SetOverrides", rows, {})])
        self.fake.calls.clear()
        status, out, _ = self.run_ctl("import", "-", "--dry-run", "--json=short", stdin=exported)
        self.assertEqual((status, json.loads(out)), (OK, {"overrides": 4, "changed": 4, "dry_run": True}))
        self.assertEqual({call[-1]["dry-run"] for call in self.fake.calls}, {True})

    def test_bad_file(self):
        exported = self.ok("export")
        self.fake.calls.clear()
        self.fail_with(FAILURE, "quota 5000000 is not a number.*Nothing was changed", "import", self.write(exported.replace("64", "5000000")))
        # Only a slice can be without a limit.
        unlimited = json.loads(exported)
        unlimited["overrides"][3]["values"]["quota"] = NONE
        self.fail_with(FAILURE, f"override 4: quota {NONE} is not a number", "import", self.write(json.dumps(unlimited)))
        self.fail_with(FAILURE, "not a JSON object", "import", self.write("x"))
        self.fail_with(FAILURE, "unexpected data after.*Nothing was changed", "import", self.write(exported + exported))
        self.fail_with(FAILURE, "larger than", "import", self.write(" " * (16 * 1024 * 1024 + 1)))
        self.fail_with(FAILURE, "/nonexistent: No such file", "import", "/nonexistent")
        self.assertEqual(self.fake.calls, [])

    def test_refused(self):
        path = self.write(self.ok("export"))
        for name, status, more in (
            ("org.freedesktop.DBus.Error.AccessDenied", DENIED, ""),
            ("org.freedesktop.DBus.Error.InvalidArgs", FAILURE, "pasidctl: Nothing was changed.\n"),
            ("org.freedesktop.DBus.Error.UnknownMethod", FAILURE, "pasidctl: Nothing was changed.\n"),
            ("org.freedesktop.DBus.Error.NoReply", NOT_RUNNING, "pasidctl: It is not known whether anything was changed"),
        ):
            self.fake.answers["SetOverrides"] = BusError(name, "Override 1: no")
            self.fail_with(status, f"Override 1: no.*\n{more}", "import", path)

    def assert_nova_accepts(self, text):
        """By the schema in Nova's own source."""
        try:
            import jsonschema
            import yaml
        except ImportError as e:
            self.skipTest(str(e))
        tree = ast.parse(pathlib.Path(NOVA_PROVIDER_CONFIG).read_text())
        schema = next(
            ast.literal_eval(node.value)
            for node in tree.body
            if isinstance(node, ast.Assign) and node.targets[0].id == "SCHEMA_V1"
        )
        jsonschema.validate(yaml.safe_load(text), schema)
        for spoilt in (text.replace("total:", "totals:"), text.replace("'1.0'", "'2.0'")):
            with self.assertRaises(jsonschema.ValidationError):
                jsonschema.validate(yaml.safe_load(spoilt), schema)

    @unittest.skipUnless(NOVA_PROVIDER_CONFIG, "NOVA_PROVIDER_CONFIG= does not say where Nova's schema is")
    def test_nova_schema(self):
        self.assert_nova_accepts(self.ok("export", "--format=nova-provider"))

    def test_nova(self):
        """Nova's provider configuration, schema 1.0, spelt out; the host holds 15, its VMs 5 of them."""
        text = self.ok("export", "--format=nova-provider")
        self.assertEqual(
            [line for line in text.splitlines() if not line.startswith("#")],
            [
                "meta:",
                "  schema_version: '1.0'",
                "providers:",
                "  - identification:",
                "      uuid: $COMPUTE_NODE",
                "    inventories:",
                "      additional:",
                "        - CUSTOM_PASID:",
                "            total: 1000",
                "            reserved: 10",
                "            min_unit: 1",
                "            max_unit: 1000",
                "            step_size: 1",
                "            allocation_ratio: 1.500",
            ],
        )
        self.fake.manager["Capacity"] = ("u", 0)
        self.fail_with(FAILURE, "no PASIDs to offer", "export", "--format=nova-provider")
        self.fail_with(USAGE, "Invalid --format=xml", "export", "--format=xml")
        self.fail_with(USAGE, "YAML", "export", "--format=nova-provider", "--json=short")


class Real(CtlTest):
    """The same verbs on the daemon itself."""

    config = "[Manager]\nDefaultQuota=100\n"

    def setUp(self):
        super().setUp()
        self.cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.wait_vm("web")
        self.wait_quota(1, 100)

    def test_slices(self):
        self.assertEqual(
            self.ok("set-quota", "--slice=machine.slice", "64"), "machine.slice: limit none -> 64 (persistent)\n"
        )
        self.assertEqual(self.root.limit("/machine.slice"), "pasid 64")
        slices = self.json("slices")
        self.assert_documented("array of slice", slices)
        machine = [s for s in slices if s["slice"] == "machine.slice"]
        self.assertEqual((machine[0]["limit"], machine[0]["source"], machine[0]["in_force"]), (64, "persistent", True))
        explanation = self.json("explain", "web")
        self.assert_documented("explanation", explanation)
        self.assertEqual([limit["slice"] for limit in explanation["limits"]], ["", "machine.slice"])
        self.assertRegex(self.ok("explain", "web"), r"└─machine.slice .*limit 64")
        self.assertRegex(self.ok("reset-quota", "--slice=machine.slice"), "^machine.slice: limit 64 -> none ")
        self.fail_with(USAGE, "x.service", "set-quota", "--slice=x.service", "5")

    def test_reconcile(self):
        self.assertEqual(self.ok("reconcile"), "No differences found.\n")
        self.root.overwrite(f"sys/fs/cgroup{self.cgroup}/misc.max", "pasid 5\n")
        repairs = self.json("reconcile")
        self.assert_documented("array of repair", repairs)

    def test_round_trip(self):
        self.ok("set-quota", "web", "7", "--watermark=5")
        self.ok("set-quota", "web", "6", "--runtime")
        self.ok("set-quota", "--slice=machine.slice", "64")
        self.ok("set-default", "50")
        exported = self.ok("export")
        self.assert_documented("overrides", json.loads(exported))
        self.assertEqual(len(json.loads(exported)["overrides"]), 4)
        self.ok("reset-quota", "web")
        self.ok("reset-quota", "--slice=machine.slice")
        self.ok("reset-default")
        self.assertEqual(json.loads(self.ok("export"))["overrides"], [])
        path = self.directory / "overrides.json"
        path.write_text(exported)
        self.assertEqual(self.ok("import", str(path), "--dry-run"), "4 overrides, of which 4 would change something.\n")
        self.assertEqual(json.loads(self.ok("export"))["overrides"], [])
        self.assertEqual(self.ok("import", str(path)), "4 overrides, of which 4 changed something.\n")
        self.assertEqual(self.ok("export"), exported)
        self.assertEqual(self.source(WEB), (6, "runtime"))
        self.assertEqual(self.root.quota(1), 6)
        self.assertEqual(self.ok("import", str(path)), "4 overrides, of which 0 changed something.\n")

    def test_import_of_all_or_nothing(self):
        """What only the daemon knows to be wrong."""
        self.ok("set-quota", "web", "7")
        document = json.loads(self.ok("export"))
        document["overrides"][0]["values"]["quota"] = 8
        document["overrides"].append({**document["overrides"][0], "key": "nonsense", "name": ""})
        path = self.directory / "overrides.json"
        path.write_text(json.dumps(document))
        self.fail_with(FAILURE, r'Override 2 \(nonsense\): Invalid VM key "nonsense".*\n.*Nothing', "import", str(path))
        self.assertEqual(self.source(WEB), (7, "persistent"))


if __name__ == "__main__":
    main()
