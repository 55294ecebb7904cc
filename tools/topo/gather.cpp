#include "gather.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <limits>
#include <set>

#include "base/error.hpp"
#include "communicator/job.hpp"
#include "communicator/network_speed.hpp"
#include "communicator/surveying.hpp"
#include "execute/waiting.hpp"
#include "topology/discovery/discover.hpp"
#include "topology/tiers.hpp"

namespace motet_topo {
namespace {

using motet::CpuSet;
using motet::Seat;
using motet::Survey;

constexpr std::size_t most_bytes = 256 << 20;

motet::Survey own_survey() {
  Survey survey = motet::discover({}, CpuSet::of(motet::allowed_cpus()));
  const int quota = motet::quota_cores();
  for (Seat& seat : survey.seats) {
    if (quota < seat.cpus.count()) seat.quota_cores = quota;
  }
  return survey;
}

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(most_bytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (!file.is_open() || file.bad()) {
    throw motet::Error(motet::ErrorCode::invalid_argument, fmt::format("{} cannot be read", path));
  }
  if (text.size() > most_bytes) {
    throw motet::Error(motet::ErrorCode::invalid_argument, fmt::format("{} is too long", path));
  }
  return text;
}

Survey survey_in(const std::string& path) {
  const std::string text = contents(path);
  if (text.find_first_not_of(" \t\r\n") != std::string::npos &&
      text[text.find_first_not_of(" \t\r\n")] == '<') {
    return motet::discover({.xml = path}, {});
  }
  Survey survey;
  try {
    survey = Survey::from_text(text);
  } catch (const motet::Error& error) {
    throw motet::Error(error.code(), fmt::format("{}: {}", path, error.what()));
  }
  if (survey.seats.empty()) {
    throw motet::Error(motet::ErrorCode::invalid_argument,
                       fmt::format("{}: expected a line 'rank machine=0 ...' at least", path));
  }
  return survey;
}

// Neighbouring CPUs to each rank; ranks take turns where there are fewer CPUs.
Survey dealt(const Survey& survey, int ranks) {
  const Seat& first = survey.seats.front();
  const motet::Hardware& hardware = survey.machine_of(0);
  std::vector<int> cpus;
  for (int cpu = 0; cpu <= first.cpus.last(); ++cpu) {
    if (first.cpus.contains(cpu)) cpus.push_back(cpu);
  }
  const int count = std::max(1, static_cast<int>(cpus.size()));
  const int each = std::max(1, count / ranks);
  Survey result{{hardware}, {}};
  for (int rank = 0; rank < ranks; ++rank) {
    const int begin = rank * each % count;
    std::vector<int> mine;
    for (int i = begin; i < std::min(begin + each, static_cast<int>(cpus.size())); ++i) {
      mine.push_back(cpus[static_cast<std::size_t>(i)]);
    }
    Seat seat = motet::seat_on(hardware, CpuSet::of(mine));
    seat.host = first.host;
    result.seats.push_back(std::move(seat));
  }
  return result;
}

// The least of any host's: CPUs that its ranks may run on together.
int least_cores(const Survey& survey) {
  std::map<std::string, std::set<std::string>> sets_of;
  std::map<std::string, int> quota_of;
  for (const Seat& seat : survey.seats) {
    sets_of[seat.host].insert(seat.cpus.to_list());
    int& quota = quota_of.try_emplace(seat.host, std::numeric_limits<int>::max()).first->second;
    if (seat.quota_cores > 0) quota = std::min(quota, seat.quota_cores);
  }
  int least = std::numeric_limits<int>::max();
  for (const auto& [host, sets] : sets_of) {
    std::vector<int> cpus;
    for (const std::string& list : sets) {
      const CpuSet set = CpuSet::from_list(list).value_or(CpuSet());
      for (int cpu = 0; cpu <= set.last(); ++cpu) {
        if (set.contains(cpu)) cpus.push_back(cpu);
      }
    }
    least = std::min({least, quota_of[host], std::max(1, CpuSet::of(cpus).count())});
  }
  return least;
}

std::vector<int> nodes_by_host(const Survey& survey) {
  std::map<std::string, int> number;
  std::vector<int> node_of;
  for (const Seat& seat : survey.seats) {
    const auto next = static_cast<int>(number.size());
    node_of.push_back(number.try_emplace(seat.host, next).first->second);
  }
  return node_of;
}

motet::UserTiers user_tiers(const std::string& path, const Survey& survey) {
  if (path.empty()) return {};
  std::vector<std::string> hosts;
  for (const Seat& seat : survey.seats) hosts.push_back(seat.host);
  return motet::read_user_tiers(contents(path), hosts);
}

View view_of(Survey survey) {
  View view;
  const auto options = motet::Options::from_environment();
  view.topology =
      motet::assemble(nodes_by_host(survey), survey.seats, user_tiers(options.topology, survey));
  view.machine.cores_per_node = least_cores(survey);
  view.nodes_are = "ranks on hosts of one name";
  view.survey = std::move(survey);
  return view;
}

}  // namespace

View look_here() {
  return view_of(own_survey());
}

View load(const std::string& file, int ranks) {
  Survey survey = survey_in(file);
  return view_of(ranks > 0 ? dealt(survey, ranks) : std::move(survey));
}

View look_together(motet::Meeting meeting) {
  const auto options = motet::Options::from_environment();
  motet::check_names(options);
  const auto deadline = motet::Deadline::after(std::chrono::milliseconds(options.setup_timeout_ms));
  View view;
  view.survey = motet::survey_of_all(meeting, own_survey(), deadline);
  const auto job = motet::join(std::move(meeting), options, deadline);
  motet::measure_network(job, options, deadline);
  view.topology = job->topology;
  view.machine = motet::machine_of(*job);
  view.tuning = job->tuning;
  view.nodes_are = "ranks that share memory";
  for (const motet::PeerLink* link : job->links) {
    if (link != nullptr) ++view.transports[std::string(link->transport_name())];
  }
  return view;
}

motet::Reach probe_together(motet::Meeting& meeting) {
  const auto options = motet::Options::from_environment();
  motet::check_names(options);
  const auto deadline = motet::Deadline::after(std::chrono::milliseconds(options.setup_timeout_ms));
  return motet::reach_of_all(meeting, options, deadline);
}

}  // namespace motet_topo
