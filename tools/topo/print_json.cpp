#include <nlohmann/json.hpp>

#include "parts.hpp"
#include "print.hpp"
#include "topology/survey_fields.hpp"

namespace motet_topo {
namespace {

using nlohmann::ordered_json;

template <class Field>
ordered_json json_of(const Field& field) {
  return field;
}
ordered_json json_of(const motet::CpuSet& cpus) {
  return cpus.to_list();
}
ordered_json json_of(motet::NicKind kind) {
  return name(kind);
}
ordered_json json_of(motet::AcceleratorKind kind) {
  return name(kind);
}

template <class Value>
ordered_json object_of(const Value& value) {
  ordered_json object = ordered_json::object();
  motet::fields_of(value, [&](std::string_view key, const auto& field) {
    object[std::string(key)] = json_of(field);
  });
  return object;
}

template <class Value>
ordered_json array_of(const std::vector<Value>& values) {
  ordered_json array = ordered_json::array();
  for (const Value& value : values) array.push_back(object_of(value));
  return array;
}

ordered_json machine_json(const motet::Hardware& machine) {
  ordered_json nearest = ordered_json::array();
  const std::vector<int> nics = nearest_nics(machine);
  for (std::size_t i = 0; i < nics.size(); ++i) {
    if (nics[i] < 0) continue;
    const motet::Nic& nic = machine.nics[static_cast<std::size_t>(nics[i])];
    nearest.push_back(
        {{"accelerator", machine.accelerators[i].name},
         {"nic", nic.name},
         {"way", name(closeness(machine, machine.accelerators[i].place, nic.place))}});
  }
  return {{"product", machine.product},
          {"packages", array_of(machine.packages)},
          {"numa_nodes", array_of(machine.numa_nodes)},
          {"caches", array_of(machine.caches)},
          {"switches", array_of(machine.switches)},
          {"nics", array_of(machine.nics)},
          {"accelerators", array_of(machine.accelerators)},
          {"nearest_nics", std::move(nearest)},
          {"unknown", machine.unknown}};
}

ordered_json tiers_json(const motet::Topology& topology) {
  ordered_json tiers = ordered_json::array();
  for (const motet::Tier& tier : topology.tiers()) {
    tiers.push_back({{"name", tier.name}, {"group_of_rank", tier.group_of}});
  }
  return tiers;
}

ordered_json plans_json(const std::vector<Plan>& plans) {
  ordered_json array = ordered_json::array();
  for (const Plan& plan : plans) {
    array.push_back({{"collective", name(plan.collective)},
                     {"bytes", plan.bytes},
                     {"algorithm", plan.algorithm},
                     {"predicted_us", plan.predicted_us},
                     {"pattern", plan.pattern}});
  }
  return array;
}

}  // namespace

std::string to_json(const View& view, const std::vector<Plan>& plans) {
  ordered_json machines = ordered_json::array();
  for (const motet::Hardware& machine : view.survey.machines) {
    machines.push_back(machine_json(machine));
  }
  const auto& nic = view.machine.nic;
  const ordered_json network = nic ? ordered_json(nic->gigabytes_per_second()) : ordered_json();
  const ordered_json all{{"machines", std::move(machines)},
                         {"ranks", array_of(view.survey.seats)},
                         {"tiers", tiers_json(view.topology)},
                         {"nodes_are", view.nodes_are},
                         {"cores_per_node", view.machine.cores_per_node},
                         {"transports_of_rank_0", view.transports},
                         {"slow_network_gigabytes_per_second", network},
                         {"plans", plans_json(plans)}};
  // Names come from files: bytes that are no text are replaced.
  return all.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace motet_topo
