// The suite every transport passes unchanged: one fixture, instantiated for all flavours in each
// file.
#pragma once

#include <gtest/gtest.h>

#include "fleet.hpp"

namespace motet::test {

class Conformance : public ::testing::TestWithParam<Flavour> {
 protected:
  Fleet connected(int ranks, const TransportOptions& options = {}) {
    return connected_fleet(GetParam(), ranks, options);
  }
};

inline std::string flavour_name(const ::testing::TestParamInfo<Flavour>& info) {
  return info.param.name;
}

}  // namespace motet::test
