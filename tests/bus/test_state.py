#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""State: after SIGKILL, after a reboot, and with files that are invalid or cannot be written."""

import json

from minibus import wait_until
from testenv import *

OLD_PERSISTENT = "var/lib/pasidd/state.json"
OLD_RUNTIME = "run/pasidd/state.json"
NOT_SAVED = "org.pasidd1.Error.NotSaved"


class Restart(BusTest):
    def setUp(self):
        super().setUp()
        self.web = self.add_machine("web", WEB, 1, sets=[1])
        self.add_machine("db", DB, 2, sets=[2])
        self.start()

    def test_killed(self):
        self.set_quota(WEB, 7)
        self.set_quota(DB, 8, runtime=True, watermark=3)
        before = self.snapshot()
        self.daemon.kill()
        # As left by the last run, or tampered with while nobody looked.
        self.root.overwrite("sys/class/vfio_pasid/set1/quota", "99\n")
        self.root.overwrite(f"sys/fs/cgroup{self.web}/misc.max", "pasid max\n")
        self.start()
        wait_until(lambda: len(self.get(WEB, "Sets")) == 1 and len(self.get(DB, "Sets")) == 1, "sets are found")
        self.assertEqual(self.snapshot(), before)
        self.assertEqual(self.source(WEB), (7, "persistent"))
        self.assertEqual(self.source(DB), (8, "runtime"))
        self.assertEqual(self.root.set_value(2, "watermark"), 3)

    def test_stopped(self):
        """Quotas stay in force when the daemon stops."""
        self.set_quota(WEB, 7)
        self.assertEqual(self.daemon.stop(), 0)
        self.assertEqual(self.root.quota(1), 7)
        self.assertEqual(self.root.limit(self.web), "pasid 7")

    def test_rebooted(self):
        self.set_quota(WEB, 7)
        self.set_quota(DB, 8, runtime=True)
        self.daemon.kill()
        shutil.rmtree(self.root.path / RUNTIME_STATE)
        self.start()
        self.assertEqual(self.source(WEB), (7, "persistent"))
        self.assertEqual(self.source(DB), (1000, "default"))

    def test_killed_at_any_moment(self):
        """Kernel and file agree afterwards, whichever of the quotas it is."""
        for delay in range(0, 40, 2):
            self.client.send(BUS_NAME, vm_path(WEB), VM, "SetQuota", "ua{sv}", (10 + delay, {}))
            time.sleep(delay / 10000)
            self.daemon.kill()
            # Here a write is two steps, the first of which empties the file; in the kernel it is one.
            for name, text in (
                ("sys/class/vfio_pasid/set1/quota", "1\n"),
                (f"sys/fs/cgroup{self.web}/misc.max", "pasid 1\n"),
            ):
                if not self.root.read(name):
                    self.root.write(name, text)
            self.start()
            quota, source = self.source(WEB)
            self.wait_quota(1, quota)
            self.wait_limit(self.web, quota)
            if source == "persistent":
                saved = self.root.state(PERSISTENT_STATE)["vms"][WEB]["override"]["quota"]
                self.assertEqual(saved, quota)
        self.assertEqual([p.name for p in (self.root.path / "var/lib/pasidd").glob("*corrupt*")], [])

    def test_nothing_left_behind(self):
        for quota in range(1, 5):
            self.set_quota(WEB, quota)
            self.set_quota(DB, quota, runtime=True)
        self.reset_quota(WEB)
        self.set_quota(WEB, 5, runtime=True)
        for directory, name in ((PERSISTENT_STATE, None), (RUNTIME_STATE, WEB)):
            path = self.root.path / directory
            self.assertEqual({p.name for p in path.parent.iterdir()} - {"lock", "hook"}, {"state"})
            self.assertEqual({p.name for p in path.iterdir()} - {DB}, {name} - {None})


def document(uuid, quota):
    return json.dumps({"version": 1, "vms": {uuid: {"override": {"quota": quota}}}})


class Corrupt(BusTest):
    """One bad file costs what it is about, and nothing else."""

    def check(self, text, why, name=WEB):
        self.root.write(f"{PERSISTENT_STATE}/{name}", text)
        self.root.write(f"{PERSISTENT_STATE}/{DB}", document(DB, 5))
        self.root.own(self.root.path / PERSISTENT_STATE)
        self.add_machine("web", WEB, 1, sets=[1])
        self.add_machine("db", DB, 2, sets=[2])
        self.start()
        (line,) = self.daemon.wait_output("corrupt-1")
        aside = f"var/lib/pasidd/{name}.corrupt-1"
        self.assertIn(str(self.root.path / PERSISTENT_STATE / name), line)
        self.assertIn(str(self.root.path / aside), line)
        self.assertIn(why, line)
        self.assertEqual(self.root.read(aside), text)
        self.assertEqual(self.source(DB), (5, "persistent"))
        # Policy is derived anew, and can be changed and saved.
        self.assertEqual(self.source(WEB), (1000, "default"))
        self.set_quota(WEB, 7)
        self.restart()
        self.assertEqual(self.source(WEB), (7, "persistent"))
        self.assertEqual(self.source(DB), (5, "persistent"))
        self.assertEqual(self.root.read(aside), text)

    def test_empty(self):
        self.check("", "empty")

    def test_truncated(self):
        self.check('{"version": 1, "vms": {', "unexpected end of the document")

    def test_out_of_range(self):
        self.check(document(WEB, 2**20 + 1), "between 0 and 1048576")

    def test_wrong_name(self):
        self.check(document(DB, 6), "belongs into a file with a different name")

    def test_slice(self):
        self.check("{}", 'has no "version"', "a.slice")

    def test_pending(self):
        """What was pending was written as a whole, so somebody has damaged it: it costs itself."""
        self.root.write(f"{PERSISTENT_STATE}/.pending", "{")
        self.root.write(f"{PERSISTENT_STATE}/{WEB}", document(WEB, 5))
        self.root.own(self.root.path / PERSISTENT_STATE)
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.assertEqual(self.root.read("var/lib/pasidd/pending.corrupt-1"), "{")
        self.assertEqual(self.source(WEB), (5, "persistent"))

    def test_runtime_file(self):
        self.root.write(f"{RUNTIME_STATE}/{WEB}", "[]")
        self.root.own(self.root.path / RUNTIME_STATE)
        self.start()
        self.assertEqual(self.root.read(f"run/pasidd/{WEB}.corrupt-1"), "[]")


class Newer(BusTest):
    """What a newer version has written is not touched, and the daemon does not start."""

    TEXT = '{"version": 2, "vms": []}'

    def check(self, name):
        self.root.write(name, self.TEXT)
        self.root.write(f"{PERSISTENT_STATE}/{DB}", document(DB, 5))
        self.root.own(self.root.path / "var/lib/pasidd")
        self.daemon.spawn()
        self.assertEqual(self.daemon.wait(), EXIT_CONFIG)
        self.assertIn(f'{self.root.path}/{name}: "version" is 2, not 1', self.daemon.text())
        self.assertIn("newer version", self.daemon.text())
        self.assertEqual(self.root.read(name), self.TEXT)
        (self.root.path / name).unlink()
        self.add_machine("db", DB, 2, sets=[2])
        self.start()
        self.assertEqual(self.source(DB), (5, "persistent"))

    def test_entry(self):
        self.check(f"{PERSISTENT_STATE}/{WEB}")

    def test_runtime(self):
        self.check(f"{RUNTIME_STATE}/a.slice")

    def test_pending(self):
        self.check(f"{PERSISTENT_STATE}/.pending")

    def test_old_file(self):
        self.check(OLD_PERSISTENT)


class Old(BusTest):
    """The single files of older versions are taken over."""

    def test_taken_over(self):
        state = {
            "version": 1,
            "default-quota": 50,
            "slices": {"machine.slice": {"limit": 500}},
            "vms": {WEB: {"name": "web", "override": {"quota": 7}}, "unit:a b/c": {"override": {"quota": 9}}},
        }
        self.root.write(OLD_PERSISTENT, json.dumps(state))
        self.root.write(OLD_RUNTIME, document(DB, 8))
        self.add_machine("web", WEB, 1, sets=[1])
        self.add_machine("db", DB, 2, sets=[2])
        self.start()
        self.assertEqual((self.source(WEB), self.source(DB)), ((7, "persistent"), (8, "runtime")))
        self.assertEqual(self.root.default_quota(), 50)
        self.assertEqual(self.root.limit("/machine.slice"), "pasid 500")
        self.assertEqual(self.root.state(PERSISTENT_STATE), state)
        self.assertEqual(self.root.state(RUNTIME_STATE)["vms"], json.loads(document(DB, 8))["vms"])
        self.assertFalse(self.root.exists(OLD_PERSISTENT) or self.root.exists(OLD_RUNTIME))
        names = {p.name for p in (self.root.path / PERSISTENT_STATE).iterdir()}
        self.assertEqual(names, {"default", "machine.slice", WEB, "a%20b%2Fc"})
        # Once.
        self.set_quota(WEB, 6)
        self.restart()
        self.assertEqual(self.source(WEB), (6, "persistent"))

    def test_replaces_all(self):
        """An older version was installed again, and has not seen what stands in the files."""
        self.root.write(f"{PERSISTENT_STATE}/{DB}", document(DB, 5))
        self.root.write(OLD_PERSISTENT, document(WEB, 7))
        self.root.own(self.root.path / "var/lib/pasidd")
        self.start()
        self.assertEqual(self.root.state(PERSISTENT_STATE), json.loads(document(WEB, 7)))

    def test_corrupt(self):
        self.root.write(OLD_PERSISTENT, "{")
        self.root.write(f"{PERSISTENT_STATE}/{WEB}", document(WEB, 5))
        self.root.own(self.root.path / "var/lib/pasidd")
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.assertEqual(self.root.read(OLD_PERSISTENT + ".corrupt-1"), "{")
        self.assertEqual(self.source(WEB), (5, "persistent"))

    @unittest.skipIf(DAEMON_UID == 0, "needs a user whom modes of files can stop")
    def test_cannot_be_written(self):
        """It holds nevertheless, and is taken over once it can be."""
        self.root.write(OLD_PERSISTENT, document(WEB, 7))
        directory = (self.root.path / OLD_PERSISTENT).parent
        directory.chmod(0o555)
        self.addCleanup(directory.chmod, 0o755)
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.assertEqual(self.source(WEB), (7, "persistent"))
        self.assert_error(NOT_SAVED, "could not be saved", self.set_quota, WEB, 9)
        self.assertEqual(self.root.read(OLD_PERSISTENT), document(WEB, 7))
        directory.chmod(0o755)
        wait_until(lambda: not self.root.exists(OLD_PERSISTENT), "it is taken over", 30)
        self.assertEqual(self.root.state(PERSISTENT_STATE), json.loads(document(WEB, 7)))
        self.set_quota(WEB, 9)
        self.restart()
        self.assertEqual(self.source(WEB), (9, "persistent"))


class Pending(BusTest):
    """What the next start makes of a change that the last one has not finished."""

    ID = "0123456789abcdef0123456789abcdef"

    def setUp(self):
        super().setUp()
        self.add_machine("web", WEB, 1, sets=[1])
        self.add_machine("db", DB, 2, sets=[2])

    def pending(self, name, uuid, quota, change=None):
        text = json.loads(document(uuid, quota)) | ({"change": change} if change else {})
        self.root.write(name, json.dumps(text))
        self.root.own((self.root.path / name).parent)

    def check(self, web, db):
        self.start()
        self.assertEqual((self.source(WEB), self.source(DB)), (web, db))
        for directory in (PERSISTENT_STATE, RUNTIME_STATE):
            self.assertEqual(list((self.root.path / directory).glob(".*")), [])
        self.restart()
        self.assertEqual((self.source(WEB), self.source(DB)), (web, db))

    def test_one_layer(self):
        self.pending(f"{PERSISTENT_STATE}/.pending", WEB, 7)
        self.pending(f"{RUNTIME_STATE}/.pending", DB, 8)
        self.check((7, "persistent"), (8, "runtime"))

    def test_both_layers(self):
        self.pending(f"{PERSISTENT_STATE}/.pending", WEB, 7, self.ID)
        self.pending(f"{RUNTIME_STATE}/.joint", DB, 8, self.ID)
        self.check((7, "persistent"), (8, "runtime"))

    def test_of_another_change(self):
        self.pending(f"{PERSISTENT_STATE}/.pending", WEB, 7, self.ID)
        self.pending(f"{RUNTIME_STATE}/.joint", DB, 8, self.ID[::-1])
        self.check((7, "persistent"), (1000, "default"))

    def test_without_the_persistent_part(self):
        self.pending(f"{RUNTIME_STATE}/.joint", DB, 8, self.ID)
        self.check((1000, "default"), (1000, "default"))

    def test_rebooted(self):
        self.pending(f"{PERSISTENT_STATE}/.pending", WEB, 7, self.ID)
        self.check((7, "persistent"), (1000, "default"))


class Unusable(BusTest):
    """A state file that can neither be used nor renamed: the daemon works without it and does not change it."""

    FILE = f"{PERSISTENT_STATE}/{WEB}"

    def setUp(self):
        super().setUp()
        self.web = self.add_machine("web", WEB, 1, sets=[1])
        self.add_machine("db", DB, 2, sets=[2])

    def check(self, file, why):
        self.start()
        (line,) = self.daemon.wait_output("is unusable and stays as it is")
        self.assertIn(str(self.root.path / file), line)
        self.assertIn(why, line)
        self.assertIn(f"{self.root.path / file} is unusable", self.get_manager("Status"))
        self.wait_limit(self.web, 1000)

    def refuse(self, why, function, *args):
        before = self.snapshot()
        self.assert_error(NOT_SAVED, f"could not be saved: .*{why}", function, *args)
        self.assertEqual(self.snapshot(), before)

    def test_damaged(self):
        """/var is read-only, or full."""
        self.root.write(self.FILE, "{")
        directory = self.root.path / "var/lib/pasidd"
        directory.chmod(0o555)
        self.addCleanup(directory.chmod, 0o755)
        self.check(self.FILE, "cannot set it aside: Permission denied")
        self.refuse(f"{WEB}: .*Permission denied", self.set_quota, WEB, 9)
        self.assertEqual(self.root.read(self.FILE), "{")
        # As the log says.
        directory.chmod(0o755)
        (self.root.path / self.FILE).unlink()
        self.root.own(self.root.path / PERSISTENT_STATE)
        self.restart()
        self.assertEqual(self.set_quota(WEB, 8), (1000, "persistent"))

    def test_unreadable(self):
        """It costs one VM its override: what is about others can be saved, and this one's in the other layer."""
        (self.root.path / self.FILE).mkdir(parents=True)
        self.root.own(self.root.path / PERSISTENT_STATE)
        self.check(self.FILE, "cannot read: Is a directory")
        self.refuse("Is a directory", self.set_quota, WEB, 9)
        self.assertEqual(self.set_quota(WEB, 9, runtime=True), (1000, "runtime"))
        self.assertEqual(self.set_quota(DB, 9), (1000, "persistent"))
        self.set_default(5)
        self.set_slice("a.slice", 5)
        # None of a list that is about it, too.
        rows = [("persistent", "vm", uuid, "", {"quota": ("u", 3)}) for uuid in (WEB, DB)]
        self.refuse("Is a directory", self.manager_call, "SetOverrides", "a(ssssa{sv})a{sv}", rows, {})
        self.assertTrue((self.root.path / self.FILE).is_dir())

    def test_runtime_file(self):
        file = f"{RUNTIME_STATE}/{WEB}"
        (self.root.path / file).mkdir(parents=True)
        self.root.own(self.root.path / RUNTIME_STATE)
        self.check(file, "cannot read: Is a directory")
        self.assert_error(NOT_SAVED, "could not be saved", self.set_quota, WEB, 9, runtime=True)
        self.assertEqual(self.set_quota(WEB, 9), (1000, "persistent"))
        self.assertTrue((self.root.path / file).is_dir())

    def test_directory(self):
        """All of a layer."""
        self.root.write(PERSISTENT_STATE, "x")
        self.check(PERSISTENT_STATE, "cannot read: Not a directory")
        for function, args in ((self.set_quota, (WEB, 9)), (self.set_default, (5,)), (self.set_slice, ("a.slice", 5))):
            self.refuse("Not a directory", function, *args)
        self.assertEqual(self.set_quota(WEB, 9, runtime=True), (1000, "runtime"))
        self.assertEqual(self.root.read(PERSISTENT_STATE), "x")

    def test_old_file(self):
        """It would replace all once it can be read."""
        (self.root.path / OLD_PERSISTENT).mkdir()
        self.check(OLD_PERSISTENT, "cannot read: Is a directory")
        self.refuse("state.json: cannot read: Is a directory", self.set_quota, WEB, 9)

    def test_name(self):
        """Status is text, of one line, whatever somebody has called a file."""
        directory = self.root.path / PERSISTENT_STATE
        directory.mkdir(parents=True)
        os.mkdir(os.fsencode(directory) + b"/x\xff\ny")
        self.start()
        status = self.get_manager("Status")
        self.assertIn(r"/x\xff\x0ay is unusable", status)
        self.assertEqual(self.call(MANAGER_PATH, PROPERTIES, "GetAll", "s", (MANAGER,))[0]["Status"], status)
        self.assertIn(f"STATUS={status}", [line for text in self.daemon.states for line in text.splitlines()])

    def test_many(self):
        for uuid in (WEB, DB, OTHER):
            (self.root.path / PERSISTENT_STATE / uuid).mkdir(parents=True)
        (self.root.path / PERSISTENT_STATE / "x.slice").mkdir()
        self.root.own(self.root.path / PERSISTENT_STATE)
        self.start()
        status = self.get_manager("Status")
        self.assertEqual(status.count(" is unusable"), 3)
        self.assertTrue(status.endswith("; 1 more state files are unusable"), status)


class CannotSave(BusTest):
    def setUp(self):
        super().setUp()
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.set_quota(WEB, 7)
        self.set_quota(WEB, 8, runtime=True)

    def refuse(self, function, *args, **kwargs):
        before = self.snapshot()
        self.assert_error(NOT_SAVED, "could not be saved", function, *args, **kwargs)
        self.assertEqual(self.snapshot(), before)

    def test_persistent(self):
        self.root.block_state(PERSISTENT_STATE)
        self.refuse(self.set_quota, WEB, 9)
        self.refuse(self.reset_quota, WEB)
        self.refuse(self.set_default, 5)
        # The other file is another matter.
        self.assertEqual(self.set_quota(WEB, 9, runtime=True), (8, "runtime"))

    def test_runtime(self):
        self.root.block_state(RUNTIME_STATE)
        self.refuse(self.set_quota, WEB, 9, runtime=True)
        # Changes both layers: neither.
        self.refuse(self.reset_quota, WEB)
        self.refuse(self.set_default, 5, runtime=True)
        self.refuse(self.reserve, DB, "db", quota=5)
        # The persistent file says which runtime override it supersedes, so that one need not go.
        self.assertEqual(self.set_quota(WEB, 9), (8, "persistent"))
        self.restart()
        self.assertEqual(self.source(WEB), (9, "persistent"))

    def test_works_again(self):
        self.root.block_state(PERSISTENT_STATE)
        self.refuse(self.set_quota, WEB, 9)
        shutil.rmtree(self.root.path / PERSISTENT_STATE / ".new")
        self.assertEqual(self.set_quota(WEB, 9), (8, "persistent"))
        self.restart()
        self.assertEqual(self.source(WEB), (9, "persistent"))


if __name__ == "__main__":
    main()
