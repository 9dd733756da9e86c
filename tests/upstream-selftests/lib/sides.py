# SPDX-License-Identifier: LGPL-2.1-or-later
"""The two kernels that are compared: the stock one and the one with the series, each with its own selftests."""

import os
import shutil

from mutant import Failure

COLLECTIONS = ("iommu", "cgroup", "vfio")
# Only the kernel with the series has these options.
PATCHED_CONFIG = "CONFIG_VFIO_PASID=y\n"
# Mounts directories over others for one command, as "FROM TO" twice.
ELSEWHERE = ("unshare", "--mount", "sh", "-ec",
             'mount --bind "$1" "$2"; mount --bind "$3" "$4"; shift 4; exec "$@"', "sh")


class Side:
    """A tree, and what is built from it."""

    def __init__(self, name, kernel, tree, extra_config="", like=None):
        self.name = name
        self.kernel = kernel  # for its call() and must()
        self.tree = tree
        self.extra_config = extra_config
        # A side that is built under whose paths, so that objects that are the same can be taken over from it.
        self.like = like
        self.build = kernel.work / f"build-{name}"
        self.installed = kernel.work / f"selftests-{name}"
        self.programs = []  # "COLLECTION:PROGRAM"

    def make_kernel(self, what, *targets):
        at, prefix = self, ()
        if self.like:
            at, prefix = self.like, (*ELSEWHERE, self.tree, self.like.tree, self.build, self.like.build)
        # The same time stamp every time: a run without a change links nothing.
        self.kernel.must(f"{what} of the {self.name} kernel", *prefix, "make", "-s", f"-j{os.cpu_count()}", "-C", at.tree,
                         f"O={at.build}", "KBUILD_BUILD_TIMESTAMP=@0", "KBUILD_BUILD_VERSION=1", *targets)

    def take_over(self):
        """The first time: begins with the objects of the other side."""
        new = self.kernel.work / f"build-{self.name}.new"
        shutil.rmtree(new, ignore_errors=True)
        self.kernel.must("cp", "cp", "-a", self.like.build, new)
        # What differs is newer than those. A file with a second link is the other side's, too.
        for path in (self.kernel.work / "overlaid").read_text().split():
            file = self.tree / path
            if file.exists() and file.stat().st_nlink == 1:
                os.utime(file)
        new.rename(self.build)

    def configure(self, config):
        """The project's configuration, and the options that the selftests themselves ask for."""
        asked = [self.tree / f"tools/testing/selftests/{c}/config" for c in COLLECTIONS]
        text = config.read_text() + "".join(p.read_text() for p in asked if p.exists()) + self.extra_config
        copy = self.build / "selftests.config"
        if not copy.exists() or copy.read_text() != text or not (self.build / ".config").exists():
            copy.write_text(text)
            # Whose paths it is built under is where make sees it.
            seen = (self.like or self).build / copy.name
            self.make_kernel("the configuration", f"KCONFIG_ALLCONFIG={seen}", "allnoconfig")
        have = (self.build / ".config").read_text().splitlines()
        missing = [line for line in text.splitlines() if line.startswith("CONFIG_") and line not in have]
        if missing:
            raise Failure(f"the {self.name} kernel cannot have {' '.join(missing)}")

    def build_all(self, config):
        if self.like and not self.build.exists():
            self.take_over()
        self.build.mkdir(exist_ok=True)
        self.configure(config)
        self.make_kernel("the build", "vmlinux")
        headers = self.kernel.work / f"headers-{self.name}"
        self.make_kernel("headers_install", f"INSTALL_HDR_PATH={headers}", "headers_install")

        # Anew, because make does not see every header that these are built from. It takes seconds.
        objects = self.kernel.work / f"objects-{self.name}"
        for d in (objects, self.installed):
            shutil.rmtree(d, ignore_errors=True)
            d.mkdir()
        self.kernel.must(f"the build of the selftests of the {self.name} kernel", "make", "-s", f"-j{os.cpu_count()}", "-C",
                         self.tree / "tools/testing/selftests", f"O={objects}",
                         f"KHDR_INCLUDES=-isystem {headers}/include", f"TARGETS={' '.join(COLLECTIONS)}",
                         "FORCE_TARGETS=1", f"INSTALL_PATH={self.installed}", "install")
        self.programs = (self.installed / "kselftest-list.txt").read_text().split()


def prepare(kernel, config):
    """Builds both and returns them."""
    kernel.refresh()
    stock = Side("stock", kernel, kernel.pristine)
    patched = Side("patched", kernel, kernel.tree, PATCHED_CONFIG, stock)
    for side in (stock, patched):
        side.build_all(config)
    return stock, patched
