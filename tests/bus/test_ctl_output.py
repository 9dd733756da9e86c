#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How pasidctl prints: documented JSON, colours, the pager, warnings, and from another host."""

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
        self.fail_with(USAGE, "No column 'VSM'. Did you mean VMS", "status", "-o", "VSM")

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
        self.assertIn("Were refused PASIDs: web (3).", out)
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
        ):
            with self.subTest(environment=environment):
                out, status = self.on_terminal("list", **environment)
                self.assertEqual(status, OK)
                self.assertEqual(red in out, wanted, out)
        # In a file or a pipe there are none.
        self.assertNotIn("\x1b", self.ok("list"))
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
        # One that is not there costs nothing but itself.
        self.assertIn(WEB, self.on_terminal("list", PAGER="/nonexistent")[0])
        # What fails says so past it.
        self.assertEqual(self.on_terminal("show", "nobody", PAGER="cat")[1], NOT_FOUND)

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
                    self.fail_with(USAGE, "Bad --host=.*HOST:PORT", verb, f"--host={host}")


if __name__ == "__main__":
    main()
