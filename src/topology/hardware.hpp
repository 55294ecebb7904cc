// What a machine is made of, as far as ranks can see it: packages, NUMA nodes, caches, and what
// hangs on its PCI buses. Values, without the machine's name: equal machines are equal.
//
// Numbers of packages, NUMA nodes and CPUs are the kernel's; -1 is "not known" or "of none in
// particular".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "topology/cpu_set.hpp"

namespace motet {

struct Package {
  int id = -1;
  CpuSet cpus;
  int cores = 0;
  std::string model;

  bool operator==(const Package&) const = default;
};

struct NumaNode {
  int id = -1;
  int package = -1;
  CpuSet cpus;  // to which it is local; a node of memory alone shares another's
  std::uint64_t bytes = 0;

  bool operator==(const NumaNode&) const = default;
};

// All caches of one level and size.
struct Cache {
  std::string name;  // "L3"
  std::uint64_t bytes = 0;
  int count = 0;
  int cpus = 0;  // that share one

  bool operator==(const Cache&) const = default;
};

// Where something hangs.
struct PciPlace {
  std::string address;  // "0000:17:00.0"; empty: on no PCI bus
  int below = -1;       // index of the switch that it hangs on; -1: on the root complex
  int package = -1;
  int numa = -1;
  double link_gigabytes = 0;  // GB/s towards the processor, each direction; 0: not known

  bool operator==(const PciPlace&) const = default;
};

// A PCI bridge under which several devices branch off.
struct PciSwitch {
  PciPlace place;  // below: a switch that comes earlier

  bool operator==(const PciSwitch&) const = default;
};

enum class NicKind : std::uint8_t { ethernet, infiniband, roce, unattached };
inline constexpr int nic_kind_count = 4;

struct Nic {
  std::string name;                  // "mlx5_0", or its interface's
  NicKind kind = NicKind::ethernet;  // unattached: an interface without a device (veth, bridge)
  PciPlace place;
  double gigabits = 0;                  // Gb/s, all ports together; 0: not known
  std::string state;                    // "up", "down" or "": not known
  std::vector<std::string> ports;       // as libfabric and UCX name them: "mlx5_0:1"
  std::vector<std::string> interfaces;  // "ib0"

  bool operator==(const Nic&) const = default;
};

enum class AcceleratorKind : std::uint8_t { cuda, rocm, level_zero, opencl, ascend, unknown };
inline constexpr int accelerator_kind_count = 6;

struct Accelerator {
  std::string name;                                 // "cuda0"
  AcceleratorKind kind = AcceleratorKind::unknown;  // unknown: seen on the PCI bus alone
  std::string model;
  PciPlace place;

  bool operator==(const Accelerator&) const = default;
};

struct Hardware {
  std::string product;  // "Atlas 800"
  std::vector<Package> packages;
  std::vector<NumaNode> numa_nodes;
  std::vector<Cache> caches;
  std::vector<PciSwitch> switches;
  std::vector<Nic> nics;
  std::vector<Accelerator> accelerators;
  std::vector<std::string> unknown;  // what could not be found out, a sentence each

  int cpu_count() const;
  bool operator==(const Hardware&) const = default;
};

std::string_view name(NicKind kind) noexcept;
std::string_view name(AcceleratorKind kind) noexcept;

// How far data travels between two devices of a machine, nearest first.
enum class Closeness : std::uint8_t { same_switch, same_numa_node, same_package, far, unknown };
std::string_view name(Closeness closeness) noexcept;  // "through one switch"
Closeness closeness(const Hardware& hardware, const PciPlace& one, const PciPlace& other);

// For each accelerator the NIC that serves it: of the closest ones the one that serves fewest of
// those before it. -1 where there is no NIC on a PCI bus.
std::vector<int> nearest_nics(const Hardware& hardware);

}  // namespace motet
