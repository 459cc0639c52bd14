#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What svirt says to libvirt's own corpus of domain XML.

    qemuxml2argv.py [--write] [--gaps FILE] TESTS SVIRT

TESTS is libvirt's directory of tests, SVIRT the program. Prints TAP. Of the
files that qemuxml2argvtest.c runs for x86, the positive ones must validate with
the resources that the reference lists, and the negative ones be refused. What
svirt lists as a resource is compared, too, with every path that the XML names,
found here in another way.

The reference has one line for each file:

    NAME KIND[=PATH|:NAME]...   validates, with these resources; -KIND: of an
                          obstacle, which is listed and not given
    NAME ! FAULT          a positive one that does not, and the first reason
    NAME +                a negative one that validates
    NAME (ARCH)           is not for x86

Where svirt has come to do more than the reference says, a note tells so;
--write makes the reference anew, for review. --gaps writes what stands in the
way, the most frequent first.
"""
import collections
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

HERE = os.path.dirname(os.path.abspath(__file__))
REFERENCE = os.path.join(HERE, "qemuxml2argv.reference")
X86 = ("x86_64", "i686")
# Exit codes, of svirt(1)
INVALID, REFUSED, UNSUPPORTED = 3, 6, 8
# Least parts of the positive files that validate, of the negative refused.
POSITIVE = 0.95
NEGATIVE = 0.9


def tests_of(source):
    """name -> (arch or None, negative) of every macro call."""
    found = {}
    call = re.compile(r'^ *DO_TEST([A-Z0-9_]*)\(\s*"([^"]+)"([^;]*?)\);', re.M)
    for macro, name, rest in call.findall(source):
        negative = re.search("FAILURE|PARSE_ERROR|FLAG_EXPECT",
                             macro + rest) is not None
        words = re.findall(r'"([^"]+)"', rest)
        arch = None
        if "_ARCH_" in macro or macro == "_CAPS_INTERNAL":
            arch = words[0]
        elif "PPC64" in macro:
            arch = "ppc64"
        # A file that works with some QEMU is a positive one.
        if name not in found or found[name][1]:
            found[name] = (arch, negative)
    return found


def arch_of(path, given):
    try:
        node = ET.parse(path).getroot().find("os/type")
    except ET.ParseError:
        node = None
    stated = node.get("arch") if node is not None else None
    return stated or given or "x86_64"


def ask(svirt, path):
    return subprocess.run([svirt, "--format", "json", "define", "--validate",
                           path], capture_output=True, text=True, timeout=60)


def resources_of(text):
    """One word per resource: kind=path, or kind:name; -kind: not given."""
    words = []
    for item in json.loads(text)["resources"]:
        word = "-" * item.get("withheld", False) + item["kind"]
        for sign, key in ("=", "path"), (":", "name"):
            if item.get(key):
                word += sign + item[key].replace("%", "%25").replace(" ",
                                                                     "%20")
        words.append(word)
    return words


def is_chosen(path):
    """Its firmware is what the host's descriptors have, whatever that is."""
    with open(path) as file:
        return "<os firmware='efi'" in file.read()


def paths_of(words):
    return {word.split("=", 1)[1].replace("%20", " ").replace("%25", "%")
            for word in words if re.match("-?[a-z-]+=", word)
            and not word.lstrip("-").startswith("tcp-")}


def faults_of(answer):
    try:
        faults = json.loads(answer.stdout)["faults"]
        texts = [fault["message"] for fault in faults]
    except (ValueError, KeyError):
        texts = [answer.stderr.strip()]
    return [re.sub(r"^\S+?\.xml:\d+: ", "", text) for text in texts]


def is_path(text):
    return text is not None and text.strip().startswith("/")


def named_paths(path):
    """Every absolute path in the XML, but where it names nothing of the host."""
    words = {"metadata", "description", "title", "cmdline", "blkiotune"}
    found = set()

    def walk(node, parents):
        tag = node.tag
        if tag in words:
            return
        parent = parents[-1] if parents else None
        for name, value in node.attrib.items():
            inside = (
                # a pty's path is the host's answer, not a wish
                parent is not None and parent.get("type") == "pty"
                and tag == "source"
                or name == "tty"
                # a channel's socket that is where libvirt puts it is svirt's
                or tag == "source" and parent.tag == "channel"
                and value.startswith("/var/lib/libvirt/qemu/channel/")
                # a path of a server, or within a name
                or tag == "source" and name == "name"
                # where the guest sees it
                or parent is not None and parent.tag == "filesystem"
                and tag == "target")
            if is_path(value) and not inside:
                found.add(value)
        if is_path(node.text):
            found.add(node.text.strip())
        if tag == "backend" and node.get("model") == "random" \
                and not node.text:
            found.add("/dev/random")
        for child in node:
            walk(child, parents + [node])

    walk(ET.parse(path).getroot(), [])
    return found


class Tap:
    def __init__(self):
        self.number = 0
        self.failed = False

    def verdict(self, good, fact, *notes):
        self.number += 1
        print(f"{'ok' if good else 'not ok'} {self.number} - {fact}")
        self.failed = self.failed or not good
        if not good:
            self.note(*notes)

    def note(self, *notes):
        for text in notes[:20]:
            print("# " + text.replace("\n", "\n# "))

    def end(self):
        print(f"1..{self.number}")
        return int(self.failed)


class Corpus:
    def __init__(self, directory, svirt):
        with open(os.path.join(directory, "qemuxml2argvtest.c")) as source:
            tests = tests_of(source.read())
        data = os.path.join(directory, "qemuxml2argvdata")
        self.paths = {}
        self.lines = {}
        self.positive, self.negative, self.odd = [], [], []
        for name, (arch, negative) in sorted(tests.items()):
            path = os.path.join(data, name + ".xml")
            arch = arch_of(path, arch)
            self.paths[name] = path
            if arch in X86:
                (self.negative if negative else self.positive).append(name)
            else:
                self.lines[name] = f"({arch})"
        names = self.positive + self.negative
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            answers = pool.map(lambda name: ask(svirt, self.paths[name]),
                               names)
            self.answers = dict(zip(names, answers))
        self.valid = {name: [word for word in resources_of(answer.stdout)
                             if not (word.startswith("loader=")
                                     and is_chosen(self.paths[name]))]
                      for name, answer in self.answers.items()
                      if answer.returncode == 0}
        for name in names:
            self.lines[name] = self.line(name)

    def line(self, name):
        if name in self.negative:
            return "+" if name in self.valid else None
        if name in self.valid:
            return " ".join(self.valid[name])
        return "! " + faults_of(self.answers[name])[0]

    def write_reference(self):
        with open(REFERENCE, "w") as file:
            for name, line in sorted(self.lines.items()):
                if line is not None:
                    file.write(f"{name} {line}\n")

    def write_gaps(self, path):
        reasons = collections.defaultdict(list)
        alone = collections.Counter()
        for name in self.positive:
            if name in self.valid:
                continue
            texts = set(faults_of(self.answers[name]))
            for text in texts:
                reasons[text].append(name)
            if len(texts) == 1:
                alone[next(iter(texts))] += 1
        good = len(self.positive) - sum(n not in self.valid
                                        for n in self.positive)
        taken = [name for name in self.negative if name in self.valid]
        with open(path, "w") as file:
            file.write(f"# {good} of {len(self.positive)} positive validate, "
                       f"{len(taken)} of {len(self.negative)} negative: "
                       f"{' '.join(taken)}\n"
                       "# files, files with nothing else, fault\n")
            for text, names in sorted(reasons.items(),
                                      key=lambda item: -len(item[1])):
                file.write(f"{len(names):4} {alone[text]:4} {text}"
                           f"  [{' '.join(names[:4])}]\n")

    def check(self, reference):
        tap = Tap()
        valid = [name for name in self.positive if name in self.valid]
        refused = [name for name in self.negative if name not in self.valid]
        share = len(valid) / len(self.positive)
        stopped = len(refused) / len(self.negative)
        tap.verdict(len(self.positive) > 600 and len(self.negative) > 130,
                    "libvirt's corpus is there",
                    f"{len(self.positive)} and {len(self.negative)} files")
        odd = [f"{name}: exit code {answer.returncode}: {faults_of(answer)[0]}"
               for name, answer in self.answers.items()
               if answer.returncode not in (0, INVALID, REFUSED, UNSUPPORTED)
               and "firmware descriptors fits" not in answer.stderr]
        tap.verdict(not odd, "every answer is a verdict", *odd)
        silent = [name for name, answer in self.answers.items()
                  if answer.returncode != 0 and "error: " not in answer.stderr]
        tap.verdict(not silent, "every refusal says why", *silent)
        unknown = [name for name, line in self.lines.items()
                   if line is not None and name not in reference]
        tap.verdict(not unknown, "the reference knows every file", *unknown)
        wrong, better = [], []
        for name, was in sorted(reference.items()):
            now = self.lines.get(name) or ""
            if now == was or was.startswith("!") and now.startswith("!"):
                continue
            if was.startswith("!") or was == "+":
                better.append(name)
            else:
                wrong.append(f"{name}\nwas: {was}\nnow: {now}")
        tap.verdict(not wrong, "each file has its resources", *wrong)
        if better:
            tap.note("better than the reference: " + " ".join(better))
        differ = []
        for name in self.valid:
            if name in self.negative:
                continue
            # Variables that no file is named for have one of svirt's own.
            listed = {path for path in paths_of(self.valid[name])
                      if not path.startswith("/var/lib/svirt/nvram/")}
            # So has firmware that the definition leaves to the host.
            if name.startswith("firmware-auto-efi"):
                listed = {path for path in listed
                          if not path.startswith("/usr/share/OVMF/")}
            named = named_paths(self.paths[name])
            if listed != named:
                differ.append(f"{name}: only listed {sorted(listed - named)}, "
                              f"only named {sorted(named - listed)}")
        tap.verdict(not differ, "resources are the paths that the XML names",
                    *differ)
        tap.verdict(share >= POSITIVE,
                    f"{len(valid)} of {len(self.positive)} positive files "
                    "validate")
        tap.verdict(stopped >= NEGATIVE,
                    f"{len(refused)} of {len(self.negative)} negative files "
                    "are refused")
        return tap.end()


def main():
    arguments = sys.argv[1:]
    gaps = None
    if "--gaps" in arguments:
        at = arguments.index("--gaps")
        gaps = arguments[at + 1]
        del arguments[at:at + 2]
    write = "--write" in arguments
    directory, svirt = [word for word in arguments if word != "--write"]
    corpus = Corpus(directory, svirt)
    if gaps is not None:
        corpus.write_gaps(gaps)
    if write:
        corpus.write_reference()
    with open(REFERENCE) as file:
        reference = dict(line.rstrip("\n").split(" ", 1) for line in file)
    return corpus.check(reference)


sys.exit(main())
