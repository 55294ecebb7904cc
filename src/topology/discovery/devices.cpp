// What hangs on the PCI buses, from hwloc.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include "topology/discovery/hwloc_handle.hpp"
#include "topology/discovery/nic_speed.hpp"
#include "topology/discovery/seat.hpp"

namespace motet::hwloc {
namespace {

constexpr unsigned short nvidia = 0x10de, amd = 0x1002, intel = 0x8086, huawei = 0x19e5;

using PciAttributes = hwloc_obj_attr_u::hwloc_pcidev_attr_s;

bool is_pci(hwloc_obj_t object) {
  return object->type == HWLOC_OBJ_PCI_DEVICE ||
         (object->type == HWLOC_OBJ_BRIDGE &&
          object->attr->bridge.upstream_type == HWLOC_OBJ_BRIDGE_PCI);
}

// hwloc keeps a bridge's own address in the same place as a device's.
const PciAttributes& pci_of(hwloc_obj_t object) {
  return object->type == HWLOC_OBJ_BRIDGE ? object->attr->bridge.upstream.pci
                                          : object->attr->pcidev;
}

std::string address_of(const PciAttributes& pci) {
  return fmt::format("{:04x}:{:02x}:{:02x}.{:x}", pci.domain, pci.bus, pci.dev, pci.func);
}

// Whether more than one device branches off: a port with the functions of one device is no switch.
bool is_switch(hwloc_obj_t object) {
  if (object->type != HWLOC_OBJ_BRIDGE || !is_pci(object)) return false;
  std::set<std::pair<int, int>> devices;
  for (hwloc_obj_t child = object->io_first_child; child != nullptr; child = child->next_sibling) {
    if (is_pci(child)) devices.insert({pci_of(child).bus, pci_of(child).dev});
  }
  return devices.size() > 1;
}

hwloc_obj_t pci_device_of(hwloc_obj_t object) {
  while (object != nullptr && object->type != HWLOC_OBJ_PCI_DEVICE) object = object->parent;
  return object;
}

AcceleratorKind kind_of_vendor(unsigned short vendor) {
  switch (vendor) {
    case nvidia:
      return AcceleratorKind::cuda;
    case amd:
      return AcceleratorKind::rocm;
    case intel:
      return AcceleratorKind::level_zero;
    case huawei:
      return AcceleratorKind::ascend;
    default:
      return AcceleratorKind::unknown;
  }
}

// Processing accelerators, 3D controllers and AMD's "other display": no screens hang on them.
bool is_accelerator(const PciAttributes& pci) {
  constexpr unsigned short base_class = 0x1200, controller_3d = 0x0302, other_display = 0x0380;
  return (pci.class_id & 0xff00) == base_class || pci.class_id == controller_3d ||
         (pci.class_id == other_display && (pci.vendor_id == amd || pci.vendor_id == intel));
}

// By the library through which hwloc sees it; the best to know it by comes first.
struct Backend {
  std::string_view subtype;
  AcceleratorKind kind;
};
constexpr std::array<Backend, 5> backends{{{"CUDA", AcceleratorKind::cuda},
                                           {"RSMI", AcceleratorKind::rocm},
                                           {"LevelZero", AcceleratorKind::level_zero},
                                           {"NVML", AcceleratorKind::cuda},
                                           {"OpenCL", AcceleratorKind::opencl}}};

class Devices {
 public:
  // `sysfs` is empty for a recorded machine.
  Devices(hwloc_topology_t tree, std::string sysfs, Hardware& hardware)
      : tree_(tree), sysfs_(std::move(sysfs)), hardware_(hardware) {}

  void add_nics() {
    for (const auto type : {HWLOC_OBJ_OSDEV_OPENFABRICS, HWLOC_OBJ_OSDEV_NETWORK}) {
      for_each(tree_, HWLOC_OBJ_OS_DEVICE, [&](hwloc_obj_t device) {
        if (device->attr->osdev.type == type) add_nic(device);
      });
    }
    if (hardware_.nics.empty() && !sysfs_.empty()) add_unattached();
    std::ranges::stable_sort(hardware_.nics, {}, [](const Nic& nic) { return nic.place.address; });
    if (hardware_.nics.empty()) hardware_.unknown.emplace_back("NICs: none is visible");
  }

  void add_accelerators() {
    for (const Backend& backend : backends) {
      for_each(tree_, HWLOC_OBJ_OS_DEVICE, [&](hwloc_obj_t device) {
        if (device->subtype != nullptr && device->subtype == backend.subtype) {
          add_accelerator(device, backend.kind);
        }
      });
    }
    for_each(tree_, HWLOC_OBJ_PCI_DEVICE, [&](hwloc_obj_t device) {
      if (is_accelerator(device->attr->pcidev)) add_unnamed_accelerator(device);
    });
    std::ranges::stable_sort(hardware_.accelerators, {},
                             [](const Accelerator& one) { return one.place.address; });
  }

  void say_what_is_missing() {
    int devices = 0, with_speed = 0;
    for_each(tree_, HWLOC_OBJ_PCI_DEVICE, [&](hwloc_obj_t device) {
      ++devices;
      if (device->attr->pcidev.linkspeed > 0) ++with_speed;
    });
    if (devices == 0) {
      hardware_.unknown.emplace_back("PCI: no device is visible; containers may hide /sys");
    } else if (with_speed == 0) {
      hardware_.unknown.emplace_back("PCI: no device reports the speed of its link");
    }
  }

 private:
  // The switch that this hangs on, itself aside; those above it are added first.
  int switch_above(hwloc_obj_t object) {
    hwloc_obj_t bridge = object->parent;
    while (bridge != nullptr && !is_switch(bridge)) bridge = bridge->parent;
    if (bridge == nullptr) return -1;
    if (const auto known = switches_.find(bridge); known != switches_.end()) return known->second;
    hardware_.switches.push_back({place_of(bridge)});
    return switches_[bridge] = static_cast<int>(hardware_.switches.size()) - 1;
  }

  PciPlace place_of(hwloc_obj_t object) {
    const PciAttributes& pci = pci_of(object);
    PciPlace place;
    place.address = address_of(pci);
    place.below = switch_above(object);
    place.link_gigabytes = std::round(pci.linkspeed * 1000.0) / 1000;  // it is a float
    hwloc_obj_t around = hwloc_get_non_io_ancestor_obj(tree_, object);
    const CpuSet cpus = cpus_of(around->cpuset);
    const Seat seat = seat_on(hardware_, cpus);
    place.package = seat.package;
    place.numa =
        hwloc_bitmap_weight(around->nodeset) == 1 ? hwloc_bitmap_first(around->nodeset) : seat.numa;
    return place;
  }

  // An InfiniBand or RoCE device first; its interfaces, which come later, are added to it.
  void add_nic(hwloc_obj_t device) {
    const bool verbs = device->attr->osdev.type == HWLOC_OBJ_OSDEV_OPENFABRICS;
    hwloc_obj_t pci = pci_device_of(device);
    const auto known = nics_.find(pci);
    if (!verbs && pci != nullptr && known != nics_.end()) {
      hardware_.nics[known->second].interfaces.emplace_back(device->name);
      return;
    }
    const NicFacts facts = facts_of(device, sysfs_);
    if (!facts.why_unknown.empty()) hardware_.unknown.push_back(facts.why_unknown);
    Nic nic;
    nic.name = device->name;
    nic.gigabits = facts.gigabits;
    nic.state = facts.state;
    if (pci != nullptr) nic.place = place_of(pci);
    if (verbs) {
      nic.kind = facts.link_layer == "Ethernet" ? NicKind::roce : NicKind::infiniband;
      nic.ports = ports_of(device);
      if (facts.link_layer.empty()) {
        hardware_.unknown.push_back(
            fmt::format("{}: whether it speaks InfiniBand or RoCE is not said", nic.name));
      }
    } else {
      nic.interfaces.push_back(nic.name);
    }
    if (pci != nullptr) nics_.try_emplace(pci, hardware_.nics.size());
    hardware_.nics.push_back(std::move(nic));
  }

  static std::vector<std::string> ports_of(hwloc_obj_t device) {
    std::vector<std::string> ports{fmt::format("{}:1", device->name)};
    for (int port = 2; !info(device, fmt::format("Port{}State", port).c_str()).empty(); ++port) {
      ports.push_back(fmt::format("{}:{}", device->name, port));
    }
    return ports;
  }

  // Containers often have no other interface: a veth's end.
  void add_unattached() {
    std::error_code ignored;
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(sysfs_ + "/class/net", ignored)) {
      if (entry.is_directory(ignored)) names.insert(entry.path().filename());
    }
    names.erase("lo");
    constexpr std::size_t most = 16;  // a machine full of containers has hundreds
    for (const std::string& name : names) {
      if (hardware_.nics.size() == most) break;
      const NicFacts facts = facts_of_interface(name, sysfs_);
      if (!facts.why_unknown.empty()) hardware_.unknown.push_back(facts.why_unknown);
      Nic nic;
      nic.name = name;
      nic.kind = NicKind::unattached;
      nic.gigabits = facts.gigabits;
      nic.state = facts.state;
      nic.interfaces = {name};
      hardware_.nics.push_back(std::move(nic));
    }
  }

  // One device may be seen through several libraries; the first counts.
  void add_accelerator(hwloc_obj_t device, AcceleratorKind kind) {
    const std::string_view device_name = device->name;
    const bool part_of_another = device_name.find('.') != std::string_view::npos;  // "ze0.1"
    if (part_of_another || info(device, "OpenCLDeviceType") == "CPU") return;
    hwloc_obj_t pci = pci_device_of(device);
    if (pci != nullptr && !accelerators_.insert(pci).second) return;
    hardware_.accelerators.push_back({std::string(device_name), kind, info(device, "GPUModel"),
                                      pci == nullptr ? PciPlace{} : place_of(pci)});
  }

  void add_unnamed_accelerator(hwloc_obj_t device) {
    if (!accelerators_.insert(device).second) return;
    const PciAttributes& pci = device->attr->pcidev;
    const AcceleratorKind kind = kind_of_vendor(pci.vendor_id);
    std::string model = info(device, "PCIDevice");
    if (model.empty()) model = fmt::format("PCI {:04x}:{:04x}", pci.vendor_id, pci.device_id);
    Accelerator accelerator{
        fmt::format("{}{}", kind == AcceleratorKind::ascend ? "npu" : "accelerator", unnamed_++),
        kind, std::move(model), place_of(device)};
    hardware_.unknown.push_back(fmt::format(
        "{}: seen on the PCI bus alone; hwloc has no library or driver for it", accelerator.name));
    hardware_.accelerators.push_back(std::move(accelerator));
  }

  hwloc_topology_t tree_;
  const std::string sysfs_;
  Hardware& hardware_;
  std::map<hwloc_obj_t, int> switches_;
  std::map<hwloc_obj_t, std::size_t> nics_;  // by PCI device
  std::set<hwloc_obj_t> accelerators_;       // PCI devices
  int unnamed_ = 0;
};

}  // namespace

void add_devices(hwloc_topology_t tree, const Source& source, Hardware& hardware) {
  Devices devices(tree, is_here(tree) ? source.sysfs : "", hardware);
  devices.add_nics();
  devices.add_accelerators();
  devices.say_what_is_missing();
}

}  // namespace motet::hwloc
