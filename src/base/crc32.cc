#include "base/crc32.h"

#include "base/cpu.h"
#include "base/crc32_kernel.h"

namespace weft::base {

uint32_t extend_crc32(uint32_t crc, const void* data, int64_t size) {
  const Crc32Kernel& kernel = WEFT_KERNEL(crc32_kernel);
  const auto extend = cpu_extensions().pclmul ? kernel.extend_pclmul : kernel.extend;
  return ~extend(~crc, static_cast<const uint8_t*>(data), size);
}

}  // namespace weft::base
