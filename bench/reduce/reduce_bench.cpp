// Reduction kernels beside the same traffic without arithmetic: out = a op b reads two streams and
// writes one, so the ceiling is a plain loop that does just that (`ceiling`), and `memcpy` shows
// the library call people know.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "device/host/reduce.hpp"

namespace {

using namespace motet;

struct Streams {
  std::vector<std::uint64_t> a, b, out;
  explicit Streams(std::size_t bytes)
      : a(bytes / 8 + 1, 0x3F3F3F3F3F3F3F3F),
        b(a),
        out(a.size()) {}  // harmless in every type, no subnormals
};

void report(benchmark::State& state, std::size_t bytes, int streams) {
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * streams * state.iterations());
  state.counters["bytes"] = static_cast<double>(bytes);
}

void bench_kernel(benchmark::State& state, ReduceKernel kernel, std::size_t element) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  Streams s(bytes);
  for (auto _ : state) {
    kernel(s.out.data(), s.a.data(), s.b.data(), bytes / element);
    benchmark::ClobberMemory();
  }
  report(state, bytes, 3);
}

void ceiling(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  Streams s(bytes);
  for (auto _ : state) {
    for (std::size_t i = 0; i < bytes / 8; ++i) s.out[i] = s.a[i] | s.b[i];
    benchmark::ClobberMemory();
  }
  report(state, bytes, 3);
}

void memory_copy(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  Streams s(bytes);
  for (auto _ : state) {
    std::memcpy(s.out.data(), s.a.data(), bytes);
    benchmark::ClobberMemory();
  }
  report(state, bytes, 2);
}

// Inline message, L1, L2, L3, memory.
void sizes(benchmark::internal::Benchmark* row) {
  for (const std::int64_t bytes : {8, 64, 4 << 10, 64 << 10, 1 << 20, 32 << 20}) row->Arg(bytes);
}

void add_rows() {
  sizes(benchmark::RegisterBenchmark("memcpy", memory_copy));
  sizes(benchmark::RegisterBenchmark("ceiling", ceiling));
  for (int type_number = 0; type_number < data_type_count; ++type_number) {
    for (int op_number = 0; op_number < reduce_op_count; ++op_number) {
      const auto type = static_cast<DataType>(type_number);
      const auto op = static_cast<ReduceOp>(op_number);
      const ReduceKernel kernel = reduce_kernel(op, type);
      if (kernel == nullptr || op == ReduceOp::avg) continue;
      const std::string row = std::string(name(type)) + "/" + std::string(name(op));
      sizes(benchmark::RegisterBenchmark(row.c_str(), bench_kernel, kernel, element_bytes(type)));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::AddCustomContext("reduce_target", reduce_target());
  add_rows();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
