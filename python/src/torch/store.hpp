// Waiting for what other ranks put into a group's store.
#pragma once

#include <chrono>
#include <string>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace motet::torch {

// Whether the store has the key in time. Other threads get at the store meanwhile, though not at
// once: a connection of its own for each wait would cost a look-up of names, which can take
// seconds. Throws c10::DistNetworkError where the store has gone.
bool comes(c10d::Store& store, const std::string& key, std::chrono::milliseconds timeout);

}  // namespace motet::torch
