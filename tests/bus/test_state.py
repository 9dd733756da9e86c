#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is remembered: over SIGKILL, over a reboot, and when the file is bad or cannot be written."""

import json

from minibus import wait_until
from testenv import *

PERSISTENT = "var/lib/pasidd/state.json"
RUNTIME = "run/pasidd/state.json"
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
        (self.root.path / RUNTIME).unlink()
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
                saved = json.loads(self.root.read(PERSISTENT))["vms"][WEB]["override"]["quota"]
                self.assertEqual(saved, quota)
        self.assertEqual([p.name for p in (self.root.path / "var/lib/pasidd").glob("*corrupt*")], [])

    def test_nothing_left_behind(self):
        for quota in range(1, 5):
            self.set_quota(WEB, quota)
            self.set_quota(DB, quota, runtime=True)
        for file in (PERSISTENT, RUNTIME):
            directory = (self.root.path / file).parent
            self.assertEqual({p.name for p in directory.iterdir()} - {"lock", "hook"}, {"state.json"})


class Corrupt(BusTest):
    def check(self, text, why):
        self.root.write(PERSISTENT, text)
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        (line,) = self.daemon.wait_output("corrupt-1")
        self.assertIn(str(self.root.path / PERSISTENT), line)
        self.assertIn(why, line)
        self.assertEqual(self.root.read(PERSISTENT + ".corrupt-1"), text)
        # Policy is derived anew, and can be changed and saved.
        self.assertEqual(self.source(WEB), (1000, "default"))
        self.set_quota(WEB, 7)
        self.restart()
        self.assertEqual(self.source(WEB), (7, "persistent"))
        self.assertEqual(self.root.read(PERSISTENT + ".corrupt-1"), text)

    def test_empty(self):
        self.check("", "empty")

    def test_truncated(self):
        self.check('{"version": 1, "vms": {', "middle of the document")

    def test_other_version(self):
        self.check('{"version": 2, "vms": {}}', '"version" is 2, not 1')

    def test_out_of_range(self):
        self.check(json.dumps({"version": 1, "vms": {WEB: {"override": {"quota": 2**20 + 1}}}}), "between 0 and 1048576")

    def test_runtime_file(self):
        self.root.write(RUNTIME, "[]")
        self.start()
        self.assertEqual(self.root.read(RUNTIME + ".corrupt-1"), "[]")

class Unusable(BusTest):
    """A state file that can be neither used nor set aside: the daemon works without it, and leaves it alone."""

    def setUp(self):
        super().setUp()
        self.web = self.add_machine("web", WEB, 1, sets=[1])

    def check(self, file, why):
        self.start()
        (line,) = self.daemon.wait_output("is unusable and stays as it is")
        self.assertIn(str(self.root.path / file), line)
        self.assertIn(why, line)
        self.assertIn(f"{self.root.path / file} is unusable", self.get_manager("Status"))
        self.wait_limit(self.web, 1000)

    def check_persistent(self, why):
        self.check(PERSISTENT, why)
        for function, args in ((self.set_quota, (WEB, 9)), (self.set_default, (5,)), (self.set_slice, ("a.slice", 5))):
            before = self.snapshot()
            self.assert_error(NOT_SAVED, f"could not be saved: .*state.json: .*{why}", function, *args)
            self.assertEqual(self.snapshot(), before)
        # The other file is another matter.
        self.assertEqual(self.set_quota(WEB, 9, runtime=True), (1000, "runtime"))

    def test_damaged(self):
        """/var is read-only, or full."""
        self.root.write(PERSISTENT, "{")
        directory = (self.root.path / PERSISTENT).parent
        directory.chmod(0o555)
        self.addCleanup(directory.chmod, 0o755)
        self.check_persistent("cannot set it aside: Permission denied")
        self.assertEqual(self.root.read(PERSISTENT), "{")
        # As the log says.
        directory.chmod(0o755)
        (self.root.path / PERSISTENT).unlink()
        self.restart()
        self.assertEqual(self.source(WEB), (9, "runtime"))
        self.assertEqual(self.set_quota(WEB, 8), (9, "persistent"))

    def test_unreadable(self):
        (self.root.path / PERSISTENT).mkdir()
        self.check_persistent("cannot read: Is a directory")
        self.assertTrue((self.root.path / PERSISTENT).is_dir())

    def test_runtime_file(self):
        (self.root.path / RUNTIME).mkdir()
        self.check(RUNTIME, "cannot read: Is a directory")
        self.assert_error(NOT_SAVED, "could not be saved", self.set_quota, WEB, 9, runtime=True)
        self.assertEqual(self.set_quota(WEB, 9), (1000, "persistent"))
        self.assertTrue((self.root.path / RUNTIME).is_dir())


class CannotSave(BusTest):
    def setUp(self):
        super().setUp()
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.set_quota(WEB, 7)
        self.set_quota(WEB, 8, runtime=True)

    def block(self, file):
        """Something is where the temporary file should be made."""
        (self.root.path / (file + ".tmp")).mkdir()
        (self.root.path / (file + ".tmp") / "x").touch()

    def refuse(self, function, *args, **kwargs):
        before = self.snapshot()
        self.assert_error(NOT_SAVED, "could not be saved", function, *args, **kwargs)
        self.assertEqual(self.snapshot(), before)

    def test_persistent(self):
        self.block(PERSISTENT)
        self.refuse(self.set_quota, WEB, 9)
        self.refuse(self.reset_quota, WEB)
        self.refuse(self.set_default, 5)
        # The other file is another matter.
        self.assertEqual(self.set_quota(WEB, 9, runtime=True), (8, "runtime"))

    def test_runtime(self):
        self.block(RUNTIME)
        self.refuse(self.set_quota, WEB, 9, runtime=True)
        # Changes both files: neither.
        self.refuse(self.set_quota, WEB, 9)
        self.refuse(self.reset_quota, WEB)
        self.refuse(self.set_default, 5, runtime=True)
        self.refuse(self.reserve, DB, "db", quota=5)

    def test_works_again(self):
        self.block(PERSISTENT)
        self.refuse(self.set_quota, WEB, 9)
        shutil.rmtree(self.root.path / (PERSISTENT + ".tmp"))
        self.assertEqual(self.set_quota(WEB, 9), (8, "persistent"))
        self.restart()
        self.assertEqual(self.source(WEB), (9, "persistent"))


if __name__ == "__main__":
    main()
