#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A slow or failing disk: the caller waits for it, the daemon does not, and a change that is not saved is not in force."""

import pwd
import signal

from minibus import wait_until
from testenv import *

NOT_SAVED = "org.pasidd1.Error.NotSaved"
NOT_APPLIED = "org.pasidd1.Error.NotApplied"
SLOW_DISK = os.environ.get("SLOW_DISK_LIBRARY")


@unittest.skipUnless(SLOW_DISK, "SLOW_DISK_LIBRARY= does not say where the library is (meson does)")
class DiskTest(BusTest):
    def setUp(self):
        super().setUp()
        self.disk = self.directory / "disk"
        self.disk.mkdir()
        self.root.own(self.disk)
        # As the program: the build directory may be out of reach for the other user.
        self.library = self.directory / "slow-disk.so"
        shutil.copy(SLOW_DISK, self.library)
        self.web = self.add_machine("web", WEB, 1, sets=[1])
        self.db = self.add_machine("db", DB, 2, sets=[2])

    def start(self, *args):
        self.spawn(*args)
        self.daemon.wait_notify("READY=1")

    def spawn(self, *args):
        for path in self.disk.glob("fail-*"):
            path.unlink()
        self.daemon.spawn(
            "--log-level=debug",
            *args,
            LD_PRELOAD=str(self.library),
            SLOW_DISK=str(self.disk),
            SLOW_DISK_ROOT=str(self.root.path),
            # AddressSanitizer wants to be the first library. This one has nothing that it looks at.
            ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0",
        )

    def hold(self):
        (self.disk / "hold").touch()

    def let_go(self):
        (self.disk / "hold").unlink()

    def break_at(self, what, number):
        (self.disk / f"fail-{what}-{number}").touch()

    def lines(self, name):
        path = self.disk / name
        return path.read_text().splitlines() if path.exists() else []

    def synced(self):
        return self.lines("synced")

    def send_quota(self, uuid, quota, **options):
        return self.client.send(BUS_NAME, vm_path(uuid), VM, "SetQuota", "ua{sv}", (quota, self.options(options)))

    def sent_at_disk(self, uuid, quota):
        """SetQuota, whose file is being synced now."""
        n = len(self.synced())
        serial = self.send_quota(uuid, quota)
        wait_until(lambda: len(self.synced()) > n, "the file is synced")
        return serial

    def answered(self, serial):
        self.client.sync()
        return serial in self.client.replies

    def saved(self, directory=PERSISTENT_STATE):
        vms = self.root.state(directory)["vms"]
        return {uuid: entry["override"]["quota"] for uuid, entry in vms.items() if "override" in entry}


class Slow(DiskTest):
    def test_only_the_caller_waits(self):
        self.start()
        self.hold()
        serial = self.sent_at_disk(WEB, 7)
        # A new VM gets its limit, others get answers, and make changes.
        self.wait_limit(self.add_machine("new", OTHER, 3, sets=[3]), 1000)
        self.wait_quota(3, 1000)
        self.wait_vm("new")
        self.assertEqual(self.set_quota(DB, 8, runtime=True), (1000, "runtime"))
        self.assertEqual(self.root.quota(2), 8)
        self.reserve("12345678-0000-4000-8000-000000000001", "next")
        self.daemon.reload()
        # Nothing has changed until it is saved.
        self.assertFalse(self.answered(serial))
        self.assertEqual(self.source(WEB), (1000, "default"))
        self.assertEqual(self.root.quota(1), 1000)
        self.assertEqual(self.saved(), {})
        self.let_go()
        self.assertEqual(self.client.reply(serial), (1000, "persistent"))
        self.assertEqual(self.saved(), {WEB: 7})
        self.assertEqual(self.root.limit(self.web), "pasid 7")
        self.assertEqual(self.root.quota(1), 7)

    @unittest.skipUnless(IS_ROOT, "needs root rights, to be several users")
    def test_who_asked(self):
        """Each event names the caller whose change it is, also of one that has waited for another's."""
        self.start()
        self.wait_vm("web")
        root = self.connect(0)
        self.hold()
        first = self.sent_at_disk(WEB, 7)
        second = root.send(BUS_NAME, vm_path(DB), VM, "SetQuota", "ua{sv}", (8, {}))
        self.assertFalse(self.answered(first))
        self.let_go()
        self.client.reply(first)
        root.reply(second)
        events = self.manager_call("ListEvents", "t", 0)[0]
        self.assertEqual([(e[3], e[6]["quota"], e[6]["uid"]) for e in events], [(WEB, 7, CALLER_UID), (DB, 8, 0)])

    def test_every_setter(self):
        """None of them answers before the disk, or holds up the others."""
        self.start()
        self.add_machine("new", OTHER, 3, sets=[3])
        self.wait_vm("new")
        options = ("a{sv}", ({},))
        for path, interface, member, signature, args in (
            (vm_path(WEB), VM, "SetQuota", "ua{sv}", (7, {})),
            (vm_path(WEB), VM, "ResetQuota", *options),
            (MANAGER_PATH, MANAGER, "SetDefaultQuota", "ua{sv}", (5, {})),
            (MANAGER_PATH, MANAGER, "ResetDefaultQuota", *options),
            (MANAGER_PATH, MANAGER, "SetSliceQuota", "sua{sv}", ("machine.slice", 500, {})),
            (MANAGER_PATH, MANAGER, "ResetSliceQuota", "sa{sv}", ("machine.slice", {})),
            (
                *(MANAGER_PATH, MANAGER, "SetOverride", "ssssa{sv}a{sv}"),
                ("persistent", "vm", "12345678-0000-4000-8000-000000000001", "off", {"quota": ("u", 3)}, {}),
            ),
            (
                *(MANAGER_PATH, MANAGER, "SetOverrides", "a(ssssa{sv})a{sv}"),
                ([("persistent", "vm", "12345678-0000-4000-8000-000000000001", "off", {"quota": ("u", 4)})], {}),
            ),
        ):
            with self.subTest(member=member):
                before = self.root.state(PERSISTENT_STATE)
                self.hold()
                n = len(self.synced())
                serial = self.client.send(BUS_NAME, path, interface, member, signature, args)
                wait_until(lambda: len(self.synced()) > n, "the file is synced")
                self.assertEqual(len(self.list_vms()), 3)
                self.assertEqual(self.set_quota(OTHER, n + 1, runtime=True)[1], "runtime")
                self.assertFalse(self.answered(serial))
                self.let_go()
                self.client.reply(serial)
                self.assertNotEqual(self.root.state(PERSISTENT_STATE), before)

    def test_no_sync_in_run(self):
        self.start()
        self.set_quota(WEB, 7, runtime=True)
        self.set_slice("machine.slice", 100, runtime=True)
        self.set_default(5, runtime=True)
        self.reserve(OTHER, "new")
        self.assertEqual(self.synced(), [])
        self.set_quota(DB, 7)
        directory = self.root.path / PERSISTENT_STATE
        # The directory is new.
        self.assertEqual(self.synced(), [str(directory.parent), f"{directory}/.new", str(directory)])
        # An override for another one of the same VM needs no more than that.
        self.set_quota(WEB, 7)
        self.assertEqual(self.synced()[3:], [f"{directory}/.new", str(directory)])
        # Several files: first what is pending, then the files, and that nothing is pending any more.
        self.set_quota(WEB, 7, runtime=True)
        self.reset_quota(WEB)
        change = [f"{directory}/.new", str(directory), f"fs {directory}", str(directory)]
        wait_until(lambda: len(self.synced()) >= 9, "the files are written")
        self.assertEqual(self.synced()[5:], change)

    def test_what_handlers_open(self):
        """Files of the kernel and in /run; those on a disk only where somebody reloads."""
        self.start()
        (self.disk / "opened").write_text("")
        self.root.own(self.disk / "opened")
        self.add_machine("new", OTHER, 3, sets=[3])
        self.wait_quota(3, 1000)
        self.add_unit("vm.service", 4, None)
        self.wait_vm("vm.service")
        for runtime in (True, False):
            self.set_quota(WEB, 7, runtime=runtime)
            self.set_slice("machine.slice", 500, runtime=runtime)
            self.set_default(9, runtime=runtime)
        self.root.overwrite("sys/class/vfio_pasid/set1/quota", "99\n")
        self.wait_quota(1, 7)
        self.reserve("12345678-0000-4000-8000-000000000001", "next")
        self.release("12345678-0000-4000-8000-000000000001")
        self.reconcile()
        self.manager_call("GetMetrics")
        self.get_all(WEB)
        opened = self.lines("opened")
        self.assertTrue(opened)
        self.assertEqual([p for p in opened if not p.startswith(("/sys/", "/proc/", "/run/pasidd/"))], [])

    def test_order_of_one_vm(self):
        """A later change waits for the one before, also if it is to another file."""
        self.start()
        self.hold()
        first = self.sent_at_disk(WEB, 7)
        second = self.send_quota(WEB, 8, runtime=True)
        third = self.send_quota(WEB, 9)
        self.assertFalse(self.answered(second))
        self.let_go()
        self.assertEqual(self.client.reply(first), (1000, "persistent"))
        self.assertEqual(self.client.reply(second), (7, "runtime"))
        self.assertEqual(self.client.reply(third), (8, "persistent"))
        self.assertEqual(self.source(WEB), (9, "persistent"))
        self.assertEqual(self.saved(), {WEB: 9})

    def test_vm_goes_meanwhile(self):
        self.start()
        self.hold()
        first = self.sent_at_disk(WEB, 7)
        second = self.send_quota(WEB, 8)
        # It has come to the VM.
        self.list_vms()
        self.root.remove_set(1)
        self.machined.remove("qemu-1-web")
        self.wait_no_vm("web")
        self.let_go()
        self.assertEqual(self.client.reply(first), (1000, "persistent"))
        self.assert_error("org.pasidd1.Error.NoSuchVM", None, self.client.reply, second)
        self.assertEqual(self.saved(), {WEB: 7})

    def test_too_many(self):
        """Of one user, however many connections he has."""
        self.start()
        self.hold()
        self.sent_at_disk(WEB, 1)
        waiting = []
        for client in (self.connect(), self.connect()):
            for _ in range(80):
                n = len(self.polkit.questions)
                serial = client.send(BUS_NAME, vm_path(WEB), VM, "SetQuota", "ua{sv}", (2, {}))
                waiting.append((client, serial))
                wait_until(lambda: len(self.polkit.questions) > n, "polkit is asked")
        wait_until(lambda: serial in client.replies, "the last one is refused")
        for client, serial in waiting[128:]:
            self.assert_error("org.freedesktop.DBus.Error.LimitsExceeded", "wait for the disk", client.reply, serial)
        self.assertFalse([serial for client, serial in waiting[:128] if serial in client.replies])
        self.let_go()
        for client, serial in waiting[:128]:
            client.reply(serial, 60)

    @unittest.skipUnless(IS_ROOT, "needs root rights, to be several users")
    def test_too_many_of_many_users(self):
        """They leave root its places."""
        self.start()
        self.hold()
        first = self.sent_at_disk(WEB, 1)
        uids = sorted({user.pw_uid for user in pwd.getpwall()} - {0, DAEMON_UID, CALLER_UID})[:8]
        for uid in uids:
            client = self.connect(uid)
            for _ in range(110):
                n = len(self.polkit.questions)
                serial = client.send(BUS_NAME, vm_path(WEB), VM, "SetQuota", "ua{sv}", (2, {}))
                wait_until(lambda: len(self.polkit.questions) > n or serial in client.replies, "polkit is asked")
        root = self.connect(0)
        serials = [root.send(BUS_NAME, vm_path(DB), VM, "SetQuota", "ua{sv}", (3 + i, {})) for i in range(100)]
        self.assertEqual(self.manager_call("GetVM", "s", WEB, client=root), (vm_path(WEB),))
        self.assertFalse([serial for serial in serials if serial in root.replies])
        self.let_go()
        self.client.reply(first, 60)
        for serial in serials:
            root.reply(serial, 300)
        self.assertEqual(self.get(DB, "Quota"), 102)

    def test_stopped(self):
        """What is under way is finished first."""
        self.start()
        self.hold()
        first = self.sent_at_disk(WEB, 7)
        second = self.send_quota(DB, 8)
        self.client.sync()
        self.daemon.process.terminate()
        self.assert_error(NOT_SAVED, "being stopped", self.client.reply, second)
        self.assertFalse(self.answered(first))
        self.let_go()
        self.assertEqual(self.client.reply(first), (1000, "persistent"))
        self.assertEqual(self.daemon.wait(), 0)
        self.assertEqual(self.saved(), {WEB: 7})
        self.assertEqual(self.root.quota(1), 7)

    def test_stopped_with_a_disk_that_hangs(self):
        self.start()
        self.hold()
        self.sent_at_disk(WEB, 7)
        self.daemon.process.terminate()
        self.assertEqual(self.daemon.wait(60), 0)
        self.assertIn("not written yet, stopping nevertheless", self.daemon.text())

    def test_bus_goes_meanwhile(self):
        self.start()
        self.hold()
        self.sent_at_disk(WEB, 7)
        self.send_quota(DB, 8)
        self.client.sync()
        self.bus.stop()
        self.daemon.wait_output("Lost the connection to the system bus")
        self.bus.start()
        self.client = self.connect()
        wait_until(lambda: self.client.call_driver("NameHasOwner", "s", (BUS_NAME,))[0], "pasidd is back", 20)
        self.let_go()
        self.wait_quota(1, 7)
        # Whoever asked for the other one is gone, and it had not begun.
        self.assertEqual(self.saved(), {WEB: 7})
        self.assertEqual(self.root.quota(2), 1000)


class Broken(DiskTest):
    def test_first_of_two_fails(self):
        """The second one is no part of it."""
        self.start()
        self.hold()
        self.break_at("file", 1)
        first = self.sent_at_disk(WEB, 7)
        second = self.send_quota(DB, 8)
        self.client.sync()
        self.let_go()
        self.assert_error(NOT_SAVED, "could not be saved: Input/output error", self.client.reply, first)
        self.assertEqual(self.client.reply(second), (1000, "persistent"))
        self.assertEqual(self.saved(), {DB: 8})
        self.assertEqual((self.source(WEB), self.source(DB)), ((1000, "default"), (8, "persistent")))
        self.assertEqual((self.root.quota(1), self.root.quota(2)), (1000, 8))

    def test_first_of_two_is_refused(self):
        """By the kernel, when its file is written already."""
        self.start()
        self.set_quota(WEB, 6)
        self.hold()
        first = self.sent_at_disk(WEB, 7)
        second = self.send_quota(DB, 8)
        self.client.sync()
        path = self.root.path / f"sys/fs/cgroup{self.web}/misc.max"
        path.chmod(0o444)
        self.let_go()
        self.assert_error(NOT_APPLIED, "misc.max", self.client.reply, first)
        path.chmod(0o644)
        self.assertEqual(self.client.reply(second), (1000, "persistent"))
        self.assertEqual(self.saved(), {WEB: 6, DB: 8})
        self.assertEqual((self.source(WEB), self.source(DB)), ((6, "persistent"), (8, "persistent")))

    def test_directory_is_not_synced(self):
        """The file is the new one by then: memory, kernel and disk say the same nevertheless."""
        self.start()
        self.set_quota(WEB, 6)
        before = self.snapshot()
        # After the directory's parent, when that was made, and the directory itself.
        self.break_at("directory", 3)
        self.assert_error(NOT_SAVED, "could not be saved: Input/output error$", self.set_quota, WEB, 7)
        self.assertEqual(self.snapshot(), before)
        self.restart()
        self.assertEqual(self.source(WEB), (6, "persistent"))

    def test_both_layers(self):
        """The change is on the disk as a pending one: it holds, and its files are written once they can be."""
        self.start()
        self.set_quota(WEB, 6, runtime=True)
        self.set_quota(DB, 6)
        self.break_at("fs", 1)
        rows = [("persistent", "vm", WEB, "", {"quota": ("u", 7)}), ("runtime", "vm", WEB, "", {})]
        rows.append(("persistent", "vm", DB, "", {}))
        self.manager_call("SetOverrides", "a(ssssa{sv})a{sv}", rows, {})
        self.daemon.wait_output("trying again: Input/output error")
        self.assertTrue(self.root.exists(f"{PERSISTENT_STATE}/.pending"))
        self.assertEqual(self.root.quota(1), 7)
        self.daemon.wait_output("pasidd/state are up to date again")
        self.assertFalse(self.root.exists(f"{PERSISTENT_STATE}/.pending"))
        self.assertEqual((self.saved(), self.saved(RUNTIME_STATE)), ({WEB: 7}, {}))

    def test_both_layers_refused(self):
        """By the kernel, when the change is pending already."""
        self.start()
        self.set_quota(WEB, 6)
        self.set_quota(WEB, 8, runtime=True)
        path = self.root.path / f"sys/fs/cgroup{self.web}/misc.max"
        path.chmod(0o444)
        self.assert_error(NOT_APPLIED, "misc.max", self.set_quota, WEB, 7)
        self.assert_error(NOT_APPLIED, "misc.max", self.reset_quota, WEB)
        path.chmod(0o644)
        self.assertEqual((self.saved(), self.saved(RUNTIME_STATE)), ({WEB: 6}, {WEB: 8}))
        for directory in (PERSISTENT_STATE, RUNTIME_STATE):
            self.assertEqual(list((self.root.path / directory).glob(".*")), [])
        self.restart()
        self.assertEqual(self.source(WEB), (8, "runtime"))

    def test_undo_of_the_file_fails(self):
        self.start()
        self.set_quota(WEB, 6)
        self.break_at("file", 3)
        path = self.root.path / f"sys/fs/cgroup{self.web}/misc.max"
        path.chmod(0o444)
        self.assert_error(NOT_APPLIED, "misc.max.*pasidd/state could not be restored yet", self.set_quota, WEB, 7)
        path.chmod(0o644)
        # Tried again until it can be written.
        wait_until(lambda: self.saved() == {WEB: 6}, "the file is restored", 30)
        self.daemon.wait_output("pasidd/state are up to date again")
        self.restart()
        self.assertEqual(self.source(WEB), (6, "persistent"))

    def test_default_not_saved(self):
        """The kernel has the new default before the file does, and gets the old one back."""
        self.start()
        self.break_at("rename", 1)
        self.assert_error(NOT_SAVED, "default quota could not be saved", self.set_default, 9, runtime=True)
        self.assertEqual((self.get_manager("DefaultQuota"), self.root.default_quota()), (1000, 1000))

    def test_slice_not_saved(self):
        """Likewise. What is written first says that pasidd has set a limit."""
        self.start()
        self.break_at("rename", 2)
        self.assert_error(NOT_SAVED, "could not be saved", self.set_slice, "machine.slice", 9, runtime=True)
        self.assertEqual(self.slices()["machine.slice"][0], "none")
        self.assertEqual(self.root.limit("/machine.slice"), "pasid max")

    def test_undo_of_default(self):
        self.start()
        path = self.root.path / "sys/module/vfio_pasid/parameters/default_quota"
        path.chmod(0o444)
        self.assert_error(NOT_APPLIED, "default quota", self.set_default, 9, runtime=True)
        self.assertEqual(self.get_manager("DefaultQuota"), 1000)
        # What the kernel refuses is not saved.
        self.assertNotIn("default-quota", self.root.state(RUNTIME_STATE))
        path.chmod(0o644)
        self.restart()
        self.assertEqual(self.get_manager("DefaultQuota"), 1000)
        self.assertEqual(self.root.default_quota(), 1000)

    def test_undo_of_slice(self):
        self.start()
        self.assertEqual(self.slices()["machine.slice"][0], "none")
        path = self.root.path / "sys/fs/cgroup/machine.slice/misc.max"
        path.chmod(0o444)
        # The limit, that one is to be set, and the undo.
        self.break_at("rename", 3)
        self.assert_error(NOT_APPLIED, "misc.max", self.set_slice, "machine.slice", 9, runtime=True)
        self.assertEqual(self.slices()["machine.slice"][0], "none")

        def limit():
            return self.root.state(RUNTIME_STATE).get("slices", {}).get("machine.slice", {}).get("limit")

        wait_until(lambda: limit() is None, "the file is restored", 30)
        path.chmod(0o644)
        self.restart()
        self.assertEqual(self.slices()["machine.slice"][0], "none")


class RunIsFull(DiskTest):
    """Nothing in the kernel waits for a file in /run."""

    def setUp(self):
        super().setUp()
        for name in ("boot-seed", "counters"):
            (self.root.path / f"run/pasidd/{name}.tmp").mkdir()
        self.root.block_state(RUNTIME_STATE)

    def make_room(self):
        for path in (self.root.path / "run/pasidd").glob("*.tmp"):
            path.rmdir()
        shutil.rmtree(self.root.path / RUNTIME_STATE / ".new")

    def test_unit_without_invocation(self):
        cgroup = self.add_unit("vm.service", 3, None)
        self.root.config("[Manager]\nDefaultQuota=5\n")
        self.start()
        self.wait_vm("vm.service")
        self.wait_limit(cgroup, 5)
        self.wait_quota(3, 5)
        self.daemon.wait_output("Cannot write")
        before = self.list_vms()
        # The next one is derived from the same number, which is written once it can be.
        self.make_room()
        self.add_unit("other.service", 4, None)
        self.wait_vm("other.service")
        self.restart()
        self.wait_vm("other.service")
        self.assertEqual([vm for vm in self.list_vms() if vm[1] != "other.service"], before)

    def test_limit_of_a_slice(self):
        self.root.config("[Slice machine.slice]\nLimit=77\n")
        self.start()
        self.assertEqual(self.root.limit("/machine.slice"), "pasid 77")
        self.assertEqual(self.slices()["machine.slice"][-2:], (True, ""))
        # What could not be noted is, once it can be.
        self.make_room()
        wait_until(lambda: self.root.exists(f"{RUNTIME_STATE}/machine.slice"), "the file is written", 30)
        self.root.config("")
        self.restart()
        wait_until(lambda: self.root.limit("/machine.slice") == "pasid max", "the limit is taken away")

    def test_machine_ends(self):
        """What the hook has said of it goes, too."""
        self.make_room()
        self.start()
        self.reserve(OTHER, "new", quota=5)
        self.add_machine("new", OTHER, 3)
        self.wait_get(OTHER, "State", "running")
        self.root.block_state(RUNTIME_STATE)
        self.machined.remove("qemu-3-new")
        self.wait_no_vm("new")
        self.add_machine("new", OTHER, 4)
        self.wait_vm("new")
        self.assertEqual(self.source(OTHER), (1000, "default"))


class Start(DiskTest):
    def test_early_sighup(self):
        """Before there is an event loop to take it, it waits; and then it is a reload."""
        self.root.config("[Manager]\nDefaultQuota=7\n")
        (self.disk / "hold-etc").touch()
        self.spawn()
        wait_until(lambda: any("pasidd.conf" in path for path in self.lines("opened")), "the configuration is being read")
        self.daemon.process.send_signal(signal.SIGHUP)
        (self.disk / "hold-etc").unlink()
        self.daemon.wait_notify("READY=1")
        self.daemon.wait_output("The configuration has been reloaded.")
        self.assertEqual(self.root.default_quota(), 7)


if __name__ == "__main__":
    main()
