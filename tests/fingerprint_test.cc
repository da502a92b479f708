#include "base/fingerprint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "base/fingerprint_kernel.h"
#include "tests/guarded.h"
#include "tests/reference.h"

namespace weft::base {
namespace {

using testing::on_every_isa;

// The texts of the array `name` of golden/fingerprint64.json: what TensorFlow answered for byte
// strings of lengths 0 to 200 and some more.
std::vector<std::string> golden(const std::string& name) {
  std::ifstream file(WEFT_SOURCE_DIR "/tests/golden/fingerprint64.json");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const size_t begin = text.find("\"" + name + "\":[");
  if (begin == std::string::npos) return {};
  const size_t open = text.find('[', begin), close = text.find(']', open);
  std::vector<std::string> found;
  for (size_t quote = text.find('"', open); quote < close; quote = text.find('"', quote + 1)) {
    const size_t end = text.find('"', quote + 1);
    found.push_back(text.substr(quote + 1, end - quote - 1));
    quote = end;
  }
  return found;
}

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

TEST(FingerprintTest, AsTensorFlow) {
  const auto inputs = golden("inputs"), fingerprints = golden("fingerprints");
  ASSERT_GT(inputs.size(), 201u);
  ASSERT_EQ(inputs.size(), fingerprints.size());
  on_every_isa([&] {
    for (size_t i = 0; i < inputs.size(); ++i) {
      const std::string bytes = from_hex(inputs[i]);
      for (bool at_end : {true, false}) {
        testing::Guarded guarded(bytes, at_end);
        EXPECT_EQ(std::to_string(fingerprint64(guarded.view())), fingerprints[i])
            << bytes.size() << " bytes";
      }
    }
  });
}

// Every decimal length, both sides of each power of ten and of each limit, and random numbers of
// every size, in an order that mixes the lengths.
std::vector<uint64_t> integers() {
  std::vector<uint64_t> all{0, 1, 9, 1ull << 31, 1ull << 32, 1ull << 63, ~0ull};
  uint64_t power = 1;
  for (int digits = 1; digits < 20; ++digits, power *= 10)
    all.insert(all.end(), {power - 1, power, power + 1, 10 * power - 1, 5 * power});
  std::mt19937_64 random(1);
  for (int bits = 0; bits < 64; ++bits) {
    for (int i = 0; i < 200; ++i) all.push_back(random() >> bits);
  }
  const size_t positive = all.size();
  for (size_t i = 0; i < positive; ++i) {
    all.push_back(0 - all[i]);
    all.push_back(all[i] + 1);
  }
  std::vector<uint64_t> sorted = all;
  std::ranges::sort(sorted);
  std::ranges::shuffle(all, random);
  all.insert(all.end(), sorted.begin(), sorted.end());
  return all;
}

const std::vector<uint64_t> kDivisors{0, 1, 2, 3, 10, 1000, 1ull << 32, (1ull << 63) - 1};

uint64_t reference_modulo(uint64_t x, uint64_t by) { return by == 0 ? x : x % by; }

TEST(FingerprintKernel, Modulo) {
  for (uint64_t by : kDivisors) {
    for (uint64_t x : integers()) {
      EXPECT_EQ(modulo(x, divisor(by)), reference_modulo(x, by)) << x << " " << by;
      if (x != 0) {
        EXPECT_EQ(modulo(by, divisor(x)), by % x) << by << " " << x;
        EXPECT_EQ(modulo(~by, divisor(x)), ~by % x) << ~by << " " << x;
      }
    }
  }
}

TEST(FingerprintKernel, DecimalText) {
  const std::vector<uint64_t> values = integers();
  std::vector<uint64_t> of_signed, of_unsigned;
  for (uint64_t x : values) {
    of_signed.push_back(fingerprint64(std::to_string(static_cast<int64_t>(x))));
    of_unsigned.push_back(fingerprint64(std::to_string(x)));
  }
  const auto n = static_cast<int64_t>(values.size());
  on_every_isa([&] {
    const FingerprintKernel& kernel = WEFT_KERNEL(fingerprint_kernel);
    std::vector<uint64_t> found(values.size());
    for (uint64_t by : kDivisors) {
      kernel.int64s(values.data(), n, divisor(by), found.data());
      for (size_t i = 0; i < values.size(); ++i)
        ASSERT_EQ(found[i], reference_modulo(of_signed[i], by)) << static_cast<int64_t>(values[i]);
      kernel.uint64s(values.data(), n, divisor(by), found.data());
      for (size_t i = 0; i < values.size(); ++i)
        ASSERT_EQ(found[i], reference_modulo(of_unsigned[i], by)) << values[i];
    }
  });
}

// In groups of every kind: lengths of all formulas mixed, and runs of one; reading nothing else.
TEST(FingerprintKernel, Strings) {
  std::mt19937_64 random(2);
  for (size_t most : {0u, 3u, 7u, 16u, 20u, 32u, 40u, 150u}) {
    for (size_t n : {0u, 1u, 7u, 8u, 9u, 16u, 203u}) {
      std::string data;
      std::vector<int64_t> offsets{0};
      for (size_t i = 0; i < n; ++i) {
        const size_t size = random() % (most + 1);
        for (size_t j = 0; j < size; ++j) data += static_cast<char>(random());
        offsets.push_back(static_cast<int64_t>(data.size()));
      }
      for (bool at_end : {true, false}) {
        testing::Guarded guarded(data, at_end);
        on_every_isa([&] {
          std::vector<uint64_t> found(n);
          WEFT_KERNEL(fingerprint_kernel)
              .strings(guarded.data(), offsets.data(), static_cast<int64_t>(n), divisor(1000003),
                       found.data());
          for (size_t i = 0; i < n; ++i) {
            const auto begin = static_cast<size_t>(offsets[i]);
            const auto size = static_cast<size_t>(offsets[i + 1]) - begin;
            ASSERT_EQ(found[i], fingerprint64({data.data() + begin, size}) % 1000003) << size;
          }
        });
      }
    }
  }
}

// Of 0 to 40 integers, reading and writing nothing else.
TEST(FingerprintKernel, AnyCount) {
  const std::vector<uint64_t> values = integers();
  on_every_isa([&] {
    const FingerprintKernel& kernel = WEFT_KERNEL(fingerprint_kernel);
    for (size_t n = 0; n <= 40; ++n) {
      for (bool at_end : {true, false}) {
        const std::string_view bytes(reinterpret_cast<const char*>(values.data()), 8 * n);
        testing::Guarded from(bytes, at_end), to(bytes, at_end);
        const auto* in = reinterpret_cast<const uint64_t*>(from.data());
        auto* out = reinterpret_cast<uint64_t*>(to.data());
        const auto count = static_cast<int64_t>(n);
        kernel.int64s(in, count, divisor(97), out);
        for (size_t i = 0; i < n; ++i)
          EXPECT_EQ(out[i], fingerprint64(std::to_string(static_cast<int64_t>(values[i]))) % 97);
        const uint64_t* keys[] = {in};
        kernel.chains(5, keys, 1, count / 2, count, divisor(97), out);
        for (size_t i = n / 2; i < n; ++i)
          EXPECT_EQ(out[i], fingerprint_cat(uint64_t{5}, values[i]) % 97);
      }
    }
  });
}

// As tsl/platform/fingerprint.h has it.
uint64_t reference_cat(uint64_t fp1, uint64_t fp2) {
  const uint64_t kMul = 0xc6a4a7935bd1e995;
  const auto mix = [](uint64_t v) { return v ^ (v >> 47); };
  uint64_t result = fp1 ^ kMul;
  result ^= mix(fp2 * kMul) * kMul;
  result *= kMul;
  result = mix(result) * kMul;
  return mix(result);
}

TEST(FingerprintKernel, Chains) {
  const std::vector<uint64_t> a = integers();
  std::vector<uint64_t> b = a, c = a;
  std::ranges::reverse(b);
  std::ranges::rotate(c, c.begin() + 1001);
  const uint64_t* keys[] = {a.data(), b.data(), c.data()};
  on_every_isa([&] {
    std::vector<uint64_t> found(a.size());
    for (uint64_t by : kDivisors) {
      WEFT_KERNEL(fingerprint_kernel)
          .chains(0xDECAFCAFFE, keys, 3, 0, static_cast<int64_t>(a.size()), divisor(by),
                  found.data());
      for (size_t i = 0; i < a.size(); ++i) {
        const uint64_t all =
            reference_cat(reference_cat(reference_cat(0xDECAFCAFFE, a[i]), b[i]), c[i]);
        ASSERT_EQ(found[i], reference_modulo(all, by));
      }
    }
  });
}

}  // namespace
}  // namespace weft::base
