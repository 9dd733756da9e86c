#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many overrides in one call, as made by pasidctl import: one authorization, all or none."""

import random
import time

from ctlenv import *
from minibus import wait_until
from test_disk import NOT_APPLIED, NOT_SAVED, DiskTest

SIGNATURE = "a(ssssa{sv})a{sv}"
LIMITS_EXCEEDED = "org.freedesktop.DBus.Error.LimitsExceeded"
INVALID_QUOTA = "org.pasidd1.Error.InvalidQuota"
INVALID_SLICE = "org.pasidd1.Error.InvalidSlice"
ROWS_MAX = 4096
SIZE_MAX = 64 * 16384


def off(number):
    """The UUID of a VM that is off."""
    return f"12345678-0000-4000-8000-{number:012}"


def row(layer, kind, key, name="", **values):
    return (layer, kind, key, name, {k: ("u", v) for k, v in values.items()})


def persistent(n, quota=5):
    return [row("persistent", "vm", off(i), f"off{i}", quota=quota) for i in range(n)]


MIXED = [
    row("runtime", "vm", WEB, "web", quota=6),
    row("persistent", "default", "", quota=70),
    row("persistent", "slice", "tenant.slice", quota=80),
    row("runtime", "slice", "machine.slice", quota=2**32 - 1),
    row("persistent", "vm", WEB, "web", quota=5, watermark=3),
    row("persistent", "vm", DB, "db", quota=9),
    row("persistent", "vm", off(101), "off", quota=8),
    row("persistent", "vm", "unit:vm.service", "vm.service", watermark=1),
]


class ListTest:
    """What the tests below share; for a BusTest."""

    def prepare(self):
        self.web = self.add_machine("web", WEB, 1, sets=[1])
        self.db = self.add_machine("db", DB, 2, sets=[2])
        self.root.cgroup("/tenant.slice")

    def set_many(self, rows, client=None, flags=0, **options):
        return self.manager_call("SetOverrides", SIGNATURE, rows, self.options(options), client=client, flags=flags)[0]

    def send_many(self, rows, client=None):
        return (client or self.client).send(BUS_NAME, MANAGER_PATH, MANAGER, "SetOverrides", SIGNATURE, (rows, {}))

    def list(self):
        return self.manager_call("ListOverrides")[0]

    def plain(self, rows):
        return sorted((*r[:4], tuple(sorted((k, v) for k, (_, v) in r[4].items()))) for r in rows)

    def listed(self):
        return sorted((*r[:4], tuple(sorted(r[4].items()))) for r in self.list())

    def everything(self):
        # The answer does not wait for the files of a change that is on the disk as pending.
        for directory in (RUNTIME_STATE, PERSISTENT_STATE):
            self.root.state(directory)
        files, *rest = self.snapshot()
        # What the kernel writes ends with a newline, what pasidd writes need not.
        files = {name: text.strip() for name, text in files.items() if not name.endswith((".tmp", "/.new", "/.joint"))}
        return files, *rest, self.list(), self.slices()

    def state_files(self):
        """Without serials, which are random."""
        files = [self.root.state(d) for d in (RUNTIME_STATE, PERSISTENT_STATE)]
        for entry in [e for f in files for e in f["vms"].values()]:
            for setting in entry.values():
                if isinstance(setting, dict):
                    setting.pop("serial", None)
            entry.pop("serial", None)
        return files

    def slices(self):
        return {s[0]: s[1:] for s in self.manager_call("ListSlices")[0]}


class Lists(ListTest, BusTest):
    def setUp(self):
        super().setUp()
        self.prepare()
        self.start()

    def test_mixture(self):
        """In force, saved and remembered when the answer comes."""
        self.assertEqual(self.set_many(MIXED), len(MIXED))
        self.assertEqual(self.listed(), self.plain(MIXED))
        self.assertEqual([self.root.quota(1), self.root.limit(self.web)], [6, "pasid 6"])
        self.assertEqual([self.root.quota(2), self.root.limit(self.db)], [9, "pasid 9"])
        self.assertEqual(self.root.default_quota(), 70)
        self.assertEqual(self.root.limit("/tenant.slice"), "pasid 80")
        self.assertEqual(self.source(WEB), (6, "runtime"))
        self.assertEqual(self.get_manager("DefaultQuota"), 70)
        self.assertEqual(self.set_many(MIXED), 0)
        self.restart()
        self.assertEqual(self.listed(), self.plain(MIXED))
        # Without values they go.
        self.assertEqual(self.set_many([(*r[:4], {}) for r in MIXED]), len(MIXED))
        self.assertEqual(self.list(), [])
        self.assertEqual([self.root.quota(1), self.root.quota(2), self.root.default_quota()], [1000] * 3)
        self.assertEqual(self.root.limit("/tenant.slice"), "pasid max")

    def files(self):
        """Without serials, which are random; but a runtime override of a VM has one."""
        states = [self.root.state(d) for d in (RUNTIME_STATE, PERSISTENT_STATE)]
        for entry in states[0]["vms"].values():
            self.assertGreater(entry.pop("serial"), 0)
        return states

    def test_as_one_by_one(self):
        """The same files as by a call for each."""
        self.set_many(MIXED)
        files = self.state_files()
        self.set_many([(*r[:4], {}) for r in MIXED])
        for layer, kind, key, name, values in MIXED:
            self.manager_call("SetOverride", "ssssa{sv}a{sv}", layer, kind, key, name, values, {})
        self.assertEqual(self.state_files(), files)

    def test_default_for_others(self):
        """VMs that are not in the list follow the default that is."""
        self.set_many([row("persistent", "default", "", quota=70), row("persistent", "vm", DB, quota=9)])
        self.assertEqual([self.root.quota(1), self.root.quota(2)], [70, 9])
        self.assertEqual(self.source(WEB), (70, "default"))

    def test_empty(self):
        self.assertEqual(self.set_many([]), 0)
        self.assertEqual(self.list(), [])

    def test_dry_run(self):
        before = self.everything()
        self.assertEqual(self.set_many(MIXED, dry_run=True), len(MIXED))
        self.assertEqual(self.everything(), before)

    def test_one_question(self):
        self.set_many(MIXED)
        (question,) = self.polkit.questions
        self.assertEqual(question["action"], "org.pasidd1.set-overrides")
        self.assertEqual(
            question["details"],
            {"overrides": "8", "vms": "5", "slices": "2", "defaults": "1", "layer": "runtime,persistent"},
        )
        self.set_many(persistent(3))
        self.assertEqual(
            self.polkit.questions[-1]["details"],
            {"overrides": "3", "vms": "3", "slices": "0", "defaults": "0", "layer": "persistent"},
        )

    def test_bad_row(self):
        """Which it is, and why; nobody is asked, and nothing is changed."""
        before = self.everything()
        good = persistent(3)
        for name, pattern, bad in (
            (INVALID_ARGS, r'^Override 4 \(web\): Invalid VM key "web"', row("runtime", "vm", "web", quota=1)),
            (INVALID_ARGS, '^Override 4: Invalid VM key ""', row("runtime", "vm", "", quota=1)),
            (INVALID_ARGS, '^Override 4: Invalid VM key "unit:a', row("runtime", "vm", "unit:a\nb", quota=1)),
            (INVALID_ARGS, '^Override 4: Invalid layer "forever"', row("forever", "vm", WEB, quota=1)),
            (INVALID_ARGS, '^Override 4: Invalid kind "net"', row("runtime", "net", WEB, quota=1)),
            (INVALID_ARGS, "^Override 4: A VM's name can have", row("runtime", "vm", WEB, "a\nb", quota=1)),
            (INVALID_ARGS, '^Override 4: Unknown option "limit"', row("runtime", "vm", WEB, limit=1)),
            (INVALID_ARGS, "^Override 4: The key takes more than 260 bytes", row("runtime", "vm", "unit:" + "x" * 300)),
            (INVALID_ARGS, "^Override 4: A string in it is far too long", row("x" * 10000, "vm", WEB)),
            (INVALID_ARGS, "^Override 4: A string in it is far too long", row("runtime", "vm", WEB, **{"x" * 10000: 1})),
            (INVALID_ARGS, r"^Override 4 \(x\): The default has", row("runtime", "default", "x", quota=1)),
            (INVALID_ARGS, "^Override 4: .* no watermark", row("runtime", "default", "", watermark=1)),
            (INVALID_SLICE, r"^Override 4 \(tenant\): ", row("runtime", "slice", "tenant", quota=1)),
            (INVALID_QUOTA, f"^Override 4 .{WEB}.: Quota 1048577", row("runtime", "vm", WEB, quota=2**20 + 1)),
            (INVALID_ARGS, "^Override 4: Same layer, kind and key as override 2", row(*good[1][:3], quota=7)),
            (INVALID_ARGS, "^Override 4: Same layer", row("persistent", "vm", good[1][2].upper(), quota=7)),
        ):
            with self.subTest(pattern=pattern):
                self.assert_error(name, pattern, self.set_many, [*good, bad, persistent(5)[4]])
        self.assert_error(INVALID_ARGS, 'Unknown option "runtime"', self.set_many, good, runtime=True)
        self.assertEqual(self.everything(), before)
        self.assertEqual(self.polkit.questions, [])

    def test_denied(self):
        before = self.everything()
        self.polkit.mode = "no"
        self.assert_error(ACCESS_DENIED, "denied by polkit", self.set_many, MIXED)
        self.polkit.mode = "challenge"
        self.assert_error("org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", "Interactive", self.set_many, MIXED)
        self.assertEqual(len(self.polkit.questions), 2)
        self.assertEqual(self.everything(), before)

    def test_too_many(self):
        before = self.everything()
        self.assert_error(INVALID_ARGS, f"^There are more than {ROWS_MAX}", self.set_many, persistent(ROWS_MAX + 1))
        # By bytes, though not by number.
        rows = [(*r[:3], "x" * 255, r[4]) for r in persistent(ROWS_MAX)]
        self.assert_error(INVALID_ARGS, f"more than {SIZE_MAX} bytes", self.set_many, rows)
        self.assertEqual(self.polkit.questions, [])
        self.assertEqual(self.everything(), before)

    def test_most(self):
        """As many as there may be, and what two layers of a thousand VMs with long names take."""
        self.assertEqual(self.set_many(persistent(ROWS_MAX)), ROWS_MAX)
        self.assertEqual(len(self.list()), ROWS_MAX)
        numbers = [(layer, i) for i in range(1000) for layer in ("runtime", "persistent")]
        rows = [row(layer, "vm", off(i), "x" * 255, quota=7, watermark=5) for layer, i in numbers]
        self.assertEqual(self.set_many(rows), 2000)
        self.assertEqual(len(self.polkit.questions), 2)

    def test_kept_meanwhile(self):
        """While polkit thinks, two such calls of a user are kept, and no other of his."""
        self.polkit.mode = "hold"
        first, second, third = (self.send_many(persistent(4, quota)) for quota in (1, 2, 3))
        wait_until(lambda: len(self.polkit.held) == 2, "polkit is asked about two")
        self.assert_error(LIMITS_EXCEEDED, "wait for authorization", self.client.reply, third)
        self.assert_error(LIMITS_EXCEEDED, "wait for authorization", self.set_quota, WEB, 5)
        self.polkit.let_go()
        self.assertEqual([self.client.reply(first), self.client.reply(second)], [(4,), (4,)])
        self.assertEqual({r[4]["quota"] for r in self.list()}, {2})

    def test_of_another_type(self):
        """The larger limit is for this method, and its signature."""
        for signature, args in (("s", ("x" * 20000,)), ("a(ssss)a{sv}", ([("x" * 20000, "", "", "")], {}))):
            self.assert_error(INVALID_ARGS, "more than 16384 bytes", self.manager_call, "SetOverrides", signature, *args)

    def test_vms_that_share_a_limit(self):
        """It is the sum of the new quotas."""
        cgroup = self.add_machine("one", OTHER, 3, sets=[3])
        self.wait_vm("one")
        unit = cgroup.rsplit("/", 1)[1]
        self.root.process(1010, f"{cgroup}/libvirt/emulator")
        self.machined.add("two", off(77), unit=unit, leader=1010)
        wait_until(lambda: "two" in self.vm_names(), "it appears")
        self.set_many([row("persistent", "vm", OTHER, quota=10), row("persistent", "vm", off(77), quota=20)])
        self.assertEqual(self.root.limit(cgroup), "pasid 30")

    def test_kernel_refuses(self):
        """All is as it was, in the kernel, too; and it is said what was refused."""
        self.set_many(MIXED)
        before = self.everything()
        changed = [(*r[:4], {k: ("u", 11) for k in r[4]}) for r in MIXED] + persistent(20)[10:]
        for path, pattern in (
            (f"sys/fs/cgroup{self.db}/misc.max", "quota of VM db: .*misc.max"),
            (f"sys/fs/cgroup{self.web}/misc.max", "quota of VM web: .*misc.max"),
            ("sys/fs/cgroup/tenant.slice/misc.max", "limit of tenant.slice: .*misc.max"),
            ("sys/module/vfio_pasid/parameters/default_quota", "default quota: "),
        ):
            with self.subTest(path=path):
                (self.root.path / path).chmod(0o444)
                self.assert_error(NOT_APPLIED, pattern, self.set_many, changed)
                (self.root.path / path).chmod(0o644)
                self.manager_call("Reconcile")
                self.assertEqual(self.everything(), before)
        self.restart()
        self.assertEqual(self.everything(), before)

    def test_run_is_full(self):
        """The runtime layer cannot be saved: the persistent one is as before, too."""
        self.set_many(MIXED)
        before = self.everything()
        blocked = self.root.block_state(RUNTIME_STATE)
        changed = [(*r[:4], {k: ("u", 11) for k in r[4]}) for r in MIXED]
        self.assert_error(NOT_SAVED, "overrides could not be saved", self.set_many, changed)
        shutil.rmtree(blocked)
        self.assertEqual(self.everything(), before)


class NewSlices(BusTest):
    """Slices that pasidd did not watch before: looking through them finds cgroups, and machines that are none."""

    def set_both(self, slice_name):
        return self.manager_call(
            "SetOverrides",
            SIGNATURE,
            [row("runtime", "slice", slice_name, quota=80), row("runtime", "vm", WEB, "web", quota=8)],
            {},
        )[0]

    def test_vm_goes(self):
        """A machine without a cgroup is found in a session of user.slice, where there are no VMs."""
        unit = "session-3.scope"
        self.root.cgroup("/user.slice")
        self.root.cgroup("/user.slice/user-1000.slice")
        self.start()
        self.root.cgroup(f"/user.slice/user-1000.slice/{unit}")
        self.machined.add("evil", WEB, unit, 1001)
        wait_until(lambda: self.vm_names() == ["evil"], "the machine is a VM")
        self.set_both("user-1000.slice")
        self.assertNotIn("evil", self.vm_names())
        self.assertEqual(self.root.limit("/user.slice/user-1000.slice"), "pasid 80")

    def check_cgroup_found(self, action):
        """The numbers of a VM are planned after its cgroup has been found: what is committed is what was written."""
        unit = "machine-qemu\\x2d1\\x2dweb.scope"
        cgroup = f"/tenant.slice/{unit}"
        self.root.config(f"[Manager]\nForeignChanges={action}\n")
        self.root.cgroup("/tenant.slice")
        self.start()
        self.root.process(1001, "/system.slice/libvirtd.service")
        self.machined.add("qemu-1-web", WEB, unit, 1001)
        wait_until(lambda: len(self.vm_names()) == 1, "the machine is a VM")
        self.root.cgroup(cgroup)
        self.set_both("tenant.slice")
        self.assertEqual(self.root.limit(cgroup), "pasid 8")
        # What inotify has to say of these writes has been heard by then.
        self.manager_call("Reconcile")
        self.assertEqual(self.root.limit(cgroup), "pasid 8")
        self.assertEqual(self.source(WEB), (8, "runtime"))
        self.assertNotIn("Somebody else", self.daemon.text())

    def test_cgroup_found_revert(self):
        self.check_cgroup_found("revert")

    def test_cgroup_found_adopt(self):
        self.check_cgroup_found("adopt")


class Disk(ListTest, DiskTest):
    def setUp(self):
        super().setUp()
        self.root.cgroup("/tenant.slice")
        self.start()

    def test_answer_waits(self):
        """For one write of the file; meanwhile nothing has changed, and others go on."""
        before = self.everything()
        self.hold()
        serial = self.send_many(MIXED)
        wait_until(self.synced, "the file is synced")
        self.assertEqual(self.everything(), before)
        # Another VM's override that touches no disk does not wait; one of the list does.
        self.manager_call("SetOverride", "ssssa{sv}a{sv}", *row("runtime", "vm", off(99), quota=1), {})
        args = (*row("runtime", "vm", WEB, quota=44), {})
        second = self.client.send(BUS_NAME, MANAGER_PATH, MANAGER, "SetOverride", "ssssa{sv}a{sv}", args)
        third = self.send_many([row("runtime", "vm", DB, quota=45)])
        self.assertFalse(self.answered(serial) or self.answered(second) or self.answered(third))
        self.let_go()
        self.assertEqual(self.client.reply(serial), (len(MIXED),))
        self.assertEqual([self.client.reply(second), self.client.reply(third)], [(True,), (1,)])
        self.assertEqual(self.source(WEB), (44, "runtime"))
        self.assertEqual(self.source(DB), (45, "runtime"))
        # The file and its directory, once each.
        self.assertEqual(len(self.synced()), 5)  # parent, pending change, directory, the files, directory

    def test_not_saved(self):
        self.set_many(MIXED[:4])
        before = self.everything()
        self.break_at("file", len([s for s in self.synced() if s.endswith("/.new")]) + 1)
        self.assert_error(
            NOT_SAVED, "^The overrides could not be saved: Input/output error$", self.set_many, persistent(10) + MIXED[4:]
        )
        self.assertEqual(self.everything(), before)
        self.restart()
        self.assertEqual(self.everything(), before)

    def test_directory_is_not_synced(self):
        """The file is the new one by then, and is restored."""
        self.set_many(MIXED[:4])
        before = self.everything()
        self.break_at("directory", len([s for s in self.synced() if s.endswith(("/pasidd", "/state")) and not s.startswith("fs ")]) + 1)
        self.assert_error(NOT_SAVED, "could not be saved: Input/output error$", self.set_many, persistent(10))
        self.assertEqual(self.everything(), before)
        self.restart()
        self.assertEqual(self.everything(), before)

    def test_stopped(self):
        """What is under way is finished, what waits is refused."""
        self.hold()
        first = self.send_many(MIXED)
        wait_until(self.synced, "the file is synced")
        second = self.send_many(persistent(5))
        self.client.sync()
        self.daemon.process.terminate()
        self.assert_error(NOT_SAVED, "being stopped", self.client.reply, second)
        self.let_go()
        self.assertEqual(self.client.reply(first), (len(MIXED),))
        self.assertEqual(self.daemon.wait(), 0)
        self.assertEqual(len(self.root.state(PERSISTENT_STATE)["vms"]), 4)

    def test_adopted_meanwhile(self):
        """Somebody else's value is not adopted while a change of the same key is under way, which is not to lose to it."""
        self.daemon.kill()
        self.root.config("[Manager]\nForeignChanges=adopt\n")
        self.start()
        self.hold()
        serial = self.send_many([row("persistent", "vm", DB, quota=9), row("runtime", "vm", WEB, quota=6)])
        wait_until(self.synced, "the file is synced")
        for uuid, cgroup in ((WEB, self.web), (DB, self.db)):
            self.root.overwrite(f"sys/fs/cgroup{cgroup}/misc.max", "pasid 33\n")
            self.wait_limit(cgroup, 1000)
            self.assertEqual(self.source(uuid), (1000, "default"))
        self.let_go()
        self.assertEqual(self.client.reply(serial), (2,))
        self.assertEqual((self.source(WEB), self.source(DB)), ((6, "runtime"), (9, "persistent")))

    def test_single_change_adopted_meanwhile(self):
        """The same of a SetQuota, which is to remove whatever the runtime layer has."""
        self.daemon.kill()
        self.root.config("[Manager]\nForeignChanges=adopt\n")
        self.start()
        self.hold()
        serial = self.client.send(BUS_NAME, vm_path(WEB), VM, "SetQuota", "ua{sv}", (3, {}))
        wait_until(self.synced, "the file is synced")
        self.root.overwrite(f"sys/fs/cgroup{self.web}/misc.max", "pasid 33\n")
        self.wait_limit(self.web, 1000)
        self.let_go()
        self.client.reply(serial)
        self.assertEqual((self.source(WEB), self.root.limit(self.web)), ((3, "persistent"), "pasid 3"))


class Kill(ListTest, BusTest):
    def test_killed(self):
        """At any moment: each layer is the old one or the new one."""
        self.prepare()
        self.start()
        seed = random.SystemRandom().randrange(10**6)
        print(f"# seed {seed}")
        chance = random.Random(seed)
        old = 1
        self.set_many(self.rows(old))
        for new in range(2, 32):
            with self.subTest(seed=seed, new=new):
                serial = self.send_many(self.rows(new))
                time.sleep(chance.random() * 0.04)
                self.client.sync()
                answered = serial in self.client.replies
                self.daemon.kill()
                self.repair()
                self.start()
                values = {layer: {r[4]["quota"] for r in self.list() if r[0] == layer} for layer in ("runtime", "persistent")}
                for layer, found in values.items():
                    self.assertEqual(len(found), 1, values)
                    self.assertTrue(found <= ({new} if answered else {old, new}), values)
                self.assertEqual(len(self.list()), len(self.rows(new)))
                # The persistent file is written first.
                if values["runtime"] == {new}:
                    self.assertEqual(values["persistent"], {new})
                (quota,) = values["runtime"]
                self.assertEqual(self.source(WEB), (quota, "runtime"))
                self.wait_quota(1, quota)
                self.wait_limit("/tenant.slice", *values["persistent"])
                self.set_many(self.rows(new))
                old = new

    def repair(self):
        """Here a write is two steps, the first of which empties the file; in the kernel it is one."""
        for path in self.root.path.glob("sys/**/*"):
            if path.name in ("misc.max", "quota", "watermark", "default_quota") and not path.read_text():
                text = "pasid 1\n" if path.name == "misc.max" else "1\n"
                self.root.write(path.relative_to(self.root.path), text)

    def rows(self, quota):
        return persistent(60, quota) + [
            row("persistent", "slice", "tenant.slice", quota=quota),
            row("persistent", "default", "", quota=quota),
            row("persistent", "vm", WEB, quota=quota),
            row("runtime", "vm", WEB, quota=quota),
            *(row("runtime", "vm", off(n), quota=quota) for n in range(40)),
        ]


class Import(ListTest, CtlTest):
    def setUp(self):
        super().setUp()
        self.prepare()
        self.start()

    def write(self, rows):
        path = self.directory / "overrides.json"
        overrides = [
            dict(zip(("layer", "kind", "key", "name", "values"), (*r[:4], {k: v for k, (_, v) in r[4].items()})))
            for r in rows
        ]
        path.write_text(json.dumps({"version": 1, "overrides": overrides}))
        return str(path)

    @unittest.skipUnless(IS_ROOT, "needs root rights, to be another user than the daemon")
    def test_one_question(self):
        """However many there are, and of whatever kind; a dry run, too."""
        path = self.write([*persistent(3), *MIXED[:7]])
        self.assertEqual(self.ok("import", path), "10 overrides, of which 10 changed something.\n")
        self.assertEqual(len(self.polkit.questions), 1)
        self.assertEqual(self.polkit.questions[0]["flags"], 1)
        self.assertEqual(self.ok("import", path, "--dry-run"), "10 overrides, of which 0 would change something.\n")
        self.assertEqual(len(self.polkit.questions), 2)

    def test_bad_row(self):
        before = self.everything()
        path = self.write([*persistent(3), row("persistent", "vm", "nonsense", quota=1)])
        self.fail_with(FAILURE, r'^pasidctl: Override 4 \(nonsense\): Invalid VM key "nonsense".*\n.*Nothing was changed\.$', "import", path)
        path = self.write([*persistent(3), row("persistent", "slice", "nonsense", quota=1)])
        self.fail_with(USAGE, r"Override 4 \(nonsense\): .*\n.*Nothing was changed\.$", "import", path)
        self.assertEqual(self.everything(), before)

    @unittest.skipUnless(IS_ROOT, "needs root rights, to be another user than the daemon")
    def test_denied(self):
        before = self.everything()
        self.polkit.mode = "no"
        self.fail_with(DENIED, "^pasidctl: Permission denied by polkit. Nothing was changed", "import", self.write(MIXED))
        self.assertEqual(len(self.polkit.questions), 1)
        self.assertEqual(self.everything(), before)

    def test_too_many(self):
        before = self.everything()
        path = self.write(persistent(ROWS_MAX + 1))
        self.fail_with(FAILURE, "it has 4097 overrides, the maximum is 4096\\. Nothing was changed", "import", path)
        self.assertEqual(self.everything(), before)
        self.assertEqual(self.ok("import", self.write(persistent(ROWS_MAX))), "4096 overrides, of which 4096 changed something.\n")

    def test_not_saved(self):
        self.root.block_state(PERSISTENT_STATE)
        self.fail_with(FAILURE, r"overrides could not be saved: .*\n.*Nothing was changed\.$", "import", self.write(MIXED))
        self.assertEqual(self.list(), [])

    @unittest.skipUnless(IS_ROOT, "needs root rights, to be another user than the daemon")
    def test_daemon_dies(self):
        """Then nobody knows what has become of it."""
        self.polkit.mode = "hold"
        process = self.spawn("import", self.write(MIXED), text=True)
        wait_until(lambda: self.polkit.held, "polkit is asked")
        self.daemon.kill()
        out, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out), (NOT_RUNNING, ""))
        self.assertRegex(err, "It is not known whether anything was changed: see 'pasidctl export'")


if __name__ == "__main__":
    main()
