#include "simgrid_run.hpp"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <simgrid/s4u.hpp>
#include <stdexcept>

namespace motet {
namespace {

namespace sg = simgrid::s4u;

sg::Mailbox* mailbox(Rank from, Rank to, Channel channel) {
  return sg::Mailbox::by_name(fmt::format("{}-{}-{}", from, to, channel));
}

// One rank: all receives are posted at once, so that a message travels when it is sent; then steps
// in their order, each when those that it depends on are done.
void walk(const Schedule& schedule, Rank me, std::size_t element_bytes) {
  std::vector<sg::CommPtr> comms(schedule.steps.size());
  std::vector<void*> received(schedule.steps.size());
  for (std::size_t s = 0; s < schedule.steps.size(); ++s) {
    const Step& step = schedule.steps[s];
    if (step.receives()) {
      comms[s] = mailbox(step.peer, me, step.channel)->get_async<void>(&received[s]);
    }
  }
  static char payload;
  for (std::size_t s = 0; s < schedule.steps.size(); ++s) {
    const Step& step = schedule.steps[s];
    if (!step.sends()) continue;
    for (const Dependency& on : schedule.dependencies_of(step)) {
      if (comms[on.step]) comms[on.step]->wait();
    }
    comms[s] =
        mailbox(me, step.peer, step.channel)->put_async(&payload, step.count() * element_bytes);
  }
  for (const sg::CommPtr& comm : comms) {
    if (comm) comm->wait();
  }
}

std::vector<sg::Host*> build_platform(const Fabric& fabric) {
  auto* zone = sg::create_full_zone("world");
  std::vector<const sg::Link*> links;
  for (std::size_t l = 0; l < fabric.links().size(); ++l) {
    const Link& link = fabric.links()[l];
    links.push_back(
        zone->create_link(fmt::format("l{}", l), fabric.bandwidth(link).bytes_per_second)
            ->set_latency(fabric.class_of(link).latency.count())
            ->seal());
  }
  std::vector<sg::Host*> hosts;
  for (Rank rank = 0; rank < fabric.world_size(); ++rank) {
    hosts.push_back(zone->create_host(fmt::format("h{}", rank), 1e9)->seal());
  }
  for (Rank from = 0; from < fabric.world_size(); ++from) {
    for (Rank to = 0; to < fabric.world_size(); ++to) {
      if (from == to) continue;
      std::vector<const sg::Link*> way;
      for (const int link : fabric.route(from, to)) way.push_back(links[link]);
      std::vector<sg::LinkInRoute> route(way.begin(), way.end());
      zone->add_route(hosts[from]->get_netpoint(), hosts[to]->get_netpoint(), nullptr, nullptr,
                      route, false);
    }
  }
  zone->seal();
  return hosts;
}

double run(const Fabric& fabric, const std::vector<Schedule>& schedules,
           std::size_t element_bytes) {
  int argc = 1;
  std::string name = "simgrid";
  std::vector<char*> argv{name.data(), nullptr};
  sg::Engine engine(&argc, argv.data());
  for (const char* setting :
       {"network/model:CM02", "network/crosstraffic:no", "network/TCP-gamma:1e15",
        "network/weight-S:0", "surf/precision:1e-12", "contexts/stack-size:64"}) {
    sg::Engine::set_config(setting);
  }
  const std::vector<sg::Host*> hosts = build_platform(fabric);
  for (Rank rank = 0; rank < fabric.world_size(); ++rank) {
    sg::Actor::create("rank", hosts[rank],
                      [&, rank] { walk(schedules[rank], rank, element_bytes); });
  }
  engine.run();
  return sg::Engine::get_clock();
}

void tell(int to, const Fabric& fabric, const std::vector<Schedule>& schedules,
          std::size_t element_bytes) {
  try {
    const double seconds = run(fabric, schedules, element_bytes);
    if (write(to, &seconds, sizeof seconds) != sizeof seconds) fmt::print(stderr, "no pipe\n");
  } catch (const std::exception& error) {
    fmt::print(stderr, "SimGrid: {}\n", error.what());
  }
}

}  // namespace

double time_by_simgrid(const Fabric& fabric, const std::vector<Schedule>& schedules,
                       std::size_t element_bytes) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("no pipe");
  const pid_t child = fork();
  if (child == 0) {
    tell(ends[1], fabric, schedules, element_bytes);
    _exit(0);
  }
  close(ends[1]);
  double seconds = 0;
  const bool heard = read(ends[0], &seconds, sizeof seconds) == sizeof seconds;
  close(ends[0]);
  waitpid(child, nullptr, 0);
  if (!heard) throw std::runtime_error("SimGrid came to no end");
  return seconds;
}

}  // namespace motet
