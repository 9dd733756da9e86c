#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The completions for bash, run; those for zsh, where there is zsh, and otherwise read: they offer what pasidctl takes."""

import re

from ctlenv import *

BASH = SOURCE / "conf/completion/pasidctl.bash"
ZSH = SOURCE / "conf/completion/_pasidctl"


class Completion(CtlTest):
    def setUp(self):
        super().setUp()
        # The source may be out of reach for the other user.
        self.bash = shutil.copy(BASH, self.directory / "completion.bash")
        self.zsh = shutil.copy(ZSH, self.directory / "completion.zsh")
        self.extra_environment = {"PATH": f"{self.directory}:{os.environ['PATH']}"}

    def complete(self, *words):
        """What bash offers for the last of the words; "=" is a word of its own, as readline makes it."""
        script = (
            f"source '{self.bash}'; compopt() {{ :; }}; COMP_WORDS=(pasidctl \"$@\"); COMP_CWORD=$#; "
            '_pasidctl; printf "%s\\n" "${COMPREPLY[@]}"'
        )
        p = self.spawn_program("bash", "--norc", "-c", script, "bash", *words)
        out, err = p.communicate(timeout=60)
        self.assertEqual((p.returncode, err), (0, ""))
        return sorted(line.strip() for line in out.splitlines() if line)

    def verbs(self):
        """The table of pasidctl itself."""
        text = self.ok("--help").split("Commands:\n")[1].split("\n\n")[0]
        return [line.split()[0] for line in text.splitlines() if not line.split()[0].startswith("libvirt-hook")]

    def options(self, verb):
        text = self.ok(verb, "--help").split("Options:\n")[1].split("\n\n")[0]
        return sorted(re.findall(r"(--[a-z-]+=?)", "\n".join(line[:30] for line in text.splitlines())))

    def columns(self, verb):
        _, _, err = self.run_ctl(verb, "-o", "?", *(["x"] if verb in ("show", "test-hook") else []))
        return sorted(err.split("there are: ")[1].split())

    def test_verbs(self):
        offered = set(self.complete(""))
        # metrics comes with a daemon that has them.
        self.assertEqual(offered - {"metrics"}, set(self.verbs()) - {"metrics"})
        self.assertEqual(self.complete("set-d"), ["set-default"])

    def test_options(self):
        for verb in set(self.verbs()) - {"metrics"}:
            with self.subTest(verb=verb):
                self.assertEqual(self.complete(verb, "--"), self.options(verb))

    def test_columns(self):
        for verb in self.verbs():
            if "--output=" not in self.options(verb) or verb == "metrics":
                continue
            with self.subTest(verb=verb):
                self.assertEqual(self.complete(verb, "-o", ""), self.columns(verb))
        self.assertEqual(self.complete("list", "-o", "name,que"), [])
        self.assertEqual(self.complete("list", "--output", "=", "name,qu"), ["name,QUOTA"])

    def test_values(self):
        self.assertEqual(self.complete("list", "--json", "=", "s"), ["short"])
        self.assertEqual(self.complete("list", "--json", "="), ["off", "pretty", "short"])
        self.assertEqual(self.complete("export", "--format", "="), ["json", "nova-provider"])
        self.assertEqual(self.complete("set-default", ""), ["max"])
        self.assertEqual(self.complete("set-quota", "--slice", "=", "a.slice", ""), ["max"])

    def test_vms(self):
        """From the daemon."""
        if not shutil.which("busctl"):
            self.skipTest("busctl is not installed")
        self.assertEqual(self.complete("show", ""), [])
        self.add_machine("web", WEB, 1)
        self.add_machine("db", DB, 2)
        self.start()
        for verb in ("show", "explain", "set-quota", "reset-quota"):
            self.assertEqual(self.complete(verb, ""), sorted(["web", "db", WEB, DB]))
        self.assertEqual(self.complete("show", "w"), ["web"])
        self.assertEqual(self.complete("--json", "=", "short", "show", "aaaab"), [WEB])
        self.assertEqual(self.complete("set-quota", "web", ""), ["max"])
        self.assertEqual(self.complete("show", "web", ""), [])

    def test_zsh(self):
        text = ZSH.read_text()
        commands = re.findall(r"^    '([a-z-]+):", text, re.M)
        self.assertEqual(set(commands) - {"metrics"}, set(self.verbs()) - {"metrics"})
        cases = set(re.findall(r"^            ([a-z-]+)\)$", text, re.M))
        self.assertEqual(cases, set(commands))
        for verb in set(self.verbs()) - {"metrics"}:
            body = re.search(rf"^            {verb}\)\n(.*?)\n                ;;", text, re.M | re.S)[1]
            for name in re.findall(r"\$(\w+)", body):
                if found := re.search(rf"^{name}=\((.*?)\n?\)$", text, re.M | re.S):
                    body += found[1]
            for name in re.findall(r"\$(\w+)", body):
                if found := re.search(rf"^{name}=\((.*?)\)$", text, re.M):
                    body += found[1]
            with self.subTest(verb=verb):
                wanted = {o.rstrip("=") for o in self.options(verb)} - {"--help", "--version"}
                self.assertEqual({o for o in wanted if o not in body}, set())
        if shutil.which("zsh"):
            p = self.spawn_program("zsh", "-n", str(self.zsh))
            self.assertEqual((p.communicate()[1], p.returncode), ("", 0))


if __name__ == "__main__":
    main()
