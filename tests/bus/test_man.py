#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The man pages: the examples work, and the pages are complete."""

import re
import xml.etree.ElementTree as ElementTree

from ctlenv import *

DOMAIN = """<domain type='kvm'><name>web</name><uuid>{uuid}</uuid><metadata>
<pasid:quota xmlns:pasid="urn:pasidd:domain:1" max="64"/></metadata></domain>"""


def page(name):
    """The text of a page, approximately: without macros and fonts."""
    text = (SOURCE / f"man/{name}.in").read_text()
    for escape, character in (("\\-", "-"), ("\\(aq", "'"), ("\\(dq", '"'), ("\\(lq", "\u201c"), ("\\(rq", "\u201d")):
        text = text.replace(escape, character)
    return text


def examples(name):
    """(command, output) of each."""
    for block in re.findall(r"^\.EX\n(.*?)^\.EE", page(name).split(".SH EXAMPLES")[1], re.M | re.S):
        if found := re.match(r"[#$] \\fB(.*)\\fP\n(.*)", block, re.S):
            yield found[1], found[2]


class Examples(CtlTest):
    def run_examples(self, name, least):
        done = 0
        directory = self.directory / "examples"
        directory.mkdir()
        (directory / "pasidctl").symlink_to(self.program)
        (directory / "web.xml").write_text(DOMAIN.format(uuid=WEB))
        self.extra_environment = {"PATH": f"{directory}:{os.environ['PATH']}"}
        for command, output in examples(name):
            with self.subTest(command=command):
                if "jq" in command and not shutil.which("jq"):
                    self.skipTest("jq is not installed")
                p = self.spawn_program("sh", "-c", command, cwd=directory)
                out, err = p.communicate(timeout=60)
                self.assertEqual((out, err, p.returncode), (output, "", 0))
                done += 1
        self.assertGreaterEqual(done, least)

    def test_pasidctl(self):
        self.start()
        self.reserve(DB, "demo", quota=4)
        self.add_machine("demo", DB, 1, sets=[1])
        self.add_machine("web", WEB, 2)
        self.wait_get(DB, "State", "running")
        self.wait_vm("web")
        self.wait_quota(1, 4)
        self.root.set_attribute(1, "allocated", 4)
        self.root.set_attribute(1, "denied", 1)
        self.run_examples("pasidctl.1", 5)

    def test_libvirt(self):
        self.start()
        self.run_examples("pasidd-libvirt.7", 1)


class Complete(CtlTest):
    def test_verbs_and_options(self):
        text = page("pasidctl.1")
        commands = text.split(".SH COMMANDS")[1].split(".SH OPTIONS")[0]
        options = text.split(".SH OPTIONS")[1].split(".SH EVENTS")[0]
        for verb in re.findall(r"^  ([a-z-]+)", self.ok("--help").split("Commands:\n")[1].split("\n\n")[0], re.M):
            self.assertTrue(re.search(rf"\n\.B[IR]? {verb}\b", commands), verb)
        for option in re.findall(r"^ +(?:-\w )?(--[a-z-]+)", self.ok("--help").split("Options:\n")[1], re.M):
            self.assertIn(option, options)

    def test_exit_statuses(self):
        text = page("pasidctl.1").split(".SH EXIT STATUS")[1].split(".SH")[0]
        self.assertEqual(re.findall(r"^\d$", text, re.M), list("012345"))

    def test_dbus_members(self):
        """The installed page."""
        sources = [SOURCE / f"conf/dbus/org.pasidd1.{interface}.xml" for interface in ("Manager", "VM")]
        text = subprocess.run(
            [sys.executable, SOURCE / "man/members.py", SOURCE / "man/org.pasidd1.5.in", *sources],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        self.assertNotIn("@members@", text)
        members = [m for path in sources for m in ElementTree.parse(path).iter() if m.tag in ("method", "property", "signal")]
        self.assertGreater(len(members), 30)
        missing = [m.get("name") for m in members if f"\\fB{m.get('name')}\\fR" not in text]
        self.assertEqual(missing, [])

    def test_configuration_keys(self):
        text = page("pasidd.conf.5")
        keys = re.findall(r"^#(\w+=)", (SOURCE / "conf/pasidd.conf").read_text(), re.M)
        self.assertGreater(len(keys), 5)
        for key in keys:
            self.assertIn(key, text)

    def test_actions(self):
        actions = re.findall(r'<action id="([^"]+)"', (SOURCE / "conf/org.pasidd1.policy").read_text())
        for action in actions:
            self.assertIn(action, page("org.pasidd1.5"))


if __name__ == "__main__":
    main()
