#include "report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace motet_perf {
namespace {

const Setting setting{"0.1.0", "abc", "a CPU, 2 cores, \"here\"", "shm", 4, 1, false};

Result result(std::string_view collective) {
  const CollectiveRow row = collectives_named(collective).front();
  return {.row = row,
          .type = types_named("float32").front(),
          .op = ops_named("sum").front(),
          .root = 0,
          .skew_percent = 30,
          .bytes = 4000,
          .count = 1000,
          .algorithm = "ring",
          .predicted_us = 2.5,
          .bound_us = 1,
          .out_of_place = {{2, 3, 10, 1}, 0},
          .in_place = row.in_place ? std::optional<Placed>({{4, 5, 10, 1}, 7}) : std::nullopt};
}

template <class Shown>  // a Result or a StepResult
std::vector<std::string> lines_of(Format format, const Shown& shown) {
  std::FILE* file = std::tmpfile();
  const auto report = make_report(format, file);
  report->begin(setting);
  report->add(shown);
  report->end(7, true);
  std::rewind(file);
  std::string text;
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) text += static_cast<char>(c);
  std::fclose(file);
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST(Report, JsonHasALineForEachPlacement) {
  const auto lines = lines_of(Format::json, result("allreduce"));
  ASSERT_EQ(lines.size(), 2u);
  const auto first = nlohmann::json::parse(lines[0]);
  const auto second = nlohmann::json::parse(lines[1]);
  EXPECT_EQ(first["collective"], "allreduce");
  EXPECT_EQ(first["in_place"], false);
  EXPECT_EQ(second["in_place"], true);
  EXPECT_EQ(second["wrong"], 7);
  EXPECT_DOUBLE_EQ(first["time_us_median"], 2);
  EXPECT_DOUBLE_EQ(first["algbw_gbps"], 2);  // 4000 B in 2 us
  EXPECT_DOUBLE_EQ(first["busbw_gbps"], 3);
  EXPECT_DOUBLE_EQ(first["predicted_us"], 2.5);
  EXPECT_DOUBLE_EQ(first["share_of_bound"], 0.5);
  EXPECT_DOUBLE_EQ(second["share_of_bound"], 0.25);
  for (const char* key : {"ranks", "bytes", "type", "op", "time_us_p99", "algorithm", "transport"})
    EXPECT_TRUE(first.contains(key)) << key;
}

TEST(Report, TableHasThePredictionBesideTheAlgorithm) {
  Result shown = result("allreduce");
  const auto row = [&] { return lines_of(Format::table, shown).at(8); };
  EXPECT_TRUE(row().ends_with("      2.50  ring")) << row();
  shown.predicted_us = 0;
  EXPECT_TRUE(row().ends_with("         -  ring")) << row();
}

TEST(Report, CsvNamesItsColumnsOnce) {
  const auto lines = lines_of(Format::csv, result("allreduce"));
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_TRUE(lines[0].starts_with("collective,ranks,")) << lines[0];
  EXPECT_TRUE(lines[1].starts_with("\"allreduce\",4,")) << lines[1];
  EXPECT_NE(lines[1].find("\"a CPU, 2 cores, \"\"here\"\"\""), std::string::npos) << lines[1];
}

TEST(Report, AStepHasTheKeysOfACall) {
  const StepResult step{.calls = 2,
                        .bytes = 4000,
                        .bus_bytes = 6000,
                        .one_by_one_us = 5,
                        .placed = {{2, 3, 10, 1}, 7}};
  const auto call = nlohmann::ordered_json::parse(lines_of(Format::json, result("barrier"))[0]);
  const auto lines = lines_of(Format::json, step);
  ASSERT_EQ(lines.size(), 1u);
  const auto line = nlohmann::ordered_json::parse(lines[0]);
  EXPECT_EQ(line["collective"], "step");
  EXPECT_EQ(line["bytes"], 4000);
  EXPECT_TRUE(line["count"].is_null());
  EXPECT_EQ(line["wrong"], 7);
  EXPECT_DOUBLE_EQ(line["algbw_gbps"], 2);
  EXPECT_DOUBLE_EQ(line["busbw_gbps"], 3);
  ASSERT_EQ(line.size(), call.size());
  for (auto one = line.begin(), other = call.begin(); one != line.end(); ++one, ++other)
    EXPECT_EQ(one.key(), other.key());
  EXPECT_THAT(lines_of(Format::table, step).at(7),
              testing::EndsWith("2.00     3.00      7       5.00"));
}

TEST(Report, TableSaysWhatIsWrong) {
  const auto lines = lines_of(Format::table, result("allreduce"));
  EXPECT_EQ(lines.back(), "# WRONG: 7 elements");
}

TEST(Report, BandwidthOfNoTimeIsZero) {
  EXPECT_EQ(algbw_gbps(8, 0), 0);
}

}  // namespace
}  // namespace motet_perf
