// Whose messages are whose: the endpoints of one transport, by the names that their peers were
// told, and the jobs whose members may greet.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/deadline.hpp"
#include "net/credentials.hpp"
#include "transport/messages/greeting.hpp"
#include "transport/messages/wire.hpp"

namespace motet::messages {

class MessageEndpoint;

// How often ranks show that they live, also while they sleep, and so see that peers do not.
inline constexpr std::chrono::seconds life_interval(1);

class Directory {
 public:
  explicit Directory(const Identity& me) : me_(me) {}

  // Whose greetings may have come before.
  void admit(const Credentials& credentials);
  void dismiss(const Identity& job);

  // Owns none of the endpoints. A name that nobody can guess and no other endpoint has.
  std::uint32_t enter(MessageEndpoint* endpoint);
  void leave(std::uint32_t name) { endpoints_.erase(name); }
  // The greeting that came before the endpoint was made, if it did.
  void look_for_greeting(MessageEndpoint& endpoint);

  // Hands a message to its endpoint. Those of strangers, and what is late, are dropped. A goodbye
  // to nobody takes back the greeting in it.
  void deliver(Message message);
  // The fabric brings nothing any more.
  void lose_all(const std::string& why);
  // Lets all endpoints show that they are alive, every `life_interval` at most.
  void show_life(Clock::time_point now);

 private:
  using Caller = std::pair<Identity, Identity>;  // job and engine

  using Name = std::pair<Caller, std::uint32_t>;  // how the caller wants to be called
  struct Unproved {
    flow::FrameKind kind;  // hello or goodbye
    Greeting greeting;
  };

  static Caller caller_of(const MessageEndpoint& endpoint);
  void hear(const Unproved& said);
  void greet(const Name& name);
  void take_back(const Name& name);

  const Identity me_;
  std::map<Identity, Secret> jobs_;
  std::unordered_map<std::uint32_t, MessageEndpoint*> endpoints_;
  std::map<Caller, std::uint32_t> early_;  // proved; how they want to be called
  std::deque<Name> taken_back_;            // before they came
  std::deque<Unproved> unproved_;          // of jobs that are not admitted yet: nobody greets twice
  Clock::time_point last_shown_{};
};

}  // namespace motet::messages
