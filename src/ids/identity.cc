#include <algorithm>
#include <atomic>

#include "base/cpu.h"
#include "base/thread_pool.h"
#include "ids/ids_kernel.h"
#include "ids/kinds.h"

namespace weft {
namespace {

constexpr int64_t kGrain = int64_t{1} << 16;  // ids that one thread checks in about 20 us

// Any integer dtype as int64. uint64 beyond 2^63 becomes negative, which is outside of every column
// just as the value itself.
template <class T>
Tensor widened(const Tensor& values) {
  Tensor wide(DType::kInt64, {values.size()});
  std::ranges::transform(values.values<T>(), wide.mutable_values<int64_t>().begin(),
                         [](T value) { return static_cast<int64_t>(value); });
  return wide;
}

Tensor as_int64(const Tensor& values) {
  switch (values.dtype()) {
    case DType::kInt8:
      return widened<int8_t>(values);
    case DType::kInt16:
      return widened<int16_t>(values);
    case DType::kInt32:
      return widened<int32_t>(values);
    case DType::kUInt8:
      return widened<uint8_t>(values);
    case DType::kUInt16:
      return widened<uint16_t>(values);
    case DType::kUInt32:
      return widened<uint32_t>(values);
    case DType::kUInt64:
      return widened<uint64_t>(values);
    default:
      return values;
  }
}

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
  const bool huge = rows.values.dtype() == DType::kUInt64 && id < 0;
  std::string text =
      "id " + (huge ? std::to_string(static_cast<uint64_t>(id)) : std::to_string(id)) +
      " of column '" + escape_bytes(column.name()) + "' is outside [0, " +
      std::to_string(column.num_buckets()) + "), and the column has no default_value";
  if (id == -1 && !huge) text += "; to have -1 count as absent, pass missing=-1";
  throw OutOfRange(std::move(text), place_of(rows, i, column.key()));
}

}  // namespace

IdWeightPair identity_ids(const FeatureColumn& base_column, const IdsCall& call) {
  const auto& column = static_cast<const IdentityCategoricalColumn&>(base_column);
  const Feature& feature = find_feature(call.features, column.key());
  if (!is_integer(feature_dtype(feature))) {
    throw WrongType("Invalid input, not integer. key: " + escape_bytes(column.key()) +
                        " dtype: " + dtype_name(feature_dtype(feature)),
                    at_key(column.key()));
  }
  if (!call.sequence) check_rank_two(feature, column.key());
  FeatureRows rows = rows_of(feature, column.key(), call.options);
  Tensor ids = as_int64(rows.values);
  const int64_t bad = first_outside(ids, column.num_buckets());
  if (bad < ids.size()) {
    if (!column.default_value())
      refuse_id(column, rows, bad, ids.values<int64_t>()[static_cast<size_t>(bad)]);
    ids =
        replace_outside(ids, column.num_buckets(), *column.default_value(), call.counters.replaced);
  }
  return finish_ids(std::move(rows), std::move(ids), call);
}

}  // namespace weft
