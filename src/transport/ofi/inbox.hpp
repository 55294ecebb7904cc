// What comes in: receives that are always posted, so that no peer waits for this rank's steps.
#pragma once

#include <memory>
#include <optional>

#include "transport/ofi/buffers.hpp"

namespace motet::ofi {

class Inbox {
 public:
  // `longest`: of a message. The domain must outlive it; its endpoint closes before it goes. What
  // it has lent stays readable.
  Inbox(Domain& domain, std::size_t longest);
  ~Inbox();
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  // "", or why nothing can be received any more.
  const std::string& problem() const { return problem_; }
  // The message, if it is one; the next receive is posted.
  std::optional<messages::Message> take(const Completion& completion);
  // Posts the receives for which there was no room. True if it did.
  bool advance();
  bool waits() const { return waiting_ != nullptr; }

 private:
  void post(Buffer& buffer);
  messages::Message copy(const Buffer& from, std::size_t bytes);

  Domain& domain_;
  std::shared_ptr<Buffers> received_;
  std::shared_ptr<Buffers> small_copies_, large_copies_;
  Buffer* waiting_ = nullptr;  // to be posted
  std::string problem_;
};

}  // namespace motet::ofi
