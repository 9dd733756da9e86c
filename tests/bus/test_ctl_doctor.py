#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pasidctl doctor and test-hook: findings and remedies."""

import re
import time

from ctlenv import *

HOOK = "etc/libvirt/hooks/qemu.d/50-pasidd"
POLICY = "usr/share/polkit-1/actions/org.pasidd1.policy"
METRICS = "var/lib/prometheus/node-exporter/pasidd.prom"
NOW = 10**6


class Doctor(CtlTest):
    """A host without problems; each test breaks one thing."""

    def setUp(self):
        super().setUp()
        r = self.root
        r.write("proc/sys/kernel/osrelease", "6.12.1-pasid\n")
        r.write("sys/class/iommu/dmar0/intel-iommu/ecap", f"{1 << 40 | 19 << 35:x}\n")
        r.write("sys/fs/cgroup/cgroup.subtree_control", "cpu memory misc\n")
        r.write("sys/fs/cgroup/machine.slice/cgroup.subtree_control", "misc\n")
        r.write("etc/passwd", "root:x:0:0::/root:/bin/sh\npasidd:x:990:990::/:/usr/sbin/nologin\n")
        r.write("usr/share/dbus-1/system.d/org.pasidd1.conf", "")
        r.write(POLICY, "")
        r.write("usr/sbin/libvirtd", "")
        r.write(HOOK, "#!/bin/sh\n")
        (r.path / HOOK).chmod(0o755)
        r.write("sys/kernel/security/apparmor/profiles", "libvirtd (enforce)\n")
        r.write("etc/apparmor.d/usr.sbin.libvirtd", f"/{HOOK} rmix,\n")
        r.write(METRICS, "")
        self.systemd.unit("pasidd.service", LoadState="loaded", ActiveState="active", UnitFileState="enabled")
        self.systemd.unit("libvirtd.service", ActiveState="active", **self.changed(time.time() + 100))
        # The files of the daemon's state are for itself alone.
        (r.path / "var/lib/pasidd").chmod(0o755)
        self.start()

    @staticmethod
    def changed(seconds):
        """Properties of a unit that changed its state then, before the clock, which was 30 years slow, was set."""
        return {
            "StateChangeTimestamp": int((seconds - 30 * 365 * 86400) * 10**6),
            "StateChangeTimestampMonotonic": int((seconds - time.time() + time.monotonic()) * 10**6),
        }

    def doctor(self):
        status, out, err = self.run_ctl("doctor", f"--root={self.root.path}", "--json=short")
        self.assertEqual(err, "")
        self.assert_documented("array of finding", json.loads(out))
        findings = {f["check"]: f for f in json.loads(out)}
        self.assertEqual(status, FAILURE if any(f["result"] == "fail" for f in findings.values()) else OK)
        return findings

    def assert_finding(self, check, result, found="", remedy=""):
        finding = self.doctor()[check]
        self.assertEqual(finding["result"], result, finding)
        self.assertRegex(finding["found"], found or "^")
        self.assertRegex(finding["remedy"], remedy or "^")
        # Whatever is wrong comes with a remedy, and whatever is well without.
        self.assertEqual(finding["remedy"] != "", result in ("warn", "fail"), finding)

    def remove(self, name):
        path = self.root.path / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    def test_healthy(self):
        self.assertEqual(
            {check: f["result"] for check, f in self.doctor().items() if f["result"] != "ok"}, {"iommufd": "skip", "selinux": "skip"}
        )
        out = self.ok("doctor", f"--root={self.root.path}")
        self.assertIn("19 ok, 0 warnings, 0 failures, 2 skipped.\n", out)
        self.assertEqual(out.splitlines()[0].split(), ["CHECK", "RESULT", "FOUND"])

    def test_remedies_are_printed(self):
        self.remove(HOOK)
        status, out, _ = self.run_ctl("doctor", f"--root={self.root.path}")
        self.assertEqual(status, FAILURE)
        self.assertRegex(out, r"\nhook: ln -s ")
        self.assertIn("1 failures", out)

    def test_hook_socket(self):
        self.assert_finding("hook-socket", "ok", "/run/pasidd/hook")
        self.remove("run/pasidd/hook")
        self.assert_finding("hook-socket", "warn", "uses the system bus", "systemctl restart pasidd")
        self.daemon.stop()
        self.assert_finding("hook-socket", "skip")

    def test_kernel(self):
        self.root.write("lib/modules/6.12.1-pasid/modules.dep", "kernel/drivers/vfio/vfio_pasid.ko.xz: x\n")
        self.assert_finding("kernel", "ok", "vfio_pasid is loaded")
        self.remove("sys/module/vfio_pasid")
        self.assert_finding("kernel", "warn", "not loaded", "modprobe vfio_pasid")
        self.root.write("lib/modules/6.12.1-pasid/modules.dep", "kernel/drivers/vfio/vfio.ko.xz: x\n")
        self.assert_finding("kernel", "fail", "no module", "install a kernel")

    def test_iommu(self):
        self.assert_finding("iommu", "ok", "1 IOMMU")
        self.remove("sys/class/iommu")
        self.assert_finding("iommu", "fail", "no IOMMU", "intel_iommu=on")

    def test_width(self):
        self.root.write("sys/fs/cgroup/misc.capacity", "res 7\npasid 1048575\n")
        self.assert_finding("pasid-width", "ok", "^20 bits, 1048575 PASIDs")
        self.root.write("sys/fs/cgroup/misc.capacity", "pasid 0\n")
        self.assert_finding("pasid-width", "fail", "20 bits.*scalable", "sm_on")
        self.root.write("sys/class/iommu/dmar0/intel-iommu/ecap", "f020df\n")
        self.assert_finding("pasid-width", "fail", "no IOMMU of this host", "no PASIDs")
        self.root.write("sys/fs/cgroup/misc.capacity", "res 7\n")
        self.assert_finding("pasid-width", "fail", "no entry", "kernel")

    def test_iommufd(self):
        self.assert_finding("iommufd", "skip", "there is no iommufd")
        self.root.write("dev/iommu", "")
        self.assert_finding("iommufd", "skip", "no device for it in /dev/vfio/devices")
        self.root.write("dev/vfio/devices/vfio0", "")
        # That of a kernel before there were such attaches.
        self.root.write("proc/sys/kernel/osrelease", "6.12.1-pasid\n")
        self.assert_finding("iommufd", "skip", "6.12.1-pasid lets no VM attach")
        self.root.write("proc/sys/kernel/osrelease", "7.3.4\n")
        self.assert_finding("iommufd", "warn", "neither counts nor limits", "pasid_attach")
        for capacity in ("max", 2**31 - 1):
            self.root.write("sys/fs/cgroup/misc.capacity", f"pasid 1048575\npasid_attach {capacity}\n")
            self.assert_finding("iommufd", "ok", "are counted and limited$")
        self.assert_finding("pasid-width", "ok", "^20 bits, 1048575 PASIDs")
        self.remove("dev/vfio/devices")
        self.assert_finding("iommufd", "ok", "limited; no device for it")
        self.remove("dev/iommu")
        self.assert_finding("iommufd", "ok", "limited; iommufd is not loaded")

    def test_cgroup(self):
        self.root.write("sys/fs/cgroup/cgroup.controllers", "cpu memory\n")
        self.assert_finding("cgroup", "fail", "without the misc", "CONFIG_CGROUP_MISC")
        self.remove("sys/fs/cgroup/cgroup.controllers")
        self.assert_finding("cgroup", "fail", "not the unified", "systemd.unified_cgroup_hierarchy=1")
        self.remove("sys/fs/cgroup/cgroup.subtree_control")
        self.assert_finding("misc-controller", "skip")

    def test_misc_levels(self):
        self.root.config("[Manager]\nSlices=machine.slice tenant-a.slice\n")
        self.root.cgroup("/tenant.slice")
        self.root.cgroup("/tenant.slice/tenant-a.slice")
        for level, below in (("", ""), ("/tenant.slice", ""), ("/tenant.slice/tenant-a.slice", "")):
            with self.subTest(level=level):
                self.root.write(f"sys/fs/cgroup{level}/cgroup.subtree_control", "cpu miscellaneous\n")
                slice_name = "machine.slice" if not level else "tenant-a.slice"
                self.assert_finding(
                    "misc-controller", "fail", f"/sys/fs/cgroup{level}, on the way to {slice_name}", f"{level}/cgroup.subtree"
                )
                self.root.write(f"sys/fs/cgroup{level}/cgroup.subtree_control", "misc\n")
        self.assert_finding("misc-controller", "ok", "2 slices")
        # Processes in the slice itself are why the controller cannot be enabled.
        self.root.write("sys/fs/cgroup/tenant.slice/cgroup.subtree_control", "cpu\n")
        self.root.write("sys/fs/cgroup/tenant.slice/cgroup.procs", "4711\n")
        self.assert_finding("misc-controller", "fail", "processes of its own", "tenant.slice/cgroup.procs")
        self.root.write("sys/fs/cgroup/tenant.slice/cgroup.subtree_control", "misc\n")
        # One that does not exist has no VMs.
        self.root.config("[Manager]\nSlices=other.slice\n")
        self.assert_finding("misc-controller", "ok")

    def test_user(self):
        self.root.write("etc/passwd", "xpasidd:x:990:990::/:/usr/sbin/nologin\n")
        self.assert_finding("user", "fail", "no user", "systemd-sysusers")

    def test_configuration(self):
        self.root.config("[Manager]\nDefaultQuota=many\n")
        self.assert_finding("configuration", "fail", r"pasidd\.conf:2: ", "systemctl reload pasidd")

    def test_configuration_of_others(self):
        """A user who must not read the configuration gets no error about it."""
        for name in ("pasidd.conf", "pasidd.conf.d"):
            with self.subTest(name=name):
                path = self.root.path / "etc/pasidd" / name
                mode = path.stat().st_mode & 0o777
                path.chmod(0)
                self.addCleanup(path.chmod, mode)
                finding = self.doctor()["configuration"]
                self.assertEqual((finding["result"], finding["remedy"]), ("skip", "run this as root"), finding)
                self.assertIn("Permission denied", finding["found"])
                path.chmod(mode)

    def test_unit(self):
        self.systemd.unit("pasidd.service", LoadState="loaded", ActiveState="active", UnitFileState="disabled")
        self.assert_finding("unit", "warn", "disabled", "systemctl enable pasidd")
        self.systemd.unit("pasidd.service", LoadState="loaded", ActiveState="inactive", UnitFileState="disabled")
        self.assert_finding("unit", "fail", "inactive", "systemctl enable --now pasidd")
        self.systemd.unit("pasidd.service", LoadState="loaded", ActiveState="failed", UnitFileState="enabled")
        self.assert_finding("unit", "fail", "failed", "journalctl")
        self.systemd.unit("pasidd.service", LoadState="masked", ActiveState="inactive", UnitFileState="masked")
        self.assert_finding("unit", "fail", "masked", "unmask")
        self.systemd.unit("pasidd.service", LoadState="not-found", ActiveState="inactive", UnitFileState="")
        self.assert_finding("unit", "fail", "not-found", "install")

    def test_state(self):
        self.assert_finding("state", "ok")
        self.daemon.stop()
        self.assert_finding("state", "skip")
        self.assert_finding("version", "skip")

    def test_unusable_state(self):
        self.daemon.stop()
        (self.root.path / PERSISTENT_STATE / WEB).mkdir(parents=True)
        self.start()
        self.assert_finding("state", "fail", f"{PERSISTENT_STATE}/{WEB} is unusable", "repair or remove that file")

    def test_policies(self):
        self.remove("usr/share/dbus-1/system.d/org.pasidd1.conf")
        self.assert_finding("dbus-policy", "fail", "is missing", "install")
        self.root.write("etc/dbus-1/system.d/org.pasidd1.conf", "")
        self.assert_finding("dbus-policy", "ok", "/etc/dbus-1")
        self.polkit.stop()
        self.assert_finding("polkit", "warn", "only root", "apt install polkitd")
        self.remove(POLICY)
        self.assert_finding("polkit", "fail", "is missing", "install")

    def test_name_that_is_no_text(self):
        (self.root.path / "var/lib/pasidd" / os.fsdecode(b"x.corrupt-\xff\x1b")).touch()
        _, out, _ = self.run_ctl("doctor", f"--root={self.root.path}")
        self.assertIn(r"x.corrupt-\xff\x1b", out)
        self.assertNotIn("\x1b", out)

    def test_overrides(self):
        self.root.write(f"var/lib/pasidd/{WEB}.corrupt-2", "x")
        self.assert_finding("overrides", "warn", f"{WEB}.corrupt-2", f"check /var/lib/pasidd/{WEB}.corrupt-2")

    def test_metrics(self):
        path = self.root.path / METRICS
        os.utime(path, (time.time() - 3600,) * 2)
        self.assert_finding("metrics", "warn", "36.. s old", "pasidd-metrics.timer")
        os.utime(path, (time.time() + 3600,) * 2)
        self.assert_finding("metrics", "fail", "in the future", "timedatectl")
        path.unlink()
        self.assert_finding("metrics", "skip")

    def test_machined(self):
        self.machined.stop()
        self.assert_finding("machined", "fail", "is missing", "apt install systemd-container")

    def test_hook(self):
        (self.root.path / HOOK).chmod(0o644)
        self.assert_finding("hook", "fail", "not executable", "chmod 755")
        self.remove(HOOK)
        self.assert_finding("hook", "fail", "No such file", f"^ln -s .* /{HOOK}$")
        self.assert_finding("libvirt", "skip")
        (self.root.path / HOOK).symlink_to("/nonexistent")
        self.assert_finding("hook", "fail", "dangling link", "install")
        self.remove("usr/sbin/libvirtd")
        self.assert_finding("hook", "skip", "libvirt is not installed")

    def test_libvirt_reloaded(self):
        self.systemd.unit("libvirtd.service", ActiveState="active", **self.changed(time.time() - 100))
        self.assert_finding("libvirt", "fail", "before the hook", "systemctl reload libvirtd.service")
        self.systemd.unit("libvirtd.service", ActiveState="inactive", **self.changed(time.time() - 100))
        self.assert_finding("libvirt", "ok", "does not run")
        self.root.write("usr/sbin/virtqemud", "")
        self.systemd.unit("virtqemud.service", ActiveState="active", **self.changed(time.time() - 100))
        self.assert_finding("libvirt", "fail", "virtqemud", "systemctl reload virtqemud.service")

    def test_hook_of_an_upgrade(self):
        """It is newer than libvirt's start, which found the one before."""
        directory = (self.root.path / HOOK).parent
        made = subprocess.run(["stat", "-c", "%W", directory], capture_output=True, check=True, text=True).stdout
        if int(made or 0) <= 0:
            self.skipTest("the file system does not know when a directory was made")
        started = int(made) + 1
        time.sleep(max(0, int(made) + 2.1 - time.time()))
        self.root.write(HOOK, "#!/bin/sh\n")
        (self.root.path / HOOK).chmod(0o755)
        self.systemd.unit("libvirtd.service", ActiveState="active", **self.changed(started))
        self.assert_finding("libvirt", "warn", "unless that was an upgrade", "systemctl reload libvirtd.service")

    def test_apparmor(self):
        self.root.write("etc/apparmor.d/usr.sbin.libvirtd", "/etc/other/** rmix,\n")
        self.assert_finding(
            "apparmor", "fail", f"usr.sbin.libvirtd does not let libvirt run /{HOOK}", "apparmor_parser -r"
        )
        self.remove(HOOK)
        (self.root.path / HOOK).symlink_to("/usr/bin/pasidctl")
        self.assert_finding("apparmor", "fail", "run /usr/bin/pasidctl", "echo '/usr/bin/pasidctl PUx,'")
        self.root.write("etc/apparmor.d/usr.sbin.libvirtd", "  /usr/bin/* PUx,\n")
        self.assert_finding("apparmor", "ok")
        self.root.write("sys/kernel/security/apparmor/profiles", "libvirtd (complain)\n")
        self.assert_finding("apparmor", "ok")
        self.remove("sys/kernel/security")
        self.assert_finding("apparmor", "skip")

    def test_selinux(self):
        self.root.write("sys/fs/selinux/enforce", "0")
        self.assert_finding("selinux", "ok", "permissive")
        self.root.write("sys/fs/selinux/enforce", "1")
        self.assert_finding("selinux", "warn", "no label", "restorecon")

    def test_host(self):
        """Its files are there, so the program runs there."""
        ssh = self.directory / "ssh"
        ssh.write_text('#!/bin/sh\necho "$@"\n')
        ssh.chmod(0o755)
        self.extra_environment = {"PATH": f"{self.directory}:{os.environ['PATH']}"}
        self.assertEqual(self.ok("doctor", "-H", "a@b", "--no-legend"), "-xT -- a@b pasidctl doctor --json=off --no-legend\n")
        self.assertEqual(self.ok("doctor", "-H", "a@b:2222"), "-xT -p 2222 -- a@b pasidctl doctor --json=off\n")
        self.assertEqual(self.ok("doctor", "-H", "[fe80::1%eth0]:2222"), "-xT -p 2222 -- fe80::1%eth0 pasidctl doctor --json=off\n")
        self.fail_with(USAGE, "--root", "doctor", "-H", "a@b", "--root=/x")
        for ends, status, pattern in ((1, FAILURE, "^$"), (127, NOT_RUNNING, "ssh a@b pasidctl"), (255, NOT_RUNNING, "check a@b")):
            ssh.write_text(f"#!/bin/sh\nexit {ends}\n")
            got, out, err = self.run_ctl("doctor", "-H", "a@b")
            self.assertEqual((got, out), (status, ""))
            self.assertRegex(err, pattern)
        self.fail_with(NOT_RUNNING, "ssh -p 22 a pasidctl doctor", "doctor", "-H", "a:22")


DOMAIN = """<domain type='kvm'><name>{name}</name><uuid>{uuid}</uuid><metadata>{metadata}</metadata></domain>"""
QUOTA = '<pasid:quota xmlns:pasid="urn:pasidd:domain:1" max="{}"/>'


class TestHook(CtlTest):
    def write_domain(self, metadata="", uuid=WEB):
        self.root.write("web.xml", DOMAIN.format(name="web", uuid=uuid, metadata=metadata))
        return str(self.root.path / "web.xml")

    def steps(self, *args):
        out = self.ok("test-hook", *args, f"--root={self.root.path}", "--json=short")
        self.assert_documented("array of step", json.loads(out))
        return {step["operation"]: step for step in json.loads(out)}

    def test_operations(self):
        self.start()
        before = self.snapshot()
        steps = self.steps(self.write_domain(QUOTA.format(4)))
        self.assertEqual({o for o, s in steps.items() if s["may_fail"] == "yes"}, {"prepare", "migrate"})
        self.assertEqual(
            [s["action"] for s in steps.values()],
            ["reserve", "nothing", "confirm", "tell", "reserve", "nothing", "release", "release"],
        )
        self.assertRegex(steps["prepare"]["outcome"], "^quota 4 .its metadata")
        files, vms, *_ = self.snapshot()
        self.assertEqual((files["web.xml"] != "", vms), (True, before[1]))
        out = self.ok("test-hook", str(self.root.path / "web.xml"))
        self.assertRegex(out, f"^Domain web, {WEB}, asks for a quota of 4.\npasidd runs.\n")

    def test_quota(self):
        self.add_machine("web", WEB, 1)
        self.start()
        path = self.write_domain()
        self.assertRegex(self.steps(path)["prepare"]["outcome"], r"^quota 100 \(default\)")
        self.assertRegex(self.steps(self.write_domain(uuid=DB))["prepare"]["outcome"], "^quota 100 .default., unless")
        self.set_quota(WEB, 7)
        self.assertEqual(
            self.steps(self.write_domain(QUOTA.format(4)))["prepare"]["outcome"], "quota 7 (persistent override)"
        )

    def test_without_daemon(self):
        path = self.write_domain(QUOTA.format(4))
        outcome = self.steps(path)["prepare"]["outcome"]
        self.assertRegex(outcome, "^starts with the kernel's default if .*HookWithoutDaemon=allow")
        self.root.config("[Manager]\nHookWithoutDaemon=deny\n")
        self.assertRegex(self.steps(path)["prepare"]["outcome"], "^fails the start if .*deny")
        self.root.config("[Manager]\nHookWithoutDaemon=deny\nbogus\n")
        self.assertRegex(self.steps(path)["prepare"]["outcome"], "^fails the start if .*deny")

    def test_bad_domain(self):
        status, out, err = self.run_ctl("test-hook", self.write_domain(QUOTA.format("many")))
        self.assertEqual(status, FAILURE)
        self.assertRegex(err, "max=.many.*libvirt would not start it")
        self.assertRegex(out, "fails the start: the XML has")
        # What a tenant wrote does not get at the terminal.
        _, _, err = self.run_ctl("test-hook", self.write_domain(QUOTA.format("&#x9b;31m&#10;")))
        self.assertIn('max="..."', err)
        self.assertNotIn("31m", err)
        self.fail_with(FAILURE, "/nonexistent: No such file", "test-hook", "/nonexistent")


if __name__ == "__main__":
    main()
