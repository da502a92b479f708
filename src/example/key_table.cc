#include "example/key_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/cpu.h"
#include "base/varint.h"

namespace weft {
namespace {

uint8_t tag_of(DType dtype) {
  switch (dtype) {
    case DType::kInt64:
      return kInt64Tag;
    case DType::kFloat32:
      return kFloatTag;
    default:
      return kBytesTag;
  }
}

}  // namespace

void KeyTable::make(std::vector<std::string> keys, const std::vector<DType>& dtypes) {
  keys_ = std::move(keys);
  make_patterns(dtypes);
  make_table();
}

int64_t KeyTable::find(std::string_view key) const {
  // The hash reads at least 8 bytes.
  uint8_t small[8] = {};
  const auto* bytes = reinterpret_cast<const uint8_t*>(key.data());
  if (key.size() < sizeof small) {
    if (!key.empty()) std::memcpy(small, bytes, key.size());
    bytes = small;
  }
  const uint64_t mask = table_.size() - 1;
  const uint64_t h = WEFT_KERNEL(scan_kernel).hash(seed_, bytes, static_cast<uint32_t>(key.size()));
  for (uint64_t i = h >> table_shift_; table_[i] >= 0; i = (i + 1) & mask) {
    if (keys_[static_cast<size_t>(table_[i])] == key) return table_[i];
  }
  return -1;
}

void KeyTable::make_patterns(const std::vector<DType>& dtypes) {
  for (const std::string& key : keys_) {
    uint8_t length[base::kMaxVarint];
    const auto bytes = base::write_varint(length, key.size()) - length;
    heads_.push_back('\x0a' +
                     std::string(reinterpret_cast<char*>(length), static_cast<size_t>(bytes)) +
                     key + '\x12');
  }
  for (size_t i = 0; i < keys_.size(); ++i) {
    KeyPattern key{};
    const std::string& head = heads_[i];
    std::memcpy(key.head, head.data(), std::min(head.size(), sizeof key.head));
    key.whole = reinterpret_cast<const uint8_t*>(head.data());
    key.length = key.more_than = static_cast<uint32_t>(head.size());
    key.mask = head.size() < 32 ? (1u << head.size()) - 1 : ~0u;
    key.slot = static_cast<int32_t>(i);
    key.kind = tag_of(dtypes[i]);
    patterns_.push_back(key);
  }
}

// A quarter full, under the seed of a few that puts most keys where they are looked for first.
void KeyTable::make_table() {
  const size_t size = std::bit_ceil(std::max<size_t>(4 * keys_.size(), 2));
  table_shift_ = static_cast<uint32_t>(64 - std::countr_zero(size));
  size_t fewest = keys_.size() + 1;
  for (uint64_t i = 0; i < 64 && fewest > 0; ++i) {
    const uint64_t seed = i * 0xd6e8feb86659fd93u;
    std::vector<int32_t> table(size, -1);
    size_t moved = 0;
    for (size_t slot = 0; slot < keys_.size(); ++slot) {
      const std::string padded = keys_[slot] + std::string(8, '\0');
      const uint64_t h = WEFT_KERNEL(scan_kernel)
                             .hash(seed, reinterpret_cast<const uint8_t*>(padded.data()),
                                   static_cast<uint32_t>(keys_[slot].size()));
      size_t at = h >> table_shift_;
      moved += table[at] >= 0;
      while (table[at] >= 0) at = (at + 1) & (size - 1);
      table[at] = static_cast<int32_t>(slot);
    }
    if (moved >= fewest) continue;
    fewest = moved;
    seed_ = seed;
    table_ = std::move(table);
  }
}

}  // namespace weft
