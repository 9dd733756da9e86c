# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests that run the tests."""

import dataclasses
import re
import shutil
import subprocess
import threading

from mutant import Failure

QEMU = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-smp", "2", "-m",
        "512M", "-accel", "tcg,thread=multi", "-cpu", "max", "-M", "q35,kernel-irqchip=split", "-serial", "stdio"]
EDU = [argument for slot in range(0x10, 0x14) for argument in ("-device", f"edu,addr={slot:x}")]
IOMMU = "intel-iommu,intremap=on,caching-mode=on,scalable-mode=on,fsts=on,pasid-bits=20"
MACHINES = {
    "6.12": ["-device", IOMMU],
    # As for the testbed's machine "sva": processes can share their address spaces with the igb.
    "7.3": ["-device", IOMMU + ",device-iotlb=on,svm=on", "-device", "igb,addr=8"],
}
APPEND = "console=ttyS0 quiet printk.time=0 panic=-1 oops=panic no_timer_check tsc=reliable intel_iommu=on,sm_on"
APPENDS = {"6.12": "", "7.3": " no5lvl"}

# Modules that the guest loads, by directory; those of the project's own tests come with their dependencies.
MODULE_DIRS = ("drivers/vfio", "drivers/iommu", "lib/kunit", "samples/vfio-mdev", "virt/lib")


def pack(top, out):
    """All below top as an initramfs, or a part of one."""
    files = "\0".join(str(p.relative_to(top)) for p in sorted(top.rglob("*")))
    with open(out, "wb") as f:
        subprocess.run(["cpio", "--quiet", "--null", "-o", "-H", "newc"], cwd=top, input=files.encode(), stdout=f,
                       check=True)


def add_file(top, source, name):
    """A file, with the libraries that it wants if it is a program."""
    wanted = subprocess.run(["ldd", source], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    for library in re.findall(r"(/\S+) \(0x", wanted.stdout):
        to = top / library[1:]
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, to)
    to = top / name
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, to)


def make_base(kernel, out, files, externals):
    """What the initramfs of all guests has in common: files, by name, and modules, also those in directories of their own.
    Returns the directory of the modules."""
    top = out / "base"
    for d in ("bin", "sbin", "proc", "sys", "dev", "tmp", "run"):
        (top / d).mkdir(parents=True)
    for name, source in files.items():
        add_file(top, source, name)
    for tool in ("sh", "mount", "modprobe"):
        (top / "bin" / tool).symlink_to("busybox")
    (top / "sbin/modprobe").symlink_to("../bin/busybox")

    release = (kernel.build / "include/config/kernel.release").read_text().strip()
    modules = f"lib/modules/{release}"
    for d in MODULE_DIRS:
        for ko in (kernel.build / d).rglob("*.ko"):
            to = top / modules / ko.relative_to(kernel.build)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ko, to)
    for external in externals:
        for ko in external.glob("*.ko"):
            shutil.copy(ko, top / modules)
    for name in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
        if (kernel.build / name).exists():
            shutil.copy(kernel.build / name, top / modules)
    kernel.must("depmod", "depmod", "-b", top, release)
    pack(top, out / "base.cpio")
    return modules


def make_initrd(base, release_dir, modules, first, out):
    """The base with other modules, and the part and the name of the test to run first, if any."""
    top = out / "initramfs"
    for target, ko in modules.items():
        to = top / release_dir / f"{target}.ko"
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ko, to)
    top.mkdir(exist_ok=True)
    (top / "first").write_text(first)
    pack(top, out / "part.cpio")
    # A later archive's files replace those of an earlier one.
    initrd = out / "initrd"
    with open(initrd, "wb") as f:
        f.write(base.read_bytes())
        f.write((out / "part.cpio").read_bytes())
    return initrd


class NotLoaded(Failure):
    """A module that a guest cannot load: there is nothing to test."""


@dataclasses.dataclass
class Outcome:
    failed: list  # "kunit: test", "kselftest: fixture.test", "attach-fuzz: what differs", or what went wrong otherwise
    passed: int = 0
    skipped: int = 0


class Reader:
    """Makes an outcome of a console, line by line."""

    def __init__(self):
        self.outcome = Outcome([])
        self.part = "boot"
        self.where = ""  # which test runs, or did last
        self.reports = []

    def fail(self, what):
        self.outcome.failed.append(f"{self.part}: {what}")

    def line(self, line):
        """Returns whether enough is known."""
        if line.startswith("guest: cannot load"):
            raise NotLoaded(line.split()[-1])
        if line.startswith("guest: "):
            self.part, self.where = line[7:], ""
        elif line.startswith("Kernel panic"):
            self.fail("panic" + self.where)
        elif m := re.match(r"(report: )?(BUG|WARNING|refcount_t)\b", line):
            # Counts if no test fails and there is no panic.
            self.reports.append(f"{self.part}: {m[2]}{self.where}")
        elif m := re.match(r"\s*# (\S+): (EXPECTATION|ASSERTION) FAILED", line):
            self.fail(m[1])
        elif m := re.match(r"#  RUN +(\S+)", line):
            self.where = f" in {m[1]}"
        # In KUnit's output, the lines without indentation are suites, which fail with their cases.
        elif (m := re.match(r"(\s*)(not )?ok \d+ (.*)", line)) and (self.part != "kunit" or m[1]):
            name, _, directive = m[3].partition("#")
            name = name.strip().removeprefix("global.")
            self.where = f" after {name}"
            if m[2]:
                self.fail(name)
            elif directive.strip().startswith("SKIP"):
                self.outcome.skipped += 1
            else:
                self.outcome.passed += 1
        return bool(self.outcome.failed) or self.part == "end"


def run(version, kernel, initrd, timeout, log):
    """The outcome of a guest, which is ended as soon as a test has failed."""
    reader = Reader()
    command = [*QEMU, *MACHINES[version], *EDU, "-kernel", str(kernel), "-initrd", str(initrd), "-append",
               APPEND + APPENDS[version]]
    log(f"+ {' '.join(command)}\n")
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace") as process:
        late = threading.Event()
        timer = threading.Timer(timeout, lambda: (late.set(), process.kill()))
        timer.start()
        try:
            for line in process.stdout:
                log(line.replace("\r", ""))
                if reader.line(line.strip("\r\n")):
                    break
        finally:
            timer.cancel()
            process.kill()
    reader.outcome.failed += reader.reports
    if not reader.outcome.failed and reader.part != "end":
        reader.fail(("hangs" if late.is_set() else "ended early") + reader.where)
    return reader.outcome
