#include <algorithm>

#include "base/thread_pool.h"
#include "ids/call.h"

namespace weft {
namespace {

constexpr int64_t kGrain = int64_t{1} << 12;  // values that one thread buckets in about 20 us

// [0, each, 2 * each, ...] in [0, end], the last one shorter where `each` does not divide.
void add_steps(int64_t begin, int64_t end, int64_t each, std::vector<int64_t>& inner) {
  for (int64_t at = begin; at < end; at += each) inner.push_back(std::min(at + each, end));
}

// A step of a one-level feature is its next `each` values.
void group_steps(FeatureRows& rows, int64_t each) {
  if (rows.splits.size() == 2 || each == 1) return;
  Tensor outer(DType::kInt64, rows.splits[0].shape());
  const auto from = rows.splits[0].values<int64_t>();
  const auto to = outer.mutable_values<int64_t>();
  std::vector<int64_t> inner{0};
  to[0] = 0;
  for (size_t row = 0; row + 1 < from.size(); ++row) {
    add_steps(from[row], from[row + 1], each, inner);
    to[row + 1] = static_cast<int64_t>(inner.size()) - 1;
  }
  rows.splits = {std::move(outer), Tensor::of<int64_t>({static_cast<int64_t>(inner.size())},
                                                       std::span<const int64_t>(inner))};
  rows.steps = (rows.steps + each - 1) / each;
}

int64_t bucket_of(std::span<const float> boundaries, float value) {
  // As std::upper_bound, for which NaN is above everything.
  return std::ranges::partition_point(boundaries, [&](float b) { return !(value < b); }) -
         boundaries.begin();
}

}  // namespace

IdWeightPair BucketizedColumn::ids(const IdsCall& given) const {
  const IdsCall call{given.features, given.options, given.sequence || is_sequence(),
                     given.counters};
  const NumberColumn& numbers = source();
  FeatureRows rows = rows_of(numbers.numbers(call.features, DType::kFloat32), numbers.key(),
                             {.missing = {.integer = {}, .text = {}}});
  const int64_t each = num_elements(numbers.shape()), buckets = boundaries_.size() + 1;
  if (call.sequence) group_steps(rows, each);
  const Tensor edges = as_floating(boundaries_, DType::kFloat32, "boundaries");
  const auto values = rows.values.values<float>();
  const auto* inner = rows.splits.back().values<int64_t>().data();
  const auto groups = rows.splits.back().size() - 1;
  Tensor found(DType::kInt64, {rows.values.size()});
  const auto ids = found.mutable_values<int64_t>();
  base::parallel_for(groups, std::max<int64_t>(1, kGrain / each), [&](int64_t first, int64_t last) {
    for (int64_t group = first; group < last; ++group) {
      for (int64_t i = inner[group]; i < inner[group + 1]; ++i) {
        const auto at = static_cast<size_t>(i);
        const int64_t dimension = each == 1 ? 0 : (i - inner[group]) % each;
        ids[at] = bucket_of(edges.values<float>(), values[at]) + dimension * buckets;
      }
    }
  });
  return finish_ids(std::move(rows), std::move(found), call);
}

}  // namespace weft
