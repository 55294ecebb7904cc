#include "communicator/call_group.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <thread>

namespace motet {
namespace {

std::unique_ptr<CallGroup>& mine() {
  thread_local std::unique_ptr<CallGroup> group;
  return group;
}

}  // namespace

CallGroup* CallGroup::find_open() {
  return mine().get();
}

void CallGroup::begin() {
  if (mine() != nullptr) {
    ++mine()->depth_;
    return;
  }
  mine() = std::make_unique<CallGroup>();
}

void CallGroup::end() {
  if (mine() == nullptr) {
    throw Error(ErrorCode::invalid_argument, "motet_group_end: no group has begun");
  }
  if (--mine()->depth_ > 0) return;
  const std::unique_ptr<CallGroup> group = std::move(mine());
  group->make_communicators();
  for (Call& call : group->calls_) group->make(call);
  group->wait_for_calls();
  if (group->failure_ != nullptr) std::rethrow_exception(group->failure_);
}

void CallGroup::refuse_inside(const char* call) {
  if (open() == nullptr) return;
  throw Error(ErrorCode::invalid_argument,
              fmt::format("{}: not between motet_group_begin and motet_group_end", call));
}

template <class Body>
void CallGroup::noting_failure(Body&& body) {
  try {
    body();
  } catch (...) {
    if (failure_ == nullptr) failure_ = std::current_exception();
  }
}

// Each waits for the others, so each has a thread.
void CallGroup::make_communicators() {
  std::map<std::string, std::size_t> ranks;  // of one meeting, that are this thread's
  std::vector<std::exception_ptr> failures(creations_.size());
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < creations_.size(); ++i) {
    Creation& creation = creations_[i];
    const std::size_t place = ranks[creation.meeting]++;
    try {
      if (creation.beside.engine == nullptr) {
        creation.beside = engine_of_this_thread(creation.options, creation.rank, place);
      }
    } catch (const Error&) {  // the others hear of it when it is tried again among them
    }
    threads.emplace_back([&creation, &failure = failures[i]] {
      try {
        creation.make(creation.beside);
      } catch (...) {
        failure = std::current_exception();
      }
    });
  }
  threads.clear();
  const auto first = std::ranges::find_if(failures, [](const auto& failure) { return !!failure; });
  if (first != failures.end()) failure_ = *first;
}

void CallGroup::make(Call& call) {
  const Arguments arguments = call.arguments.get();
  std::unique_ptr<Request> request;
  noting_failure([&] {
    try {
      if (call.on_done && !call.give_request) {
        return call.communicator->start_unattended(arguments, call.on_done);
      }
      request = call.communicator->start(arguments, call.on_done);
    } catch (const Error& error) {  // the caller was told that the call is made
      if (call.on_done) call.on_done(&error);
      throw;
    }
  });
  if (call.give_request) {
    noting_failure([&] { call.give_request(std::move(request)); });
  } else if (request != nullptr) {
    waited_for_.push_back(std::move(request));
  }
}

// Whoever waits drives the engines of all: the calls may be those of several ranks.
void CallGroup::wait_for_calls() {
  Engine::Company company = engines_of_this_thread();
  for (const Call& call : calls_) {
    auto engine = call.communicator->shared_engine();
    if (std::ranges::find(company, engine) == company.end()) company.push_back(std::move(engine));
  }
  for (const auto& request : waited_for_) noting_failure([&] { request->wait(company); });
}

}  // namespace motet
