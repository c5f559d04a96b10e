"""What the lints share: the files of the tree, C without comments or texts, and how findings are told."""
import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SKIPPED = {".git", "build", "__pycache__", "tests/data", "tests/fuzz/corpus"}

TOKEN = re.compile(r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S)


def root_of(arguments):
    """The tree to look at: the argument, or this one."""
    return Path(arguments[1]).resolve() if len(arguments) > 1 else ROOT


def files(root, *patterns):
    """(path, name from the root) of every file that is ours, in order."""
    found = []
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        folders[:] = [f for f in folders if f not in SKIPPED and (here / f).relative_to(root).as_posix() not in SKIPPED]
        for name in names:
            path = (here / name).relative_to(root).as_posix()
            if any(re.fullmatch(p, path) for p in patterns):
                found.append(path)
    return [(root / name, name) for name in sorted(found)]


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def code_of(text):
    """C with comments and the insides of texts blanked; every line and column stays where it is."""
    def replace(match):
        token = match.group()
        if token[0] == "/":
            return _blank(token)
        return token[0] + _blank(token[1:-1]) + token[-1]
    return TOKEN.sub(replace, text)


def texts_of(text):
    """(offset, content) of every text of a piece of C; texts side by side count as one."""
    joined, end = [], None
    for match in TOKEN.finditer(text):
        token = match.group()
        if token[0] != '"':
            continue
        if joined and not re.search(r'[^\s"]', code_of(text[end:match.start()])):
            joined[-1][1] += token[1:-1]
        else:
            joined.append([match.start(), token[1:-1]])
        end = match.end()
    return joined


def line_at(text, offset):
    return text.count("\n", 0, offset) + 1


def report(sentence, findings):
    """One line for the lint, one for each finding, and the exit code."""
    for name, line, what in sorted(set(findings)):
        print(f"{name}:{line}: {what}")
    print(f"{Path(sys.argv[0]).name}: {sentence}: " + (f"{len(set(findings))} findings" if findings else "clean"))
    return 1 if findings else 0
