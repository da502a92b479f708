#include "base/crc32c.h"

#include "base/cpu.h"
#include "base/crc32c_kernel.h"

namespace weft::base {

uint32_t extend_crc32c(uint32_t crc, const void* data, int64_t size) {
  const Crc32cKernel& kernel = WEFT_KERNEL(crc32c_kernel);
  const auto extend = cpu_extensions().pclmul ? kernel.extend_pclmul : kernel.extend;
  return ~extend(~crc, static_cast<const uint8_t*>(data), size);
}

uint32_t crc32c(const void* data, int64_t size) { return extend_crc32c(0, data, size); }

}  // namespace weft::base
