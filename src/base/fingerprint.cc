#include "base/fingerprint.h"

#include "base/cpu.h"
#include "base/fingerprint_kernel.h"

namespace weft::base {

uint64_t fingerprint64(std::string_view bytes) {
  const int64_t offsets[] = {0, static_cast<int64_t>(bytes.size())};
  uint64_t hash = 0;
  WEFT_KERNEL(fingerprint_kernel)
      .strings(reinterpret_cast<const uint8_t*>(bytes.data()), offsets, 1, Divisor{}, &hash);
  return hash;
}

}  // namespace weft::base
