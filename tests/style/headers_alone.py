"""Every header compiles by itself as C++20; motet.h as C11 too, without extensions.

What compiled once is not compiled again until the header, one it includes or the command changes.
"""

import concurrent.futures
import functools
import hashlib
import os
import pathlib
import re
import shutil
import subprocess

from sources import files, finish, root_parser

STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]


@functools.lru_cache(maxsize=None)
def with_includes(path, root):
    """The header and our headers that it reaches."""
    reached, waiting = set(), [path]
    while waiting:
        header = waiting.pop()
        if header in reached or not header.exists():
            continue
        reached.add(header)
        names = re.findall(r'^\s*#\s*include\s*"([^"]+)"', header.read_text(), re.MULTILINE)
        waiting += [folder / name for name in names for folder in (root / "src", root / "include", header.parent)]
    return sorted(reached)


def stamp_of(command, path, root, cache):
    digest = hashlib.sha256(" ".join([*command, str(path)]).encode())
    for header in with_includes(path, root):
        digest.update(header.read_bytes())
    return cache / digest.hexdigest()


def compile_alone(compiler, flags, language, path, root, cache):
    """The compiler's words if it fails, else None."""
    command = [*compiler, *flags, f"-I{root}/src", f"-I{root}/include", "-fsyntax-only", "-x", language, "-"]
    stamp = stamp_of(command, path, root, cache)
    if stamp.exists():
        return None
    done = subprocess.run(command, input=f'#include "{path}"\n', text=True, capture_output=True, check=False)
    if done.returncode != 0:
        return f"{path.relative_to(root)}: {' '.join(compiler)}\n{done.stderr}"
    stamp.touch()
    return None


def mpi_compilers(cxx):
    """The MPI adapter is compiled by its user's MPI: by each that is installed here."""
    for name in ("mpicc.openmpi", "mpicc.mpich"):
        if wrapper := shutil.which(name):
            shown = subprocess.run([wrapper, "-show"], text=True, capture_output=True, check=False).stdout.split()
            yield [cxx, *[word for word in shown if word.startswith("-I")]]


def jobs(root, cxx, cc):
    for path in files(root, "src", "include", suffixes={".hpp", ".h"}):
        if path.name == "bootstrap_mpi.h":
            for compiler in mpi_compilers(cxx):
                yield compiler, ["-std=c++20"], "c++", path
            continue
        public = path.is_relative_to(root / "include")
        yield [cxx], ["-std=c++20", *(STRICT if public else [])], "c++", path
        if path.suffix == ".h":
            yield [cc], ["-std=c11", *STRICT], "c", path


def main():
    parser = root_parser(__doc__)
    parser.add_argument("--cxx", required=True)
    parser.add_argument("--cc", required=True)
    parser.add_argument("--cache", required=True, type=pathlib.Path)
    given = parser.parse_args()
    given.cache.mkdir(parents=True, exist_ok=True)
    todo = list(jobs(given.root, given.cxx, given.cc))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        answers = pool.map(lambda job: compile_alone(*job, given.root, given.cache), todo)
    finish([answer for answer in answers if answer], f"{len(todo)} compilations of headers alone")


main()
