#include "ids/ids_kernel.h"

#include <cstdint>

namespace weft::WEFT_ISA {
namespace {

constexpr int64_t kBlock = 64;  // ids between two looks at whether one was outside

// Compared as unsigned: a negative id is a very large one.
bool outside(int64_t id, int64_t limit) {
  return static_cast<uint64_t>(id) >= static_cast<uint64_t>(limit);
}

int64_t first_outside(const int64_t* ids, int64_t n, int64_t limit) noexcept {
  int64_t i = 0;
  for (; i + kBlock <= n; i += kBlock) {
    uint64_t bad = 0;
    for (int64_t j = 0; j < kBlock; ++j) bad |= static_cast<uint64_t>(outside(ids[i + j], limit));
    if (bad != 0) break;
  }
  while (i < n && !outside(ids[i], limit)) ++i;
  return i;
}

int64_t replace_outside(const int64_t* ids, int64_t n, int64_t limit, int64_t replacement,
                        int64_t* out) noexcept {
  int64_t replaced = 0;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t id = ids[i];
    const bool bad = outside(id, limit);
    out[i] = bad ? replacement : id;
    replaced += bad ? 1 : 0;
  }
  return replaced;
}

}  // namespace

extern const IdsKernel ids_kernel = {first_outside, replace_outside};

}  // namespace weft::WEFT_ISA
