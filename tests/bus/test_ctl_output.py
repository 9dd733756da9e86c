#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Output of pasidctl: documented JSON, colours, the pager, warnings, and remote hosts."""

import pty
import select

from ctlenv import *


class Output(CtlTest):
    def setUp(self):
        super().setUp()
        self.cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.add_machine("db", DB, 2)
        self.start()
        self.set_quota(WEB, 10, watermark=5)

    def usage(self, allocated, denied):
        self.root.set_attribute(1, "allocated", allocated)
        self.root.set_attribute(1, "denied", denied)

    # JSON.

    def test_documented_json(self):
        self.assert_documented("array of VM", self.json("list"))
        self.assert_documented("VM", self.json("show", "web"))
        self.assert_documented("status", self.json("status"))
        for arguments in (
            ("set-quota", "web", "7"),
            ("set-quota", "web", "7", "--watermark=3"),
            ("reset-quota", "web"),
            ("set-default", "7"),
            ("reset-default",),
        ):
            for option in ("--dry-run", "--json=short"):
                with self.subTest(arguments=arguments, option=option):
                    self.assert_documented("change", json.loads(self.ok(*arguments, option, "--json=short")))

    def test_schema_notices(self):
        """The check can fail."""
        vm = self.json("show", "web")
        for change in ({"quota": "7"}, {"quota": True}, {"more": 1}, {"sets": [{}]}, {"warnings": [1]}):
            self.assertNotEqual(list(Schema().errors(vm | change, "VM")), [], change)
        del vm["quota"]
        self.assertNotEqual(list(Schema().errors(vm, "VM")), [])

    # Columns and legends.

    def test_columns_of_a_record(self):
        self.assertEqual(self.ok("show", "web", "-o", "name,quota"), " Name: web\nQuota: 10\n")
        self.assertEqual(self.ok("show", "web", "-o", "quota", "--no-legend"), "10\n")
        self.assertEqual(self.json("show", "web", "-o", "quota"), {"quota": 10})
        self.assertEqual(self.ok("status", "-o", "capacity,vms", "--no-legend"), "100000\n2\n")
        self.fail_with(USAGE, "Unknown column 'VSM'. Did you mean VMS", "status", "-o", "VSM")

    # Locales.

    def test_locale_without_the_name(self):
        """A name that the charset does not have: libsmartcols would print it for ever."""
        name = "sch\u00f6n-\u65e5\u672c"
        escaped = "sch\\xc3\\xb6n-\\xe6\\x97\\xa5\\xe6\\x9c\\xac"
        self.reserve(OTHER, name, quota=4)
        for locale, shown in (("C", escaped), ("C.UTF-8", name)):
            self.extra_environment = {"LC_ALL": locale}
            for arguments in (("list",), ("explain", OTHER), ("top",)):
                with self.subTest(locale=locale, arguments=arguments):
                    self.assertIn(shown, self.ok(*arguments))
            self.assertEqual(self.json("show", OTHER, "-o", "name"), {"name": name})

    def test_decimal_comma(self):
        """What programs read is the same everywhere."""
        made = shutil.which("localedef") and subprocess.run(
            ["localedef", "-i", "de_DE", "-f", "UTF-8", self.directory / "de_DE.UTF-8"], capture_output=True, check=False
        )
        if not made or made.returncode != 0:
            self.skipTest("the locale de_DE cannot be made here (Debian: locales)")
        self.extra_environment = {"LOCPATH": str(self.directory), "LC_ALL": "de_DE.UTF-8"}
        self.assertIn("allocation_ratio: 1.000\n", self.ok("export", "--format=nova-provider"))

    # Warnings.

    def test_warnings(self):
        self.usage(8, 0)
        self.assertTrue(self.ok("list").endswith("\n2 virtual machines.\n"))
        self.usage(9, 0)
        self.assertIn("Above 80 % of the quota: web (9 of 10).\n", self.ok("list"))
        self.assertEqual(self.json("show", "web", "-o", "warnings,usage"), {"warnings": ["high"], "usage": 90})
        self.usage(12, 3)
        out = self.ok("list")
        self.assertIn("Over quota: web (12 of 10).\n", out)
        self.assertIn("PASIDs denied: web (3).", out)
        self.assertNotIn("refused", self.ok("list", "--no-legend"))
        self.assertEqual(self.json("list", "-o", "warnings")[1], {"warnings": ["over", "denied"]})

    # The terminal.

    def on_terminal(self, *args, **environment):
        """What appears on a terminal, and the exit status."""
        self.extra_environment = {"TERM": "xterm", **environment}
        master, slave = pty.openpty()
        p = self.spawn(*args, stdin=slave, stdout=slave)
        os.close(slave)
        out = b""
        while select.select([master], [], [], 30)[0]:
            try:
                data = os.read(master, 4096)
            except OSError:
                break
            out += data
        os.close(master)
        p.stderr.close()
        self.extra_environment = {}
        return out.decode().replace("\r\n", "\n"), p.wait(30)

    def test_colors(self):
        self.usage(9, 1)
        red = "\x1b[31m"
        for environment, wanted in (
            ({"SYSTEMD_PAGER": ""}, True),
            ({"SYSTEMD_PAGER": "", "NO_COLOR": "1"}, False),
            ({"SYSTEMD_PAGER": "", "NO_COLOR": ""}, True),
            ({"SYSTEMD_PAGER": "", "TERM": "dumb"}, False),
            ({"SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0"}, False),
            ({"SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "1", "NO_COLOR": "1"}, True),
            ({"SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "auto-16"}, True),
        ):
            with self.subTest(environment=environment):
                out, status = self.on_terminal("list", **environment)
                self.assertEqual(status, OK)
                self.assertEqual(red in out, wanted, out)
        # In a file or a pipe there are none.
        for environment in ({}, {"SYSTEMD_COLORS": "auto"}, {"SYSTEMD_COLORS": "auto-16"}, {"SYSTEMD_COLORS": "auto-256"}):
            self.extra_environment = environment
            self.assertNotIn("\x1b", self.ok("list"), environment)
        self.extra_environment = {"SYSTEMD_COLORS": "1"}
        self.assertIn(red, self.ok("list"))

    def test_pager(self):
        pager = self.directory / "pager"
        pager.write_text("#!/bin/sh\necho paged by $1, $LESSSECURE\ncat\n")
        pager.chmod(0o755)
        for environment, arguments, wanted in (
            ({"PAGER": f"{pager} P"}, (), "P"),
            ({"PAGER": "cat", "SYSTEMD_PAGER": f"{pager} S"}, (), "S"),
            ({"PAGER": f"{pager} P", "SYSTEMD_PAGER": ""}, (), None),
            ({"PAGER": f"{pager} P"}, ("--no-pager",), None),
            ({"PAGER": f"{pager} P"}, ("--json=short",), None),
        ):
            with self.subTest(environment=environment, arguments=arguments):
                out, status = self.on_terminal("list", *arguments, **environment)
                self.assertEqual(status, OK)
                self.assertIn(WEB, out)
                self.assertEqual(out.startswith("paged by "), wanted is not None, out)
                if wanted:
                    self.assertTrue(out.startswith(f"paged by {wanted}, 1\n"), out)
        # Whoever sits at the terminal must not choose what runs with more rights than theirs.
        less = self.directory / "less"
        less.write_text("#!/bin/sh\necho less instead, $LESSSECURE\ncat\n")
        less.chmod(0o755)
        path = f"{self.directory}:{os.environ['PATH']}"
        for variable in ("SUDO_UID", "PKEXEC_UID", "DOAS_USER"):
            with self.subTest(variable=variable):
                out, _ = self.on_terminal("list", PAGER=f"{pager} P", PATH=path, **{variable: "1000"})
                self.assertTrue(out.startswith("less instead, 1\n"), out)
        # It could not scroll there, and would wait for a key.
        for term in ("dumb", ""):
            with self.subTest(term=term):
                out, _ = self.on_terminal("list", PAGER=f"{pager} P", PATH=path, TERM=term)
                self.assertIn(WEB, out)
                self.assertNotIn("paged by", out)
        # One that is not there costs nothing but itself.
        self.assertIn(WEB, self.on_terminal("list", PAGER="/nonexistent")[0])
        # What fails says so past it.
        self.assertEqual(self.on_terminal("show", "nobody", PAGER="cat")[1], NOT_FOUND)

    def test_turkish(self):
        """A locale in which "i" is no small "I" changes nothing."""
        locales = self.directory / "locales"
        locales.mkdir()
        made = subprocess.run(
            ["localedef", "-i", "tr_TR", "-f", "UTF-8", locales / "tr_TR.UTF-8"], capture_output=True, check=False
        )
        if made.returncode != 0:
            self.skipTest("the locale tr_TR cannot be made (Debian: locales)")
        for path in (locales, *locales.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        self.extra_environment = {"LC_ALL": "tr_TR.UTF-8", "LOCPATH": str(locales)}
        date = subprocess.run(["date", "-d", "2026-01-01", "+%B"], env={**os.environ, **self.extra_environment}, capture_output=True, text=True, check=True)
        self.assertEqual(date.stdout, "Ocak\n", "the locale is used")
        for columns in ("uuid", "unit,inforce,origin"):
            with self.subTest(columns=columns):
                self.extra_environment["LC_ALL"] = "tr_TR.UTF-8"
                here = self.ok("list", "-o", columns)
                self.extra_environment["LC_ALL"] = "C.UTF-8"
                self.assertEqual(here, self.ok("list", "-o", columns))
        self.extra_environment["LC_ALL"] = "tr_TR.UTF-8"
        self.assertIn(WEB, self.ok("show", WEB.upper()[:20]))

    # Another host.

    def test_host(self):
        if not shutil.which("systemd-stdio-bridge"):
            self.skipTest("systemd-stdio-bridge is not installed")
        ssh = self.directory / "ssh"
        ssh.write_text(f'#!/bin/sh\necho "$@" >&2\nexec systemd-stdio-bridge --bus-path=unix:path={self.bus.socket}\n')
        ssh.chmod(0o755)
        self.extra_environment = {
            "PATH": f"{self.directory}:{os.environ['PATH']}",
            "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent",
        }
        for arguments in (
            ("list",),
            ("show", "web"),
            ("set-quota", "web", "7"),
            ("reset-quota", "web"),
            ("set-default", "7"),
            ("reset-default",),
            ("status",),
            ("reload",),
            ("top",),
            ("events",),
        ):
            with self.subTest(arguments=arguments):
                status, _, err = self.run_ctl("-H", "admin@elsewhere", *arguments)
                self.assertEqual(status, OK, err)
                self.assertRegex(err, "-- admin@elsewhere systemd-stdio-bridge")
                status, _, err = self.run_ctl("-H", "admin@elsewhere:2222", *arguments)
                self.assertEqual(status, OK, err)
                self.assertRegex(err, "-p 2222 -- admin@elsewhere systemd-stdio-bridge")
        self.daemon.stop()
        self.fail_with(NOT_RUNNING, "pasidd is not running on elsewhere: .* there\\.", "reload", "--host=elsewhere")
        ssh.write_text("#!/bin/sh\nexit 255\n")
        self.fail_with(NOT_RUNNING, "Cannot connect to the system bus of elsewhere", "list", "-H", "elsewhere")
        self.fail_with(NOT_RUNNING, "Does 'ssh -p 2222 elsewhere systemd-stdio-bridge'", "list", "-H", "elsewhere:2222")

    def test_bad_host(self):
        """What one verb cannot take, none does."""
        for host in ("", "a:", "a:b", "a:0", "a:65536", "a:-1", "a/b", "a:22/b", "::1", "[::1", "[::1]22", "@a", "a@", "a@b@c", "-oX", "u@-oX"):
            for verb in ("list", "doctor"):
                with self.subTest(host=host, verb=verb):
                    self.fail_with(USAGE, "Invalid --host=.*HOST:PORT", verb, f"--host={host}")


if __name__ == "__main__":
    main()
