// Some keys, as the scan looks for them: by their order last time, or else by hash.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "example/scan_kernel.h"
#include "weft/tensor.h"

namespace weft {

class KeyTable {
 public:
  KeyTable() = default;
  KeyTable(const KeyTable&) = delete;
  KeyTable& operator=(const KeyTable&) = delete;

  // `keys` with what their lists hold, in the order of their slots. Once.
  void make(std::vector<std::string> keys, const std::vector<DType>& dtypes);

  size_t size() const { return keys_.size(); }
  // The index of a key, or -1.
  int64_t find(std::string_view key) const;

  // For MapState.
  const std::vector<KeyPattern>& patterns() const { return patterns_; }
  const std::vector<int32_t>& table() const { return table_; }
  uint32_t table_shift() const { return table_shift_; }
  uint64_t seed() const { return seed_; }

 private:
  void make_patterns(const std::vector<DType>& dtypes);
  void make_table();

  std::vector<std::string> keys_;
  std::vector<std::string> heads_;  // what the patterns' `whole` points into
  std::vector<KeyPattern> patterns_;
  std::vector<int32_t> table_;
  uint32_t table_shift_ = 0;
  uint64_t seed_ = 0;
};

}  // namespace weft
