#include "store.hpp"

#include <c10/util/Exception.h>

#include <algorithm>
#include <thread>

namespace motet::torch {

using std::chrono::milliseconds;

bool comes(c10d::Store& store, const std::string& key, milliseconds timeout) {
  using Clock = std::chrono::steady_clock;
  // A store serves nobody else while it waits. Thousands of ranks may ask its server as often.
  constexpr milliseconds at_a_time(1000);
  const auto end = Clock::now() + timeout;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(end - Clock::now());
    try {
      store.wait({key}, std::clamp(left, milliseconds(1), at_a_time));  // 0 would be no limit
      return true;
    } catch (const c10::DistNetworkError&) {
      throw;
    } catch (const std::exception&) {
      if (left <= at_a_time) return false;
    }
    std::this_thread::sleep_for(milliseconds(1));  // for whoever is next
  }
}

}  // namespace motet::torch
