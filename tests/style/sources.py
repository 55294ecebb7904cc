"""What the style checks share: our files, and a report that CTest shows."""

import argparse
import pathlib
import sys

CODE = {".hpp", ".cpp", ".h", ".c"}


def root_parser(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("root", type=pathlib.Path)
    return parser


def files(root, *folders, suffixes=CODE):
    found = []
    for folder in folders:
        found += [path for path in (root / folder).rglob("*") if path.suffix in suffixes]
    return sorted(found)


def finish(complaints, summary):
    """Prints every complaint on its own line and ends the program."""
    for complaint in complaints:
        print(complaint)
    print(f"{len(complaints)} problems; {summary}")
    sys.exit(1 if complaints else 0)
