#include <motet/motet.h>
#include <nanobind/nanobind.h>

NB_MODULE(_core, module) {
  module.def("version", &motet_version, "The version of the library: \"0.1.0\".");
}
