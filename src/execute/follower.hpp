// Who is told when a started call is over, though nobody waits for it.
#pragma once

namespace motet {

class Follower {
 public:
  enum class Outcome : bool { done, failed };

  virtual ~Follower() = default;
  // Once, by whichever thread has driven the call to its end, without the engine held.
  virtual void over(Outcome outcome) noexcept = 0;
};

}  // namespace motet
