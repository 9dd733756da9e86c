# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests that run one selftest each, and what their consoles tell."""

import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading

from guest import pack

QEMU = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-m", "2G", "-accel",
        "tcg,thread=multi", "-cpu", "max", "-M", "q35,kernel-irqchip=split", "-serial", "stdio", "-device",
        "intel-iommu,intremap=on,caching-mode=on,scalable-mode=on,fsts=on,pasid-bits=20", "-device", "igb,addr=8"]
# Disks for /disk and for swap, in MB.
DISKS = (2048, 1024)
APPEND = ("console=ttyS0 quiet printk.time=0 panic=-1 oops=panic no_timer_check tsc=reliable intel_iommu=on,sm_on "
          "rcupdate.rcu_cpu_stall_timeout=120 log_buf_len=4M selftest={}")
# A host has few CPUs, but some tests are skipped without that many.
CPUS = {"cgroup:test_cpuset_prs.sh": 8}
CPUS_DEFAULT = 4
# What guest-init and the tests call.
TOOLS = ("awk basename bash busybox cat cp cut date dirname dmesg echo expr fmt grep head id ip kill ln ls lscpu mawk mkdir "
         "mount nproc ps readlink rm rmdir sed seq sh sleep sort tail timeout touch tr true umount uname wc").split()


# Guests that run now.
running = set()


def make_initrd(side, init, scratch):
    """An initramfs with the selftests of a side and what they call."""
    top = scratch / f"base-{side.name}"
    (top / "usr/bin").mkdir(parents=True)
    for d in ("proc", "sys", "dev", "tmp", "disk", "root"):
        (top / d).mkdir()
    for d in ("bin", "sbin", "lib", "lib64"):
        (top / "usr" / d).mkdir(exist_ok=True)
        (top / d).symlink_to(f"usr/{d}")
    shutil.copytree(side.installed, top / "selftests", symlinks=True)
    shutil.copy(init, top / "init")
    files = [pathlib.Path(shutil.which(tool)) for tool in TOOLS]
    for file in files:
        shutil.copy(file, top / "usr/bin" / file.name)
    files += [p for p in side.installed.rglob("*") if p.is_file() and os.access(p, os.X_OK)]
    # The C library loads this one by itself, when a thread is cancelled.
    found = subprocess.run(["gcc", "-print-file-name=libgcc_s.so.1"], stdout=subprocess.PIPE, text=True, check=True)
    shutil.copy(found.stdout.strip(), top / "usr/lib")
    for library in libraries(files):
        to = top / library.lstrip("/")
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, to)
    pack(top, scratch / f"{side.name}.cpio")
    return scratch / f"{side.name}.cpio"


def libraries(files):
    """What ldd names for them. It fails for scripts and static programs, which have none."""
    found = set()
    for file in files:
        listed = subprocess.run(["ldd", file], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        found |= set(re.findall(r"(/\S+) \(0x", listed.stdout))
    return sorted(found)


@dataclasses.dataclass
class Outcome:
    """What a program has come to: "pass", "fail" or "skip" for each test."""

    tests: dict = dataclasses.field(default_factory=dict)
    reports: set = dataclasses.field(default_factory=set)  # of the kernel about itself
    trouble: set = dataclasses.field(default_factory=set)  # with the program as a whole

    def result(self, name):
        return self.tests.get(name, "missing")


def report(line):
    """What does not depend on addresses, lines, CPUs and processes, so that two kernels can be compared."""
    return re.sub(r":\d+( at )|\+0x.*|, address.*|, CPU.*", r"\1", line)


class Reader:
    """Makes an outcome of a console, line by line."""

    def __init__(self, program):
        self.program = program
        self.outcome = Outcome()
        self.status = None  # of the program
        self.began = False

    def add(self, name, result):
        # A test can run several times, under stress: then each of them counts.
        if self.outcome.tests.get(name) != "fail":
            self.outcome.tests[name] = result

    def line(self, line):
        """Returns whether that was the last one."""
        if line == "guest: begin":
            self.began = True
        elif m := re.match(r"guest: report (.*)", line):
            self.outcome.reports.add(report(m[1]))
        elif m := re.match(r"guest: status (\d+)", line):
            self.status = int(m[1])
            return True
        elif line.startswith("Kernel panic"):
            self.outcome.reports.add(line)
        elif self.began and (m := re.match(r"(not )?ok \d+ (.*)", line)):
            name, _, directive = m[2].partition("#")
            # kselftest.h writes the name of a test behind the directive, its harness before it.
            directive, _, rest = directive.strip().partition(" ")
            name = name.strip().removeprefix("- ").removeprefix("global.") or rest
            self.add(name, "fail" if m[1] else "skip" if directive == "SKIP" else "pass")
        return False

    def end(self, late):
        if self.status is None:
            self.outcome.trouble.add("hangs" if late else "the guest ended early")
        elif self.status >= 126:
            self.outcome.trouble.add(f"ended with status {self.status}")
        # A script without lines for its tests, or one that skips all of them.
        if not self.outcome.tests and self.status is not None:
            self.add(self.program, {0: "pass", 4: "skip"}.get(self.status, "fail"))
        return self.outcome


def kill_all():
    """For a signal: whoever waits for a guest waits no longer."""
    for process in list(running):
        process.kill()


def run(side, initrd, program, timeout, log):
    """The outcome of a program on a side."""
    reader = Reader(program)
    cpus = CPUS.get(program, CPUS_DEFAULT)
    command = [*QEMU, "-smp", str(cpus), "-kernel", str(side.build / "vmlinux"), "-initrd", str(initrd), "-append",
               APPEND.format(program)]
    with tempfile.TemporaryDirectory(prefix="selftests-disks-") as disks, open(log, "w", encoding="utf-8") as file:
        for n, megabytes in enumerate(DISKS):
            disk = pathlib.Path(disks) / str(n)
            disk.touch()
            os.truncate(disk, megabytes << 20)
            command += ["-drive", f"file={disk},format=raw,if=virtio,cache=unsafe"]
        print("+", " ".join(command), file=file, flush=True)
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace") as process:
            running.add(process)
            late = threading.Event()
            timer = threading.Timer(timeout, lambda: (late.set(), process.kill()))
            timer.start()
            try:
                for line in process.stdout:
                    line = line.strip("\r\n")
                    print(line, file=file, flush=True)
                    if reader.line(line):
                        break
            finally:
                timer.cancel()
                running.discard(process)
                process.kill()
    return reader.end(late.is_set())
