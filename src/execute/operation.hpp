// One running call: a Program with its buffers and how far each step has come. Advanced by passes;
// a pass goes through the steps in program order and advances each by at most one block. What is
// not ready is passed over, but the messages of one (peer, channel) are sent and consumed in
// program order.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "execute/key.hpp"
#include "execute/program.hpp"
#include "execute/user_reduction.hpp"

namespace motet {

class Context;

class Operation {
 public:
  explicit Operation(std::shared_ptr<const Program> program);

  struct Buffers {
    const void* input = nullptr;
    void* output = nullptr;
  };
  struct Call {
    Buffers buffers;
    std::uint64_t sequence = 0;  // of the communicator, or of the pair
    Rank point_to_point = -1;    // the peer, for send and recv
    bool receives = false;       // point to point: recv (without bytes a program does not tell)
    Context* context = nullptr;
  };
  // Ready to run from the beginning. Allocates only memory of its own, and only the first time.
  void bind(const Call& call, std::uint32_t communicator);

  // How large messages travel, as far as this rank decides it.
  struct Way {
    bool reads_memory = true;  // peers read what it sends where it lies, if the program allows that
    bool past_caches = false;  // what is not read again is stored past the caches
    bool operator==(const Way&) const = default;
  };
  // Stays until it is said otherwise.
  void go(const Way& way) { way_ = way; }

  // Of a program without a kernel: what combines. Stays until another is used.
  void use(const UserReduction& reduction) { reduction_ = reduction; }
  // Of a program that multiplies. Stays likewise.
  void multiply_by(double factor) { factor_ = factor; }

  // Right after bind(): the first `steps`, one block each, have been done, and left this in
  // scratch.
  void skip(std::size_t steps, const std::byte* scratch);

  // Advances what can be advanced. True if anything was.
  bool pass();
  // Every step is done (and every answer given).
  bool complete() const { return remaining_ == 0; }

  // The life of the call, kept by Context.
  enum class Phase : std::uint8_t { idle, queued, active, done, failed };
  Phase phase = Phase::idle;

  const Program& program() const { return *program_; }
  const std::shared_ptr<const Program>& shared_program() const { return program_; }
  const Call& call() const { return call_; }
  Key key() const { return key_; }
  bool is_point_to_point() const { return call_.point_to_point >= 0; }
  bool is_receive() const { return call_.receives; }
  // A block came that belongs to another call: the communicator finds out whose. Set by pass().
  bool mismatch() const { return mismatch_; }
  // Of a message from `peer` whose two ends think differently of its length, in elements.
  struct Lengths {
    Rank peer = -1;
    std::optional<std::size_t> sent;  // none: 2^31 or more
    std::size_t expected = 0;
  };
  // Whether the mismatch is that, and nothing but that.
  const std::optional<Lengths>& lengths() const { return lengths_; }

 private:
  // How the blocks of a send travel; known when its first block is ready.
  enum class Passage : std::uint8_t { unknown, data, published };
  // Blocks of one message whose location is published before the first answer: enough to keep the
  // puller busy.
  static constexpr std::uint32_t max_announced = 8;
  struct Progress {
    std::uint32_t done = 0;       // blocks
    std::uint32_t announced = 0;  // published sends: blocks whose location has been published
    std::uint32_t moved_in = 0;   // the latest pass in which a block was done
    Passage passage = Passage::unknown;
    std::uint32_t expected = 0;  // receives: blocks that the transport has been told where to put
    bool owes_answer = false;    // receives: the block has been pulled, the peer does not know yet
  };
  struct StreamProgress {
    std::uint32_t sent = 0, received = 0;  // whole messages
  };
  struct Block {
    std::size_t offset, bytes;
  };
  // What a location block carries.
  struct Publication {
    Location where;
    std::uint32_t epoch = 0;
    std::uint32_t reserved = 0;
  };
  // A block of a receive whose location has come and that a fabric is reading, or has read before
  // an earlier one.
  struct Fetch {
    std::uint32_t step, block;
    Publication publication;
    PeerMemory::Read state;
    std::unique_ptr<std::byte[]> staging{};  // on its way into a reduction
    bool asked = false;                      // refused: the peer knows, and sends it as data
  };

  // A block of input that has been multiplied and waits to be sent: not anew by every try.
  struct Product {
    std::unique_ptr<std::byte[]> bytes;
    std::optional<std::uint32_t> step;
    std::uint32_t block = 0;
  };

  bool advance(std::uint32_t index);
  bool ready(const Instruction& instruction, std::uint32_t block) const;
  bool advance_local(std::uint32_t index);
  bool advance_send(std::uint32_t index);
  Passage passage_of(std::uint32_t index);
  bool is_read_by(const PeerLink& peer) const;
  bool send_data(std::uint32_t index, std::uint32_t block);
  bool send_group(std::uint32_t index);
  bool advance_published_send(std::uint32_t index);
  std::optional<Location> locate(const Instruction& instruction, const Block& block) const;
  void hold(PeerMemory& memory, const std::byte* data, std::size_t bytes);
  bool publish(std::uint32_t index);
  bool take_answer(std::uint32_t index);
  bool advance_receive(std::uint32_t index);
  void expect_blocks(std::uint32_t index);
  bool accept(std::uint32_t index, const PeerLink::Found& found);
  bool return_block(std::uint32_t index, std::uint32_t block);
  bool is_expected(const Instruction& instruction, const Header& header, std::size_t bytes);
  void note_mismatch(const Instruction& instruction, const Header& header);
  std::optional<Lengths> told_lengths(const Instruction& instruction, const Header& header) const;
  bool pull(std::uint32_t index, const PeerLink::Found& found);
  void hold_destination(std::uint32_t index);
  bool is_reading(std::uint32_t index) const;
  bool go_on_reading(std::uint32_t index);
  bool read_ahead(std::uint32_t index);
  bool take_data(std::uint32_t index);
  PeerMemory::Read take_from(Fetch& fetch);
  PeerMemory::Read read_from(PeerMemory& memory, Fetch& fetch);
  bool answer(std::uint32_t index, bool pulled);
  void combine(const Instruction& instruction, const Block& block, const std::byte* incoming);
  void expect_products();
  const std::byte* outgoing(std::uint32_t index, std::uint32_t block);
  void multiply(std::byte* out, const std::byte* in, std::size_t bytes) const;
  void combine_product(std::byte* dst, const std::byte* input, const std::byte* other,
                       const Instruction& instruction, std::size_t bytes) const;
  void reduce(std::byte* out, const std::byte* a, const std::byte* b, std::size_t bytes) const;
  void copy(const Instruction& instruction, std::byte* dst, const std::byte* src,
            std::size_t bytes) const;
  void combine_past_caches(std::byte* dst, const std::byte* first, const std::byte* second,
                           std::size_t bytes) const;
  bool step_forward(std::uint32_t index);

  Block block_of(const Instruction& instruction, std::uint32_t block) const;
  Header header_for(const Instruction& instruction, std::uint32_t block, Role role,
                    std::size_t bytes) const;
  void note_sent(const Stream& stream);

  std::shared_ptr<const Program> program_;
  Call call_;
  Way way_;
  UserReduction reduction_;
  double factor_ = 1;
  Key key_ = 0;
  std::array<std::byte*, 3> base_{};  // input, output, scratch
  std::uint32_t remaining_ = 0;       // steps not done
  std::uint32_t first_ = 0;           // every step before it is done
  std::uint32_t passes_ = 0;
  bool mismatch_ = false;
  std::optional<Lengths> lengths_;
  std::vector<Progress> progress_;
  std::vector<StreamProgress> streams_;
  std::unique_ptr<std::byte[]> scratch_;
  std::vector<Product> products_;  // by stream, if any are sent
  std::vector<Fetch> fetches_;     // few: those of a step in the order of its blocks
  std::vector<std::shared_ptr<const void>> held_;  // memory that is published or read into
  std::unique_ptr<std::byte[]> staging_;           // for the next that is read into a reduction
  std::vector<GroupSend::Outgoing> outgoing_;      // reused by send_group
  std::vector<std::uint32_t> members_;
};

}  // namespace motet
