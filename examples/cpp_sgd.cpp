// Data-parallel training: every rank has samples of its own, gradients are averaged, so all ranks
// keep the same weights.
//   ./run.sh 4 build/cpp_sgd
#include <array>
#include <cstdio>
#include <exception>
#include <motet/motet.hpp>
#include <random>
#include <vector>

struct Sample {
  double x0, x1, y;
};
using Weights = std::array<double, 3>;  // y = w0 x0 + w1 x1 + w2

std::vector<Sample> samples_of(int rank) {
  std::mt19937 random(static_cast<unsigned>(rank) + 1);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<Sample> samples(256);
  for (Sample& s : samples) {
    s.x0 = uniform(random);
    s.x1 = uniform(random);
    s.y = 3 * s.x0 - 2 * s.x1 + 0.5;
  }
  return samples;
}

double error(const Weights& w, const Sample& s) {
  return w[0] * s.x0 + w[1] * s.x1 + w[2] - s.y;
}

// Of the mean squared error; the last element is that error itself.
std::array<double, 4> gradient(const Weights& w, const std::vector<Sample>& samples) {
  std::array<double, 4> sum{};
  for (const Sample& s : samples) {
    const double e = error(w, s) / static_cast<double>(samples.size());
    sum[0] += 2 * e * s.x0;
    sum[1] += 2 * e * s.x1;
    sum[2] += 2 * e;
    sum[3] += e * error(w, s);
  }
  return sum;
}

void train(motet::Communicator& world) {
  const std::vector<Sample> samples = samples_of(world.rank());
  Weights weights{};
  double loss = 0;
  for (int step = 0; step < 400; ++step) {
    std::array<double, 4> g = gradient(weights, samples);
    world.allreduce(g, motet::ReduceOp::avg);
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] -= 0.3 * g[i];
    loss = g[3];
  }
  Weights lowest{}, highest{};
  world.allreduce(weights, lowest, motet::ReduceOp::min);
  world.allreduce(weights, highest, motet::ReduceOp::max);
  if (world.rank() != 0) return;
  std::printf("loss %.1e, weights %.3f %.3f %.3f, %s on all %d ranks\n", loss, weights[0],
              weights[1], weights[2], lowest == highest ? "equal" : "DIFFERENT", world.size());
}

int main() try {
  motet::Communicator world = motet::Communicator::from_environment();
  train(world);
} catch (const std::exception& error) {
  std::fprintf(stderr, "cpp_sgd: %s\n", error.what());
  return 1;
}
