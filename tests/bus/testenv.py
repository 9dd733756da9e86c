# SPDX-License-Identifier: LGPL-2.1-or-later
"""The environment of bus tests: a private bus, a root directory with files that simulate the kernel, fakes of
systemd-machined, polkit and systemd, and pasidd.

When run as root, bus and daemon run as another user, as in production, and callers as a third user. Otherwise all run
as the same user; tests that need several users are skipped, with the reason.
"""

import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import uuid as uuid_module

from minibus import ALLOW_INTERACTIVE, HANG_GUARD, BusError, Connection, wait_until

SOURCE = pathlib.Path(os.environ.get("PASIDD_SOURCE", pathlib.Path(__file__).parents[2]))
# Default: the programs in the build directory of README.md.
PASIDD = os.environ.get("PASIDD", SOURCE / "build/daemon/pasidd")
PASIDCTL = os.environ.get("PASIDCTL", SOURCE / "build/cli/pasidctl")

IS_ROOT = os.geteuid() == 0
# The bus only accepts users that exist in the system.
DAEMON_UID = pwd.getpwnam("daemon").pw_uid if IS_ROOT else os.geteuid()
CALLER_UID = pwd.getpwnam("nobody").pw_uid if IS_ROOT else os.geteuid()

BUS_NAME = "org.pasidd1"
MANAGER_PATH = "/org/pasidd1"
MANAGER = "org.pasidd1.Manager"
VM = "org.pasidd1.VM"
PROPERTIES = "org.freedesktop.DBus.Properties"
ACCESS_DENIED = "org.freedesktop.DBus.Error.AccessDenied"
INVALID_ARGS = "org.freedesktop.DBus.Error.InvalidArgs"

# State directories of both layers, with a file for each VM and each slice.
PERSISTENT_STATE = "var/lib/pasidd/state"
RUNTIME_STATE = "run/pasidd/state"

EXIT_NO_KERNEL_SUPPORT = 69
EXIT_CONFIG = 78

WEB = "aaaabbbb-0000-4000-8000-000000000001"
DB = "aaaacccc-0000-4000-8000-000000000002"
OTHER = "99999999-0000-4000-8000-000000000009"


def vm_path(uuid):
    """Object path of a VM, escaped like sd_bus_path_encode(3)."""
    label = "".join(c if c.isalnum() and (i > 0 or not c.isdigit()) else f"_{ord(c):02x}" for i, c in enumerate(uuid))
    return f"{MANAGER_PATH}/vm/{label}"


def unit_escape(name):
    return name.replace("-", "\\x2d")


class Root:
    """The fake root directory. Directories appear complete: they are created under another name and renamed."""

    def __init__(self, path, counts_attached=False):
        """counts_attached: simulates a kernel that also limits attached PASIDs."""
        self.path = path
        self.counts_attached = counts_attached
        self.aside = path.with_name(path.name + ".aside")
        self.aside.mkdir()
        for directory in ("etc/pasidd/pasidd.conf.d", "run/pasidd", "var/lib/pasidd", "proc", "sys/class/vfio_pasid"):
            (path / directory).mkdir(parents=True)
        self.write("sys/module/vfio_pasid/parameters/default_quota", "1000\n")
        self.write("sys/fs/cgroup/misc.capacity", self.misc(100000, "max"))
        self.write("sys/fs/cgroup/misc.current", self.misc(0))
        self.write("sys/fs/cgroup/cgroup.controllers", "cpu memory misc\n")
        self.write("sys/fs/cgroup/cgroup.subtree_control", "cpu memory\n")
        self.cgroup("/machine.slice")
        self.own(path)

    def misc(self, pasid, attach=None):
        """Text of a file of the misc controller. attach: a different value for pasid_attach."""
        text = f"pasid {pasid}\n"
        if self.counts_attached:
            text += f"pasid_attach {pasid if attach is None else attach}\n"
        return text

    def own(self, path):
        if not IS_ROOT:
            return
        os.chown(path, DAEMON_UID, DAEMON_UID)
        for parent, directories, files in os.walk(path):
            for name in directories + files:
                os.chown(os.path.join(parent, name), DAEMON_UID, DAEMON_UID, follow_symlinks=False)

    def write(self, name, text):
        """Replaces a file, atomically."""
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = self.aside / "file"
        aside.write_text(text)
        self.own(aside)
        aside.rename(target)

    def overwrite(self, name, text):
        """Writes to the file in place, like another program that changes the kernel's value."""
        if name.endswith("/misc.max"):
            # A write by the daemon has two steps here; the first truncates the file.
            text = self.merge(wait_until(lambda: self.read(name), f"{name} has lines"), text)
        # Neither truncated before, as a reader would see an empty file, nor after, as the daemon may have written meanwhile.
        data, fd = text.encode(), os.open(self.path / name, os.O_WRONLY)
        try:
            if os.fstat(fd).st_size > len(data):
                os.ftruncate(fd, 0)
            os.write(fd, data)
        finally:
            os.close(fd)

    @staticmethod
    def merge(before, line):
        """Text of misc.max after a write: the kernel changes one line and keeps the others."""
        lines = dict(text.split() for text in before.splitlines())
        lines.update(dict(text.split() for text in line.splitlines()))
        return "".join(f"{key} {value}\n" for key, value in lines.items())

    def block(self, name):
        """Replaces the file by a link to a directory, which not even root can read or write."""
        aside = self.aside / "link"
        aside.symlink_to(self.aside)
        aside.rename(self.path / name)

    def read(self, name):
        return (self.path / name).read_text()

    def state(self, directory):
        """All files of a layer as one document, when no change is pending."""
        wait_until(lambda: not (self.path / directory / ".pending").exists(), "the files are written")
        state = {"version": 1, "vms": {}}
        for path in (self.path / directory).glob("[!.]*"):
            try:
                document = json.loads(path.read_text())
            except FileNotFoundError:
                continue
            state["vms"] |= document.pop("vms")
            if "slices" in document:
                state["slices"] = state.get("slices", {}) | document.pop("slices")
            state |= document
        return state

    def block_state(self, directory):
        """Blocks the path of temporary files. Returns the blocking path."""
        path = self.path / directory / ".new"
        (path / "x").mkdir(parents=True)
        self.own(self.path / directory)
        return path

    def exists(self, name):
        return (self.path / name).exists()

    def config(self, text):
        self.write("etc/pasidd/pasidd.conf", text)

    # Cgroups, named as the kernel does: "/machine.slice/x.scope".

    def cgroup(self, cgroup, misc=True):
        aside = self.aside / "cgroup"
        aside.mkdir()
        files = {"cgroup.controllers": "cpu memory misc\n", "cgroup.subtree_control": ""}
        if misc:
            files.update({"misc.max": self.misc("max"), "misc.current": self.misc(0), "misc.peak": self.misc(0)})
        for name, text in files.items():
            (aside / name).write_text(text)
        self.own(aside)
        target = self.path / f"sys/fs/cgroup{cgroup}"
        target.parent.mkdir(parents=True, exist_ok=True)
        aside.rename(target)

    def remove_cgroup(self, cgroup):
        shutil.move(self.path / f"sys/fs/cgroup{cgroup}", self.aside / "gone")
        shutil.rmtree(self.aside / "gone")

    def cgroup_id(self, cgroup):
        return os.stat(self.path / f"sys/fs/cgroup{cgroup}").st_ino

    def limit(self, cgroup):
        """The value in misc.max if all lines have the same value, as expected; else the whole text."""
        text = self.read(f"sys/fs/cgroup{cgroup}/misc.max").strip()
        lines = text.splitlines()
        if len(lines) == 1 + self.counts_attached and len({line.split()[1] for line in lines}) == 1:
            return lines[0]
        return text

    # Processes.

    def process(self, pid, cgroup, start_time=5000, command="qemu (system) x86", parent=1):
        fields = ["S", str(parent)] + ["0"] * 17 + [str(start_time)] + ["0"] * 30
        aside = self.aside / "process"
        aside.mkdir()
        (aside / "stat").write_text(f"{pid} ({command}) {' '.join(fields)}\n")
        (aside / "cgroup").write_text(f"0::{cgroup}\n")
        self.own(aside)
        aside.rename(self.path / f"proc/{pid}")

    # The kernel's sets.

    def add_set(self, set_id, pid, cgroup=None, start_time=5000, **attributes):
        values = {
            "quota": 1000,
            "watermark": 0,
            "allocated": 0,
            "peak": 0,
            "denied": 0,
            "tgid": pid,
            "start_time": start_time,
            "cgroup_id": self.cgroup_id(cgroup) if cgroup else 0,
            **({"attached": 0, "attached_peak": 0} if self.counts_attached else {}),
            **attributes,
        }
        aside = self.aside / "set"
        aside.mkdir()
        for name, value in values.items():
            (aside / name).write_text(f"{value}\n")
        self.own(aside)
        aside.rename(self.path / f"sys/class/vfio_pasid/set{set_id}")

    def set_attribute(self, set_id, name, value):
        self.write(f"sys/class/vfio_pasid/set{set_id}/{name}", f"{value}\n")

    def remove_set(self, set_id):
        (self.path / f"sys/class/vfio_pasid/set{set_id}").rename(self.aside / "gone")
        shutil.rmtree(self.aside / "gone")

    def number(self, name):
        """A write by the daemon has two steps here, unlike in sysfs: the first truncates the file."""
        return int(wait_until(lambda: self.read(name).strip(), f"{name} has a value"))

    def set_value(self, set_id, name):
        return self.number(f"sys/class/vfio_pasid/set{set_id}/{name}")

    def quota(self, set_id):
        return self.set_value(set_id, "quota")

    def default_quota(self):
        return self.number("sys/module/vfio_pasid/parameters/default_quota")


class Bus:
    """A private system bus with the shipped policy in it."""

    CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
    <allow send_destination="org.freedesktop.machine1"/>
    <allow send_destination="org.freedesktop.PolicyKit1"/>
    <allow send_destination="org.freedesktop.systemd1"/>
    <allow send_destination="org.libvirt"/>
  </policy>
  {limits}
  <include>{policy}</include>
  <policy user="{own_uid}">
    <allow own="*"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Monitoring"/>
  </policy>
  <policy user="{daemon_uid}">
    <allow own="org.pasidd1"/>
    <allow send_type="method_call" send_interface="org.freedesktop.DBus.Peer" send_member="Ping"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Debug.Stats"
           send_member="GetConnectionStats"/>
  </policy>
</busconfig>
"""

    def __init__(self, directory, limits=""):
        self.socket = str(directory / "bus")
        config = directory / "bus.conf"
        config.write_text(
            self.CONFIG.format(
                socket=self.socket,
                limits=limits,
                policy=SOURCE / "conf/dbus/org.pasidd1.conf",
                own_uid=os.geteuid(),
                daemon_uid=DAEMON_UID,
            )
        )
        self.log = directory / "bus.log"
        self.config = config
        self.start()

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["dbus-daemon", f"--config-file={self.config}", "--nofork", "--nopidfile", "--nosyslog"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(self.answers, "the bus starts")

    def answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"dbus-daemon ended with {self.process.returncode}: {self.log.read_text()}")
        with socket.socket(socket.AF_UNIX) as s:
            return s.connect_ex(self.socket) == 0

    def connect(self, uid=None):
        return Connection(self.socket, uid)

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


class Machined:
    """Fake systemd-machined with the parts that pasidd uses. It answers from copies, because a test changes the machines meanwhile."""

    NAME = "org.freedesktop.machine1"
    PATH = "/org/freedesktop/machine1"

    def __init__(self, bus):
        self.bus = bus
        self.machines = {}
        self.connection = None
        self.fail_list = None
        self.hold_list = self.hold_properties = False
        self.held = []
        self.held_properties = []
        self.asked = []
        self.start()

    def start(self):
        c = self.bus.connect()
        c.handle(self.NAME + ".Manager", "ListMachines", self.list_machines)
        c.handle(self.NAME + ".Manager", "GetMachineByPID", self.get_machine_by_pid)
        c.handle(PROPERTIES, "GetAll", self.get_all)
        c.request_name(self.NAME)
        self.connection = c

    def stop(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def path_of(self, name):
        return f"{self.PATH}/machine/" + re.sub("[^A-Za-z0-9]", lambda m: f"_{ord(m[0]):02x}", name)

    def list_machines(self, message):
        if self.fail_list:
            raise BusError("org.freedesktop.DBus.Error.Failed", self.fail_list)
        if self.hold_list:
            self.held.append(message)
            return None
        return "a(ssso)", ([(n, m["Class"], "libvirt-qemu", self.path_of(n)) for n, m in list(self.machines.items())],)

    def let_go(self):
        self.hold_list = False
        for message in self.held:
            self.connection.answer(message, *self.list_machines(message))
        self.held.clear()

    def let_go_properties(self):
        self.hold_properties = False
        for message in self.held_properties:
            self.connection.answer(message, *self.get_all(message))
        self.held_properties.clear()

    def get_machine_by_pid(self, message):
        for name, machine in list(self.machines.items()):
            if message.args[0] in machine["pids"]:
                return "o", (self.path_of(name),)
        raise BusError("org.freedesktop.machine1.NoMachineForPID", "no machine")

    def get_all(self, message):
        self.asked.append(message.fields[1])
        if self.hold_properties:
            self.held_properties.append(message)
            return None
        for name, m in list(self.machines.items()):
            if self.path_of(name) == message.fields[1]:
                values = {
                    "Name": ("s", name),
                    "Id": ("ay", m["Id"]),
                    "Timestamp": ("t", m["Timestamp"]),
                    "Service": ("s", "libvirt-qemu"),
                    "Unit": ("s", m["Unit"]),
                    "Leader": ("u", m["Leader"]),
                    "Class": ("s", m["Class"]),
                    "NetworkInterfaces": ("ai", []),
                    "State": ("s", "running"),
                }
                if m["UID"] is not None:
                    values["UID"] = m["UID"]
                return "a{sv}", (values,)
        raise BusError("org.freedesktop.DBus.Error.UnknownObject", "no such machine")

    def add(self, name, uuid, unit, leader, machine_class="vm", pids=(), usec=1, uid=None):
        """uid: the user who registered the machine, as reported by systemd 258 and later."""
        self.machines[name] = {
            "Timestamp": usec,
            "Id": uuid_module.UUID(uuid).bytes if uuid else b"",
            "Unit": unit,
            "Leader": leader,
            "Class": machine_class,
            "UID": uid if uid is None or isinstance(uid, tuple) else ("u", uid),
            "pids": {leader, *pids},
        }
        if self.connection:
            self.connection.emit(self.PATH, self.NAME + ".Manager", "MachineNew", "so", (name, self.path_of(name)))

    def remove(self, name):
        del self.machines[name]
        if self.connection:
            self.connection.emit(self.PATH, self.NAME + ".Manager", "MachineRemoved", "so", (name, self.path_of(name)))


class Polkit:
    """Fake polkit with a configured answer: yes, no, challenge, error, nonsense, or no answer (hold)."""

    NAME = "org.freedesktop.PolicyKit1"

    def __init__(self, bus):
        self.mode = "yes"
        self.questions = []
        self.held = []
        self.connection = bus.connect()
        self.connection.handle(self.NAME + ".Authority", "CheckAuthorization", self.check)
        self.connection.request_name(self.NAME)

    def check(self, message):
        subject, action, details, flags, _ = message.args
        self.questions.append({"subject": subject, "action": action, "details": details, "flags": flags})
        if self.mode == "hold":
            self.held.append(message)
            return None
        if self.mode == "error":
            raise BusError("org.freedesktop.PolicyKit1.Error.Failed", "polkit is unwell")
        if self.mode == "nonsense":
            return "(uua{ss})", ((1, 1, {}),)
        return "(bba{ss})", ((self.mode == "yes", self.mode == "challenge", {}),)

    def let_go(self):
        for message in self.held:
            self.connection.answer(message, "(bba{ss})", ((True, False, {}),))
        self.held.clear()

    def stop(self):
        self.connection.close()


class Systemd:
    """Fake systemd with the InvocationIDs of units."""

    NAME = "org.freedesktop.systemd1"

    def __init__(self, bus, invocations=()):
        # Before it takes its name, because the daemon calls it at once then.
        self.invocations = dict(invocations)
        self.units = {}
        self.connection = bus.connect()
        self.subscribers = []
        self.asked = 0
        self.connection.handle(PROPERTIES, "Get", self.get)
        self.connection.handle(self.NAME + ".Manager", "Subscribe", self.subscribe)
        self.connection.request_name(self.NAME)

    def unit(self, name, **properties):
        """Sets the unit's answers for these properties, and removes all earlier ones."""
        escaped = re.sub("[^A-Za-z0-9]", lambda m: f"_{ord(m[0]):02x}", name)
        self.units["/org/freedesktop/systemd1/unit/" + escaped] = properties

    def subscribe(self, message):
        self.subscribers.append(message.fields.get(7))
        return "", ()

    def reload(self):
        """Simulates a reload of PID 1: signals to subscribers at its begin and end."""
        if self.subscribers:
            for active in (True, False):
                self.connection.emit("/org/freedesktop/systemd1", self.NAME + ".Manager", "Reloading", "b", (active,))

    def get(self, message):
        self.asked += 1
        value = self.units.get(message.fields[1], {}).get(message.args[1])
        if value is not None:
            return "v", (("t" if isinstance(value, int) else "s", value),)
        for unit, invocation in list(self.invocations.items()):
            escaped = re.sub("[^A-Za-z0-9]", lambda m: f"_{ord(m[0]):02x}", unit)
            if message.fields[1] == "/org/freedesktop/systemd1/unit/" + escaped:
                return "v", (("ay", uuid_module.UUID(invocation).bytes),)
        return "v", (("ay", b""),)

    def stop(self):
        self.connection.close()


class Daemon:
    """The daemon, with its readiness from sd_notify(3)."""

    def __init__(self, directory, root, bus):
        self.root = root
        self.notify_path = str(directory / "notify")
        self.bus = bus
        self.process = None
        self.output = []
        self.states = []
        self.lock = threading.Condition()
        # The other user may be unable to access the build directory.
        self.program = directory / "pasidd"
        shutil.copy(PASIDD, self.program)

        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(self.notify_path)
        if IS_ROOT:
            os.chown(self.notify_path, DAEMON_UID, DAEMON_UID)
        threading.Thread(target=self.read_notify, daemon=True).start()

    def read_notify(self):
        while True:
            try:
                text = self.notify.recv(65536).decode()
            except OSError:
                return
            with self.lock:
                self.states.append(text)
                self.lock.notify_all()

    def read_output(self, stream):
        for line in stream:
            with self.lock:
                self.output.append(line.decode(errors="replace").rstrip("\n"))
                self.lock.notify_all()

    def spawn(self, *args, **environment):
        self.states.clear()
        self.output.clear()
        self.process = subprocess.Popen(
            [self.program, f"--root={self.root.path}", *args],
            env={
                **{k: v for k, v in os.environ.items() if k.startswith(("ASAN", "UBSAN", "LSAN", "PATH"))},
                "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self.bus.socket}",
                "NOTIFY_SOCKET": self.notify_path,
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            **({"user": DAEMON_UID, "group": DAEMON_UID, "extra_groups": []} if IS_ROOT else {}),
        )
        self.reader = threading.Thread(target=self.read_output, args=(self.process.stderr,), daemon=True)
        self.reader.start()

    def start(self, *args):
        self.spawn("--log-level=debug", *args)
        self.wait_notify("READY=1")

    def wait_notify(self, text, timeout=HANG_GUARD):
        with self.lock:
            self.lock.wait_for(lambda: any(text in s for s in self.states) or self.process.poll() is not None, timeout)
            if not any(text in s for s in self.states):
                raise TimeoutError(f"no {text} from pasidd; it is at {self.states}, and it said:\n{self.text()}")

    def wait_output(self, text, count=1, timeout=HANG_GUARD):
        """Lines of output with this text. Output arrives slightly later than messages."""

        def find():
            lines = [line for line in self.output if text in line]
            return lines if len(lines) >= count else None

        with self.lock:
            lines = self.lock.wait_for(find, timeout)
            if not lines:
                raise TimeoutError(f'pasidd did not say "{text}" {count} times but:\n{self.text()}')
            return lines

    def text(self):
        return "\n".join(self.output)

    def wait(self, timeout=HANG_GUARD):
        status = self.process.wait(timeout)
        self.reader.join()
        self.process.stderr.close()
        self.process = None
        return status

    def stop(self):
        self.process.terminate()
        return self.wait()

    def count_fds(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def kill(self):
        self.process.kill()
        self.wait()

    def reload(self):
        """Reloads by SIGHUP. On return the new configuration is in force or rejected."""
        self.states.clear()
        self.process.send_signal(signal.SIGHUP)
        self.wait_notify("READY=1")

    def close(self):
        self.notify.shutdown(socket.SHUT_RDWR)
        self.notify.close()


class HungJournal:
    """A fake journald that does not read, with a full queue."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        path.chmod(0o777)
        self.path = path
        self.fill()

    def fill(self):
        """Uses many senders, because the buffer of a single sender can be full before the queue."""
        sent = 1
        while sent:
            sent = 0
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
                s.setblocking(False)
                s.connect(str(self.path))
                try:
                    while True:
                        s.send(b"MESSAGE=filler\n")
                        sent += 1
                except BlockingIOError:
                    pass

    def drain(self):
        """The contents of the queue as text."""
        self.socket.setblocking(False)
        records = []
        try:
            while True:
                records.append(self.socket.recv(65536).decode())
        except BlockingIOError:
            return records

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


class BusTest(unittest.TestCase):
    """A test with a bus, the fakes and a caller. start() starts the daemon, after the test has prepared the environment."""

    config = None
    with_machined = True
    with_polkit = True
    bus_limits = ""
    counts_attached = False

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="pasidd-bus-"))
        self.addCleanup(shutil.rmtree, self.directory)
        self.directory.chmod(0o755)
        (self.directory / "root").mkdir()
        self.root = Root(self.directory / "root", self.counts_attached)
        if self.config is not None:
            self.root.config(self.config)

        self.bus = Bus(self.directory, self.bus_limits)
        self.addCleanup(self.bus.stop)
        self.machined = Machined(self.bus) if self.with_machined else None
        if self.machined:
            self.addCleanup(self.machined.stop)
        self.polkit = Polkit(self.bus) if self.with_polkit else None
        if self.polkit:
            self.addCleanup(self.polkit.stop)
        self.systemd = Systemd(self.bus)
        self.addCleanup(self.systemd.stop)

        self.client = self.connect()
        self.daemon = Daemon(self.directory, self.root, self.bus)
        self.addCleanup(self.daemon.close)
        self.addCleanup(self.end_daemon)

    def connect(self, uid=CALLER_UID):
        c = self.bus.connect(uid)
        self.addCleanup(c.close)
        c.add_match(f"type='signal',sender='{BUS_NAME}'")
        return c

    def end_daemon(self):
        """The daemon must exit with 0, which with sanitizers means without leaks."""
        if self.daemon.process:
            status = self.daemon.stop()
            # Before other cleanups hide it.
            self.assertEqual(status, 0, f"pasidd ended with {status}:\n{self.daemon.text()}")

    def start(self, *args):
        self.daemon.start(*args)

    def start_quietly(self):
        """Disables detailed logging, for tests with very many objects."""
        self.daemon.spawn("--log-level=warning")
        self.daemon.wait_notify("READY=1", timeout=60)

    def restart(self):
        self.daemon.kill()
        self.start()

    # Scenes.

    def add_machine(self, name, uuid, number, slice_name="machine", sets=(), machine=None, usec=1):
        """A libvirt VM with its scope, its process and its sets (ids)."""
        machine = machine or f"qemu-{number}-{name}"
        unit = f"machine-{unit_escape(machine)}.scope"
        cgroup = f"/{slice_name}.slice/{unit}"
        pid = 1000 + number
        self.root.cgroup(cgroup)
        self.root.process(pid, f"{cgroup}/libvirt/emulator")
        # In libvirt's order: the process does nothing before the machine is registered with machined.
        self.machined.add(machine, uuid, unit, pid, usec=usec)
        for set_id in sets:
            self.root.add_set(set_id, pid, cgroup)
        return cgroup

    def add_unit(self, unit, set_id, invocation, slice_name="system"):
        """A VM in a systemd unit, without machined."""
        cgroup = f"/{slice_name}.slice/{unit}"
        pid = 2000 + set_id
        if not self.root.exists(f"sys/fs/cgroup/{slice_name}.slice"):
            self.root.cgroup(f"/{slice_name}.slice")
        if invocation:
            self.systemd.invocations[unit] = invocation
        self.root.cgroup(cgroup)
        self.root.process(pid, cgroup)
        self.root.add_set(set_id, pid, cgroup)
        return cgroup

    def set_invocation(self, cgroup, uuid):
        """Like systemd for its units."""
        os.setxattr(self.root.path / f"sys/fs/cgroup{cgroup}", "user.invocation_id", uuid.replace("-", "").encode())

    # Calls.

    def call(self, path, interface, member, signature="", args=(), client=None, **more):
        return (client or self.client).call(BUS_NAME, path, interface, member, signature, args, **more)

    def manager_call(self, member, signature="", *args, **more):
        return self.call(MANAGER_PATH, MANAGER, member, signature, args, **more)

    def set_quota(self, uuid, quota, client=None, flags=0, **options):
        return self.call(
            vm_path(uuid), VM, "SetQuota", "ua{sv}", (quota, self.options(options)), client=client, flags=flags
        )

    def reset_default(self, **options):
        return self.manager_call("ResetDefaultQuota", "a{sv}", self.options(options))

    def reset_quota(self, uuid, **options):
        return self.call(vm_path(uuid), VM, "ResetQuota", "a{sv}", (self.options(options),))

    def set_default(self, quota, **options):
        return self.manager_call("SetDefaultQuota", "ua{sv}", quota, self.options(options))

    def reserve(self, uuid, name, client=None, **options):
        return self.manager_call("Reserve", "ssa{sv}", uuid, name, self.options(options), client=client)

    def reconcile(self):
        return self.manager_call("Reconcile")[0]

    def set_slice(self, name, quota, **options):
        return self.manager_call("SetSliceQuota", "sua{sv}", name, quota, self.options(options))

    def reset_slice(self, name, **options):
        return self.manager_call("ResetSliceQuota", "sa{sv}", name, self.options(options))

    def slices(self):
        """ListSlices by name."""
        return {row[0]: row[1:] for row in self.manager_call("ListSlices")[0]}

    def confirm(self, uuid):
        return self.manager_call("Confirm", "s", uuid)

    def release(self, uuid):
        return self.manager_call("Release", "s", uuid)

    @staticmethod
    def options(values):
        """Converts dry_run=True and similar arguments to a{sv}; a pair is a variant already."""
        kinds = {bool: "b", int: "u", str: "s"}
        return {
            name.replace("_", "-"): value if isinstance(value, tuple) else (kinds[type(value)], value)
            for name, value in values.items()
        }

    def get(self, uuid, name):
        return self.call(vm_path(uuid), PROPERTIES, "Get", "ss", (VM, name))[0]

    def get_manager(self, name):
        return self.call(MANAGER_PATH, PROPERTIES, "Get", "ss", (MANAGER, name))[0]

    def get_all(self, uuid):
        return self.call(vm_path(uuid), PROPERTIES, "GetAll", "s", (VM,))[0]

    def list_vms(self):
        return sorted(self.manager_call("ListVMs")[0])

    def vm_names(self):
        return sorted(name for _, name, _ in self.list_vms())

    def source(self, uuid):
        properties = self.get_all(uuid)
        return properties["Quota"], properties["QuotaSource"]

    # Expectations.

    def assert_error(self, name, pattern, function, *args, **kwargs):
        with self.assertRaises(BusError) as context:
            function(*args, **kwargs)
        self.assertEqual(context.exception.name, name, context.exception.message)
        if pattern:
            self.assertRegex(context.exception.message, pattern)

    def wait_vm(self, name):
        wait_until(lambda: name in self.vm_names(), f"VM {name} appears")

    def wait_no_vm(self, name):
        wait_until(lambda: name not in self.vm_names(), f"VM {name} goes")

    def wait_attribute(self, set_id, name, value):
        path = f"sys/class/vfio_pasid/set{set_id}/{name}"
        wait_until(lambda: self.root.read(path).strip() == str(value), f"set {set_id} gets {name} {value}")

    def wait_quota(self, set_id, quota):
        self.wait_attribute(set_id, "quota", quota)

    def wait_limit(self, cgroup, limit):
        wait_until(lambda: self.root.limit(cgroup) == f"pasid {limit}", f"{cgroup} gets limit {limit}")

    def wait_get(self, uuid, name, value):
        wait_until(lambda: self.get(uuid, name) == value, f"{name} of {uuid} becomes {value!r}")

    def wait_changed(self, interface=VM, **values):
        """PropertiesChanged with these values in one signal."""
        return self.client.wait_signal(
            "PropertiesChanged",
            lambda args: args[0] == interface and all(args[1].get(k) == v for k, v in values.items()),
        )

    def snapshot(self):
        """All values that pasidd can change."""
        files = {}
        for path in sorted(self.root.path.rglob("*")):
            if path.is_file():
                files[str(path.relative_to(self.root.path))] = path.read_text()
        vms = {uuid: {k: v for k, v in self.get_all(uuid).items()} for uuid, _, _ in self.list_vms()}
        return files, vms, self.get_manager("DefaultQuota"), self.get_manager("DefaultQuotaSource")


class TapResult(unittest.TestResult):
    """The Test Anything Protocol, which meson reads."""

    def __init__(self, stream):
        super().__init__()
        self.stream = stream
        self.count = 0
        self.started = 0.0

    def startTest(self, test):
        super().startTest(test)
        self.started = time.monotonic()

    def line(self, word, test, more=""):
        self.count += 1
        name = test.id().removeprefix("__main__.")
        took = time.monotonic() - self.started
        print(f"{word} {self.count} - {name} ({took:.2f} s){more}", file=self.stream, flush=True)

    def complain(self, test, error):
        self.line("not ok", test)
        # meson shows this, but not comments of the protocol.
        print(f"{test.id()}:\n{self._exc_info_to_string(error, test)}", file=sys.stderr, flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.line("ok", test)

    def addError(self, test, error):
        super().addError(test, error)
        self.complain(test, error)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.complain(test, error)

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error:
            self.complain(subtest, error)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.line("ok", test, f" # SKIP {reason}")


def main():
    """Runs the tests of the calling file: all, or those on the command line (Class.method or a part of it)."""
    sys.setswitchinterval(0.001)
    if not shutil.which("dbus-daemon"):
        print("1..0 # SKIP dbus-daemon is not installed")
        return

    suite = unittest.TestSuite()
    for group in unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"]):
        for test in group:
            if len(sys.argv) < 2 or any(part in test.id() for part in sys.argv[1:]):
                suite.addTest(test)

    result = TapResult(sys.stdout)
    suite.run(result)
    print(f"1..{result.count}")
    sys.exit(not result.wasSuccessful())


__all__ = [name for name in globals() if not name.startswith("_")]
