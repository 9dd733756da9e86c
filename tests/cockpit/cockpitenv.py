# SPDX-License-Identifier: LGPL-2.1-or-later
"""The environment of the tests of the Cockpit page: that of the bus tests, cockpit-ws with a local session on their bus, and
a real browser."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "bus"))

# pylint: disable=wrong-import-position,wildcard-import,unused-wildcard-import
from minibus import BusError, wait_until
from testenv import *

COCKPIT_WS = "/usr/lib/cockpit/cockpit-ws"
COCKPIT_BRIDGE = "/usr/bin/cockpit-bridge"
NODE_MODULES = os.environ.get("PASIDD_NODE_MODULES", "")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")


class PageError(Exception):
    """A command of the browser that failed."""


class Browser:
    """The process that drives Chromium. Its methods are the commands of browser.mjs."""

    def __init__(self):
        self.process = subprocess.Popen(
            ["node", HERE / "browser.mjs", NODE_MODULES, CHROMIUM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __getattr__(self, command):
        def call(**arguments):
            self.process.stdin.write(json.dumps({"command": command, **arguments}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
            if not line:
                raise PageError(f"{command}: the browser has ended")
            answer = json.loads(line)
            if "error" in answer:
                raise PageError(f"{command} {arguments}: {answer['error']}\n" + "\n".join(answer["problems"]))
            return answer["result"]

        return call

    def stop(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


class CockpitTest(BusTest):
    """start() starts the daemon, begin() Cockpit as an ordinary user, and open() the page in the browser."""

    browser = None
    # Messages in the console that are not the page's.
    allowed_problems = ()

    @classmethod
    def setUpClass(cls):
        # One for all classes.
        CockpitTest.browser = CockpitTest.browser or Browser()

    def setUp(self):
        super().setUp()
        self.home = self.directory / "home"
        self.programs = self.directory / "bin"
        self.programs.mkdir()
        self.program("pasidctl", f'exec {PASIDCTL} "$@"')
        self.program("systemctl", 'echo "systemctl $*: not in this test" >&2; exit 1')
        shutil.copytree(SOURCE / "cockpit", self.home / ".local/share/cockpit/pasids")
        (self.home / "run").mkdir(mode=0o700)
        if IS_ROOT:
            for path in (self.home, *self.home.rglob("*")):
                os.chown(path, CALLER_UID, CALLER_UID)
        self.url = None
        self.ws = None

    def program(self, name, script):
        """A program that the page finds before the host's."""
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def doctor(self, *findings):
        """What "pasidctl doctor" says from now on: rows of check, result, what was found, remedy."""
        rows = [dict(zip(("check", "result", "found", "remedy"), row)) for row in findings]
        self.programs.joinpath("doctor.json").write_text(json.dumps(rows))
        failed = any(row["result"] == "fail" for row in rows)
        self.program("pasidctl", f'[ "$1" = doctor ] || exec {PASIDCTL} "$@"; cat {self.programs}/doctor.json; exit {int(failed)}')

    def begin(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.ws_log = open(self.directory / "ws.log", "wb")  # pylint: disable=consider-using-with
        self.addCleanup(self.ws_log.close)
        self.ws = subprocess.Popen(
            [COCKPIT_WS, "--no-tls", f"--port={port}", "--address=127.0.0.1", f"--local-session={COCKPIT_BRIDGE}"],
            env={
                "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self.bus.socket}",
                "DBUS_SESSION_BUS_ADDRESS": f"unix:path={self.bus.socket}",
                "HOME": str(self.home),
                "LANG": "C.UTF-8",
                "PATH": f"{self.programs}:/usr/bin:/bin",
                "XDG_DATA_HOME": str(self.home / ".local/share"),
                "XDG_RUNTIME_DIR": str(self.home / "run"),
            },
            stdin=subprocess.DEVNULL,
            stdout=self.ws_log,
            stderr=self.ws_log,
            start_new_session=True,
            cwd=self.home,
            **({"user": CALLER_UID, "group": CALLER_UID, "extra_groups": []} if IS_ROOT else {}),
        )
        self.addCleanup(self.end_ws)
        wait_until(lambda: self.ws_answers(port), "cockpit-ws listens")
        self.url = f"http://127.0.0.1:{port}"

    def ws_answers(self, port):
        if self.ws.poll() is not None:
            raise RuntimeError(f"cockpit-ws ended: {(self.directory / 'ws.log').read_text()}")
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0

    def end_ws(self):
        self.browser.close()
        self.ws.terminate()
        self.ws.wait(30)

    def open(self, view="", **options):
        """The page alone, without Cockpit's shell around it."""
        if not self.url:
            self.begin()
        self.browser.open(url=f"{self.url}/cockpit/@localhost/pasids/index.html#/{view}", **options)
        self.addCleanup(self.check_problems)

    def check_problems(self):
        """Neither errors nor warnings in the browser's console. It runs before end_ws()."""
        if self.ws and self.ws.poll() is None:
            self.assertEqual([problem for problem in self.browser.problems() if self.is_problem(problem)], [])

    def is_problem(self, problem):
        return not any(allowed in problem for allowed in self.allowed_problems)

    def wait_text(self, selector, text, invert=False):
        """Waits until the first such element has the text."""
        try:
            self.browser.wait(
                expression="""([selector, text, invert]) => {
                    const found = [...document.querySelectorAll(selector)].some((e) => e.checkVisibility() && e.innerText.includes(text));
                    return found !== invert;
                }""",
                argument=[selector, text, invert],
            )
        except PageError as error:
            raise AssertionError(f"{selector} does not get {text!r}; it has {self.browser.texts(selector=selector)}") from error

    def wait_no_text(self, selector, text):
        self.wait_text(selector, text, invert=True)

    def wait_state(self, state):
        self.browser.wait(expression="(state) => document.documentElement.dataset.state === state", argument=state)

    def texts(self, selector):
        return self.browser.texts(selector=selector)

    def click(self, selector):
        self.browser.click(selector=selector)

    def go(self, view):
        self.browser.evaluate(expression="(view) => { window.location.hash = '#/' + view; }", argument=view)

    def assert_accessible(self):
        result = self.browser.axe()
        self.assertGreater(result["passes"], 10)
        self.assertEqual(result["violations"], [])


__all__ = [name for name in globals() if not name.startswith("_")]
