#!/usr/bin/env python3
"""Writes the synthetic machines beside it in hwloc's XML: make_hwloc.py [FOLDER].

hwloc's own synthetic machines have no I/O devices and no two packages that differ.
"""

import itertools
import pathlib
import sys
from xml.sax.saxutils import quoteattr

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE topology SYSTEM "hwloc2.dtd">\n<topology version="2.0">\n'
GIB = 1 << 30


def mask(numbers):
    """hwloc's bitmap text: 32 bits each, highest first."""
    value = sum(1 << number for number in numbers)
    words = []
    while value or not words:
        words.append(f"0x{value & 0xFFFFFFFF:08x}")
        value >>= 32
    return ",".join(reversed(words))


class Machine:
    def __init__(self, host, product, cpus, nodes, allowed=None):
        self.lines, self.depth, self.index = [], 1, itertools.count(1)
        self.sets = (range(cpus), range(nodes))
        infos = {"Backend": "Linux", "OSName": "Linux", "DMIProductName": product, "HostName": host,
                 "Architecture": "x86_64"}
        allowed_cpus = mask(range(cpus) if allowed is None else allowed)
        self.open("Machine", cpus=range(cpus), nodes=range(nodes), os_index=0, allowed_cpuset=allowed_cpus,
                  allowed_nodeset=mask(range(nodes)), infos=infos)

    def open(self, object_type, cpus=None, nodes=None, infos=(), **attributes):
        text = f'<object type="{object_type}"'
        if cpus is not None:
            for name, numbers in (("cpuset", cpus), ("nodeset", nodes)):
                text += f' {name}="{mask(numbers)}" complete_{name}="{mask(numbers)}"'
        for name, value in {**attributes, "gp_index": next(self.index)}.items():
            text += f" {name}={quoteattr(str(value))}"
        self.write(text + ">")
        self.depth += 1
        for name, value in dict(infos).items():
            self.write(f"<info name={quoteattr(name)} value={quoteattr(str(value))}/>")

    def close(self, count=1):
        for _ in range(count):
            self.depth -= 1
            self.write("</object>")

    def leaf(self, *arguments, **attributes):
        self.open(*arguments, **attributes)
        self.close()

    def write(self, line):
        self.lines.append("  " * self.depth + line)

    def numa(self, number, cpus, gib):
        self.leaf("NUMANode", cpus=cpus, nodes=[number], os_index=number, local_memory=gib * GIB)

    def cores(self, first_core, groups, node, l2=1 << 20):
        """A core for each list of CPUs, with caches of its own."""
        for core, cpus in enumerate(groups, start=first_core):
            place = {"cpus": cpus, "nodes": [node]}
            for level, size in ((2, l2), (1, 32 << 10)):
                self.open(f"L{level}Cache", **place, cache_size=size, depth=level, cache_linesize=64,
                          cache_associativity=8, cache_type=0 if level == 2 else 1)
            self.open("Core", **place, os_index=core)
            for cpu in cpus:
                self.leaf("PU", cpus=[cpu], nodes=[node], os_index=cpu)
            self.close(3)

    def l3(self, cpus, node, mib):
        self.open("L3Cache", cpus=cpus, nodes=[node], cache_size=mib << 20, depth=3, cache_linesize=64,
                  cache_associativity=16, cache_type=0)

    def host_bridge(self, first_bus, last_bus):
        self.open("Bridge", bridge_type="0-1", depth=0, bridge_pci=f"0000:[{first_bus:02x}-{last_bus:02x}]")

    def bridge(self, address, depth, buses, link):
        first, last = buses
        self.open("Bridge", bridge_type="1-1", depth=depth, bridge_pci=f"0000:[{first:02x}-{last:02x}]",
                  pci_busid=address, pci_type="0604 [1000:c030] [1000:0000] b0", pci_link_speed=link)

    def pci(self, address, kind, ids, link, infos=()):
        self.open("PCIDev", pci_busid=address, pci_type=f"{kind} [{ids}] [0000:0000] 00", pci_link_speed=link,
                  infos=infos)

    def device(self, name, osdev_type, infos=(), **attributes):
        self.leaf("OSDev", name=name, osdev_type=osdev_type, infos=infos, **attributes)

    def verbs_nic(self, address, number, layer, gigabits, link):
        name = f"mlx5_{number}"
        self.pci(address, "0207" if layer == "InfiniBand" else "0200", "15b3:1021", link,
                 {"PCIVendor": "Mellanox Technologies", "PCIDevice": "MT2910 Family [ConnectX-7]"})
        self.device(f"{'ib' if layer == 'InfiniBand' else 'eth'}{number}", 2)
        self.device(name, 3, {"Port1State": 4, "MotetGigabits": gigabits, "MotetLinkLayer": layer, "MotetState": "up"})
        self.close()

    def cuda(self, address, number, link):
        model = "NVIDIA H100 80GB HBM3"
        self.pci(address, "0302", "10de:2330", link)
        self.device(f"cuda{number}", 5, {"GPUVendor": "NVIDIA Corporation", "GPUModel": model}, subtype="CUDA")
        self.device(f"nvml{number}", 1, {"GPUModel": model}, subtype="NVML")
        self.close()

    def text(self):
        self.close()
        return HEAD + "\n".join(self.lines) + "\n</topology>\n"


def two_sockets():
    """Two packages of two NUMA nodes, each with a PCI switch for two accelerators and two NICs."""
    machine = Machine("gpu-7", "Example 8000", 64, 4)
    for package in range(2):
        machine.open("Package", cpus=range(package * 32, package * 32 + 32), nodes=[2 * package, 2 * package + 1],
                     os_index=package, infos={"CPUModel": "Example 32-core"})
        for node in (2 * package, 2 * package + 1):
            cpus = range(node * 16, node * 16 + 16)
            machine.open("Group", cpus=cpus, nodes=[node], kind=1000, subkind=0)
            machine.numa(node, cpus, 252)
            for half in (cpus[:8], cpus[8:]):
                machine.l3(half, node, 32)
                machine.cores(half[0], [[cpu] for cpu in half], node)
                machine.close()
            bus = 0x10 + 0x30 * node
            machine.host_bridge(bus, bus + 15)
            if node == 0:
                machine.pci("0000:11:00.0", "0200", "8086:1563", 7.877)
                machine.device("eth8", 2, {"MotetGigabits": 10, "MotetState": "up"})
                machine.close()
            machine.bridge(f"0000:{bus:02x}:01.0", 1, (bus + 2, bus + 15), 63.015)
            machine.bridge(f"0000:{bus + 2:02x}:00.0", 2, (bus + 3, bus + 15), 63.015)
            for port in range(4):
                below = bus + 4 + port
                machine.bridge(f"0000:{bus + 3:02x}:{port:02x}.0", 3, (below, below), 63.015)
                number = 2 * node + port % 2
                if port < 2:
                    machine.cuda(f"0000:{below:02x}:00.0", number, 63.015)
                else:
                    machine.verbs_nic(f"0000:{below:02x}:00.0", number, "InfiniBand", 400, 63.015)
                machine.close()
            machine.close(4)
        machine.close()
    return machine.text()


def asymmetric():
    """A large package with all accelerators, behind nested switches, and a small one with the NIC and memory alone."""
    machine = Machine("lopsided", "Example 1500", 32, 3)
    machine.open("Package", cpus=range(24), nodes=[0], os_index=0, infos={"CPUModel": "Example 24-core"})
    machine.numa(0, range(24), 192)
    machine.l3(range(24), 0, 48)
    machine.cores(0, [[cpu] for cpu in range(24)], 0)
    machine.close()
    machine.host_bridge(0x20, 0x3F)
    machine.bridge("0000:20:00.0", 1, (0x21, 0x3F), 31.508)
    for outer in range(2):
        bus = 0x22 + 8 * outer
        machine.bridge(f"0000:21:{outer:02x}.0", 2, (bus, bus + 7), 31.508)
        for port in range(2 - outer):
            machine.bridge(f"0000:{bus:02x}:{port:02x}.0", 3, (bus + 1 + port, bus + 1 + port), 31.508)
            machine.pci(f"0000:{bus + 1 + port:02x}:00.0", "1200", "19e5:d802", 31.508)
            machine.close(2)
        machine.close()
    machine.close(3)
    machine.open("Package", cpus=range(24, 32), nodes=[1, 2], os_index=1, infos={"CPUModel": "Example 8-core"})
    machine.numa(1, range(24, 32), 64)
    machine.numa(2, [], 512)
    machine.l3(range(24, 32), 1, 16)
    machine.cores(24, [[cpu] for cpu in range(24, 32)], 1)
    machine.close()
    machine.host_bridge(0x80, 0x8F)
    machine.pci("0000:81:00.0", "0200", "15b3:1021", 15.754)
    machine.device("eth0", 2)
    machine.device("mlx5_0", 3, {"Port1State": 4, "MotetLinkLayer": "Ethernet"})
    machine.close(3)
    return machine.text()


def laptop():
    """Four cores of two CPUs, four of one; a GPU that two libraries see; a wireless NIC."""
    machine = Machine("laptop", "Example Book 14", 12, 1)
    machine.open("Package", cpus=range(12), nodes=[0], os_index=0, infos={"CPUModel": "Example 4P+4E"})
    machine.numa(0, range(12), 16)
    machine.l3(range(12), 0, 12)
    machine.cores(0, [[2 * core, 2 * core + 1] for core in range(4)], 0, l2=1280 << 10)
    machine.cores(4, [[cpu] for cpu in range(8, 12)], 0, l2=2 << 20)
    machine.close()
    machine.host_bridge(0, 1)
    machine.pci("0000:00:02.0", "0300", "8086:9a49", 0)
    machine.device("ze0", 5, {"GPUModel": "Example Xe Graphics"}, subtype="LevelZero")
    machine.device("opencl0d0", 5, {"GPUModel": "Example Xe Graphics", "OpenCLDeviceType": "GPU"}, subtype="OpenCL")
    machine.close()
    machine.pci("0000:00:14.3", "0280", "8086:a0f0", 0)
    machine.device("wlp0s20f3", 2)
    machine.close(3)
    return machine.text()


def container():
    """Two of 64 CPUs are allowed, and no PCI device is seen."""
    machine = Machine("job-1-worker", "", 64, 2, allowed=[5, 6])
    for package in range(2):
        cpus = range(32 * package, 32 * package + 32)
        machine.open("Package", cpus=cpus, nodes=[package], os_index=package, infos={"CPUModel": "Example 32-core"})
        machine.numa(package, cpus, 128)
        machine.l3(cpus, package, 36)
        machine.cores(32 * package, [[cpu] for cpu in cpus], package)
        machine.close(2)
    return machine.text()


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    for make in (two_sockets, asymmetric, laptop, container):
        (folder / f"{make.__name__}.xml").write_text(make())


main()
