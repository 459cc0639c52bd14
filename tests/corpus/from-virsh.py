#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Holds docs/from-virsh.md against the programs and the other page.

    from-virsh.py PAGE DOMAIN-XML-PAGE TESTS SVIRT

Prints TAP: each of virsh's commands is in PAGE once, each that is there is one
of svirt's, each of svirt's is there; the elements are those of libvirt's own
definitions in the directory TESTS, and agree with DOMAIN-XML-PAGE.
"""
import glob
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

WORDS = ("same", "differs", "missing")


def rows(text):
    """(names, word, note) of every row with names in its first column."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        names = re.findall(r"`([a-z_A-Z0-9-]+)`", cells[0])
        if line.startswith("| `") and names:
            yield names, cells[1].split(" ")[0], cells[-1]


def section(text, title):
    found = re.search(rf"^## {title}$(.*?)(?=^## |\Z)", text, re.M | re.S)
    return found.group(1)


def commands_of(program):
    said = subprocess.run(program, capture_output=True, text=True,
                          check=True).stdout
    if program[0] == "virsh":
        return set(re.findall(r"^    ([a-z][a-z-]*) ", said, re.M))
    return {word for word in re.findall(r"^  ([a-z][a-z-]*) ", said, re.M)
            if word != "svirt"}


class Tap:
    number = 0
    failed = False

    def none(self, found, fact):
        self.number += 1
        found = sorted(found)
        print(f"{'not ok' if found else 'ok'} {self.number} - {fact}")
        if found:
            print("# " + " ".join(found))
            self.failed = True


def check_commands(tap, page, virsh, svirt):
    theirs, _, own = page.partition("### svirt's own")
    fate = {}
    twice = set()
    for names, word, _ in rows(theirs):
        for name in names:
            if name in fate:
                twice.add(name)
            fate[name] = word
    known = {name for names, _, _ in rows(own) for name in names}
    there = {name for name, word in fate.items() if word != "missing"}
    tap.none({word for word in fate.values() if word not in WORDS},
             "every row has one of the three words")
    tap.none(virsh - set(fate), "each of virsh's commands has a row")
    tap.none(set(fate) - virsh, "each row is of a command that virsh has")
    tap.none(twice, "no command has two rows")
    tap.none(there - svirt, "what is said to be there is there")
    tap.none((set(fate) - there) & svirt, "what is said to be missing is not")
    tap.none(svirt - there - known, "each of svirt's commands has a row")
    tap.none(known - svirt, "svirt's own commands are there")


def elements_of(tests):
    """What stands below <domain> and <devices> in libvirt's definitions."""
    found = set()
    for path in glob.glob(tests + "/qemuxml2argvdata/*.xml"):
        try:
            root = ET.parse(path).getroot()
        except ET.ParseError:
            continue
        for parent in [root] + root.findall("devices"):
            found |= {child.tag for child in parent if "{" not in child.tag}
    # Below <domain> by mistake, in files that libvirt refuses.
    return found - {"devices", "commandline"}


def check_elements(tap, page, other, theirs):
    fate = {name: word for names, word, _ in rows(page) for name in names}
    supported = section(other, "Supported")
    table = supported.partition("### ")[0]
    # Of the first column; what is below <devices> or the top.
    there = set()
    for line in table.splitlines():
        if line.startswith("| `<"):
            there |= set(re.findall(r"`<([a-zA-Z_]+)>`", line.split(" | ")[0]))
    there.discard("domain")
    refused = "".join(section(other, title)
                      for title in ("Obstacles", "Refused", "Not built",
                                    "Ignored"))
    named = set(re.findall(r"`([a-zA-Z_]+)`", refused))
    tap.none({word for word in fate.values() if word not in WORDS},
             "every element has one of the three words")
    tap.none(theirs - set(fate), "each of libvirt's elements has a row")
    tap.none(there - {n for n, w in fate.items() if w != "missing"},
             "each supported element has a row that says so")
    tap.none({n for n, w in fate.items() if w != "missing"} - there,
             "what is said to be there is supported")
    tap.none({n for n, w in fate.items() if w == "missing"} - named,
             "what is missing is an obstacle, refused, not built or "
             "ignored by name")


def main():
    with open(sys.argv[1]) as file:
        page = file.read()
    with open(sys.argv[2]) as file:
        other = file.read()
    tap = Tap()
    check_commands(tap, section(page, "Commands"),
                   commands_of(["virsh", "help"]),
                   commands_of([sys.argv[4], "--help"]))
    check_elements(tap, section(page, "Elements"), other,
                   elements_of(sys.argv[3]))
    print(f"1..{tap.number}")
    return int(tap.failed)


sys.exit(main())
