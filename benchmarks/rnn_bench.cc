// RNN forward, or with --backward=1 forward and backward, in ns a real token. rnn_bench
// [--rows=512]
//   [--steps=50] [--mean=17] [--rounds=15] [--threads=1] [--sequences=0] [--backward=0]
//   [KIND:H ...], KIND one of simple, gru, lstm.
// Lengths are 1 to steps with the given mean; D = H. One line of JSON per workload: median and
// quartiles over the rounds (processor time with one thread), and what they mean in GFLOP/s.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "weft/config.h"
#include "weft/rnn.h"

namespace {

struct Options {
  int64_t rows = 512, steps = 50, rounds = 15, threads = 1;
  double mean = 17;
  bool sequences = false, backward = false;
  std::vector<std::string> workloads;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string text = argv[i];
    const size_t at = text.find('=');
    if (text.rfind("--", 0) != 0 || at == std::string::npos) {
      options.workloads.push_back(text);
      continue;
    }
    const std::string key = text.substr(2, at - 2);
    const double value = std::atof(text.c_str() + at + 1);
    if (key == "rows") options.rows = static_cast<int64_t>(value);
    if (key == "steps") options.steps = static_cast<int64_t>(value);
    if (key == "rounds") options.rounds = static_cast<int64_t>(value);
    if (key == "threads") options.threads = static_cast<int64_t>(value);
    if (key == "sequences") options.sequences = value != 0;
    if (key == "backward") options.backward = value != 0;
    if (key == "mean") options.mean = value;
  }
  if (options.workloads.empty()) {
    for (const char* kind : {"simple", "gru", "lstm"}) {
      for (const char* h : {"32", "64", "128"})
        options.workloads.push_back(std::string(kind) + ":" + h);
    }
  }
  return options;
}

// 1 + (steps - 1) u^k with E[u^k] = 1 / (k + 1): the mean is as asked, short rows are common.
std::vector<int64_t> draw_lengths(const Options& options) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> uniform(0, 1);
  const double span = static_cast<double>(options.steps - 1);
  const double k = span / std::max(1e-9, options.mean - 1) - 1;
  std::vector<int64_t> lengths;
  for (int64_t i = 0; i < options.rows; ++i) {
    lengths.push_back(std::min(
        options.steps, 1 + static_cast<int64_t>(span * std::pow(uniform(random), k) + 0.5)));
  }
  return lengths;
}

weft::RNN make_rnn(const std::string& kind, int64_t units, bool sequences) {
  const weft::RNNOptions options = {.return_sequences = sequences};
  if (kind == "gru") return weft::RNN(weft::GRUCell(units), options);
  if (kind == "lstm") return weft::RNN(weft::LSTMCell(units), options);
  return weft::RNN(weft::SimpleRNNCell(units), options);
}

// Of this thread where it does everything itself: others may want the processor too.
double now() {
  timespec t;
  clock_gettime(weft::num_threads() == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

void run(const weft::RNN& rnn, const weft::Tensor& x, const weft::RNNArguments& arguments,
         bool backward) {
  if (!backward) {
    rnn(x, arguments);
    return;
  }
  const weft::RNNVjp vjp = rnn.vjp(x, arguments);
  vjp.pullback({.outputs = vjp.result.outputs, .state = {}});
}

// Seconds a call, over `calls` calls.
double seconds_of(const weft::RNN& rnn, const weft::Tensor& x, const weft::RNNArguments& arguments,
                  bool backward, int64_t calls) {
  const double start = now();
  for (int64_t i = 0; i < calls; ++i) run(rnn, x, arguments, backward);
  return (now() - start) / static_cast<double>(calls);
}

void measure(const std::string& workload, const Options& options) {
  const size_t colon = workload.find(':');
  const std::string kind = workload.substr(0, colon);
  const int64_t h = std::atoll(workload.c_str() + colon + 1);
  const std::vector<int64_t> lengths = draw_lengths(options);
  int64_t tokens = 0;
  for (int64_t n : lengths) tokens += n;
  weft::Tensor x(weft::DType::kFloat32, {options.rows, options.steps, h});
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (float& value : x.mutable_values<float>()) value = uniform(random);
  const weft::RNNArguments arguments = {
      .lengths = weft::Tensor::of<int64_t>({options.rows}, std::span<const int64_t>(lengths))};
  const weft::RNN rnn = make_rnn(kind, h, options.sequences);
  seconds_of(rnn, x, arguments, options.backward, 1);
  const auto calls = std::max<int64_t>(
      1, static_cast<int64_t>(0.02 / seconds_of(rnn, x, arguments, options.backward, 2)));
  std::vector<double> times;
  for (int64_t i = 0; i < options.rounds; ++i) {
    const double seconds = seconds_of(rnn, x, arguments, options.backward, calls);
    times.push_back(seconds / static_cast<double>(tokens) * 1e9);
  }
  std::sort(times.begin(), times.end());
  const double gates = kind == "gru" ? 3 : kind == "lstm" ? 4 : 1;
  const double flops = (options.backward ? 12 : 4) * gates * static_cast<double>(h * h);
  std::printf(
      "{\"workload\": \"rnn%s/%s/%lld\", \"isa\": \"%s\", \"threads\": %d, \"tokens\": %lld, "
      "\"ns_per_token\": %.1f, \"quartiles\": [%.1f, %.1f], \"gflops\": %.1f}\n",
      options.backward ? "_backward" : "", kind.c_str(), static_cast<long long>(h),
      weft::base::isa_name(weft::base::isa()), weft::num_threads(), static_cast<long long>(tokens),
      times[times.size() / 2], times[times.size() / 4], times[times.size() * 3 / 4],
      flops / times[times.size() / 2]);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  weft::set_num_threads(static_cast<int>(options.threads));
  for (const std::string& workload : options.workloads) measure(workload, options);
  return 0;
}
