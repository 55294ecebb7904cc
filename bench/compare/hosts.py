"""Who takes part between emulated hosts (scripts/multihost.sh), in which configurations, and how each is started."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cells import COLLECTIVES, Request
from contenders import (
    HERE,
    OPENMPI_ENVIRONMENT,
    ROOT,
    Contender,
    Peer,
    Setting,
    peer_contender,
)
from launch import Command

MULTIHOST = str(ROOT / "scripts" / "multihost.sh")
AGENT = str(HERE / "host_agent.py")


@dataclass(frozen=True)
class Hosts:
    count: int
    ranks_each: int
    options: tuple[str, ...]  # of multihost.sh: speeds, rails

    def start(self, ranks_each: int) -> list[str]:
        return [MULTIHOST, str(self.count), "--ranks-per-host", str(ranks_each), *self.options, "--"]

    @property
    def alone(self) -> bool:
        """One host: all goes over TCP, through its loopback, although memory would be faster."""
        return self.count == 1

    def names(self, form: str) -> str:
        """h0:2,h1:2"""
        return ",".join(form.format(host=f"h{i}", ranks=self.ranks_each) for i in range(self.count))


def motet(setting: Setting, hosts: Hosts, name: str, transport: str) -> Contender:
    def commands(request: Request) -> list[Command]:
        sizes = ["--sizes", ",".join(map(str, request.sizes)), "--row-ms", "200", "-w", "3", *setting.batches()]
        if request.collective != "broadcast":
            sizes.append("--out-of-place")
        start = [*hosts.start(hosts.ranks_each), "env", *([f"MOTET_TRANSPORT={transport}"] if transport else [])]
        fresh = {"fresh": ("--fresh", "--one-clock"), "hot": ()}
        return [
            Command(
                (*start, str(setting.motet_perf), request.collective, *sizes, "--json", *fresh[mode]),
                {},
                setting.limit(request),
            )
            for mode in request.modes
        ]

    return Contender(name, name, "motet", "", commands)


def motets(setting: Setting, hosts: Hosts) -> list[Contender]:
    memory = "" if hosts.alone else "shm,"
    return [
        motet(setting, hosts, "Motet", "tcp" if hosts.alone else ""),
        motet(setting, hosts, "Motet, ofi", memory + "ofi"),
        motet(setting, hosts, "Motet, ucx", memory + "ucx"),
    ]


def openmpi(setting: Setting, hosts: Hosts, peer: Peer, mpirun: str) -> list[Contender]:
    common = [*hosts.start(1), AGENT, "launch", mpirun, "--host", hosts.names("{host}:{ranks}"), "--bind-to", "none"]
    common += ["-n", str(setting.ranks), "--mca", "plm_rsh_agent", AGENT, "--mca", "oob_tcp_if_include", "eth0"]
    if setting.oversubscribed():  # each host believes that its cores are its own
        common += ["--mca", "mpi_yield_when_idle", "1"]
    passed = ["-x", "UCX_TLS", "-x", "UCX_NET_DEVICES", "-x", "FI_PROVIDER", "-x", "FI_TCP_IFACE"]
    ucx = OPENMPI_ENVIRONMENT | {"UCX_TLS": "self,tcp" if hosts.alone else "self,posix,tcp", "UCX_NET_DEVICES": "eth0"}
    ofi = OPENMPI_ENVIRONMENT | {"FI_PROVIDER": "tcp", "FI_TCP_IFACE": "eth0"}
    memory = "" if hosts.alone else "sm," if peer.key == "openmpi" else "vader,"
    tcp = ["--mca", "pml", "ob1", "--mca", "btl", f"self,{memory}tcp", "--mca", "btl_tcp_if_include", "eth0"]
    if peer.key == "openmpi":
        common += ["--prtemca", "plm_ssh_agent", AGENT, "--prtemca", "oob_tcp_if_include", "eth0"]
    over_ucx = ["--mca", "pml", "ucx", "--mca", "pml_ucx_tls", "any", "--mca", "pml_ucx_devices", "any"]
    over_ofi = ["--mca", "pml", "cm", "--mca", "mtl", "ofi", "--mca", "mtl_ofi_provider_include", "tcp"]
    return [
        peer_contender(setting, peer, "tcp", common + tcp, OPENMPI_ENVIRONMENT),
        peer_contender(setting, peer, "UCX", common + passed + over_ucx, ucx),
        peer_contender(setting, peer, "OFI", common + passed + over_ofi, ofi),
    ]


def hydra(setting: Setting, hosts: Hosts, peer: Peer, mpiexec: str, environment: dict[str, str]) -> list[Contender]:
    start = [*hosts.start(1), AGENT, "launch", mpiexec, "-launcher", "ssh", "-launcher-exec", AGENT]
    start += ["-hosts", hosts.names("{host}"), "-ppn", str(hosts.ranks_each), "-n", str(setting.ranks)]
    return [peer_contender(setting, peer, "", start, environment | {"FI_PROVIDER": "tcp", "FI_TCP_IFACE": "eth0"})]


def mpich(setting: Setting, hosts: Hosts) -> list[Contender]:
    peer = Peer("MPICH", "debian_mpich", "libmpich12")
    over_tcp = {"MPIR_CVAR_NOLOCAL": "1", "UCX_TLS": "self,tcp", "UCX_NET_DEVICES": "eth0"}
    return hydra(setting, hosts, peer, "mpirun.mpich", over_tcp if hosts.alone else {})


def gloo(setting: Setting, hosts: Hosts) -> list[Contender]:
    some = tuple(name for name in COLLECTIVES if name != "alltoall")
    return [
        peer_contender(
            setting,
            Peer("Gloo", "gloo", "libgloo0"),
            "",
            hosts.start(hosts.ranks_each),
            {"PEER_INTERFACE": "eth0"},
            collectives=some,
        )
    ]


def impi(setting: Setting, hosts: Hosts) -> list[Contender]:
    home = setting.peers / "impi"
    fabrics = "ofi" if hosts.alone else "shm:ofi"
    # Its collectives within a node would use memory whatever the fabric is.
    alone = {"I_MPI_COLL_INTRANODE": "pt2pt"} if hosts.alone else {}
    environment = alone | {"I_MPI_FABRICS": fabrics, "I_MPI_PIN": "0", "LD_LIBRARY_PATH": str(home / "lib")}
    peer = Peer("Intel MPI", "impi", "impi-rt")
    return hydra(setting, hosts, peer, str(home / "bin/mpiexec.hydra"), environment)


PEERS: dict[str, Callable[[Setting, Hosts], list[Contender]]] = {
    "debian_openmpi": lambda setting, hosts: openmpi(
        setting, hosts, Peer("Open MPI 4", "debian_openmpi", "libopenmpi3"), "mpirun.openmpi"
    ),
    "debian_mpich": mpich,
    "gloo": gloo,
    "openmpi": lambda setting, hosts: openmpi(
        setting, hosts, Peer("Open MPI 5", "openmpi", "openmpi"), str(setting.peers / "openmpi/bin/mpirun")
    ),
    "impi": impi,
}


def peers(setting: Setting, hosts: Hosts) -> tuple[list[Contender], list[str]]:
    """Those that are there, and why others are not."""
    found: list[Contender] = []
    left_out: list[str] = []
    for key, make in PEERS.items():
        reason: Path = setting.peers / "missing" / key
        if reason.exists():
            left_out.append(f"{key}: {reason.read_text().strip()}")
        elif not (setting.peers / "bin" / key).exists():
            left_out.append(f"{key}: not installed (compare.sh does it)")
        else:
            found += make(setting, hosts)
    return found, left_out
