"""clang-tidy over a compilation database, in parallel, remembering by content what was clean."""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

FOLDERS = ("src", "include", "tools", "tests", "bench", "examples")


def preprocess(entry):
    """What the compiler sees, with comments: they may hold NOLINT."""
    words = shlex.split(entry["command"])
    if words[0].endswith("ccache"):
        words = words[1:]
    words = re.sub(r"\s-o \S+", "", " ".join(map(shlex.quote, words)))
    done = subprocess.run(
        [*shlex.split(words), "-E", "-CC", "-o", "-"], cwd=entry["directory"], capture_output=True, check=False
    )
    return done.stdout + done.stderr


class Tidy:
    def __init__(self, root):
        self.root = root
        self.build = root / "build" / "tidy"
        cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        self.clean = pathlib.Path(cache) / "motet" / "tidy"  # for every checkout
        self.clean.mkdir(parents=True, exist_ok=True)
        self.program = shutil.which("clang-tidy") or sys.exit("clang-tidy is not installed")
        told = subprocess.run([self.program, "--version"], capture_output=True, check=True).stdout
        self.version = re.search(r"version ([\d.]+)", told.decode())[1]
        self.config = self.version.encode() + (root / ".clang-tidy").read_bytes()

    def check(self, entry):
        """(file, complaints or "", whether it was remembered)."""
        name = os.path.relpath(entry["file"], self.root)
        text = preprocess(entry).replace(str(self.root).encode(), b"")
        digest = hashlib.sha256(self.config + name.encode() + text).hexdigest()
        stamp = self.clean / digest
        if stamp.exists():
            return name, "", True
        command = [self.program, "-p", str(self.build), "--quiet", entry["file"]]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0 and "warning:" not in done.stdout:
            stamp.touch()
            return name, "", False
        said = done.stdout + (done.stderr if "error:" in done.stderr or not done.stdout else "")
        return name, said or f"{name}: {self.program} ended with {done.returncode}", False


def progress(done, total, name):
    if sys.stdout.isatty():
        print(f"\r\033[K  clang-tidy {done}/{total} {name[-60:]}", end="", flush=True)
    elif done % 20 == 0:
        print(f"  ... clang-tidy {done}/{total}", flush=True)


def main():
    root = pathlib.Path(sys.argv[1])
    prefixes = tuple(sys.argv[2:]) or FOLDERS
    database = json.loads((root / "build/tidy/compile_commands.json").read_text())
    ours = [entry for entry in database if os.path.relpath(entry["file"], root).startswith(prefixes)]
    tidy = Tidy(root)
    seen, remembered, failed = set(), 0, 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for done, (name, complaints, known) in enumerate(pool.map(tidy.check, ours), start=1):
            progress(done, len(ours), name)
            remembered += known
            failed += bool(complaints)
            if complaints and complaints not in seen:
                seen.add(complaints)
                print(f"\n{complaints}", flush=True)
    print(("\r\033[K" if sys.stdout.isatty() else "") +
          f"  clang-tidy {tidy.version}: {len(ours)} files, {remembered} known to be clean, {failed} with complaints")
    sys.exit(1 if failed else 0)


main()
