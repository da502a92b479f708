#include <algorithm>
#include <limits>
#include <mutex>
#include <ranges>

#include "base/cpu.h"
#include "base/thread_pool.h"
#include "ids/bucket_kernel.h"
#include "ids/call.h"

namespace weft {
namespace {

constexpr int64_t kGrain = int64_t{1} << 14;  // values that one thread buckets in about 20 us

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
  rows.steps = rows.steps / each + (rows.steps % each != 0 ? 1 : 0);
}

constexpr int64_t kChildren = kNodeKeys + 1;

}  // namespace

// A BoundaryTree with the memory of its nodes.
class BucketizedColumn::Tree {
 public:
  explicit Tree(const Tensor& sorted) : sorted_(sorted) {
    int64_t nodes = (sorted.size() + kNodeKeys - 1) / kNodeKeys;
    add_level(nodes, kNodeKeys, 1, 0);
    for (int64_t below = kNodeKeys; nodes > 1; below *= kChildren) {
      nodes = (nodes + kChildren - 1) / kChildren;
      add_level(nodes, kChildren * below, below, below);
    }
    tree_ = {sorted.size(), static_cast<int64_t>(levels_.size()), {}};
    std::ranges::transform(levels_ | std::views::reverse, tree_.nodes,
                           [](const Tensor& keys) { return keys.values<float>().data(); });
  }
  const BoundaryTree& nodes() const { return tree_; }

 private:
  // Key i of node j is boundary number j * a_node + i * a_key + first.
  void add_level(int64_t nodes, int64_t a_node, int64_t a_key, int64_t first) {
    const auto from = sorted_.values<float>();
    Tensor keys(DType::kFloat32, {nodes * kNodeKeys});
    int64_t i = 0;
    for (float& key : keys.mutable_values<float>()) {
      const int64_t at = i / kNodeKeys * a_node + i % kNodeKeys * a_key + first;
      key = at < sorted_.size() ? from[static_cast<size_t>(at)]
                                : std::numeric_limits<float>::quiet_NaN();
      ++i;
    }
    levels_.push_back(std::move(keys));
  }

  Tensor sorted_;
  std::vector<Tensor> levels_;  // the lowest first
  BoundaryTree tree_;
};

const BucketizedColumn::Tree& BucketizedColumn::tree() const {
  std::call_once(built_, [&] {
    tree_ = std::make_shared<const Tree>(as_floating(boundaries_, DType::kFloat32, "boundaries"));
  });
  return *tree_;
}

IdWeightPair BucketizedColumn::ids(const IdsCall& given) const {
  const IdsCall call{given.features, given.options, given.sequence || is_sequence(),
                     given.counters};
  const NumberColumn& numbers = source();
  FeatureRows rows = rows_of(numbers.numbers(call.features, DType::kFloat32), numbers.key(),
                             {.missing = {.integer = {}, .text = {}}});
  const int64_t each = num_elements(numbers.shape()), buckets = boundaries_.size() + 1;
  if (call.sequence) group_steps(rows, each);
  const BoundaryTree& nodes = tree().nodes();
  const float* values = rows.values.values<float>().data();
  Tensor found(DType::kInt64, {rows.values.size()});
  int64_t* ids = found.mutable_values<int64_t>().data();
  base::parallel_for(found.size(), kGrain, [&](int64_t begin, int64_t end) {
    WEFT_KERNEL(bucket_kernel).buckets(nodes, values + begin, end - begin, ids + begin);
  });
  if (each > 1) {  // each dimension has buckets of its own
    const auto groups = rows.splits.back().values<int64_t>();
    for (size_t group = 0; group + 1 < groups.size(); ++group) {
      int64_t dimension = 0;
      for (int64_t i = groups[group]; i < groups[group + 1]; ++i) {
        ids[i] += dimension * buckets;
        if (++dimension == each) dimension = 0;
      }
    }
  }
  return finish_ids(std::move(rows), std::move(found), call);
}

}  // namespace weft
