// A collective as three methods of Communicator, name(), start_name() and plan_name(), from one
// function that binds its arguments:
//
//   Call barrier(const Communicator& self);
//   Method<barrier>::define(communicator, "barrier", "Returns when all ranks have entered.");
#pragma once

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <string>

#include "communicator.hpp"

namespace motet::python {

template <auto prepare>
struct Method;

template <class... Given, Call (*prepare)(const Communicator&, Given...)>
struct Method<prepare> {
  using Seconds = std::optional<double>;
  using Text = std::optional<std::string>;

  static void run(const Communicator& self, Given... given, Seconds timeout, Text algorithm,
                  bool same_bits_every_run) {
    self.run(prepare(self, std::move(given)...),
             {timeout, std::move(algorithm), same_bits_every_run});
  }

  static Request start(const Communicator& self, Given... given, Seconds timeout, Text algorithm,
                       bool same_bits_every_run) {
    return self.start(prepare(self, std::move(given)...),
                      {timeout, std::move(algorithm), same_bits_every_run});
  }

  static Plan plan(const Communicator& self, Given... given, Seconds timeout, Text algorithm,
                   bool same_bits_every_run) {
    return self.plan(prepare(self, std::move(given)...),
                     {timeout, std::move(algorithm), same_bits_every_run});
  }

  // arguments: nb::arg of each of Given.
  template <class... Arguments>
  static void define(CommunicatorClass& communicator, const std::string& name,
                     const std::string& text, const Arguments&... arguments) {
    define_one(communicator, name, &run, text, arguments...);
    define_one(communicator, "start_" + name, &start,
               "Starts " + name +
                   "(): returns at once, and the arrays belong to the request until it "
                   "is done.\n\nFor when progress is made see Request.",
               arguments...);
    define_one(
        communicator, "plan_" + name, &plan,
        "Binds the arguments of " + name +
            "() for many calls: they are checked and an algorithm is chosen now.\n\nLocal. The "
            "plan keeps the arrays; they must stay as large and where they are, and what is in "
            "them may change between its calls.",
        arguments...);
  }

 private:
  template <class Function, class... Arguments>
  static void define_one(CommunicatorClass& communicator, const std::string& name,
                         Function&& function, const std::string& text,
                         const Arguments&... arguments) {
    communicator.def(name.c_str(), function, arguments..., nb::kw_only(),
                     nb::arg("timeout") = nb::none(), nb::arg("algorithm") = nb::none(),
                     nb::arg("same_bits_every_run") = false, text.c_str());
  }
};

}  // namespace motet::python
