#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <vector>

#include "base/philox.h"
#include "sampled_softmax/label_rows.h"

namespace weft {
namespace {

constexpr int64_t kMostDraws = 1000;  // for each class that is asked for

// How often a class of probability p is among `count` classes that `draws` draws gave: TensorFlow's
// formula.
double expected_count(double p, int64_t count, int64_t draws) {
  const auto n = static_cast<double>(draws);
  return draws == count ? p * n : -std::expm1(n * std::log1p(-p));
}

template <class F>
Tensor map_ids(std::span<const int64_t> ids, const F& f) {
  Tensor made(DType::kFloat64, {std::ssize(ids)});
  std::ranges::transform(ids, made.mutable_values<double>().begin(), f);
  return made;
}

}  // namespace

ClassDistribution::ClassDistribution(Kind kind, int64_t num_classes)
    : kind_(kind), num_classes_(num_classes) {
  if (num_classes < 1) {
    throw InvalidArgument("there must be at least one class, got " + std::to_string(num_classes));
  }
}

ClassDistribution ClassDistribution::uniform(int64_t num_classes) {
  return {Kind::kUniform, num_classes};
}

ClassDistribution ClassDistribution::log_uniform(int64_t num_classes) {
  return {Kind::kLogUniform, num_classes};
}

ClassDistribution ClassDistribution::of_counts(const Tensor& counts) {
  if (counts.rank() != 1)
    throw InvalidArgument("counts must have shape [V], got " + shape_string(counts.shape()));
  ClassDistribution made(Kind::kCounts, counts.size());
  const Tensor numbers = as_floating(counts, DType::kFloat64, "counts");
  made.counts_ = Tensor::of<double>(numbers.shape(), numbers.values<double>());
  made.sums_ = Tensor(DType::kFloat64, {counts.size()});
  const auto sums = made.sums_.mutable_values<double>();
  double sum = 0;
  for (size_t i = 0; i < sums.size(); ++i) {
    const double count = made.counts_.values<double>()[i];
    sum += count;
    if (!(count > 0) || !std::isfinite(sum)) {
      throw InvalidArgument("counts must be numbers greater than 0: that of class " +
                            std::to_string(i) + " is " + std::to_string(count) +
                            "; add 1 to all where some classes were never seen");
    }
    sums[i] = sum;
  }
  return made;
}

double ClassDistribution::probability(int64_t id) const {
  const auto classes = static_cast<double>(num_classes_), at = static_cast<double>(id);
  if (kind_ == Kind::kUniform) return 1 / classes;
  if (kind_ == Kind::kLogUniform) return std::log((at + 2) / (at + 1)) / std::log1p(classes);
  return counts_.values<double>()[static_cast<size_t>(id)] / sums_.values<double>().back();
}

int64_t ClassDistribution::draw(uint64_t random_bits) const {
  const double uniform = static_cast<double>(random_bits >> 11) * 0x1p-53;
  const auto classes = static_cast<double>(num_classes_);
  if (kind_ == Kind::kUniform)
    return std::min(num_classes_ - 1, static_cast<int64_t>(uniform * classes));
  if (kind_ == Kind::kLogUniform)
    return (static_cast<int64_t>(std::exp(uniform * std::log1p(classes))) - 1) % num_classes_;
  const auto sums = sums_.values<double>();
  const auto at = std::ranges::upper_bound(sums, uniform * sums.back()) - sums.begin();
  return std::min(num_classes_ - 1, at);
}

SampledClasses sample_classes(const ClassDistribution& distribution, const Feature& labels,
                              const SampleOptions& options) {
  const int64_t wanted = options.num_sampled, classes = distribution.num_classes();
  if (wanted < 1 || (options.unique && wanted > classes)) {
    throw InvalidArgument("num_sampled must be at least 1" +
                          (options.unique ? " and, for different ones, at most the " +
                                                std::to_string(classes) + " classes"
                                          : std::string()) +
                          ", got " + std::to_string(wanted));
  }
  if (wanted > Limits{}.max_batch_values) {
    throw LimitExceeded("num_sampled is " + std::to_string(wanted) + ", more than " +
                        std::to_string(Limits{}.max_batch_values));
  }
  const Ragged rows = label_rows(labels, classes);
  const base::Philox random(options.seed, options.name, options.step);
  std::vector<int64_t> drawn;
  std::unordered_set<int64_t> met;
  int64_t draws = 0;
  while (std::ssize(drawn) < wanted && draws / kMostDraws < wanted) {
    const int64_t id = distribution.draw(random.bits(draws++));
    if (!options.unique || met.insert(id).second) drawn.push_back(id);
  }
  const auto expected = [&](int64_t id) {
    return expected_count(distribution.probability(id), std::ssize(drawn), draws);
  };
  return {Tensor::of<int64_t>({std::ssize(drawn)}, std::span<const int64_t>(drawn)),
          map_ids(drawn, expected), map_ids(rows.values<int64_t>(), expected)};
}

SampledClasses batch_classes(const ClassDistribution& distribution, const Feature& labels) {
  const Ragged rows = label_rows(labels, distribution.num_classes());
  const auto all = rows.values<int64_t>();
  std::vector<int64_t> different(all.begin(), all.end());
  std::ranges::sort(different);
  different.erase(std::unique(different.begin(), different.end()), different.end());
  const auto expected = [&](int64_t id) {
    return -std::expm1(static_cast<double>(all.size()) * std::log1p(-distribution.probability(id)));
  };
  return {Tensor::of<int64_t>({std::ssize(different)}, std::span<const int64_t>(different)),
          map_ids(different, expected), map_ids(all, expected)};
}

}  // namespace weft
