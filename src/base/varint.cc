#include "base/varint.h"

#include "base/cpu.h"

namespace weft::base {

int64_t count_varints(const uint8_t* p, int64_t size) {
  return WEFT_KERNEL(varint_kernel).count(p, size);
}

bool valid_varints(const uint8_t* p, int64_t size) noexcept {
  return WEFT_KERNEL(varint_kernel).valid(p, size);
}

bool decode_varints(const uint8_t* p, int64_t size, uint64_t* to) {
  return varint_decoder()(p, size, to);
}

VarintDecode* varint_decoder() {
  const VarintKernel& kernel = WEFT_KERNEL(varint_kernel);
  const CpuExtensions& extensions = cpu_extensions();
  if (kernel.decode_vbmi2 != nullptr && extensions.vbmi2) return kernel.decode_vbmi2;
  if (kernel.decode_pext != nullptr && !extensions.slow_pext) return kernel.decode_pext;
  return kernel.decode;
}

}  // namespace weft::base
