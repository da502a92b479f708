// weft's Fingerprint64 against FarmHash's own.
#include <farmhash.h>

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "weft/ids.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // Every beginning too: lengths are what the hash branches on.
  for (size_t n = 0; n <= size; ++n) {
    if (weft::fingerprint64(bytes.substr(0, n)) != util::Fingerprint64(bytes.data(), n))
      std::abort();
  }
  return 0;
}
