// Rows that belong to ids, many to one: sums by id, as the gradient of a table is made.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace weft::base {

// Entry i gives weights[i], or 1 where there are none, times the row that begins sources[i]
// elements behind some base to ids[i].
template <class T>
struct RowEntries {
  std::vector<int64_t> ids, sources;
  std::vector<T> weights;
};

// The entries by rising id; those of one id keep their order.
template <class T>
class RowGroups {
 public:
  // Ids are in [0, limit).
  RowGroups(const RowEntries<T>& entries, int64_t limit);

  std::span<const int64_t> ids() const { return ids_; }  // each once
  // The sum of every id's rows, [ids][width]: the same bits with any number of threads.
  void sum(const T* rows, int64_t width, T* out) const;

 private:
  std::vector<int64_t> ids_, splits_, sources_;
  std::vector<T> weights_;
};

}  // namespace weft::base
