// How ranks meet: the environment, a unique id, a store of the caller's.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <cstring>
#include <exception>

#include "communicator.hpp"
#include "errors.hpp"

namespace motet::python {
namespace {

// ---- The unique id

motet_unique_id id_from(const nb::bytes& data) {
  motet_unique_id id{};
  if (data.size() != sizeof id.bytes) {
    refuse("a unique id has " + std::to_string(sizeof id.bytes) + " bytes, not " +
           std::to_string(data.size()));
  }
  std::memcpy(id.bytes, data.c_str(), sizeof id.bytes);
  return id;
}

nb::bytes create_id() {
  motet_unique_id id{};
  check(without_gil([&] { return motet_unique_id_create(&id); }));
  return nb::bytes(id.bytes, sizeof id.bytes);
}

// ---- A store of two functions

struct PythonStore {
  nb::object set_value, get_value;
  std::string key, value;    // of the last get, which may come again with more room
  std::exception_ptr error;  // the first that either threw

  int set(const char* name, const void* bytes, std::size_t count) {
    return guarded([&] { set_value(name, nb::bytes(bytes, count)); });
  }

  int get(const char* name, void* bytes, std::size_t* count, int timeout_ms) {
    return guarded([&] {
      if (key != name) {
        const nb::object found = get_value(name, timeout_ms / 1000.0);
        if (!nb::isinstance<nb::bytes>(found)) {
          refuse_type("get() of the store gave a " + std::string(nb::inst_name(found).c_str()) +
                      " for a key: bytes are wanted");
        }
        const auto data = nb::cast<nb::bytes>(found);
        key = name;
        value.assign(data.c_str(), data.size());
      }
      std::memcpy(bytes, value.data(), std::min(*count, value.size()));
      if (*count >= value.size()) key.clear();
      *count = value.size();
    });
  }

  template <class Body>
  int guarded(Body&& body) {
    const nb::gil_scoped_acquire gil;
    try {
      body();
      return 0;
    } catch (...) {
      if (error == nullptr) error = std::current_exception();
      return 1;
    }
  }
};

motet_store callbacks_of(PythonStore& store) {
  motet_store callbacks{};
  callbacks.size = sizeof callbacks;
  callbacks.user = &store;
  callbacks.set = [](void* user, const char* key, const void* value, std::size_t bytes) {
    return static_cast<PythonStore*>(user)->set(key, value, bytes);
  };
  callbacks.get = [](void* user, const char* key, void* value, std::size_t* bytes, int timeout_ms) {
    return static_cast<PythonStore*>(user)->get(key, value, bytes, timeout_ms);
  };
  return callbacks;
}

// ---- Joining

// Kw-only, of every way to meet.
struct Settings {
  std::optional<std::string> transport;
  std::optional<double> setup_timeout, timeout;
};

motet_config config_with(const Settings& settings) {
  motet_config config{};
  config.size = sizeof config;
  config.transport = settings.transport ? settings.transport->c_str() : nullptr;
  config.setup_timeout_ms = milliseconds_of(settings.setup_timeout);
  config.timeout_ms = milliseconds_of(settings.timeout);
  return config;
}

Communicator create(const motet_config& config, const PythonStore* store = nullptr) {
  motet_comm* comm = nullptr;
  const Outcome outcome = without_gil([&] { return motet_comm_create(&config, &comm); });
  if (outcome.status != motet_ok && store != nullptr && store->error != nullptr) {
    std::rethrow_exception(store->error);
  }
  check(outcome);
  return Communicator(comm);
}

Communicator from_environment(const Settings& settings) {
  return create(config_with(settings));
}

Communicator from_unique_id(const nb::bytes& data, int rank, int size, const Settings& settings) {
  const motet_unique_id id = id_from(data);
  motet_config config = config_with(settings);
  config.id = &id;
  config.rank = rank;
  config.world_size = size;
  return create(config);
}

struct StoreArguments {
  nb::object set, get;
  int rank = 0, size = 0;
  std::optional<std::string> secret, name;
};

Communicator from_store(const StoreArguments& given, const Settings& settings) {
  PythonStore store{given.set, given.get, {}, {}, {}};
  motet_store callbacks = callbacks_of(store);
  callbacks.name = given.name ? given.name->c_str() : nullptr;
  motet_config config = config_with(settings);
  config.store = &callbacks;
  config.rank = given.rank;
  config.world_size = given.size;
  config.secret = given.secret ? given.secret->c_str() : nullptr;
  return create(config, &store);
}

using Text = std::optional<std::string>;
using Seconds = std::optional<double>;

constexpr const char* joins = R"(

transport: "shm,tcp": in order of preference; default: MOTET_TRANSPORT, else all there are.
setup_timeout, timeout: seconds; for meeting (default 120) and of one call (default 30 minutes).

Collective: returns when all ranks have come; Ctrl-C is not heard before. Raises motet.Error: who is
missing, or cannot be reached.)";

}  // namespace

void define_creation(nb::module_& module, CommunicatorClass& communicator) {
  module.def("unique_id", &create_id,
             R"(Called in the process of rank 0, which then serves the ranks' meeting.

Carry it to the other ranks by your own means. Whoever has it can join: keep it secret.)");
  communicator
      .def_static(
          "from_environment",
          [](const Text& transport, Seconds setup_timeout, Seconds timeout) {
            return from_environment({transport, setup_timeout, timeout});
          },
          nb::kw_only(), nb::arg("transport") = nb::none(), nb::arg("setup_timeout") = nb::none(),
          nb::arg("timeout") = nb::none(),
          (std::string("Who, how many and where: from RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT, "
                       "as torchrun sets them, or what mpirun\nand srun set.") +
           joins)
              .c_str())
      .def_static(
          "from_unique_id",
          [](const nb::bytes& id, int rank, int size, const Text& transport, Seconds setup_timeout,
             Seconds timeout) {
            return from_unique_id(id, rank, size, {transport, setup_timeout, timeout});
          },
          nb::arg("id"), nb::arg("rank"), nb::arg("size"), nb::kw_only(),
          nb::arg("transport") = nb::none(), nb::arg("setup_timeout") = nb::none(),
          nb::arg("timeout") = nb::none(),
          (std::string("By an id that rank 0's process made with unique_id().") + joins).c_str())
      .def_static(
          "from_store",
          [](nb::object set, nb::object get, int rank, int size, const Text& secret,
             const Text& name, const Text& transport, Seconds setup_timeout, Seconds timeout) {
            return from_store({std::move(set), std::move(get), rank, size, secret, name},
                              {transport, setup_timeout, timeout});
          },
          nb::arg("set"), nb::arg("get"), nb::arg("rank"), nb::arg("size"), nb::kw_only(),
          nb::arg("secret") = nb::none(), nb::arg("name") = nb::none(),
          nb::arg("transport") = nb::none(), nb::arg("setup_timeout") = nb::none(),
          nb::arg("timeout") = nb::none(),
          nb::sig(
              "def from_store(set: motet._types.StoreSet, get: motet._types.StoreGet, rank: int, "
              "size: int, *, secret: str | None = None, name: str | None = None, "
              "transport: str | None = None, setup_timeout: float | None = None, "
              "timeout: float | None = None) -> Communicator"),
          (std::string(
               R"(By a key-value store of yours: set(key, value), and get(key, timeout), which waits for the key.

Both are called by this thread, before this returns; what they raise comes out of here. All ranks
make as many communicators over a store, in the same order, or give groups of them a name; every
start of a job needs a store, or a prefix of keys, of its own. secret: 64 hexadecimal digits that all
ranks know; default: carried through the store.)") +
           joins)
              .c_str());
}

}  // namespace motet::python
