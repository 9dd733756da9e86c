#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""An unprivileged user keeps a source of events ready for ever that precedes others in the event loop. The others must get
their turn all the same: while the flood goes on a caller is answered, a new machine gets its limit, and SIGTERM ends the
daemon."""

import ctypes
import fcntl
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import termios

from minibus import wait_until
from testenv import *

PIDFD_GETFD = 438

FLOODS = 2

# A disk is slower than the daemon, and so is the flood there. The kernel's files are in memory.
MEMORY = "/dev/shm"

# The cgroups of a user's own units.
USERS = "user.slice/user-1000.slice/user@1000.service/app"


class Flood(BusTest):
    config = "[Manager]\nDefaultQuota=10\n[Slice user.slice]\nLimit=5000\n"

    def begin(self, n_units):
        self.add_machine("web", WEB, 1, sets=[1])
        self.units = [self.add_unit(f"x{i}.scope", 100 + i, None, slice_name=USERS) for i in range(n_units)]
        self.start_quietly()
        self.wait_vm(f"user@1000.service/x{n_units - 1}.scope")
        self.open_queue()

    def path_of(self, cgroup):
        return self.root.path / f"sys/fs/cgroup{cgroup}"

    def flood(self, *args):
        """By several processes, so that one of them runs when the daemon does, on a busy machine as well."""
        program = pathlib.Path(__file__).with_name("flood.py")
        for i in range(FLOODS):
            process = subprocess.Popen([sys.executable, program, *(str(arg).format(i) for arg in args)])
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            self.floods.append(process)
        wait_until(self.is_queued, "events wait")

    def setUp(self):
        # The daemon's program is copied there, too.
        if os.access(MEMORY, os.W_OK) and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
            tempfile.tempdir = MEMORY
        super().setUp()
        self.floods = []

    def open_queue(self):
        """The daemon's inotify descriptor for cgroups: its first one; the other one is for the sets' directory. Negative where
        this user may not have it."""
        pid = self.daemon.process.pid
        fds = [fd for fd in map(int, os.listdir(f"/proc/{pid}/fd")) if self.is_inotify(f"/proc/{pid}/fd/{fd}")]
        pidfd = os.pidfd_open(pid)
        self.queue = ctypes.CDLL(None).syscall(PIDFD_GETFD, pidfd, min(fds), 0)
        os.close(pidfd)
        if self.queue >= 0:
            self.addCleanup(os.close, self.queue)

    @staticmethod
    def is_inotify(path):
        try:
            return "inotify" in os.readlink(path)
        except FileNotFoundError:
            return False

    def is_queued(self):
        """Do events wait to be read?"""
        return self.queue < 0 or struct.unpack("i", fcntl.ioctl(self.queue, termios.FIONREAD, b"\0" * 4))[0] > 0

    def check_floods(self):
        self.assertEqual([process.poll() for process in self.floods], [None] * len(self.floods))
        wait_until(self.is_queued, "events wait still")

    def check_turns(self):
        """Callers, machined's signals and signals of the process have their turn."""
        for _ in range(3):
            self.assertEqual(self.get_manager("DefaultQuota"), 10)
            self.check_floods()
        cgroup = self.add_machine("db", DB, 2)
        self.wait_limit(cgroup, 10)
        self.wait_vm("db")
        self.check_floods()
        # A timer: it is the second change within a second.
        for _ in range(2):
            self.root.overwrite(f"sys/fs/cgroup{cgroup}/misc.max", "pasid 77\n")
            self.wait_limit(cgroup, 10)
        self.check_floods()
        self.assertEqual(self.daemon.stop(), 0)
        self.assertEqual([process.poll() for process in self.floods], [None] * len(self.floods))

    def test_writes_to_many(self):
        self.begin(20)
        self.flood("write", "pasid 10\n", *(self.path_of(cgroup) / "misc.max" for cgroup in self.units))
        self.check_turns()

    def test_directories(self):
        """Each event is for all units in that directory."""
        self.begin(600)
        self.flood("move", self.path_of(f"/{USERS}.slice"), *(f"z{{}}-{i}" for i in range(100)))
        self.check_turns()


if __name__ == "__main__":
    main()
