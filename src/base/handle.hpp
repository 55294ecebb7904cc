// Owners of C handles, one line each: using Card = Handle<card_t, card_close>;
#pragma once

#include <memory>

namespace motet {

template <auto close>
struct CloseWith {
  template <class T>
  void operator()(T* pointer) const noexcept {
    close(pointer);
  }
};

template <class T, auto close>
using Handle = std::unique_ptr<T, CloseWith<close>>;

}  // namespace motet
