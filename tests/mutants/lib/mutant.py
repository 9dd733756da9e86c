# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a file of list/ says."""

import dataclasses


class Failure(Exception):
    """Something that is not a result of a mutant."""


@dataclasses.dataclass
class Edit:
    path: str
    old: str
    new: str


@dataclasses.dataclass
class Mutant:
    name: str
    what: str
    demanded: bool = False
    killed_by: str = ""
    missing: str = ""  # the test that would notice, if there is none
    edits: list = dataclasses.field(default_factory=list)


def read(path):
    lines = path.read_text().splitlines(keepends=True)
    if len(lines) < 2 or not lines[1].startswith("# "):
        raise Failure(f"{path}: does not say what is wrong")
    mutant = Mutant(path.stem, lines[1][2:].strip())
    file = None
    parts = None
    for line in lines[2:]:
        if parts is None:
            if line == "demanded\n":
                mutant.demanded = True
            elif line.startswith("killed-by: "):
                mutant.killed_by = line[11:].strip()
            elif line.startswith("missing: "):
                mutant.missing = line[9:].strip()
            elif line.startswith("file: "):
                file = line[6:].strip()
            elif line == "<<<<\n" and file:
                parts = [[]]
            elif line.strip():
                raise Failure(f"{path}: stray line {line!r}")
        elif line == "====\n":
            parts.append([])
        elif line == ">>>>\n":
            if len(parts) != 2:
                raise Failure(f"{path}: an edit has {len(parts)} parts")
            mutant.edits.append(Edit(file, "".join(parts[0]), "".join(parts[1])))
            parts = None
        else:
            parts[-1].append(line)
    if parts is not None or not mutant.edits:
        raise Failure(f"{path}: incomplete")
    return mutant


def apply(tree, mutant):
    """The files' new content by path; the tree stays as it is."""
    content = {}
    for edit in mutant.edits:
        if edit.path not in content:
            content[edit.path] = (tree / edit.path).read_text()
        n = content[edit.path].count(edit.old)
        if n != 1:
            raise Failure(f"{mutant.name}: text found {n} times in {edit.path}:\n{edit.old}")
        content[edit.path] = content[edit.path].replace(edit.old, edit.new)
    return content
