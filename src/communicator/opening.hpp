// The engine of a rank: which transports it opens, and while ranks join, whom they let in.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/options.hpp"
#include "communicator/meeting.hpp"
#include "execute/engine.hpp"

namespace motet {

// A transport that was wanted and is not to be had here.
struct Missing {
  std::string transport;
  std::string why;  // "libucp.so.0 was not found"
};

struct Opened {
  std::shared_ptr<Engine> engine;
  std::vector<std::string> wanted;  // transports, best first
  std::vector<Missing> missing;     // of these
};

// Interfaces to be used together; empty: there are no two, or they are not wanted. Throws
// Error{invalid_argument}.
std::vector<std::string> rails_of(const Options& options);

// The transports that the user wants, best first; without a wish all but those that have to be
// named, unless they are among `also`. Throws Error{invalid_argument} for an unknown name.
std::vector<const TransportInfo*> wanted_transports(const std::string& option,
                                                    const std::vector<std::string>& also);

// Communicators that one thread makes share an engine, so that waiting for one drives the others. A
// thread that is several ranks of a job has one for each, by `place`. Throws Error{unavailable} if
// no transport can be had, and Error{invalid_argument}.
Opened engine_of_this_thread(const Options& options, Rank rank, std::size_t place = 0);

// All that this thread has, where there are several: whoever waits in one drives the others.
Engine::Company engines_of_this_thread();

// While it lives, members of the meeting's job may connect.
class Admission {
 public:
  // engine null: nobody connects.
  Admission(Engine* engine, const Meeting& meeting);
  ~Admission();
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

 private:
  Engine* const engine_;
  const Identity job_;
};

}  // namespace motet
