#include "base/row_groups.h"

#include <algorithm>
#include <numeric>

#include "base/cpu.h"
#include "base/row_sum_kernel.h"
#include "base/thread_pool.h"

namespace weft::base {
namespace {

// The places of `ids`, which are in [0, limit), in the order of the ids; equal ones stay in theirs.
std::vector<int64_t> sorted_places(std::span<const int64_t> ids, int64_t limit) {
  constexpr int kBits = 11;
  constexpr size_t kDigits = size_t{1} << kBits;
  std::vector<int64_t> from(ids.size()), to(ids.size());
  std::iota(from.begin(), from.end(), 0);
  for (int shift = 0; shift < 63 && (limit - 1) >> shift > 0; shift += kBits) {
    const auto digit = [&](int64_t place) {
      return static_cast<size_t>(ids[static_cast<size_t>(place)] >> shift) % kDigits;
    };
    std::vector<size_t> begins(kDigits + 1, 0);
    for (int64_t place : from) ++begins[digit(place) + 1];
    std::partial_sum(begins.begin(), begins.end(), begins.begin());
    for (int64_t place : from) to[begins[digit(place)]++] = place;
    from.swap(to);
  }
  return from;
}

void run(const RowSum<float>& sums) { WEFT_KERNEL(row_sum_kernel).f32(sums); }
void run(const RowSum<double>& sums) { WEFT_KERNEL(row_sum_kernel).f64(sums); }

}  // namespace

template <class T>
RowGroups<T>::RowGroups(const RowEntries<T>& entries, int64_t limit) {
  sources_.reserve(entries.ids.size());
  weights_.reserve(entries.weights.size());
  for (int64_t place : sorted_places(entries.ids, limit)) {
    const auto at = static_cast<size_t>(place);
    if (ids_.empty() || ids_.back() != entries.ids[at]) {
      ids_.push_back(entries.ids[at]);
      splits_.push_back(static_cast<int64_t>(sources_.size()));
    }
    sources_.push_back(entries.sources[at]);
    if (!entries.weights.empty()) weights_.push_back(entries.weights[at]);
  }
  splits_.push_back(static_cast<int64_t>(sources_.size()));
}

template <class T>
void RowGroups<T>::sum(const T* rows, int64_t width, T* out) const {
  const auto ids = static_cast<int64_t>(ids_.size()), n = static_cast<int64_t>(sources_.size());
  const int64_t each = (n / std::max<int64_t>(1, ids) + 1) * width * int64_t{sizeof(T)};
  parallel_for(ids, grain_of_bytes(each), [&](int64_t begin, int64_t end) {
    run({.rows = rows,
         .sources = sources_.data(),
         .weights = weights_.empty() ? nullptr : weights_.data(),
         .splits = splits_.data() + begin,
         .sums = end - begin,
         .width = width,
         .out = out + begin * width});
  });
}

template class RowGroups<float>;
template class RowGroups<double>;

}  // namespace weft::base
