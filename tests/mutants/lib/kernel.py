# SPDX-License-Identifier: LGPL-2.1-or-later
"""A kernel tree with the series, what is built from it, and single objects of it built anew from other sources."""

import os
import pathlib
import re
import shutil
import subprocess

from mutant import Failure


class Kernel:
    def __init__(self, project, work, log, version="6.12"):
        self.project = project
        self.version = version  # the series and the source
        self.work = work
        self.log = log
        self.pristine = work / "pristine"
        self.tree = work / "tree"
        self.build = work / "build"
        self.image = None  # the kernel without a mutant
        self.modules = {}  # object: module that it is linked into, without .ko

    def call(self, *command, **options):
        self.log(f"+ {command[0] if options.get('shell') else ' '.join(map(str, command))}\n")
        done = subprocess.run(command[0] if options.get("shell") else [str(c) for c in command], check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", **options)
        self.log(done.stdout)
        return done.returncode == 0

    def must(self, what, *command, **options):
        if not self.call(*command, **options):
            raise Failure(f"{what} failed, see the log")

    def make(self, *targets):
        return self.call("make", "-s", "-C", self.tree, f"O={self.build}", f"-j{os.cpu_count()}", *targets)

    def refresh(self):
        """Have the tree contain the series as it is now. What did not change keeps its time, so that make leaves it."""
        if not self.pristine.exists():
            new = self.work / "pristine.new"
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir()
            self.must("tar", "tar", "-C", new, "--strip-components=1", "-xf",
                      f"/usr/src/linux-source-{self.version}.tar.xz")
            new.rename(self.pristine)
        if not self.tree.exists():
            new = self.work / "tree.new"
            shutil.rmtree(new, ignore_errors=True)
            # Links: what the series changes is replaced below, and nothing writes into a file.
            self.must("cp", "cp", "-al", self.pristine, new)
            new.rename(self.tree)

        series = (self.project / "kernel/tree", f"--kernel={self.version}")
        listing = subprocess.run([*series, "touched"], stdout=subprocess.PIPE, text=True, check=True)
        touched = {"MAINTAINERS", *listing.stdout.split()}
        part, whole = self.work / "part", self.work / "part.new"
        for path in (part, whole):
            shutil.rmtree(path, ignore_errors=True)
        for path in touched:
            (part / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.pristine / path, part / path)
        self.must("kernel/tree assemble", *series, "assemble", "--source", part, whole)

        now = {str(p.relative_to(whole)) for p in whole.rglob("*") if p.is_file()}
        listed = self.work / "overlaid"
        before = set(listed.read_text().splitlines()) if listed.exists() else set()
        listed.write_text("\n".join(sorted(now | before)))
        for path in sorted(now | before):
            source = whole / path if path in now else self.pristine / path
            target = self.tree / path
            if source.exists():
                if not target.exists() or source.read_bytes() != target.read_bytes():
                    target.unlink(missing_ok=True)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(source, target)
                    shutil.copymode(source, target)
            else:
                target.unlink(missing_ok=True)

    def build_all(self, config, external):
        """Kernel and modules without a mutant, and the modules in the directory external."""
        self.build.mkdir(parents=True, exist_ok=True)
        # What an interrupted run has left.
        for replaced in self.build.rglob("*.o.original"):
            replaced.with_suffix("").unlink(missing_ok=True)
            replaced.unlink()
        copy = self.build / "mutants.config"
        if not copy.exists() or copy.read_bytes() != config.read_bytes() or not (self.build / ".config").exists():
            shutil.copyfile(config, copy)
            if not self.make(f"KCONFIG_ALLCONFIG={copy}", "allnoconfig"):
                raise Failure("cannot configure, see the log")
        self.check_config(config)
        if not self.make("vmlinux", "modules") or not self.make(f"M={external}", "modules"):
            raise Failure("without a mutant, it does not build, see the log")
        # The one in the build directory will be a mutant's.
        self.image = external.parent / "vmlinux"
        shutil.copyfile(self.build / "vmlinux", self.image)
        for mod in self.build.rglob("*.mod"):
            for obj in mod.read_text().split():
                self.modules[obj] = str(mod.relative_to(self.build))[:-4]

    def check_config(self, config):
        have = (self.build / ".config").read_text().splitlines()
        missing = [line for line in config.read_text().splitlines() if line.startswith("CONFIG_") and line not in have]
        if missing:
            raise Failure(f"{config}: cannot have {' '.join(missing)}")

    def saved_command(self, target):
        """How make built a target, for the shell."""
        path = self.build / target
        text = (path.parent / f".{path.name}.cmd").read_text()
        command = re.search(r"^savedcmd_\S+ := (.*)$", text, re.M)[1]
        return command.replace("$(pound)", "#").replace("$$", "$")

    def rebuild(self, target, replace):
        """Run that command with other files instead of some that it names. Returns whether it succeeded."""
        command = self.saved_command(target)
        for old, new in replace.items():
            command, n = re.subn(rf"(?<![^\s,@]){re.escape(str(old))}(?=[\s;]|$)", str(new), command)
            if not n:
                raise Failure(f"the command for {target} does not name {old}")
        return self.call(command, shell=True, cwd=self.build)

    def compile(self, path, text, out):
        """An object from another text of a source. Returns where it is, None if it does not compile."""
        source, target = out / pathlib.Path(path).name, path[:-2] + ".o"
        result = source.with_suffix(".o")
        source.write_text(text)
        depfile = f"-Wp,-MMD,{os.path.dirname(target)}/.{result.name}.d"
        # What make has generated is in the build directory, which its commands run in.
        original = path if path.endswith(".mod.c") else self.tree / path
        replace = {depfile: f"-Wp,-MMD,{result}.d", original: source, target: result}
        return result if self.rebuild(target, replace) else None

    def link_module(self, module, objects, out):
        """A module with other objects, by target. Returns where it is, None if it cannot be linked."""
        name = os.path.basename(module)
        linked = objects.get(f"{module}.o")
        if not linked:
            listing = out / f"{name}.mod"
            listing.write_text("".join(f"{objects.get(o, o)}\n" for o in
                                       (self.build / f"{module}.mod").read_text().split()))
            linked = out / f"{name}-linked.o"
            if not self.rebuild(f"{module}.o", {f"{module}.o": linked, f"{module}.mod": listing}):
                return None
        result = out / f"{name}.ko"
        replace = {f"{module}.o": linked, f"{module}.ko": result}
        # The module's descriptor, which modpost generates, names the exit function if there is one.
        descriptor = (self.build / f"{module}.mod.c").read_text()
        if ".exit = " not in descriptor and self.defines(linked, "cleanup_module"):
            with_exit = descriptor.replace("\t.init =", "\t.exit = cleanup_module,\n\t.init =")
            replace[f"{module}.mod.o"] = self.compile(f"{module}.mod.c", with_exit, out)
            if not replace[f"{module}.mod.o"]:
                return None
        return result if self.rebuild(f"{module}.ko", replace) else None

    @staticmethod
    def defines(obj, symbol):
        """Whether an object defines a symbol."""
        listed = subprocess.run(["nm", "--defined-only", "--format=just-symbols", obj], stdout=subprocess.PIPE,
                                check=True, text=True)
        return symbol in listed.stdout.split()

    def link_kernel(self, objects, out):
        """The kernel with other objects; make needs them in their places for so long."""
        for target, obj in objects.items():
            original = self.build / f"{target}.original"
            (self.build / target).rename(original)
            shutil.copyfile(obj, self.build / target)
        linked = self.make("vmlinux")
        if linked:
            shutil.copyfile(self.build / "vmlinux", out / "vmlinux")
        for target in objects:
            # Newer than what is linked now, so that make does not keep that.
            original = self.build / f"{target}.original"
            os.utime(original)
            original.rename(self.build / target)
        return out / "vmlinux" if linked else None

    def build_mutant(self, content, out):
        """Returns the kernel and the modules, by target, that have another content; None if they do not build."""
        objects = {}
        for path, text in content.items():
            if not path.endswith(".c"):
                raise Failure(f"{path}: only C files can be mutated")
            obj = self.compile(path, text, out)
            if not obj:
                return None
            objects[path[:-2] + ".o"] = obj

        kernel, modules = self.image, {}
        builtin = {target: obj for target, obj in objects.items() if target not in self.modules}
        if builtin:
            kernel = self.link_kernel(builtin, out)
            if not kernel:
                return None
        for module in sorted({self.modules[target] for target in objects if target not in builtin}):
            modules[module] = self.link_module(module, objects, out)
            if not modules[module]:
                return None
        return kernel, modules
