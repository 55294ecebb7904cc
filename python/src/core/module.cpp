// motet._core: everything that needs the C interface.
#include <motet/motet.h>
#include <nanobind/nanobind.h>

#include "communicator.hpp"
#include "errors.hpp"

NB_MODULE(_core, module) {
  using namespace motet::python;
  find_errors();
  module.def("version", &motet_version, "The version of the library: \"0.1.0\".");
  define_request(module);
  define_plan(module);
  CommunicatorClass communicator(module, "Communicator",
                                 R"(Ranks that make the same calls in the same order.

    with motet.Communicator.from_environment() as world:
        world.allreduce(gradients)  # in place, summed

Made by from_environment(), from_unique_id(), from_store() or split(). Several threads may make calls
on one communicator at a time, as long as collectives start in the same order on all ranks. Closed
by one thread while others are in calls, it goes when the last of them has returned.)");
  define_creation(module, communicator);
  define_communicator(communicator);
  define_collectives(communicator);
  define_knowledge(module, communicator);
}
