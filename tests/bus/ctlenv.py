# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bus tests of pasidctl."""

import json
import subprocess

from testenv import *
from testenv import __all__ as base

OK, FAILURE, USAGE, NOT_FOUND, DENIED, NOT_RUNNING = range(6)


class Schema:
    """The tables of docs/pasidctl-json.md: the keys and types of each object."""

    def __init__(self):
        self.tables = {}
        title = None
        for line in (SOURCE / "docs/pasidctl-json.md").read_text().splitlines():
            if line.startswith("## "):
                title = line.removeprefix("## ").strip()
            elif title and line.startswith("| `"):
                key, kind, _ = (cell.strip() for cell in line.strip("|").split("|", 2))
                self.tables.setdefault(title, {})[key.strip("`")] = kind

    def errors(self, value, kind):
        if kind.startswith("array of "):
            if not isinstance(value, list):
                yield f"{value!r} is no array"
            else:
                for element in value:
                    yield from self.errors(element, kind.removeprefix("array of "))
        elif kind in self.tables:
            if not isinstance(value, dict):
                yield f"{value!r} is no object"
                return
            wanted = self.tables[kind]
            optional = {key for key, k in wanted.items() if k.endswith(", optional")}
            if missing := wanted.keys() - value.keys() - optional:
                yield f"{kind} lacks {missing}"
            if more := value.keys() - wanted.keys():
                yield f"{kind} has {more}, which the document has not"
            for key in value.keys() & wanted.keys():
                for error in self.errors(value[key], wanted[key].removesuffix(", optional")):
                    yield f"{key}: {error}"
        else:
            types = {"string": str, "number": int, "boolean": bool, "object": dict, "decimal": (int, float)}
            if not isinstance(value, types[kind]) or (kind != "boolean" and isinstance(value, bool)):
                yield f"{value!r} is no {kind}"


class CtlTest(BusTest):
    config = "[Manager]\nDefaultQuota=100\n"

    def setUp(self):
        super().setUp()
        # The other user may be unable to access the build directory.
        self.program = self.directory / "pasidctl"
        shutil.copy(PASIDCTL, self.program)

    # Additional environment of pasidctl, and its user if the tests run as root.
    extra_environment = {}
    ctl_uid = CALLER_UID

    def spawn(self, *args, **more):
        return self.spawn_program(self.program, *args, **more)

    def spawn_program(self, *args, **more):
        """Starts another program, as the same user and with the same environment."""
        environment = {k: v for k, v in os.environ.items() if k.startswith(("ASAN", "UBSAN", "LSAN", "PATH"))}
        return subprocess.Popen(
            args,
            env={
                **environment,
                "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self.bus.socket}",
                "LC_ALL": "C.UTF-8",
                "TZ": "UTC",
                # Without this the hook does nothing for ordinary users.
                "PASIDCTL_HOOK_ANY_USER": "1",
                # A busy machine can take longer than the hook's deadline. Tests of the deadline set another value.
                "PASIDCTL_HOOK_SECONDS": "50",
                **self.extra_environment,
            },
            **({"user": self.ctl_uid, "group": self.ctl_uid, "extra_groups": []} if IS_ROOT else {}),
            **{
                "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                "text": True,
                **more,
            },
        )

    def run_ctl(self, *args, stdin=None):
        p = self.spawn(*args, **({"stdin": subprocess.PIPE} if stdin is not None else {}))
        out, err = p.communicate(stdin, timeout=60)
        return p.returncode, out, err

    def ok(self, *args):
        status, out, err = self.run_ctl(*args)
        self.assertEqual((status, err), (OK, ""), out)
        return out

    def json(self, *args):
        """Both formats have the same contents; short is one line."""
        short = self.ok(*args, "--json=short")
        self.assertEqual(len(short.splitlines()), 1)
        pretty = json.loads(self.ok(*args, "--json=pretty"))
        self.assertEqual(json.loads(short), pretty)
        return pretty

    def assert_documented(self, kind, value):
        self.assertEqual(list(Schema().errors(value, kind)), [])

    def fail_with(self, status, pattern, *args):
        got, out, err = self.run_ctl(*args)
        self.assertEqual((got, out), (status, ""), err)
        self.assertRegex(err, pattern)
        self.assertNotEqual(err, "")


__all__ = base + ["json", "subprocess", "CtlTest", "Schema", "OK", "FAILURE", "USAGE", "NOT_FOUND", "DENIED", "NOT_RUNNING"]
