// Writes Examples by hand: any bytes, also those that no library would write.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace weft::testing {

inline constexpr uint32_t kBytesList = 1, kFloatList = 2, kInt64List = 3;

// `pad` more bytes that say nothing.
inline std::string varint(uint64_t n, int pad = 0) {
  std::string out;
  for (; n >= 0x80; n >>= 7) out += static_cast<char>(n | 0x80);
  out += static_cast<char>(n);
  for (; pad > 0; --pad) {
    out.back() = static_cast<char>(out.back() | 0x80);
    out += '\0';
  }
  return out;
}

inline std::string tag(uint32_t number, uint32_t type, int pad = 0) {
  return varint(uint64_t{number} << 3 | type, pad);
}

// A length-delimited field.
inline std::string block(uint32_t number, std::string_view payload, int pad = 0) {
  return tag(number, 2) + varint(payload.size(), pad) + std::string(payload);
}

inline std::string group(uint32_t number, std::string_view inner) {
  return tag(number, 3) + std::string(inner) + tag(number, 4);
}

inline std::string float_bytes(float value) {
  char bytes[4];
  std::memcpy(bytes, &value, 4);
  return {bytes, 4};
}

inline std::string ints(const std::vector<int64_t>& values, bool packed = true) {
  std::string run;
  for (int64_t value : values) {
    run += (packed ? "" : tag(1, 0)) + varint(static_cast<uint64_t>(value));
  }
  return block(kInt64List, packed && !values.empty() ? block(1, run) : run);
}

inline std::string floats(const std::vector<float>& values, bool packed = true) {
  std::string run;
  for (float value : values) run += (packed ? "" : tag(1, 5)) + float_bytes(value);
  return block(kFloatList, packed && !values.empty() ? block(1, run) : run);
}

inline std::string strings(const std::vector<std::string>& values) {
  std::string list;
  for (const std::string& value : values) list += block(1, value);
  return block(kBytesList, list);
}

// A map entry, key first.
inline std::string entry(std::string_view key, std::string_view feature) {
  return block(1, block(1, key) + block(2, feature));
}

// The Example whose Features message is these entries, one after the other.
inline std::string example(const std::vector<std::string>& entries) {
  std::string features;
  for (const std::string& e : entries) features += e;
  return block(1, features);
}

}  // namespace weft::testing
