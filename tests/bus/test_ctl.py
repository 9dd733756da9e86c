#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pasidctl and the libvirt hook against the daemon."""

import json
import signal
import subprocess

from ctlenv import *
from minibus import wait_until

DOMAIN = """<domain type='kvm' id='1'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <metadata>{metadata}</metadata>
</domain>
"""
METADATA = '<pasid:quota xmlns:pasid="urn:pasidd:domain:1" max="4" watermark="3"/>'


class Reading(CtlTest):
    def setUp(self):
        super().setUp()
        self.cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.add_machine("db", DB, 2)
        self.start()
        self.set_quota(WEB, 7, watermark=5)
        for name, value in (("allocated", 2), ("peak", 3), ("denied", 4)):
            self.root.set_attribute(1, name, value)
        self.root.write("sys/fs/cgroup/misc.current", "pasid 2\n")

    def test_list(self):
        vms = self.json("list")
        self.assertEqual([vm["name"] for vm in vms], ["db", "web"])
        self.assertEqual(vms[1], self.json("show", "web"))
        self.assertEqual(
            self.json("list", "-o", "NAME,QUOTA,SOURCE,DENIED"),
            [
                {"name": "db", "quota": 100, "source": "default", "denied": 0},
                {"name": "web", "quota": 7, "source": "persistent", "denied": 4},
            ],
        )
        lines = self.ok("list").splitlines()
        self.assertEqual(lines[0].split(), "NAME UUID STATE QUOTA SOURCE ALLOCATED PEAK DENIED".split())
        self.assertEqual(lines[2].split(), ["web", WEB, "running", "7", "persistent", "2", "3", "4"])
        self.assertEqual(self.ok("list", "--no-legend", "-o", "name,quota").split(), ["db", "100", "web", "7"])

    def test_show(self):
        for what in (WEB, WEB.upper(), "web", "aaaab"):
            shown = self.json("show", what)
            self.assertEqual(shown["uuid"], WEB)
            self.assertEqual(shown["control_group"], self.cgroup)
            self.assertEqual(shown["watermark"], 5)
            self.assertEqual(
                shown["sets"],
                [{"id": 1, "tgid": 1001, "quota": 7, "watermark": 5, "allocated": 2, "peak": 3, "denied": 4}],
            )
        self.assertIn(f"UUID: {WEB}\n", self.ok("show", "web"))

    def test_status(self):
        status = self.json("status")
        self.assertEqual(status["state"], "running")
        self.assertEqual((status["default_quota"], status["default_quota_source"]), (100, "config"))
        self.assertEqual((status["capacity"], status["allocated"]), (100000, 2))
        self.assertEqual((status["committed"], status["vms"], status["resyncs"]), (107, 2, 0))

    def test_not_found(self):
        self.fail_with(NOT_FOUND, 'no VM "mail". pasidd only knows VMs that are running or reserved', "show", "mail")
        self.fail_with(NOT_FOUND, 'no VM "wbe". Did you mean "web"\\?', "set-quota", "wbe", "5")
        self.fail_with(NOT_FOUND, 'no VM "mail"', "set-quota", "mail", "5")
        self.fail_with(NOT_FOUND, "is ambiguous", "show", "aaaa")
        self.fail_with(NOT_FOUND, "empty", "show", "")


class Changing(CtlTest):
    def setUp(self):
        super().setUp()
        self.cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.start()

    def test_set_quota(self):
        change = {"name": "web", "uuid": WEB, "previous": 100, "quota": 7, "source": "persistent"}
        change |= {"allocated": 0, "exceeds": False, "dry_run": False}
        self.assertEqual(json.loads(self.ok("set-quota", "web", "7", "--json=short")), change)
        self.assertEqual(self.root.quota(1), 7)
        self.assertEqual(self.ok("set-quota", "web", "max", "--runtime"), "web: quota 7 -> 1048576 (runtime)\n")
        self.assertEqual(self.root.quota(1), 1048576)
        self.assertEqual(
            self.ok("set-quota", "web", "8", "--watermark=6"),
            "web: quota 1048576 -> 8 (persistent), watermark off -> 6\n",
        )
        self.assertEqual(self.root.set_value(1, "watermark"), 6)

    def test_reset_quota(self):
        self.ok("set-quota", "web", "7")
        self.ok("set-quota", "web", "8", "--runtime")
        self.assertEqual(self.ok("reset-quota", "web", "--runtime"), "web: quota 8 -> 7 (persistent)\n")
        self.assertEqual(self.json("reset-quota", "web", "--dry-run")["quota"], 100)
        self.assertEqual(self.ok("reset-quota", "web"), "web: quota 7 -> 100 (default)\n")
        self.assertEqual(self.root.quota(1), 100)

    def test_set_default(self):
        self.ok("set-default", "9")
        self.assertEqual(self.root.default_quota(), 9)
        self.assertEqual(self.root.quota(1), 9)
        self.assertEqual(self.get_manager("DefaultQuotaSource"), "persistent")

    def test_reset_default(self):
        self.ok("set-default", "9")
        self.ok("set-default", "8", "--runtime")
        self.assertEqual(self.ok("reset-default", "--runtime"), "default: quota 8 -> 9 (persistent)\n")
        self.assertEqual(
            self.json("reset-default", "--dry-run"),
            {"previous": 9, "quota": 100, "source": "config", "dry_run": True},
        )
        self.assertEqual(self.root.default_quota(), 9)
        self.assertEqual(self.ok("reset-default"), "default: quota 9 -> 100 (config)\n")
        self.assertEqual(self.root.default_quota(), 100)
        self.assertEqual(self.root.quota(1), 100)

    def test_dry_run(self):
        before = self.snapshot()
        self.assertEqual(
            self.ok("set-quota", "web", "7", "--dry-run"), "web: quota would change 100 -> 7 (persistent)\n"
        )
        self.root.set_attribute(1, "allocated", 9)
        before = self.snapshot()
        self.assertRegex(self.ok("set-quota", "web", "7", "--dry-run"), "holds 9 PASIDs already, 2 too many; it would")
        self.assertTrue(self.json("set-quota", "web", "7", "--dry-run")["exceeds"])
        self.assertFalse(self.json("set-quota", "web", "9", "--dry-run")["exceeds"])
        self.ok("set-default", "7", "--dry-run")
        self.ok("reset-quota", "web", "--dry-run")
        self.assertEqual(self.snapshot(), before)

    def test_reload(self):
        self.root.config("[Manager]\nDefaultQuota=200\n")
        self.ok("reload")
        self.assertEqual(self.get(WEB, "Quota"), 200)
        self.root.config("bogus\n")
        self.fail_with(FAILURE, "pasidd.conf:1: must be", "reload")
        self.assertEqual(self.get(WEB, "Quota"), 200)

    def test_bad_arguments(self):
        before = self.snapshot()
        for arguments, pattern in (
            ((), "No command"),
            (("bogus",), "bogus"),
            (("lits",), "Unknown command 'lits'. Did you mean 'list'?"),
            (("set-qouta", "web", "5"), "Did you mean 'set-quota'?"),
            (("li",), "Unknown command 'li'"),
            (("list", "-o", "NAME,QOUTA"), "Unknown column 'QOUTA'. Did you mean QUOTA?"),
            (("list", "--host="), "Invalid --host="),
            (("set-quota",), "Too few arguments"),
            (("set-quota", "web"), "Too few arguments"),
            (("set-quota", "web", "5", "6"), "Unexpected argument '6'"),
            (("set-quota", "web", ""), "not a decimal number"),
            (("set-quota", "web", "-1"), "'-1' is not a decimal number"),
            (("set-quota", "web", "--", "-1"), "'-1' is not a decimal number"),
            (("set-quota", "web", "5x"), "'5x' is not a decimal number"),
            (("set-quota", "web", " 5"), "not a decimal number"),
            (("set-quota", "web", "0x5"), "not a decimal number"),
            (("set-quota", "web", "1048577"), "above 1048576"),
            (("set-quota", "web", "99999999999999999999"), "above 1048576"),
            (("set-quota", "web", "5", "--watermark=x"), "Watermark 'x' is not"),
            (("set-quota", "web", "5", "--watermark=1048577"), "above 1048576"),
            (("set-quota", "web", "5", "--bogus"), "bogus"),
            (("set-quota", "web", "5", "--no-legend"), "cannot be used with"),
            (("set-default", "5", "--watermark=3"), "cannot be used with"),
            (("set-default", "many"), "not a decimal number"),
            (("reset-quota", "web", "--watermark=3"), "cannot be used with"),
            (("reset-default", "5"), "Unexpected argument"),
            (("list", "--json=xml"), "short, pretty or off"),
            (("list", "-o", "NAME,BOGUS"), "BOGUS"),
            (("list", "web"), "Unexpected argument"),
        ):
            with self.subTest(arguments=arguments):
                self.fail_with(USAGE, pattern, *arguments)
        self.assertEqual(self.snapshot(), before)

    def test_denied(self):
        self.polkit.mode = "no"
        before = self.snapshot()
        for arguments in (
            ("set-quota", "web", "5"),
            ("reset-quota", "web"),
            ("set-default", "5"),
            ("reset-default",),
            ("reload",),
        ):
            with self.subTest(arguments=arguments):
                self.fail_with(DENIED, "denied", *arguments)
        self.assertEqual(self.snapshot(), before)
        self.assertEqual(self.polkit.questions[0]["flags"], 1)
        self.polkit.questions.clear()
        self.fail_with(DENIED, "denied", "set-quota", "web", "5", "--no-ask-password")
        self.assertEqual(self.polkit.questions[0]["flags"], 0)

    def test_refused_by_the_kernel(self):
        path = self.root.path / "sys/class/vfio_pasid/set1/quota"
        path.chmod(0o444)
        self.fail_with(FAILURE, "quota of set 1: Permission denied", "set-quota", "web", "5")
        self.assertNotIn("not in force", self.ok("list"))
        self.root.config("[Manager]\nDefaultQuota=200\n")
        self.ok("reload")
        self.wait_get(WEB, "QuotaInForce", False)
        self.assertIn("Quota not in force: web.", self.ok("list"))
        self.assertIn("Permission denied", self.ok("list", "-o", "+INFORCE,ERROR"))
        # Where all is shown anyway, there is nothing to add.
        self.assertEqual(self.ok("status", "-o", "+VMS"), self.ok("status"))
        self.fail_with(USAGE, "Unknown column '\\+?NONE'", "status", "-o", "+NONE")

    def test_hostile_name(self):
        """What came from elsewhere does not get at the terminal."""
        self.systemd.invocations["x\\x1b[31m.service"] = OTHER
        self.add_unit("x\\x1b[31m.service", 9, OTHER)
        self.wait_vm("x\\x1b[31m.service")
        self.assertNotIn("\x1b", self.ok("list"))


class History(CtlTest):
    def test_events(self):
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.ok("set-quota", "web", "7")
        self.root.set_attribute(1, "allocated", 7)
        self.root.set_attribute(1, "denied", 2)

        def refused():
            return [e for e in self.json("events") if e["type"] == "quota-exceeded"]

        wait_until(refused, "the refusal becomes an event")
        events = self.json("events")
        self.assert_documented("array of past event", events)
        changed = [e for e in events if e["type"] == "quota-changed" and e["details"].get("quota") == 7]
        self.assertEqual(len(changed), 1)
        self.assertEqual((changed[0]["name"], changed[0]["uuid"], changed[0]["details"]["previous"]), ("web", WEB, 100))
        self.assertEqual(refused()[0]["details"]["reason"], "quota")
        self.assertEqual(self.json("events", "--since=1h"), events)
        self.assertEqual(self.json("events", "--since=now"), [])
        self.assertIn(" quota-changed ", self.ok("events"))


class Why(CtlTest):
    config = "[Manager]\nDefaultQuota=100\n[Rule front]\nMatchName=web*\nQuota=50\n[Rule other]\nMatchName=db*\nQuota=40\n"

    def test_explain(self):
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.wait_vm("web")
        for overridden, winner in ((False, "rule"), (True, "persistent")):
            if overridden:
                self.ok("set-quota", "web", "7")
            explanation = self.json("explain", "web")
            self.assert_documented("explanation", explanation)
            self.assertEqual([c["source"] for c in explanation["candidates"] if c["quota_verdict"] == "wins"], [winner])
            self.assertEqual(explanation["quota"], 7 if overridden else 50)
            marked = [line for line in self.ok("explain", "web").splitlines() if f"{explanation['quota']} *" in line]
            self.assertEqual(len(marked), 1)
            self.assertIn("rule front" if winner == "rule" else winner, marked[0])
        self.fail_with(NOT_FOUND, "Did you mean", "explain", "wbe")


class NotRunning(CtlTest):
    def test_no_daemon(self):
        for arguments in (
            ("list",),
            ("show", "web"),
            ("status",),
            ("set-quota", "web", "5"),
            ("reset-quota", "web"),
            ("set-default", "5"),
            ("reset-default",),
            ("reload",),
            ("explain", "web"),
            ("slices",),
            ("events",),
            ("top",),
            ("reconcile",),
            ("export",),
        ):
            with self.subTest(arguments=arguments):
                self.fail_with(NOT_RUNNING, "pasidd is not running", *arguments)

    def test_no_bus(self):
        self.bus.stop()
        self.fail_with(NOT_RUNNING, "system bus", "list")

    def test_daemon_that_hangs(self):
        self.start()
        self.daemon.process.send_signal(signal.SIGSTOP)
        self.addCleanup(self.daemon.process.send_signal, signal.SIGCONT)
        # sd-bus's own variable: reading has no limit of pasidctl's own, which is for passwords.
        self.extra_environment = {"SYSTEMD_BUS_TIMEOUT": "1s"}
        self.fail_with(NOT_RUNNING, "pasidd does not answer: .*systemctl status", "list")

    def test_usage_comes_first(self):
        self.fail_with(USAGE, "not a decimal number", "set-quota", "web", "x")


class Monitor(CtlTest):
    def test_events(self):
        self.start()
        p = self.spawn("monitor", "--json=short")
        self.addCleanup(p.communicate)
        self.addCleanup(p.kill)
        self.assertIn("monitoring", p.stderr.readline())

        events = []

        def read():
            while line := p.stdout.readline():
                events.append(json.loads(line))

        reader = threading.Thread(target=read, daemon=True)
        reader.start()

        def wait_event(event, **values):
            def find():
                return [e for e in events if e["event"] == event and all(e.get(k) == v for k, v in values.items())]

            wait_until(find, f"event {event} {values}; those that came: {events}")

        self.add_machine("web", WEB, 1, sets=[1])
        wait_event("VMAdded", uuid=WEB, name="web")
        self.wait_quota(1, 100)
        self.set_quota(WEB, 4, watermark=3)
        self.root.set_attribute(1, "allocated", 4)
        wait_event("WatermarkReached", uuid=WEB, set=1, allocated=4, watermark=3)
        self.root.set_attribute(1, "denied", 1)
        wait_event("QuotaExceeded", uuid=WEB, set=1, reason="quota", allocated=4, quota=4, suppressed=0)
        self.root.remove_set(1)
        self.machined.remove("qemu-1-web")
        wait_event("VMRemoved", uuid=WEB, name="web")
        self.assertTrue(all("time" in e for e in events))
        changes = [e for e in events if e["event"] == "PropertiesChanged" and e.get("uuid") == WEB]
        self.assertTrue(any(e["changed"].get("Quota") == 4 for e in changes), changes)
        p.kill()
        reader.join()


class Hook(CtlTest):
    def hook(self, *args, uuid=WEB, name="web", metadata=METADATA, stdin=None):
        xml = stdin if stdin is not None else DOMAIN.format(name=name, uuid=uuid, metadata=metadata)
        status, out, err = self.run_ctl("libvirt-hook", *args, stdin=xml)
        # On some operations it would become the domain's XML.
        self.assertEqual(out, "")
        return status, err

    def test_life_of_a_vm(self):
        self.start()
        self.assertEqual(self.hook("web", "prepare", "begin", "-"), (OK, ""))
        self.assertEqual(self.source(WEB), (4, "metadata"))
        self.assertEqual(self.get(WEB, "Watermark"), 3)
        self.assertEqual(self.get(WEB, "State"), "reserved")
        self.assertEqual(self.hook("web", "start", "begin", "-"), (OK, ""))
        cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.wait_get(WEB, "State", "running")
        self.wait_limit(cgroup, 4)
        self.assertEqual(self.hook("web", "started", "begin", "-"), (OK, ""))
        self.assertEqual(self.hook("web", "reconnect", "begin", "-"), (OK, ""))
        self.assertEqual(self.source(WEB), (4, "metadata"))
        self.assertEqual(self.hook("web", "stopped", "end", "-"), (OK, ""))
        self.root.remove_set(1)
        self.machined.remove("qemu-1-web")
        self.wait_no_vm("web")
        self.assertEqual(self.hook("web", "release", "end", "-"), (OK, ""))
        self.assertEqual(self.list_vms(), [])

    def test_much_metadata(self):
        """Metadata of others never cost a domain its quota, whatever their size."""
        self.start()
        for count, length in ((70, 250), (128, 250), (5000, 4), (40000, 1)):
            with self.subTest(count=count, length=length):
                texts = "".join(f"<x:e>{i:0{length}}</x:e>" for i in range(count))
                metadata = f"<x:all xmlns:x='urn:x'>{texts}</x:all>{METADATA}"
                self.assertEqual(self.hook("web", "prepare", "begin", "-", metadata=metadata), (OK, ""))
                self.assertEqual(self.source(WEB), (4, "metadata"))
                self.assertEqual(self.get(WEB, "Watermark"), 3)
                self.assertGreater(len(self.get(WEB, "Metadata")), 40)
                self.hook("web", "release", "end", "-")

    def test_by_link(self):
        """The link in libvirt's directory of hooks; all arguments are libvirt's."""
        self.start()
        for number, name, operation, reserved in (
            (50, "web", "prepare", True),
            (7, "web", "release", False),
            (50, "--help", "prepare", True),
        ):
            with self.subTest(name=name, operation=operation):
                # An administrator can have it run earlier or later than others.
                link = self.directory / f"{number}-pasidd"
                link.unlink(missing_ok=True)
                link.symlink_to(self.program)
                p = self.spawn_program(
                    str(link), name, operation, "begin" if reserved else "end", "-", stdin=subprocess.PIPE
                )
                out, err = p.communicate(DOMAIN.format(name=name, uuid=WEB, metadata=METADATA), timeout=60)
                self.assertEqual((p.returncode, out, err), (OK, "", ""))
                self.assertEqual([vm[0] for vm in self.list_vms()], [WEB] if reserved else [])

    def test_prepared_only(self):
        self.start()
        self.hook("web", "prepare", "begin", "-")
        self.assertEqual(self.hook("web", "release", "end", "-"), (OK, ""))
        self.assertEqual(self.list_vms(), [])

    def test_migrate_and_restore(self):
        self.start()
        self.assertEqual(self.hook("web", "migrate", "begin", "-"), (OK, ""))
        self.assertEqual(self.source(WEB), (4, "metadata"))
        self.hook("web", "release", "end", "-")
        # A failure would cost a managed save image; "prepare" follows.
        self.assertEqual(self.hook("web", "restore", "begin", "-", stdin="<domain>"), (OK, ""))
        self.assertEqual(self.list_vms(), [])

    def test_reconnect_is_no_start(self):
        """libvirtd was restarted: nothing is reserved for a start that does not come."""
        self.start()
        self.add_machine("web", WEB, 1)
        self.wait_vm("web")
        self.assertEqual(self.hook("web", "reconnect", "begin", "-"), (OK, ""))
        self.assertEqual(self.source(WEB), (4, "metadata"))
        self.machined.remove("qemu-1-web")
        self.wait_no_vm("web")

    def test_bus_that_does_not_answer(self):
        """Connecting has no time limit of its own; whoever waits for an answer otherwise waits for 25 seconds."""
        self.extra_environment = {"PASIDCTL_HOOK_SECONDS": ""}
        self.bus.stop()
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(self.bus.socket)
            os.chmod(self.bus.socket, 0o777)
            dead.listen()
            before = time.monotonic()
            self.assertEqual(self.hook("web", "reconnect", "begin", "-")[0], OK)
            self.assertLess(time.monotonic() - before, 15)

    def test_not_in_force(self):
        self.start()
        self.hook("web", "prepare", "begin", "-")
        status, err = self.hook("web", "started", "begin", "-")
        self.assertEqual(status, OK)
        self.assertIn("not in force", err)

    def test_bad_domain(self):
        self.start()
        bad = '<pasid:quota xmlns:pasid="urn:pasidd:domain:1" max="many"/>'
        status, err = self.hook("web", "prepare", "begin", "-", metadata=bad)
        self.assertEqual(status, FAILURE)
        self.assertEqual(len(err.splitlines()), 1)
        for stdin in ("", "<domain>", "not XML", "<!DOCTYPE x [<!ENTITY a 'b'>]><domain/>"):
            with self.subTest(stdin=stdin):
                self.assertEqual(self.hook("web", "prepare", "begin", "-", stdin=stdin)[0], FAILURE)
                # A failure here would kill a VM that runs.
                self.assertEqual(self.hook("web", "reconnect", "begin", "-", stdin=stdin)[0], OK)
                self.assertEqual(self.hook("web", "release", "end", "-", stdin=stdin)[0], OK)
        self.assertEqual(self.list_vms(), [])

    def test_odd_names(self):
        """What libvirt takes for a name does not keep a domain from starting."""
        self.start()
        for name, shown in (("a\tb", "a\\x09b"), ("sch\u00f6n \u009b", "sch\u00f6n \\xc2\\x9b")):
            with self.subTest(name=name):
                self.assertEqual(self.hook(name, "prepare", "begin", "-", name=name), (OK, ""))
                self.assertEqual(self.get(WEB, "Name"), shown)
                self.assertEqual(self.source(WEB), (4, "metadata"))
        # A carriage return is a newline for XML.
        status, err = self.hook("a\rb", "prepare", "begin", "-", name="a\rb")
        self.assertEqual(status, OK)
        self.assertIn("another <name>", err)

    def test_unknown_operations(self):
        self.start()
        for args in (("web", "attach", "begin", "-"), ("web", "prepare", "end", "-", "extra"), ("web", "x", "y", "z")):
            with self.subTest(args=args):
                self.assertEqual(self.hook(*args), (OK, ""))
        self.assertEqual(self.list_vms(), [])

    def test_without_daemon(self):
        for operation, sub in (("reconnect", "begin"), ("started", "begin"), ("stopped", "end"), ("release", "end")):
            with self.subTest(operation=operation):
                self.assertEqual(self.hook("web", operation, sub, "-")[0], OK)

    def test_polkit_that_does_not_answer(self):
        """Two seconds, whatever happens."""
        self.extra_environment = {"PASIDCTL_HOOK_SECONDS": ""}
        self.start()
        self.polkit.mode = "hold"
        before = time.monotonic()
        status, err = self.hook("web", "reconnect", "begin", "-")
        self.assertEqual(status, OK)
        self.assertIn("in time", err)
        self.assertLess(time.monotonic() - before, 15)

    def full_pipe(self):
        """Its writing end, which has no room."""
        there, here = os.pipe()
        self.addCleanup(os.close, there)
        self.addCleanup(os.close, here)
        os.set_blocking(here, False)
        for size in (4096, 1):
            try:
                while os.write(here, b"x" * size):
                    pass
            except BlockingIOError:
                pass
        os.set_blocking(here, True)
        return here

    def end_of_hook(self, *args, stdin="<domain/>", stderr=subprocess.DEVNULL):
        """Its exit status; it must not wait for whoever reads what it says."""
        p = self.spawn("libvirt-hook", *args, stdin=subprocess.PIPE, stderr=stderr)
        self.addCleanup(p.kill)
        p.communicate(stdin, timeout=60)
        return p.returncode

    def test_stderr_that_nobody_reads(self):
        """A pipe that is full, or closed: neither has the hook wait, nor makes it fail."""
        self.assertEqual(self.end_of_hook("web", "reconnect", "begin", "-", stderr=self.full_pipe()), OK)
        there, here = os.pipe()
        os.close(there)
        self.addCleanup(os.close, here)
        self.assertEqual(self.end_of_hook("web", "reconnect", "begin", "-", stderr=here), OK)

    def test_verdict_that_nobody_reads(self):
        """What refuses a start refuses it also where journal and stderr take nothing."""
        journal = self.directory / "journal"
        with HungJournal(journal):
            self.extra_environment = {"PASIDD_JOURNAL_SOCKET": str(journal)}
            bad = DOMAIN.format(name="web", uuid=WEB, metadata=METADATA.replace("4", "many"))
            self.assertEqual(self.end_of_hook("web", "prepare", "begin", "-", stdin=bad, stderr=self.full_pipe()), FAILURE)

    def test_session(self):
        """A user's own libvirt runs it as that user. It does nothing, whatever the configuration says."""
        self.extra_environment = {"PASIDCTL_HOOK_ANY_USER": ""}
        self.start()
        self.assertEqual(self.hook("web", "prepare", "begin", "-"), (OK, ""))
        self.assertEqual(self.hook("web", "prepare", "begin", "-", metadata=METADATA.replace("4", "many")), (OK, ""))
        self.assertEqual(self.vm_names(), [])
        self.daemon.kill()
        self.assertEqual(self.hook("web", "prepare", "begin", "-"), (OK, ""))

    def test_daemon_that_comes_between(self):
        """What it was not told at "prepare" it is told at "started"; nobody else's word is lost by that."""
        self.assertEqual(self.hook("web", "prepare", "begin", "-")[0], OK)
        self.start()
        cgroup = self.add_machine("web", WEB, 1)
        self.wait_vm("web")
        self.assertEqual(self.source(WEB), (100, "default"))
        self.assertEqual(self.hook("web", "started", "begin", "-"), (OK, ""))
        self.wait_limit(cgroup, 4)
        self.assertEqual(self.source(WEB), (4, "metadata"))
        self.assertEqual(self.hook("db", "started", "begin", "-", name="db", uuid=DB)[0], OK)
        self.assertEqual(self.vm_names(), ["web"])

    def test_daemon_that_hangs(self):
        """A start waits for "prepare" and for "started": no longer than two seconds in all."""
        self.extra_environment = {"PASIDCTL_HOOK_SECONDS": ""}
        self.start()
        self.daemon.process.send_signal(signal.SIGSTOP)
        self.addCleanup(self.daemon.process.send_signal, signal.SIGCONT)

        def timed(operation, answer):
            before = time.monotonic()
            status, err = self.hook("web", operation, "begin", "-")
            self.assertEqual(status, OK)
            self.assertIn(answer, err)
            return time.monotonic() - before

        # What the process itself takes on a host as busy as this one.
        alone = max(timed("start", "") for _ in range(3))
        took = timed("prepare", "answer")
        self.assertGreater(took, 1.5)
        self.assertLess(took + timed("started", "answer"), 2.4 + 6 * alone)

    def test_stdin_that_does_not_end(self):
        self.extra_environment = {"PASIDCTL_HOOK_SECONDS": ""}
        self.start()
        p = self.spawn("libvirt-hook", "web", "reconnect", "begin", "-", stdin=subprocess.PIPE)
        self.addCleanup(p.communicate)
        self.assertEqual(p.wait(60), OK)


if __name__ == "__main__":
    main()
