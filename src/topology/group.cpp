#include "topology/group.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"

namespace motet {
namespace {

int find(const std::vector<Rank>& members, Rank rank) {
  const auto found = std::find(members.begin(), members.end(), rank);
  return found == members.end() ? -1 : static_cast<int>(found - members.begin());
}

}  // namespace

Group::Group(std::vector<Rank> members, Rank me)
    : members_(std::move(members)), index_(find(members_, me)) {
  MOTET_ASSERT(index_ >= 0, "a group is seen from one of its members");
}

Rank Group::at(int index) const {
  const int wrapped = index % size();
  return members_[static_cast<std::size_t>(wrapped < 0 ? wrapped + size() : wrapped)];
}

int Group::index_of(Rank rank) const {
  return find(members_, rank);
}

Group Group::starting_at(Rank rank) const {
  const int first = index_of(rank);
  MOTET_ASSERT(first >= 0, "a group is turned to start at a member");
  std::vector<Rank> turned = members_;
  std::rotate(turned.begin(), turned.begin() + first, turned.end());
  return {std::move(turned), me()};
}

Group Group::every(int stride, int first) const {
  MOTET_ASSERT(stride > 0 && first >= 0, "a stride is positive, and starts inside the group");
  std::vector<Rank> chosen;
  for (int i = first; i < size(); i += stride) chosen.push_back(at(i));
  return {std::move(chosen), me()};
}

}  // namespace motet
