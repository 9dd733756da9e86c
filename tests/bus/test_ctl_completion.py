#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Completions for bash and, if it is installed, zsh: they offer what pasidctl accepts. Without zsh its file is only parsed."""

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
        p = self.spawn_program("bash", "--norc", "-c", script, "bash", *words, cwd=self.directory)
        out, err = p.communicate(timeout=60)
        self.assertEqual((p.returncode, err), (0, ""))
        return sorted(line.strip() for line in out.splitlines() if line)

    def verbs(self):
        """The table of pasidctl itself."""
        text = self.ok("--help").split("Commands:\n")[1].split("\n\n")[0]
        return [verb for verb in re.findall(r"^  ([a-z-]+)", text, re.M) if not verb.startswith("libvirt-")]

    def options_of(self, verb):
        text = self.ok(verb, "--help").split("Options:\n")[1].split("\n\n")[0]
        return sorted(re.findall(r"(--[a-z-]+=?)", "\n".join(line[:30] for line in text.splitlines())))

    def columns(self, verb):
        _, _, err = self.run_ctl(verb, "-o", "?", *(["x"] if verb in ("show", "test-hook") else []))
        return sorted(err.split("Available columns: ")[1].split())

    def test_verbs(self):
        self.assertEqual(self.complete(""), sorted(self.verbs()))
        self.assertEqual(self.complete("set-d"), ["set-default"])

    def test_options(self):
        for verb in self.verbs():
            with self.subTest(verb=verb):
                self.assertEqual(self.complete(verb, "--"), self.options_of(verb))

    def test_columns(self):
        for verb in self.verbs():
            if "--output=" not in self.options_of(verb):
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

    def test_hostile_names(self):
        """Tenants choose the names: the shell of whoever completes them must not run what stands in them."""
        if not shutil.which("busctl"):
            self.skipTest("busctl is not installed")
        self.start()
        os.chmod(self.directory, 0o777)
        run = "$(>ran)"
        for number, name in enumerate((run, "`>ran`", "a b", "~", "*", "$HOME;x", "sch\u00f6n", "x:y")):
            self.reserve(f"bbbb{number:04}-0000-4000-8000-000000000000", name, quota=1)
        offered = self.complete("show", "")
        self.assertFalse((self.directory / "ran").exists())
        # As the shell reads them again; the colon would end a word.
        names = self.spawn_program("bash", "-c", f"printf '%s\\n' {' '.join(offered)}").communicate(timeout=60)[0]
        self.assertEqual(
            {name for name in names.splitlines() if not name.startswith("bbbb")},
            {run, "`>ran`", "a b", "~", "*", "$HOME;x", "sch\u00f6n"},
        )
        self.assertEqual(self.complete("show", "a"), ["a\\ b"])
        self.assertEqual(self.complete("show", "a\\ "), ["a\\ b"])

    def test_no_start(self):
        """Completion does not start the daemon."""
        tried = self.directory / "tried"
        self.program.unlink()
        self.program.write_text(f"#!/bin/sh\n: >{tried}\n")
        self.program.chmod(0o755)
        os.chmod(self.directory, 0o777)
        for words in (("show", ""), ("set-quota", "--slice", "=")):
            self.assertEqual(self.complete(*words), [])
        self.assertFalse(tried.exists())

    def test_zsh(self):
        text = ZSH.read_text()
        commands = re.findall(r"^    '([a-z-]+):", text, re.M)
        self.assertEqual(set(commands), set(self.verbs()))
        cases = set(re.findall(r"^            ([a-z-]+)\)$", text, re.M))
        self.assertEqual(cases, set(commands))
        for verb in self.verbs():
            body = re.search(rf"^            {verb}\)\n(.*?)\n                ;;", text, re.M | re.S)[1]
            for name in re.findall(r"\$(\w+)", body):
                if found := re.search(rf"^{name}=\((.*?)\n?\)$", text, re.M | re.S):
                    body += found[1]
            for name in re.findall(r"\$(\w+)", body):
                if found := re.search(rf"^{name}=\((.*?)\)$", text, re.M):
                    body += found[1]
            with self.subTest(verb=verb):
                wanted = {o.rstrip("=") for o in self.options_of(verb)} - {"--help", "--version"}
                self.assertEqual({o for o in wanted if o not in body}, set())
        if shutil.which("zsh"):
            p = self.spawn_program("zsh", "-n", str(self.zsh))
            self.assertEqual((p.communicate()[1], p.returncode), ("", 0))


if __name__ == "__main__":
    main()
