// Philox 4x32-10 (Salmon et al., SC 2011): random bits as a pure function of a key and a counter.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace weft::base {

// One stream of numbers: block i is the same whoever asks for it, in any order, on any thread.
class Philox {
 public:
  using Block = std::array<uint32_t, 4>;

  // The stream of one purpose: a seed, the name of what is drawn, and a step for what is drawn
  // again and again (dropout); different streams share no numbers.
  Philox(int64_t seed, std::string_view name, uint64_t step = 0)
      : Philox(mix(hash(name) + mix(static_cast<uint64_t>(seed))), step) {}
  Philox(uint64_t key, uint64_t step) : key_(key), step_(step) {}

  Block operator()(uint64_t block) const {
    uint32_t k0 = static_cast<uint32_t>(key_), k1 = static_cast<uint32_t>(key_ >> 32);
    Block c = {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32),
               static_cast<uint32_t>(step_), static_cast<uint32_t>(step_ >> 32)};
    for (int round = 0; round < 10; ++round) {
      const uint64_t p0 = uint64_t{0xD2511F53} * c[0], p1 = uint64_t{0xCD9E8D57} * c[2];
      c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k0, static_cast<uint32_t>(p1),
           static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k1, static_cast<uint32_t>(p0)};
      k0 += 0x9E3779B9;
      k1 += 0xBB67AE85;
    }
    return c;
  }

  // 64 bits for element i: two elements share a block.
  uint64_t bits(int64_t i) const {
    const Block block = (*this)(static_cast<uint64_t>(i) >> 1);
    const size_t at = static_cast<size_t>(i & 1) * 2;
    return uint64_t{block[at]} | uint64_t{block[at + 1]} << 32;
  }

 private:
  static uint64_t mix(uint64_t x) {  // SplitMix64
    x += 0x9E3779B97F4A7C15;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
    return x ^ (x >> 31);
  }
  static uint64_t hash(std::string_view name) {  // FNV-1a
    uint64_t h = 0xCBF29CE484222325;
    for (char c : name) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3;
    return h;
  }

  uint64_t key_;
  uint64_t step_;
};

}  // namespace weft::base
