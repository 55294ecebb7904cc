"""Every include in src/ follows the arrows of the design; pure folders know no machine; one file reads the environment."""

import re

from sources import files, finish, root_parser

# A folder of src/ and the folders it may include, itself aside. Arrows point inwards: base is the innermost.
ALLOWED = {
    "base": set(),
    "topology": {"base"},
    "schedule": {"topology", "base"},
    "algorithms": {"schedule", "topology", "base"},
    "verify": {"algorithms", "schedule", "topology", "base"},
    "simulate": {"algorithms", "schedule", "topology", "base"},
    "planner": {"verify", "simulate", "algorithms", "schedule", "topology", "base"},
    "net": {"base"},
    "device": {"base"},
    "transport": {"device", "net", "base"},
    "bootstrap": {"net", "base"},
    "execute": {"transport", "device", "schedule", "net", "base"},
    "communicator": {
        "base", "topology", "schedule", "algorithms", "verify", "simulate", "planner",
        "net", "device", "transport", "bootstrap", "execute", "motet",
    },
}

PURE = {"topology", "schedule", "algorithms", "verify", "simulate", "planner"}
WORLDLY_EXCEPTION = "topology/discovery"  # reads the machine; a target of its own
WORLDLY_HEADER = re.compile(
    r"(thread|mutex|shared_mutex|atomic|condition_variable|future|stop_token|semaphore|latch|barrier|random|"
    r"ctime|filesystem|fstream|csignal|(time|unistd|poll|fcntl|pthread|signal|dlfcn|sched|stdlib|cpuid)\.h|"
    r"(sys|netinet|arpa|net|linux|hwloc)/.*)$"
)
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
CLOCK = re.compile(r"\b(?:steady_clock|system_clock|high_resolution_clock|Deadline)\b")  # durations are values, time is not
READS_ENVIRONMENT = re.compile(r"\b(?:secure_)?getenv\s*\(|\benviron\b")


def check_include(where, folder, quoted, angled):
    if quoted is not None:
        target = quoted.split("/")[0]
        if "/" not in quoted:
            yield f'{where}: "{quoted}": write includes with their folder'
        elif target != folder and target not in ALLOWED[folder]:
            allowed = ", ".join(sorted(ALLOWED[folder])) or "nothing"
            yield f'{where}: {folder} may not include "{quoted}", only {allowed}'
    elif folder in PURE and WORLDLY_EXCEPTION not in where and WORLDLY_HEADER.match(angled):
        yield f"{where}: {folder} is pure and may not include <{angled}>"


def check_file(path, root):
    relative = path.relative_to(root / "src").as_posix()
    folder = relative.split("/")[0]
    if folder not in ALLOWED:
        yield f"src/{relative}: folder {folder} is not in the map of {__file__}"
        return
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        where = f"src/{relative}:{number}"
        if include := INCLUDE.match(line):
            yield from check_include(where, folder, *include.groups())
        code = line.split("//")[0]
        if folder in PURE and WORLDLY_EXCEPTION not in where and CLOCK.search(code):
            yield f"{where}: {folder} is pure and knows no clock"
        if READS_ENVIRONMENT.search(code) and relative != "base/options.cpp":
            yield f"{where}: only src/base/options.cpp reads the environment"


def main():
    root = root_parser(__doc__).parse_args().root
    ours = files(root, "src")
    finish([complaint for path in ours for complaint in check_file(path, root)], f"includes of {len(ours)} files")


main()
