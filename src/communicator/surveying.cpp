#include "communicator/surveying.hpp"

#include "bootstrap/store_tree.hpp"

namespace motet {

Survey survey_of_all(Meeting& meeting, const Survey& mine, const Deadline& deadline) {
  if (meeting.world_size == 1) return mine;
  const StoreTree tree{*meeting.store, "survey", meeting.rank, meeting.world_size};
  const auto combine = [](const std::string& first, const std::string& later) {
    return merged(Survey::from_text(first), Survey::from_text(later)).to_text();
  };
  return Survey::from_text(combine_all(tree, mine.to_text(), combine, deadline));
}

}  // namespace motet
