#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""members.py PAGE.in XML…: the page with @members@ replaced by what the introspection XML says of every member."""

import re
import sys
import xml.etree.ElementTree as ElementTree


def roff(text):
    text = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace('"', "\\(dq")
    # A line each, so that none is too long for those who read the source.
    return "\n".join(re.sub(r"^([.'])", r"\\&\1", line) for line in re.split(r"(?<=[.;:]) ", text) if line)


def arguments(member, direction):
    shown = []
    for argument in member.iter("arg"):
        if argument.get("direction", "out") == direction:
            shown.append(f"{argument.get('type')} {argument.get('name')}".replace("-", "\\-"))
    return ", ".join(shown)


def heading(member):
    name = member.get("name")
    if member.tag == "property":
        return f"{name}\\fR ({member.get('type')}, {member.get('access')})"
    if member.tag == "signal":
        return f"{name}\\fR({arguments(member, 'out')})"
    result = arguments(member, "out")
    return f"{name}\\fR({arguments(member, 'in')})" + (f" \\(-> {result}" if result else "")


def interface(path):
    tree = ElementTree.parse(path, ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True)))
    for element in tree.getroot().iter("interface"):
        yield f'.SS "{element.get("name")}"'
        comment = ""
        for member in element:
            if member.tag is ElementTree.Comment:
                comment = member.text
                continue
            yield f".TP\n\\fB{heading(member)}"
            inner = [c.text for c in member.iter() if c.tag is ElementTree.Comment]
            yield roff(" ".join([comment, *inner])) or "\\&"
            comment = ""


template, *xml = sys.argv[1:]
lines = ["\n".join(interface(path)) for path in xml]
with open(template, encoding="utf-8") as f:
    sys.stdout.write(f.read().replace("@members@", "\n".join(lines)))
