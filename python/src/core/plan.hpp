// motet.Plan: a call that is bound once and made often.
#pragma once

#include <memory>
#include <utility>

#include "request.hpp"

namespace motet::python {

class Plan {
 public:
  Plan(const std::shared_ptr<Session>& session, std::shared_ptr<Binding> binding)
      : session_(session), binding_(std::move(binding)) {}

  // Blocks, without the GIL.
  void run() const;
  Request start() const;

 private:
  std::weak_ptr<Session> session_;
  std::shared_ptr<Binding> binding_;  // shared with requests that are under way
};

void define_plan(nb::module_& module);

}  // namespace motet::python
