// FarmHash's Fingerprint64 (farmhashna::Hash64), which is the same on every machine for ever.
#pragma once

#include <cstdint>
#include <string_view>

namespace weft::base {

uint64_t fingerprint64(std::string_view bytes);

}  // namespace weft::base
