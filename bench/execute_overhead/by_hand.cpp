#include "by_hand.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "schedule/slice.hpp"

namespace motet::bench {

Wires::Wires(Member& member) : rank_(member.rank()), crowded_(member.crowded()) {
  for (Rank peer = 0; peer < member.world_size(); ++peer) {
    endpoints_.push_back(peer == rank_ ? nullptr : &member.link(peer).endpoint());
  }
  PeerLink& any = member.link(rank_ == 0 ? 1 : 0);
  transport_ = &any.transport();
  group_send_ = any.group_send();
  if (group_send_ == nullptr) throw std::runtime_error("shared memory sends no block to several");
}

bool Wires::send_to_all(std::uint32_t block, const float* data, std::size_t count) {
  if (endpoints_.size() == 2) return send(1 - rank_, block, data, count);
  if (outgoing_.empty()) {
    for (int k = 1; k < world_size(); ++k) {
      outgoing_.push_back({&endpoint((rank_ + k) % world_size()), header(block, count)});
    }
  }
  group_send_->send_to_all(outgoing_, data);
  std::erase_if(outgoing_, [](const GroupSend::Outgoing& one) { return one.taken; });
  return outgoing_.empty();
}

const float* Wires::front(Rank peer, std::uint32_t block) {
  const Arrival* const arrival = endpoint(peer).front();
  if (arrival == nullptr) return nullptr;
  if (arrival->header.key != (call_ << 32 | block)) {
    throw std::runtime_error("a block came that nobody expects");
  }
  return reinterpret_cast<const float*>(arrival->data);
}

void Wires::progress() {
  transport_->progress();
}

namespace {

const ReduceKernel kernel = reduce_kernel(ReduceOp::sum, DataType::float32);

template <class Call>
void run(Wires& wires, Call&& call) {
  Patience patience(wires.crowded());
  while (!call.done()) {
    const bool sent = call.send_next();
    const bool taken = call.take_next();
    if (patience.after_look(sent || taken)) wires.progress();
  }
}

// A left fold in the order of the ranks, one block after the other.
class OneShot {
 public:
  OneShot(Wires& wires, const Vector& vector)
      : wires_(wires),
        vector_(vector),
        me_(wires.rank()),
        blocks_(static_cast<std::uint32_t>((vector.count + vector.block - 1) / vector.block)),
        from_(first()) {}

  bool done() const { return sent_ == blocks_ && taken_ == blocks_; }

  bool send_next() {
    if (sent_ == blocks_) return false;
    if (!wires_.send_to_all(sent_, vector_.in + offset(sent_), length(sent_))) return false;
    ++sent_;
    return true;
  }

  bool take_next() {
    if (taken_ == blocks_) return false;
    const float* const theirs = wires_.front(from_, taken_);
    if (theirs == nullptr) return false;
    add(theirs);
    wires_.pop(from_);
    from_ += from_ + 1 == me_ ? 2 : 1;
    if (from_ < wires_.world_size()) return true;
    from_ = first();
    ++taken_;
    return true;
  }

 private:
  Rank first() const { return me_ == 0 ? 1 : 0; }
  std::size_t offset(std::uint32_t block) const { return block * vector_.block; }
  std::size_t length(std::uint32_t block) const {
    return std::min(vector_.block, vector_.count - offset(block));
  }

  void add(const float* theirs) {
    const float* const mine = vector_.in + offset(taken_);
    float* const sum = vector_.out + offset(taken_);
    const std::size_t count = length(taken_);
    if (from_ > first()) {
      kernel(sum, sum, theirs, count);
    } else if (me_ == 0) {
      kernel(sum, mine, theirs, count);
    } else if (me_ == 1) {
      kernel(sum, theirs, mine, count);
    } else {
      std::memcpy(sum, theirs, count * sizeof(float));
    }
    if (me_ > 1 && from_ == me_ - 1) kernel(sum, sum, mine, count);
  }

  Wires& wires_;
  const Vector& vector_;
  Rank me_;
  std::uint32_t blocks_;
  std::uint32_t sent_ = 0, taken_ = 0;  // blocks: to all, from all
  Rank from_;                           // whose block is added next
};

// In round k the share that came in round k - 1 goes on, block by block, to the right; in the first
// half it is summed on the way.
class Ring {
 public:
  Ring(Wires& wires, const Vector& vector)
      : wires_(wires),
        vector_(vector),
        n_(wires.world_size()),
        rounds_(2 * (n_ - 1)),
        right_((wires.rank() + 1) % n_),
        left_((wires.rank() + n_ - 1) % n_),
        shares_(Parts::even(vector.count, n_)) {}

  bool done() const { return sent_.round == rounds_ && taken_.round == rounds_; }

  bool send_next() {
    if (sent_.round == rounds_ || !has_next()) return false;
    const Piece piece = next_piece(sent_, share_sent(sent_.round));
    const float* const from = sent_.round == 0 ? vector_.in : vector_.out;
    if (!wires_.send(right_, sent_.block, from + piece.offset, piece.count)) return false;
    step(sent_, piece);
    return true;
  }

  bool take_next() {
    if (taken_.round == rounds_) return false;
    const float* const theirs = wires_.front(left_, taken_.block);
    if (theirs == nullptr) return false;
    const Piece piece = next_piece(taken_, share_sent(taken_.round + 1));
    float* const out = vector_.out + piece.offset;
    if (taken_.round < n_ - 1) {
      kernel(out, vector_.in + piece.offset, theirs, piece.count);
    } else {
      std::memcpy(out, theirs, piece.count * sizeof(float));
    }
    wires_.pop(left_);
    step(taken_, piece);
    return true;
  }

 private:
  struct Cursor {
    int round = 0;
    std::uint32_t block = 0;  // of the call
    std::size_t at = 0;       // elements of the round's share that are done
  };
  struct Piece {
    std::size_t offset, count;
    bool last;  // of its share
  };

  int share_sent(int round) const { return (wires_.rank() + 2 * n_ - 1 - round) % n_; }
  bool has_next() const {
    if (sent_.round == 0 || taken_.round >= sent_.round) return true;
    return taken_.round == sent_.round - 1 && taken_.at > sent_.at;
  }
  Piece next_piece(const Cursor& cursor, int share) const {
    const std::size_t left = shares_.count(share) - cursor.at;
    const std::size_t count = std::min(vector_.block, left);
    return {shares_.offset(share) + cursor.at, count, count == left};
  }
  static void step(Cursor& cursor, const Piece& piece) {
    ++cursor.block;
    cursor.at += piece.count;
    if (piece.last) cursor = {cursor.round + 1, cursor.block, 0};
  }

  Wires& wires_;
  const Vector& vector_;
  int n_, rounds_;
  Rank right_, left_;
  Parts shares_;
  Cursor sent_, taken_;
};

}  // namespace

void one_shot(Wires& wires, const Vector& vector) {
  wires.begin_call();
  run(wires, OneShot(wires, vector));
}

void ring(Wires& wires, const Vector& vector) {
  wires.begin_call();
  run(wires, Ring(wires, vector));
}

}  // namespace motet::bench
