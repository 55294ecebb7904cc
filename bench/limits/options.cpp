#include "options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>

namespace motet_limits {
namespace {

// The words as typed, before they are understood.
struct Words {
  std::vector<std::string> rows, collectives;
  std::uint64_t smallest = 0, largest = 0, factor = 2;
  std::vector<std::uint64_t> bytes;
  bool json = false, pin = false, fresh = false, shared = false;
  std::string mode = "hot", buffers = "ordinary";
};

constexpr auto footer =
    "Sizes are those of nccl-tests: for allgather, reduce_scatter and alltoall the bytes of all "
    "parts\ntogether. Suffixes K, M, G are powers of 1024; GB/s are 1e9 bytes.\n"
    "copy and reduce: bytes of the result per second and core, while so many cores work.";

std::vector<std::string> collective_names() {
  std::vector<std::string> names;
  names.reserve(all_collectives.size());
  for (const Collective collective : all_collectives) names.emplace_back(name(collective));
  return names;
}

void add_what(CLI::App& app, Words& words, const std::vector<std::string>& row_names) {
  app.add_option("what", words.rows, "rows to measure; default all")
      ->check(CLI::IsMember(row_names));
  app.add_option("-c,--collective", words.collectives, "whose floors; default all")
      ->delimiter(',')
      ->check(CLI::IsMember(collective_names()));
  const CLI::AsSizeValue size(false);
  app.add_option("-b,--minbytes", words.smallest, "smallest size (default 8, bandwidths 16K)")
      ->transform(size);
  app.add_option("-e,--maxbytes", words.largest, "largest size (default 64M)")->transform(size);
  app.add_option("-f,--stepfactor", words.factor, "factor between sizes")
      ->check(CLI::Range(2, 1 << 20))
      ->capture_default_str();
  app.add_option("--bytes", words.bytes, "a list of sizes instead")
      ->delimiter(',')
      ->transform(size);
}

void add_how(CLI::App& app, Words& words, Options& options) {
  app.add_option("--mode", words.mode,
                 "hot: calls follow each other; fresh: inputs are rewritten and outputs read "
                 "between calls")
      ->check(CLI::IsMember({"hot", "fresh"}))
      ->capture_default_str();
  app.add_option("--buffers", words.buffers, "shared: both ranks map all buffers")
      ->check(CLI::IsMember({"ordinary", "shared"}))
      ->capture_default_str();
  app.add_option("--pass-ms", options.pass_ms, "time for each variant in each pass")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--passes", options.passes, "turns that the variants take")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("--pin", words.pin, "rank i to the i-th allowed CPU");
  app.add_flag("--json", words.json, "one JSON object a line");
  app.add_flag("--variants", options.all_variants, "print every variant, not only the best");
}

std::vector<std::size_t> sizes_of(const Words& words, std::uint64_t default_smallest) {
  if (!words.bytes.empty()) return {words.bytes.begin(), words.bytes.end()};
  constexpr std::uint64_t default_largest = std::uint64_t{64} << 20;
  const std::uint64_t smallest = words.smallest != 0 ? words.smallest : default_smallest;
  const std::uint64_t largest =
      words.largest != 0 ? words.largest : std::max(smallest, default_largest);
  std::vector<std::size_t> sizes;
  for (std::uint64_t bytes = smallest; bytes <= largest; bytes *= words.factor)
    sizes.push_back(bytes);
  return sizes;
}

std::vector<Collective> collectives_of(const Words& words) {
  std::vector<Collective> wanted;
  for (const Collective collective : all_collectives) {
    const bool named =
        std::ranges::find(words.collectives, name(collective)) != words.collectives.end();
    if (named || words.collectives.empty()) wanted.push_back(collective);
  }
  return wanted;
}

void understand(const Words& words, const std::vector<std::string>& row_names, Options& options) {
  options.rows = words.rows.empty() ? row_names : words.rows;
  options.collectives = collectives_of(words);
  options.floor_sizes = sizes_of(words, 8);
  options.bandwidth_sizes = sizes_of(words, std::uint64_t{16} << 10);
  options.mode = words.mode == "fresh" ? Mode::fresh : Mode::hot;
  options.buffers = words.buffers == "shared" ? Buffers::shared : Buffers::ordinary;
  options.placing = words.pin ? Placing::pinned : Placing::anywhere;
  options.format = words.json ? Format::json : Format::table;
}

}  // namespace

Parsed parse(int argc, const char* const* argv, const std::vector<std::string>& row_names) {
  Words words;
  Parsed parsed;
  CLI::App app("Measures what two processes of this machine can do, without Motet.",
               "motet-limits");
  app.footer(footer);
  add_what(app, words, row_names);
  add_how(app, words, parsed.options);
  try {
    app.parse(argc, argv);
    understand(words, row_names, parsed.options);
  } catch (const CLI::ParseError& error) {
    parsed.exit_status = app.exit(error) == 0 ? 0 : 2;
  }
  return parsed;
}

}  // namespace motet_limits
