// The C interface: making communicators, and groups of calls.
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "base/log.hpp"
#include "communicator/c_boundary.hpp"
#include "communicator/call_group.hpp"
#include "communicator/communicator.hpp"
#include "communicator/meeting.hpp"
#include "communicator/network_speed.hpp"
#include "motet/motet.h"

using motet::Error;
using motet::ErrorCode;
using motet::guarded;
using motet::read_struct;
using motet::refuse;
using motet::require;

namespace {

motet::StoreCallbacks callbacks_from(const motet_store& store) {
  if (store.set == nullptr || store.get == nullptr) refuse("motet_store: set or get is NULL");
  motet::StoreCallbacks callbacks;
  callbacks.set = [store](const std::string& key, std::string_view value) {
    if (store.set(store.user, key.c_str(), value.data(), value.size()) != 0) {
      throw Error(ErrorCode::unavailable, "the store could not set " + key);
    }
  };
  callbacks.get = [store](const std::string& key, const motet::Deadline& deadline) {
    std::string value(4096, '\0');
    for (;;) {
      size_t bytes = value.size();
      const auto left = static_cast<int>(deadline.left().count());
      if (store.get(store.user, key.c_str(), value.data(), &bytes, left) != 0) {
        throw Error(ErrorCode::timeout, "the store did not give " + key);
      }
      const bool complete = bytes <= value.size();
      value.resize(bytes);
      if (complete) return value;
    }
  };
  return callbacks;
}

motet::Meeting meet(const motet_config& config, const motet::Options& options,
                    const motet::Deadline& deadline) {
  if (config.id != nullptr) {
    const std::string text(config.id->bytes, strnlen(config.id->bytes, sizeof config.id->bytes));
    return motet::meet_by_id(motet::UniqueId::from_text(text), config.rank, config.world_size,
                             deadline);
  }
  if (config.store != nullptr) {
    const motet_store store = read_struct(config.store, "motet_store");
    return motet::meet_by_store({.callbacks = callbacks_from(store),
                                 .name = store.name == nullptr ? "" : store.name,
                                 .secret = config.secret == nullptr ? "" : config.secret},
                                config.rank, config.world_size, deadline);
  }
  return motet::meet_by_environment(options, deadline);
}

// Makes it beside that, or else by this thread's engine.
void create(const motet_config& config, const motet::Options& options, const motet::Opened& beside,
            motet_comm** comm) {
  const auto deadline = motet::Deadline::after(std::chrono::milliseconds(options.setup_timeout_ms));
  auto job = motet::join(meet(config, options, deadline), options, deadline, beside);
  if (config.progress_thread > 0 || (config.progress_thread == 0 && options.progress_thread)) {
    job->engine->start_progress_thread();
  }
  motet::measure_network(job, options, deadline);
  auto communicator = std::make_unique<motet::Communicator>(std::move(job), options);
  communicator->log_creation();
  *comm = new motet_comm{std::move(communicator)};
}

// What ranks of one job have in common, of those that a group makes.
std::string meeting_of(const motet_config& config) {
  if (config.id != nullptr) {
    return "id " +
           std::string(config.id->bytes, strnlen(config.id->bytes, sizeof config.id->bytes));
  }
  return config.store != nullptr ? "store" : "environment";
}

}  // namespace

extern "C" {

motet_status motet_unique_id_create(motet_unique_id* id) {
  return guarded([&] {
    require(id, "the unique id");
    motet::guard_against_fork();
    const std::string text =
        motet::create_unique_id(motet::listen_on(motet::Options::from_environment())).to_text();
    if (text.size() >= sizeof id->bytes) refuse("the addresses of this host do not fit into an id");
    std::memset(id, 0, sizeof *id);
    std::memcpy(id->bytes, text.data(), text.size());
  });
}

motet_status motet_comm_create(const motet_config* given, motet_comm** comm) {
  return guarded([&] {
    require(comm, "where to put the communicator");
    *comm = nullptr;
    motet::guard_against_fork();
    const motet_config config = read_struct(given, "motet_config");
    motet::Options options = motet::Options::from_environment();
    motet::set_log_level(*motet::log_level_from(options.log_level));
    if (config.transport != nullptr) options.transport = config.transport;
    if (config.setup_timeout_ms > 0) options.setup_timeout_ms = config.setup_timeout_ms;
    if (config.timeout_ms > 0) options.timeout_ms = config.timeout_ms;
    motet::check_names(options);
    const motet::Opened beside =
        config.beside == nullptr ? motet::Opened{} : config.beside->communicator->opened();
    motet::CallGroup* const group = motet::CallGroup::open();
    if (group == nullptr) return create(config, options, beside, comm);
    group->add({meeting_of(config), config.rank, options, beside,
                [=](const motet::Opened& opened) { create(config, options, opened, comm); }});
  });
}

motet_status motet_group_begin(void) {
  return guarded([] { motet::CallGroup::begin(); });
}

motet_status motet_group_end(void) {
  return guarded([] { motet::CallGroup::end(); });
}

}  // extern "C"
