// Random Examples with everything that protobuf allows, and now and then something that it does
// not.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/example_bytes.h"

namespace weft::testing {

class RandomExample {
 public:
  // `odd`: how often (of 100) something is written in an unusual way.
  RandomExample(uint64_t seed, int odd) : next_(std::mt19937_64(seed)), odd_(odd) {}
  // Numbers from elsewhere; zeros without end make a record that ends.
  RandomExample(std::function<uint64_t()> next, int odd) : next_(std::move(next)), odd_(odd) {}

  std::string record(const std::vector<std::string>& keys) {
    return record_of(1, entries(keys, [this](const std::string& key) { return one_entry(key); }));
  }

  // A few bytes changed, cut or doubled.
  std::string damaged(std::string bytes) {
    for (uint64_t n = below(3) + 1; n > 0 && !bytes.empty(); --n) {
      const size_t at = below(bytes.size());
      switch (below(5)) {
        case 0:
          bytes[at] = static_cast<char>(bytes[at] ^ 1 << below(8));
          break;
        case 1:
          bytes[at] = static_cast<char>(next_());
          break;
        case 2:
          bytes.erase(at, below(4) + 1);
          break;
        case 3:
          bytes.insert(at, bytes.substr(at, below(20)));
          break;
        default:
          bytes.resize(at);
          break;
      }
    }
    return bytes;
  }

  uint64_t below(uint64_t n) { return next_() % n; }
  bool odd() { return below(100) >= static_cast<uint64_t>(100 - odd_); }

 protected:
  template <class Make>
  std::vector<std::string> entries(const std::vector<std::string>& keys, const Make& one) {
    std::vector<std::string> entries;
    for (const std::string& key : keys) {
      if (below(10) == 0) continue;
      entries.push_back(one(key));
      if (odd()) entries.push_back(one(keys[below(keys.size())]));
      if (odd()) entries.push_back(unknown());
    }
    if (odd() || below(4) == 0) shuffle(entries);
    return entries;
  }

  // The entries as the map that is field `number`, in one message or in several.
  std::string record_of(uint32_t number, std::vector<std::string> entries) {
    std::string all;
    const auto map = [number](const auto& begin, const auto& end) {
      std::string inner;
      for (auto at = begin; at != end; ++at) inner += *at;
      return block(number, inner);
    };
    if (odd()) all += unknown(true);
    while (odd() && !entries.empty()) {
      const auto some = static_cast<std::ptrdiff_t>(below(entries.size()) + 1);
      all += map(entries.begin(), entries.begin() + some);
      entries.erase(entries.begin(), entries.begin() + some);
    }
    if (!entries.empty() || below(3) != 0) all += map(entries.begin(), entries.end());
    if (odd()) all += unknown(true);
    return all;
  }

  void shuffle(std::vector<std::string>& entries) {
    for (size_t i = entries.size(); i > 1; --i) std::swap(entries[i - 1], entries[below(i)]);
  }

  int pad() { return odd() ? static_cast<int>(below(3)) : 0; }

  std::string one_entry(const std::string& key) {
    return entry_of(key, [&] { return feature(key); });
  }

  // A map entry whose value `make` makes, if need be in several parts.
  template <class Make>
  std::string entry_of(const std::string& key, const Make& make) {
    std::string value = make();
    while (odd()) value += make();
    std::string inner;
    if (odd()) inner += unknown();
    if (odd()) inner += block(1, "i0");
    if (odd()) {
      inner += block(2, value);
      if (!odd()) inner += block(1, key, pad());
    } else {
      inner += block(1, key, pad());
      if (odd()) inner += unknown();
      if (!odd()) inner += block(2, value, pad());
      if (odd()) inner += block(2, make());
    }
    return tag(1, 2, pad()) + varint(inner.size(), pad()) + inner;
  }

  // The first letter of the key says which list: i, f or s.
  std::string feature(const std::string& key) {
    if (below(30) == 0) return "";
    uint32_t kind = key[0] == 's' ? kBytesList : key[0] == 'f' ? kFloatList : kInt64List;
    // A key that says how many values it has mostly has them.
    const uint64_t sizes[] = {0, 1, 1, 1, 2, 3, 8, 30, 100};
    uint64_t size = sizes[below(9)];
    const bool scalar = key.ends_with("scalar"), pair = key.ends_with("pairs");
    if ((scalar || pair) && below(100) != 0) size = scalar ? 1 : 2;
    std::string out;
    if (odd()) out += one_list(static_cast<uint32_t>(below(3)) + 1, size);
    const uint64_t first = odd() ? below(size + 1) : size;
    if (below(400) == 0) kind = kind % 3 + 1;
    out += one_list(kind, first);
    if (first < size) out += one_list(kind, size - first);
    if (odd()) out += unknown();
    return out;
  }

  std::string one_list(uint32_t kind, uint64_t left) {
    std::string list;
    while (left > 0) {
      const uint64_t n = odd() ? below(left) + 1 : left;
      list += kind == kBytesList ? texts(n) : numbers(kind, n);
      left -= n;
      if (odd()) list += unknown();
    }
    if (odd()) list += kind == kBytesList ? "" : block(1, "");
    return block(kind, list, pad());
  }

  std::string texts(uint64_t n) {
    std::string out;
    for (; n > 0; --n) {
      const uint64_t sizes[] = {0, 1, 3, 7, 8, 9, 15, 16, 20, 31, 32, 33, 64, 127, 128, 300};
      std::string text(below(4) == 0 ? sizes[below(16)] : below(12), '\0');
      for (char& c : text) c = static_cast<char>(next_());
      out += block(1, text, pad());
    }
    return out;
  }

  std::string numbers(uint32_t kind, uint64_t n) {
    const bool packed = !odd();
    const unsigned shift = shift_ ? *shift_ : static_cast<unsigned>(below(64));
    std::string run;
    for (; n > 0; --n) {
      if (!packed) run += tag(1, kind == kFloatList ? 5 : 0);
      const uint64_t bits = next_();
      run += kind == kFloatList
                 ? float_bytes(static_cast<float>(static_cast<int64_t>(bits)) * 1e-16f)
                 : varint(bits >> shift, pad());
    }
    return packed ? block(1, run, pad()) : run;
  }

  // Of number 15, or one that is known but of another type. At the top 2 would be another message.
  std::string unknown(bool top = false) {
    const uint32_t number = top || below(2) == 0 ? 15 : static_cast<uint32_t>(below(3)) + 4;
    switch (below(6)) {
      case 0:
        return tag(number, 0) + varint(next_() >> below(64));
      case 1:
        return tag(number, 1) + std::string(8, 'x');
      case 2:
        return block(number, std::string(below(9), 'y'));
      case 3:
        return tag(number, 5) + std::string(4, 'z');
      case 4:
        return group(number, block(1, "a") + group(3, tag(2, 0) + varint(5)));
      default:
        return tag(static_cast<uint32_t>(below(3)) + 1, 1) + std::string(8, '\1');
    }
  }

  std::function<uint64_t()> next_;
  int odd_;
  std::optional<unsigned> shift_;  // of all integers, how many high bits are 0
};

}  // namespace weft::testing
