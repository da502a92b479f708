// Crosses: TensorFlow's SparseCrossHashed, over rows or over the steps of rows.
#include <algorithm>

#include "base/cpu.h"
#include "base/thread_pool.h"
#include "ids/call.h"
#include "ids/hashing.h"

namespace weft {
namespace {

constexpr uint64_t kDefaultHashKey = 0xDECAFCAFFE;
// Groups that one thread crosses in about 20 us: any, and those of one value of each key.
constexpr int64_t kGrain = int64_t{1} << 10;
constexpr int64_t kSingleGrain = int64_t{1} << 14;

// One of the keys: what each of its values adds to a hash, in groups (rows or steps) of values.
struct CrossInput {
  std::string name;
  FeatureRows rows;
  Tensor hashes;               // int64 [N], to be read as uint64
  const int64_t* groups = {};  // the splits of the values by group; null: one value each
  bool dense = false;

  int64_t begin(int64_t group) const { return groups == nullptr ? group : groups[group]; }
  int64_t end(int64_t group) const { return groups == nullptr ? group + 1 : groups[group + 1]; }
};

Tensor hashes_of(const Tensor& values, const std::string& key) {
  if (values.dtype() == DType::kUInt64)
    return Tensor::from_buffer(DType::kInt64, values.shape(), values.buffer());
  if (is_integer(values.dtype())) return as_int64(values, "values");
  if (values.dtype() != DType::kString) {
    throw WrongType("crossed_column takes strings and integers. key: " + escape_bytes(key) +
                        " dtype: " + dtype_name(values.dtype()),
                    at_key(key));
  }
  const Fingerprints fingerprints(values, 0);
  Tensor hashes(DType::kInt64, {values.size()});
  int64_t* to = hashes.mutable_values<int64_t>().data();
  base::parallel_for(values.size(), kGrain, [&](int64_t begin, int64_t end) {
    fingerprints.write(begin, end, to + begin);
  });
  return hashes;
}

// Every cell of a dense array is crossed, -1 and "" included, unless they are absent everywhere.
CrossInput feature_input(const std::string& key, const IdsCall& call) {
  const Feature& feature = find_feature(call.features, key);
  if (!call.sequence) check_rank_two(feature, key);
  IdsOptions options = call.options;
  if (!options.missing.everywhere) options.missing = {.integer = {}, .text = {}};
  CrossInput input{key, rows_of(feature, key, options), {}};
  call.counters.dropped += input.rows.dropped;
  input.hashes = hashes_of(input.rows.values, key);
  input.dense = std::holds_alternative<Tensor>(feature);
  return input;
}

CrossInput column_input(const CategoricalColumn& column, const IdsCall& call) {
  IdsCounters met;
  IdWeightPair pair = column.ids({call.features, call.options, call.sequence, met});
  met.seen = 0;  // what is seen here are crosses
  call.counters += met;
  CrossInput input{column.name(), {}, pair.ids.values()};
  for (int64_t level = 0; level < pair.ids.levels(); ++level)
    input.rows.splits.push_back(pair.ids.row_splits_tensor(level));
  input.rows.steps = pair.steps;
  return input;
}

// The keys in the order in which they are hashed: those that are dense arrays come last.
std::vector<CrossInput> inputs_of(const CrossedColumn& column, const IdsCall& call) {
  std::vector<CrossInput> inputs;
  for (const CrossKey& key : column.leaves()) {
    const Column* leaf = std::get_if<Column>(&key);
    inputs.push_back(leaf == nullptr
                         ? feature_input(std::get<std::string>(key), call)
                         : column_input(dynamic_cast<const CategoricalColumn&>(**leaf), call));
    CrossInput& input = inputs.back();
    if (!call.sequence) input.rows = as_bags(std::move(input.rows));
    const auto& splits = input.rows.splits;
    if (!call.sequence || splits.size() == 2) input.groups = splits.back().values<int64_t>().data();
  }
  std::ranges::stable_partition(inputs, [](const CrossInput& input) { return !input.dense; });
  return inputs;
}

// The same rows in all keys, for a sequence of the same lengths.
void check_alike(const std::vector<CrossInput>& inputs, bool sequence, const std::string& name) {
  const CrossInput& first = inputs.front();
  for (const CrossInput& other : inputs) {
    const auto refuse = [&](const std::string& what, int64_t a, int64_t b, int64_t row) {
      Where where = at_key(other.name);
      where.row = row;
      throw InvalidArgument("column '" + escape_bytes(name) + "' crosses '" +
                                escape_bytes(first.name) + "' and '" + escape_bytes(other.name) +
                                "', which differ in " + what + ": " + std::to_string(a) + " and " +
                                std::to_string(b),
                            std::move(where));
    };
    if (other.rows.rows() != first.rows.rows())
      refuse("their number of rows", first.rows.rows(), other.rows.rows(), -1);
    if (!sequence) continue;
    const auto a = first.rows.splits[0].values<int64_t>(),
               b = other.rows.splits[0].values<int64_t>();
    for (size_t row = 0; row + 1 < a.size(); ++row) {
      if (a[row + 1] - a[row] != b[row + 1] - b[row])
        refuse("length", a[row + 1] - a[row], b[row + 1] - b[row], static_cast<int64_t>(row));
    }
  }
}

// Whether every group holds one value of each key.
bool one_value_each(const std::vector<CrossInput>& inputs, int64_t groups) {
  return std::ranges::all_of(inputs, [&](const CrossInput& input) {
    if (input.hashes.size() != groups) return false;
    for (int64_t group = 0; input.groups != nullptr && group < groups; ++group) {
      if (input.groups[group] != group) return false;
    }
    return true;
  });
}

// [groups + 1]: where each group's crosses begin.
Tensor crosses_before(const std::vector<CrossInput>& inputs, int64_t groups,
                      const std::string& name) {
  const int64_t most = Limits{}.max_batch_values;
  Tensor splits(DType::kInt64, {groups + 1});
  const auto to = splits.mutable_values<int64_t>();
  int64_t total = to[0] = 0;
  for (int64_t group = 0; group < groups; ++group) {
    int64_t count = 1;
    bool over = false;
    for (const CrossInput& input : inputs)
      over |= __builtin_mul_overflow(count, input.end(group) - input.begin(group), &count);
    if (over || __builtin_add_overflow(total, count, &total) || total > most) {
      throw LimitExceeded("column '" + escape_bytes(name) + "' has more than " +
                          std::to_string(most) + " crosses in a batch");
    }
    to[static_cast<size_t>(group) + 1] = total;
  }
  return splits;
}

// Writes every combination of one value of each key from `key` on; the last key's change first.
int64_t* cross(const std::vector<CrossInput>& inputs, size_t key, int64_t group, uint64_t hash,
               Divisor buckets, int64_t* out) {
  const CrossInput& input = inputs[key];
  const int64_t* hashes = input.hashes.values<int64_t>().data();
  for (int64_t i = input.begin(group); i < input.end(group); ++i) {
    const uint64_t all = fingerprint_cat(hash, static_cast<uint64_t>(hashes[i]));
    if (key + 1 < inputs.size()) {
      out = cross(inputs, key + 1, group, all, buckets, out);
    } else {
      *out++ = static_cast<int64_t>(modulo(all, buckets));
    }
  }
  return out;
}

// The crosses of groups of one value of each key.
Tensor single_crosses(const std::vector<CrossInput>& inputs, int64_t groups, uint64_t seed,
                      Divisor buckets) {
  Tensor found(DType::kInt64, {groups});
  auto* ids = reinterpret_cast<uint64_t*>(found.mutable_values<int64_t>().data());
  std::vector<const uint64_t*> keys;
  for (const CrossInput& input : inputs)
    keys.push_back(reinterpret_cast<const uint64_t*>(input.hashes.values<int64_t>().data()));
  base::parallel_for(groups, kSingleGrain, [&](int64_t begin, int64_t end) {
    WEFT_KERNEL(fingerprint_kernel)
        .chains(seed, keys.data(), static_cast<int64_t>(keys.size()), begin, end, buckets, ids);
  });
  return found;
}

// The crosses of any groups; `before` says where each group's begin.
Tensor all_crosses(const std::vector<CrossInput>& inputs, const Tensor& before, uint64_t seed,
                   Divisor buckets) {
  const auto starts = before.values<int64_t>();
  Tensor found(DType::kInt64, {starts.back()});
  int64_t* ids = found.mutable_values<int64_t>().data();
  base::parallel_for(before.size() - 1, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t group = begin; group < end; ++group)
      cross(inputs, 0, group, seed, buckets, ids + starts[static_cast<size_t>(group)]);
  });
  return found;
}

}  // namespace

IdWeightPair CrossedColumn::ids(const IdsCall& given) const {
  const IdsCall call{given.features, given.options, given.sequence || is_sequence(),
                     given.counters};
  const std::vector<CrossInput> inputs = inputs_of(*this, call);
  check_alike(inputs, call.sequence, name());
  FeatureRows rows{{}, {inputs[0].rows.splits[0]}};
  for (const CrossInput& input : inputs) rows.steps = std::max(rows.steps, input.rows.steps);
  const int64_t groups =
      call.sequence ? rows.splits[0].values<int64_t>().back() : inputs[0].rows.rows();
  const auto key = static_cast<uint64_t>(hash_key_.value_or(0));
  const uint64_t seed = key == 0 ? kDefaultHashKey : key;
  const Divisor buckets = divisor(static_cast<uint64_t>(hash_bucket_size_));
  const auto grouped = std::ranges::find_if(inputs, [](const auto& i) { return i.groups; });
  Tensor found, before;
  if (one_value_each(inputs, groups)) {
    found = single_crosses(inputs, groups, seed, buckets);
    if (grouped != inputs.end()) before = grouped->rows.splits.back();
  } else {
    before = crosses_before(inputs, groups, name());
    found = all_crosses(inputs, before, seed, buckets);
  }
  if (grouped != inputs.end()) {
    if (!call.sequence) rows.splits.clear();
    rows.splits.push_back(std::move(before));
  }
  return finish_ids(std::move(rows), std::move(found), call);
}

}  // namespace weft
