#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pasidctl top, on a real terminal emulator (tmux) and without a terminal."""

import os
import pathlib
import re
import signal

from ctlenv import *
from minibus import MonitorConnection, wait_until


class Top(CtlTest):
    def setUp(self):
        super().setUp()
        self.add_machine("web", WEB, 1, sets=[1])
        self.add_machine("db", DB, 2, sets=[2])
        self.start()
        self.set_quota(WEB, 10)
        for set_id, allocated, denied in ((1, 9, 3), (2, 50, 0)):
            self.root.set_attribute(set_id, "allocated", allocated)
            self.root.set_attribute(set_id, "denied", denied)

    def names(self, text):
        return [line.split()[0] for line in text.splitlines() if re.match("(web|db) ", line)]

    def test_without_terminal(self):
        self.assertEqual(self.names(self.ok("top")), ["db", "web"])
        self.assertEqual(self.names(self.ok("top", "-r")), ["web", "db"])
        self.assertEqual(self.names(self.ok("top", "--sort=denied")), ["web", "db"])
        self.assertEqual(self.names(self.ok("top", "-s", "name")), ["db", "web"])
        self.assertEqual(self.names(self.ok("top", "-s", "USAGE")), ["web", "db"])
        self.assertEqual(self.ok("top", "-n", "2", "-d", "1", "--no-legend", "-o", "name").split(), ["db", "web"] * 2)
        self.assertEqual([vm["name"] for vm in json.loads(self.ok("top", "--json=short"))], ["db", "web"])
        for arguments, pattern in (
            (("-s", "bogus"), "Cannot sort by 'bogus'"),
            (("-s", "sets"), "Cannot sort by"),
            (("-d", "0"), "Invalid --delay=0"),
            (("-d", "-1"), "not a decimal"),
            (("-d", "1s"), "Invalid --delay=1s"),
            (("-n", ""), "Invalid --iterations="),
        ):
            with self.subTest(arguments=arguments):
                self.fail_with(USAGE, pattern, "top", *arguments)

    # In tmux.

    def tmux(self, *args, check=True):
        p = subprocess.run(
            ["tmux", "-S", str(self.directory / "tmux"), *args], check=check, capture_output=True, text=True, timeout=60
        )
        return p.stdout

    def start_tmux(self, *arguments, rows=24, columns=100, term="screen"):
        if not shutil.which("tmux"):
            self.skipTest("tmux is not installed")
        command = f"trap : INT; '{self.program}' top {' '.join(arguments)}; echo left with $?; sleep 100"
        environment = f"DBUS_SYSTEM_BUS_ADDRESS=unix:path={self.bus.socket} LC_ALL=C.UTF-8 TZ=UTC TERM={term}"
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows), f"{environment} sh -c {shell_quote(command)}")
        self.addCleanup(self.tmux, "kill-server", check=False)

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def wait_screen(self, test, what):
        try:
            wait_until(lambda: test(self.screen()), what)
        except TimeoutError as e:
            raise AssertionError(f"{what}:\n{self.screen()}") from e

    def test_in_place(self):
        self.start_tmux("-d", "1")
        self.wait_screen(lambda s: self.names(s) == ["db", "web"], "both, sorted by allocated")
        self.assertIn("running, 2 virtual machines", self.screen())
        self.assertNotIn("left with", self.screen())
        # It follows, in place.
        self.root.set_attribute(1, "allocated", 77)
        self.wait_screen(lambda s: self.names(s) == ["web", "db"] and " 77 " in s, "the change, and the new order")
        self.assertEqual(self.screen().count("NAME"), 1)
        self.root.remove_set(2)
        self.machined.remove("qemu-2-db")
        self.wait_screen(lambda s: self.names(s) == ["web"], "one that has gone")
        self.tmux("send-keys", "q")
        self.wait_screen(lambda s: "left with 0" in s, "the end")
        # What was on the screen before is there again, with nothing of top.
        self.assertNotIn("web", self.screen())

    def test_daemon_that_leaves(self):
        """The reason stays when the screen goes."""
        self.start_tmux("-d", "1")
        self.wait_screen(lambda s: self.names(s) == ["db", "web"], "both")
        self.daemon.stop()
        self.wait_screen(lambda s: "left with 5" in s and "pasidctl: pasidd is not running" in s, "the reason")

    def test_keys(self):
        self.start_tmux("-d", "3600")
        self.wait_screen(lambda s: self.names(s) == ["db", "web"], "sorted by allocated")
        for key, order, by in (
            ("d", ["web", "db"], "by DENIED"),
            ("r", ["db", "web"], "by DENIED, reversed"),
            ("r", ["web", "db"], "by DENIED"),
            ("n", ["db", "web"], "by NAME"),
            ("u", ["web", "db"], "by USAGE"),
            ("x", ["web", "db"], "by USAGE"),
        ):
            self.tmux("send-keys", key)
            self.wait_screen(lambda s: self.names(s) == order and re.search(f"^{by} ", s, re.M), f"after {key}")
        self.tmux("send-keys", "C-c")
        self.wait_screen(lambda s: "left with 0" in s, "the end")

    def test_signal_between(self):
        """One that comes while the daemon is asked is not lost: it is not waited for the next look."""
        self.start_tmux("-d", "3600")
        self.wait_screen(lambda s: self.names(s) == ["db", "web"], "both")
        monitor = MonitorConnection(self.bus.socket)
        self.addCleanup(monitor.close)
        self.daemon.process.send_signal(signal.SIGSTOP)
        self.tmux("send-keys", "n")
        top = self.pid_of_top()
        # The key has been read, and top waits for the daemon's answer.
        monitor.wait_call("org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
        self.tmux("send-keys", "C-c")
        wait_until(lambda: self.has_signal(top), "the signal has come")
        self.daemon.process.send_signal(signal.SIGCONT)
        self.wait_screen(lambda s: "left with 0" in s, "the end")

    def pid_of_top(self):
        """Without pgrep, which a build machine need not have."""
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                command = path.read_bytes().split(b"\0")
            except OSError:
                continue
            if command[:2] == [os.fsencode(self.program), b"top"]:
                return int(path.parent.name)
        self.fail("top does not run")

    def has_signal(self, pid):
        """SIGINT waits for the process, or a handler has taken it."""
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        pending = int(re.search(r"^ShdPnd:\s*(\w+)", status, re.M)[1], 16)
        blocked = int(re.search(r"^SigBlk:\s*(\w+)", status, re.M)[1], 16)
        bit = 1 << (signal.SIGINT - 1)
        return pending & bit or not blocked & bit

    def test_stopped_and_continued(self):
        """The shell has its terminal back, and after "fg" keys need no RETURN."""
        if not shutil.which("tmux"):
            self.skipTest("tmux is not installed")
        environment = f"DBUS_SYSTEM_BUS_ADDRESS=unix:path={self.bus.socket} LC_ALL=C.UTF-8 TZ=UTC PS1=ready:"
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "24", f"{environment} bash --norc --noprofile -i")
        self.addCleanup(self.tmux, "kill-server", check=False)
        self.tmux("send-keys", f"'{self.program}' top -d 3600", "Enter")
        self.wait_screen(lambda s: self.names(s) == ["db", "web"], "both")
        self.tmux("send-keys", "C-z")
        self.wait_screen(lambda s: "Stopped" in s and not self.names(s), "the shell's screen")
        self.assertEqual(self.tmux("display-message", "-p", "#{cursor_flag} #{wrap_flag} #{alternate_on}").split(), ["1", "1", "0"])
        # What is typed is shown, and RETURN is needed.
        self.tmux("send-keys", "echo shown", "Enter")
        self.wait_screen(lambda s: "\nshown" in s, "the shell works")
        self.tmux("send-keys", "fg", "Enter")
        self.wait_screen(lambda s: self.names(s) == ["db", "web"], "both again")
        self.tmux("send-keys", "d")
        self.wait_screen(lambda s: self.names(s) == ["web", "db"], "a key without RETURN")
        self.tmux("send-keys", "C-\\")
        self.wait_screen(lambda s: "Quit" in s and not self.names(s), "the shell's screen")
        self.assertEqual(self.tmux("display-message", "-p", "#{cursor_flag} #{wrap_flag} #{alternate_on}").split(), ["1", "1", "0"])

    def test_resized(self):
        """Painted anew at once, and not at the next look."""
        for i in range(3, 10):
            self.add_machine(f"m{i}", f"aaaadddd-0000-4000-8000-{i:012}", i)
        self.wait_vm("m9")
        self.start_tmux("-d", "3600", rows=8)
        self.wait_screen(lambda s: self.names(s) == ["db", "web"], "the first ones")
        self.assertNotIn("m9", self.screen())
        self.tmux("resize-window", "-x", "100", "-y", "24")
        self.wait_screen(lambda s: "m9" in s, "all of them")

    def test_dumb_terminal(self):
        """No escape sequences: once, as without a terminal."""
        self.start_tmux("-d", "3600", term="dumb")
        self.wait_screen(lambda s: "left with 0" in s and self.names(s) == ["db", "web"], "a table, and the end")

    def test_small_screen(self):
        for i in range(3, 20):
            self.add_machine(f"m{i}", f"aaaadddd-0000-4000-8000-{i:012}", i)
        self.wait_vm("m19")
        self.start_tmux("-d", "1", rows=8)
        self.wait_screen(lambda s: self.names(s) == ["db", "web"], "the first ones")
        self.assertIn("19 virtual machines", self.screen().splitlines()[0])

    def test_narrow_screen(self):
        """Lines that are too long are cut, also where characters take two columns."""
        self.reserve(OTHER, "\u65e5\u672c" * 12, quota=4)
        self.start_tmux("-d", "1", columns=40)
        self.wait_screen(lambda s: self.names(s) == ["db", "web"], "those below each other")
        lines = self.screen().splitlines()
        self.assertEqual([lines[0][:2].isdigit(), lines[1][:3], lines[2]], [True, "by ", ""])
        self.assertRegex(lines[3], "^NAME")
        self.assertEqual(lines[7:], [""] * len(lines[7:]))


def shell_quote(text):
    return "'" + text.replace("'", "'\\''") + "'"


if __name__ == "__main__":
    main()
