// motet.Plan: a call that is bound once and made often.
#pragma once

#include <memory>
#include <utility>

#include "request.hpp"

namespace motet::python {

class Plan {
 public:
  explicit Plan(std::shared_ptr<Binding> binding) : binding_(std::move(binding)) {}

  // Blocks, without the GIL.
  void run() const;
  Request start() const;

 private:
  std::shared_ptr<Binding> binding_;  // shared with requests that are under way
};

void define_plan(nb::module_& module);

}  // namespace motet::python
