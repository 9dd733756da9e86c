#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The completions for zsh, in a zsh with its completion system, on a terminal: what a press of Tab offers."""

import pty
import re
import select

from ctlenv import *

# compadd is what every completion ends in. With -O, -A and -D it only asks what would match. Tab tells when it is done.
RC = """
PS1= PS2= LISTMAX=0
unsetopt prompt_cr prompt_sp zle_bracketed_paste
setopt no_beep
autoload -Uz compinit
compinit -D -u
compdef _pasidctl pasidctl
compadd() {
    local -a offered
    if (( ! $@[(I)-*[OAD]*] )); then
        builtin compadd -O offered "$@"
        print -rl -- $offered >>$OFFERED
    fi
    builtin compadd "$@"
}
tab() {
    zle complete-word
    print -r -- "done $BUFFER" >>$OFFERED
}
zle -N tab
bindkey '^I' tab
bindkey '^U' kill-whole-line
print ready >>$OFFERED
"""


class Zsh(CtlTest):
    def setUp(self):
        super().setUp()
        if not shutil.which("zsh"):
            self.skipTest("zsh is not installed")
        # The source may be out of reach for the other user.
        functions = self.directory / "functions"
        functions.mkdir(mode=0o755)
        shutil.copy(SOURCE / "conf/completion/_pasidctl", functions / "_pasidctl")
        self.offered = self.directory / "offered"
        self.offered.touch()
        self.offered.chmod(0o666)
        rc = self.directory / "rc"
        rc.write_text(f"fpath=('{functions}' $fpath)\nOFFERED='{self.offered}'\n{RC}")
        self.extra_environment = {"PATH": f"{self.directory}:{os.environ['PATH']}", "TERM": "vt100", "HOME": "/nonexistent"}
        self.master, slave = pty.openpty()
        self.addCleanup(os.close, self.master)
        self.zsh = self.spawn_program("zsh", "-f", "-i", stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        self.addCleanup(self.zsh.wait)
        self.addCleanup(self.zsh.kill)
        self.type(f"source '{rc}'\n")
        self.wait_line("ready")

    def type(self, text):
        os.write(self.master, text.encode())

    def wait_line(self, start):
        """The lines of the file up to the one that begins like this; what zsh writes on its terminal is read meanwhile."""
        deadline = time.monotonic() + 120
        screen = b""
        while time.monotonic() < deadline:
            lines = self.offered.read_text().splitlines()
            if lines and lines[-1].startswith(start):
                return lines
            if select.select([self.master], [], [], 0.05)[0]:
                screen += os.read(self.master, 4096)
        raise AssertionError(f"zsh does not come to an end:\n{screen.decode(errors='replace')}")

    def complete(self, words):
        """What Tab behind the words offers, and the line that it makes."""
        self.offered.write_text("")
        self.type(f"\x15pasidctl {words}\t")
        *offered, line = self.wait_line("done ")
        return sorted(set(filter(None, offered))), line.removeprefix("done ")

    def offers(self, words):
        return self.complete(words)[0]

    def verbs(self):
        text = self.ok("--help").split("Commands:\n")[1].split("\n\n")[0]
        return sorted(verb for verb in re.findall(r"^  ([a-z-]+)", text, re.M) if not verb.startswith("libvirt-"))

    def test_verbs(self):
        self.assertEqual(self.offers(""), self.verbs())
        self.assertEqual(self.complete("set-d"), (["set-default"], "pasidctl set-default "))

    def test_options(self):
        """Every verb offers its options, long and short, and no other's."""
        for verb in self.verbs():
            text = self.ok(verb, "--help").split("Options:\n")[1].split("\n\n")[0]
            wanted = sorted({o.rstrip("=") for line in text.splitlines() for o in re.findall(r"(--[a-z-]+=?)", line[:30])})
            with self.subTest(verb=verb):
                offered = [o.rstrip("=") for o in self.offers(f"{verb} --")]
                self.assertEqual(sorted(set(offered) | {"--help", "--version"}), sorted(set(wanted) | {"--help", "--version"}))

    def test_values(self):
        self.assertEqual(self.offers("list --json="), ["off", "pretty", "short"])
        self.assertEqual(self.complete("list --json=s")[1], "pasidctl list --json=short ")
        self.assertEqual(self.complete("list -o name,que")[0], [])
        self.assertIn("QUOTA", self.offers("list -o NAME,Q"))
        self.assertEqual(self.complete("export --format=n")[1], "pasidctl export --format=nova-provider ")
        self.assertEqual(self.complete("set-default ")[1], "pasidctl set-default max ")
        self.assertIn("DENIED", self.offers("top --sort=D"))

    def test_vms(self):
        """From the daemon, which is not started for it."""
        self.assertEqual(self.offers("show "), [])
        self.add_machine("web", WEB, 1)
        self.add_machine("db", DB, 2)
        self.start()
        for verb in ("show", "explain", "set-quota", "reset-quota"):
            with self.subTest(verb=verb):
                self.assertEqual(self.offers(f"{verb} "), sorted(["web", "db", WEB, DB]))
        self.assertEqual(self.complete("show w")[1], "pasidctl show web ")
        self.assertEqual(self.complete("show aaaab")[1], f"pasidctl show {WEB} ")
        self.assertEqual(self.complete("set-quota web ")[1], "pasidctl set-quota web max ")

    def test_hostile_names(self):
        """Tenants choose the names: nothing that stands in them is run, and what is completed is quoted."""
        self.start()
        os.chmod(self.directory, 0o777)
        self.type(f"cd '{self.directory}'\n")
        for number, name in enumerate(("$(>ran)", "`>ran2`", "a b")):
            self.reserve(f"bbbb{number:04}-0000-4000-8000-000000000000", name, quota=1)
        offered = [name for name in self.offers("show ") if not name.startswith("bbbb")]
        self.assertEqual(offered, sorted(["$(>ran)", "`>ran2`", "a b"]))
        self.assertEqual(self.complete("show a")[1], "pasidctl show a\\ b ")
        self.assertEqual([path.name for path in self.directory.glob("ran*")], [])


if __name__ == "__main__":
    main()
