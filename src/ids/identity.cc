#include <algorithm>
#include <atomic>

#include "base/cpu.h"
#include "base/thread_pool.h"
#include "ids/call.h"
#include "ids/ids_kernel.h"

namespace weft {
namespace {

constexpr int64_t kGrain = int64_t{1} << 16;  // ids that one thread checks in about 20 us

int64_t first_outside(const Tensor& ids, int64_t limit) {
  const int64_t* at = ids.values<int64_t>().data();
  std::atomic<int64_t> first{ids.size()};
  base::parallel_for(ids.size(), kGrain, [&](int64_t begin, int64_t end) {
    const int64_t found =
        begin + WEFT_KERNEL(ids_kernel).first_outside(at + begin, end - begin, limit);
    if (found == end) return;
    int64_t seen = first.load();
    while (found < seen && !first.compare_exchange_weak(seen, found)) {
    }
  });
  return first.load();
}

Tensor replace_outside(const Tensor& ids, int64_t limit, int64_t replacement, int64_t& replaced) {
  Tensor result(DType::kInt64, {ids.size()});
  const int64_t* from = ids.values<int64_t>().data();
  int64_t* to = result.mutable_values<int64_t>().data();
  std::atomic<int64_t> count{0};
  base::parallel_for(ids.size(), kGrain, [&](int64_t begin, int64_t end) {
    count += WEFT_KERNEL(ids_kernel)
                 .replace_outside(from + begin, end - begin, limit, replacement, to + begin);
  });
  replaced = count;
  return result;
}

[[noreturn]] void refuse_id(const IdentityCategoricalColumn& column, const FeatureRows& rows,
                            int64_t i, int64_t id) {
  const bool huge = rows.values.dtype() == DType::kUInt64;
  std::string text = "id " +
                     (huge ? std::to_string(rows.values.values<uint64_t>()[static_cast<size_t>(i)])
                           : std::to_string(id)) +
                     " of column '" + escape_bytes(column.name()) + "' is outside [0, " +
                     std::to_string(column.num_buckets()) +
                     "), and the column has no default_value";
  if (id == -1) text += "; to have -1 count as absent, pass missing=-1";
  throw OutOfRange(std::move(text), place_of(rows, i, column.key()));
}

}  // namespace

IdWeightPair IdentityCategoricalColumn::ids(const IdsCall& call) const {
  const Feature& feature = find_feature(call.features, key_);
  if (!is_integer(feature_dtype(feature))) {
    throw WrongType("Invalid input, not integer. key: " + escape_bytes(key_) +
                        " dtype: " + dtype_name(feature_dtype(feature)),
                    at_key(key_));
  }
  if (!call.sequence) check_rank_two(feature, key_);
  FeatureRows rows = rows_of(feature, key_, call.options);
  Tensor found = as_int64(rows.values, "ids");
  const int64_t bad = first_outside(found, number_buckets_);
  if (bad < found.size()) {
    if (!default_value_)
      refuse_id(*this, rows, bad, found.values<int64_t>()[static_cast<size_t>(bad)]);
    found = replace_outside(found, number_buckets_, *default_value_, call.counters.replaced);
  }
  return finish_ids(std::move(rows), std::move(found), call);
}

}  // namespace weft
