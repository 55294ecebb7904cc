// A rank whose every step comes from its standard input, one command a line, with one line of
// answer each:
//   health_rank RANK WORLD_SIZE STORE_DIRECTORY SECRET
#include <fmt/core.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdlib>
#include <iostream>
#include <map>
#include <mutex>
#include <sstream>

#include "bootstrap/health.hpp"

namespace motet {
namespace {

using std::chrono::milliseconds;

class RankProcess {
 public:
  RankProcess(Rank rank, int world_size, const std::string& directory, const Secret& secret)
      : member_{rank, world_size, Identity::random()},
        credentials_(Credentials::from_secret(secret)),
        store_(file_store(directory)) {}

  std::string obey(const std::string& line) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    try {
      if (command == "join") return join(number(words));
      if (command == "watch") return watch(static_cast<std::uint32_t>(number(words)), words);
      if (command == "unwatch") return unwatch(static_cast<std::uint32_t>(number(words)));
      if (command == "call") return call(words);
      if (command == "wait") return wait(words);
      if (command == "fail") return fail(static_cast<std::uint32_t>(number(words)));
      if (command == "where") return where(words);
      if (command == "verdict") return verdict(words);
      if (command == "leave") return leave();
      if (command == "exit") _exit(static_cast<int>(number(words)));
      if (command == "fork") return fork_sleeper();
      return "unknown command";
    } catch (const Error& error) {
      return fmt::format("error {}", error.what());
    }
  }

 private:
  static long number(std::istringstream& words) {
    long value = 0;
    words >> value;
    return value;
  }

  std::string join(long timeout_ms) {
    health_ =
        Health::join(member_, credentials_, *store_, Deadline::after(milliseconds(timeout_ms)));
    return "joined";
  }

  std::string watch(std::uint32_t communicator, std::istringstream& words) {
    std::vector<Rank> members;
    for (Rank rank = 0; words >> rank;) members.push_back(rank);
    auto log = std::make_shared<CallLog>();
    logs_[communicator] = log;
    health_->watch(communicator, members, log, [this, communicator](const Verdict& verdict) {
      const std::scoped_lock lock(mutex_);
      verdicts_[communicator] = verdict.text;
      changed_.notify_all();
    });
    return "watching";
  }

  std::string unwatch(std::uint32_t communicator) {
    health_->unwatch(communicator);
    return "unwatched";
  }

  // call COMMUNICATOR SEQUENCE allreduce|broadcast|barrier COUNT ROOT
  std::string call(std::istringstream& words) {
    const auto communicator = static_cast<std::uint32_t>(number(words));
    CallRecord record;
    record.sequence = static_cast<std::uint64_t>(number(words));
    std::string collective;
    words >> collective;
    record.collective = collective == "allreduce"   ? Collective::allreduce
                        : collective == "broadcast" ? Collective::broadcast
                                                    : Collective::barrier;
    record.type = DataType::float32;
    record.count = static_cast<std::uint64_t>(number(words));
    record.root = static_cast<Rank>(number(words));
    logs_.at(communicator)->write(record);
    return "called";
  }

  std::string wait(std::istringstream& words) {
    const auto communicator = static_cast<std::uint32_t>(number(words));
    health_->report_wait(communicator, static_cast<std::uint64_t>(number(words)));
    return "waiting";
  }

  std::string fail(std::uint32_t communicator) {
    health_->report_failure(communicator, {ErrorCode::aborted, "it was aborted"});
    return "failed";
  }

  std::string where(std::istringstream& words) {
    const auto communicator = static_cast<std::uint32_t>(number(words));
    const auto sequence = static_cast<std::uint64_t>(number(words));
    return health_->where_is_everybody(communicator, sequence,
                                       Deadline::after(milliseconds(number(words))));
  }

  std::string verdict(std::istringstream& words) {
    const auto communicator = static_cast<std::uint32_t>(number(words));
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, milliseconds(number(words)),
                      [&] { return verdicts_.contains(communicator); });
    return verdicts_.contains(communicator) ? verdicts_[communicator] : "none";
  }

  std::string leave() {
    health_.reset();
    return "left";
  }

  // A child that does nothing but outlive us.
  static std::string fork_sleeper() {
    const pid_t child = fork();
    if (child == 0) {
      close(STDIN_FILENO);
      close(STDOUT_FILENO);
      for (;;) pause();
    }
    return std::to_string(child);
  }

  Health::Member member_;
  Credentials credentials_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Health> health_;
  std::map<std::uint32_t, std::shared_ptr<CallLog>> logs_;
  std::mutex mutex_;  // guards verdicts_
  std::condition_variable changed_;
  std::map<std::uint32_t, std::string> verdicts_;
};

}  // namespace
}  // namespace motet

int main(int count, char** arguments) {
  if (count != 5) return 2;
  motet::RankProcess rank(std::atoi(arguments[1]), std::atoi(arguments[2]), arguments[3],
                          motet::secret_from_hex(arguments[4]));
  for (std::string line; std::getline(std::cin, line);) std::cout << rank.obey(line) << std::endl;
  return 0;
}
