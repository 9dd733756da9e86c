#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Configuration, and environments in which pasidd cannot work."""

import signal
import subprocess

from minibus import wait_until
from testenv import *

RELOAD_FAILED = "org.pasidd1.Error.ReloadFailed"


class FirstStart(BusTest):
    """An error is one line, and the exit status prevents a restart by systemd."""

    def check(self, status, *texts):
        self.daemon.spawn()
        self.assertEqual(self.daemon.wait(), status)
        self.assertEqual(len(self.daemon.output), 1, self.daemon.text())
        for text in texts:
            self.assertIn(text, self.daemon.output[0])
        self.assertFalse(any("READY" in s for s in self.daemon.states))

    def test_broken(self):
        self.root.config("[Manager]\n\nDefaultQuota=many\n")
        self.check(EXIT_CONFIG, f"{self.root.path}/etc/pasidd/pasidd.conf:3: DefaultQuota=many: is not a decimal number")

    def test_broken_dropin(self):
        self.root.write("etc/pasidd/pasidd.conf.d/20-x.conf", "[Rule x]\nMatchName=x\n")
        self.check(EXIT_CONFIG, f"{self.root.path}/etc/pasidd/pasidd.conf.d/20-x.conf:1: rule \"x\" sets neither")

    def test_no_kernel_support(self):
        shutil.rmtree(self.root.path / "sys/module/vfio_pasid")
        self.check(EXIT_NO_KERNEL_SUPPORT, "kernel")

    def test_nothing_changed(self):
        self.root.config("bogus\n")
        before = {p: p.read_text() for p in self.root.path.rglob("*") if p.is_file()}
        self.check(EXIT_CONFIG, "pasidd.conf:1: must be")
        self.assertEqual({p: p.read_text() for p in self.root.path.rglob("*") if p.is_file()}, before)

    def test_second(self):
        """It exits before it reads its state or writes anything."""
        self.start()
        self.root.config("[Manager]\nDefaultQuota=5\n")
        second = Daemon(self.make_directory("second"), self.root, self.bus)
        self.addCleanup(second.close)
        second.spawn()
        self.assertEqual(second.wait(), 1)
        self.assertIn("Another pasidd holds ", second.text())
        self.assertEqual(self.root.default_quota(), 1000)
        self.assertEqual(self.get_manager("State"), "running")
        # The lock goes with the process, however that ends.
        self.daemon.kill()
        self.start()
        self.assertEqual(self.root.default_quota(), 5)

    def test_name_taken(self):
        """By something that is no pasidd."""
        self.connect(DAEMON_UID if IS_ROOT else CALLER_UID).request_name(BUS_NAME)
        self.daemon.spawn()
        self.assertEqual(self.daemon.wait(), 1)
        self.assertIn("is another pasidd running?", self.daemon.text())

    def make_directory(self, name):
        path = self.directory / name
        path.mkdir()
        return path


class CommandLine(BusTest):
    def run_daemon(self, *args):
        return subprocess.run([self.daemon.program, *args], capture_output=True, text=True, timeout=20, check=False)

    def test_check_config(self):
        good = self.run_daemon(f"--root={self.root.path}", "--check-config")
        self.assertEqual((good.returncode, good.stderr), (0, ""))
        self.root.config("[Manager]\nSlices=x\n")
        bad = self.run_daemon(f"--root={self.root.path}", "--check-config")
        self.assertEqual(bad.returncode, EXIT_CONFIG)
        self.assertIn('pasidd.conf:2: Slices=: "x" is not a valid slice name', bad.stderr)

    def test_usage(self):
        for args in (["--bogus"], ["--root=relative"], ["--log-level=loud"], ["extra"], ["--config"]):
            with self.subTest(args=args):
                done = self.run_daemon(*args)
                self.assertEqual(done.returncode, 1)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def test_help_and_version(self):
        for option in ("--help", "-h", "--version"):
            done = self.run_daemon(option)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("pasidd", done.stdout)

    def test_other_file(self):
        """--config= with its own drop-ins."""
        self.root.write("other.conf", "[Manager]\nDefaultQuota=5\n")
        self.root.write("other.conf.d/1.conf", "[Manager]\nDefaultQuota=6\n")
        self.start(f"--config={self.root.path}/other.conf")
        self.assertEqual(self.get_manager("DefaultQuota"), 6)


class Reload(BusTest):
    config = "[Manager]\nDefaultQuota=100\n"

    def setUp(self):
        super().setUp()
        self.cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.start()

    def reload_by_bus(self):
        self.manager_call("Reload")

    def check_new(self, reload):
        self.client.forget_signals()
        self.root.config("[Manager]\nDefaultQuota=200\n[Rule w]\nMatchName=w*\nQuota=50\nWatermark=3\n")
        reload()
        self.assertEqual(self.get_manager("DefaultQuota"), 200)
        self.assertEqual(self.root.default_quota(), 200)
        self.assertEqual(self.source(WEB), (50, "rule"))
        self.assertEqual(self.root.quota(1), 50)
        self.assertEqual(self.root.set_value(1, "watermark"), 3)
        self.assertEqual(self.root.limit(self.cgroup), "pasid 50")
        self.wait_changed(MANAGER, DefaultQuota=200)
        self.wait_changed(Quota=50, QuotaSource="rule", Watermark=3)

        # Again, with the rule somewhere else: its place is told anew.
        self.root.config("\n[Rule w]\nMatchName=w*\nQuota=50\n")
        reload()
        self.assertEqual(self.get(WEB, "QuotaOrigin"), f"w ({self.root.path}/etc/pasidd/pasidd.conf:2)")
        self.root.config("")
        reload()
        self.assertEqual(self.source(WEB), (1000, "default"))
        self.assertEqual(self.root.default_quota(), 1000)

    def test_by_bus(self):
        self.check_new(self.reload_by_bus)

    def test_by_signal(self):
        self.check_new(self.daemon.reload)

    def test_protocol(self):
        """What Type=notify-reload waits for."""
        self.daemon.reload()
        reloading = [s for s in self.daemon.states if "RELOADING=1" in s]
        self.assertEqual(len(reloading), 1)
        self.assertRegex(reloading[0], r"MONOTONIC_USEC=\d+")
        self.assertLess(self.daemon.states.index(reloading[0]), len(self.daemon.states) - 1)

    def test_before_ready(self):
        """Start-up is not over with it."""
        self.daemon.stop()
        held = []
        self.machined.connection.handle("org.freedesktop.machine1.Manager", "ListMachines", held.append)
        self.daemon.spawn("--log-level=debug")
        wait_until(lambda: held, "machined is asked")
        self.daemon.process.send_signal(signal.SIGHUP)
        self.daemon.wait_output("The configuration has been reloaded.")
        self.assertFalse([s for s in self.daemon.states if "READY" in s or "RELOADING" in s])

    def test_broken_keeps_the_old(self):
        before = self.snapshot()
        self.root.config("[Manager]\nDefaultQuota=200\nForeignChanges=never\n")
        broken = self.root.read("etc/pasidd/pasidd.conf")
        self.assert_error(RELOAD_FAILED, "etc/pasidd/pasidd.conf:3: ForeignChanges=never", self.reload_by_bus)
        self.daemon.reload()
        self.assertEqual(len(self.daemon.wait_output("pasidd.conf:3: ForeignChanges=never", count=2)), 2)
        self.root.config(self.config)
        self.assertEqual(self.snapshot(), before)
        self.root.config(broken)
        self.assertEqual(self.set_quota(WEB, 5), (100, "persistent"))
        self.assertEqual(self.reset_quota(WEB), (100, "default"))

    def test_overrides_stay(self):
        self.set_quota(WEB, 7)
        self.set_default(300)
        self.root.config("[Manager]\nDefaultQuota=200\n")
        self.reload_by_bus()
        self.assertEqual(self.source(WEB), (7, "persistent"))
        self.assertEqual(self.get_manager("DefaultQuota"), 300)

    def test_slices(self):
        self.root.cgroup("/tenant.slice")
        self.assertEqual(self.root.read("sys/fs/cgroup/tenant.slice/cgroup.subtree_control"), "")
        self.root.config("[Manager]\nSlices=machine.slice tenant.slice\n")
        self.reload_by_bus()
        self.assertIn("+misc", self.root.read("sys/fs/cgroup/tenant.slice/cgroup.subtree_control"))


class Idle(BusTest):
    """No PASID-capable IOMMU."""

    def check(self):
        self.assertEqual(self.get_manager("State"), "idle")
        self.assertEqual(self.get_manager("Capacity"), 0)
        self.assertIn("No PASID-capable IOMMU", self.get_manager("Status"))
        self.daemon.wait_notify("STATUS=No PASID-capable IOMMU")

    def test_capacity_zero(self):
        self.root.write("sys/fs/cgroup/misc.capacity", "pasid 0\n")
        cgroup = self.add_machine("web", WEB, 1)
        self.start()
        self.check()
        # VMs are known all the same, and what is said of them is kept.
        self.assertEqual(self.vm_names(), ["web"])
        self.assertEqual(self.set_quota(WEB, 5), (1000, "persistent"))
        self.assertEqual(self.root.limit(cgroup), "pasid max")

    def test_not_in_the_file(self):
        self.root.write("sys/fs/cgroup/misc.capacity", "sev 10\n")
        self.start()
        self.check()


if __name__ == "__main__":
    main()
