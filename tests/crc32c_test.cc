#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "base/cpu.h"

namespace weft {
namespace {

// One bit at a time, straight from the definition.
uint32_t reference(const uint8_t* data, size_t size) {
  uint32_t state = ~0u;
  for (size_t i = 0; i < size; ++i) {
    state ^= data[i];
    for (int bit = 0; bit < 8; ++bit) state = (state >> 1) ^ ((state & 1) != 0 ? 0x82f63b78u : 0);
  }
  return ~state;
}

std::vector<uint8_t> random_bytes(size_t size, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<uint8_t> bytes(size);
  for (auto& b : bytes) b = static_cast<uint8_t>(random());
  return bytes;
}

class Crc32cTest : public testing::TestWithParam<base::Isa> {
 protected:
  void SetUp() override {
    if (GetParam() > base::best_isa()) GTEST_SKIP() << "not on this processor";
    base::set_isa(GetParam());
  }
  void TearDown() override { base::set_isa(before_); }

  const base::Isa before_ = base::isa();
};

TEST_P(Crc32cTest, KnownVectors) {  // RFC 3720, B.4
  const std::string zeros(32, '\0'), ones(32, '\xff');
  std::string up;
  for (int i = 0; i < 32; ++i) up += static_cast<char>(i);
  const std::string down(up.rbegin(), up.rend());
  EXPECT_EQ(base::crc32c(zeros.data(), 32), 0x8a9136aau);
  EXPECT_EQ(base::crc32c(ones.data(), 32), 0x62a8ab43u);
  EXPECT_EQ(base::crc32c(up.data(), 32), 0x46dd794eu);
  EXPECT_EQ(base::crc32c(down.data(), 32), 0x113fdb5cu);
  EXPECT_EQ(base::crc32c("123456789", 9), 0xe3069283u);
  EXPECT_EQ(base::crc32c(nullptr, 0), 0u);
}

TEST_P(Crc32cTest, EveryLengthAndAlignment) {
  const auto bytes = random_bytes(1024 + 64, 1);
  for (size_t size = 0; size <= 1024; ++size) {
    const size_t at = size % 64;
    ASSERT_EQ(base::crc32c(bytes.data() + at, static_cast<int64_t>(size)),
              reference(bytes.data() + at, size))
        << size;
  }
  for (size_t at = 0; at < 64; ++at) {
    for (size_t size : {95, 96, 97, 500, 1000}) {
      ASSERT_EQ(base::crc32c(bytes.data() + at, static_cast<int64_t>(size)),
                reference(bytes.data() + at, size))
          << at << " " << size;
    }
  }
}

TEST_P(Crc32cTest, LongInput) {
  const auto bytes = random_bytes(40'000, 2);
  for (size_t size : {3071, 3072, 3073, 3167, 3168, 6144, 9999, 40'000}) {
    ASSERT_EQ(base::crc32c(bytes.data(), static_cast<int64_t>(size)), reference(bytes.data(), size))
        << size;
  }
}

TEST_P(Crc32cTest, ExtendsFromAnyCut) {
  const auto bytes = random_bytes(700, 3);
  const uint32_t whole = reference(bytes.data(), bytes.size());
  for (int64_t cut = 0; cut <= 700; cut += 7) {
    const uint32_t first = base::crc32c(bytes.data(), cut);
    ASSERT_EQ(base::extend_crc32c(first, bytes.data() + cut, 700 - cut), whole) << cut;
  }
}

TEST(Crc32cMaskTest, IsTensorFlows) {
  // The length field of an empty TFRecord, as TensorFlow writes it: eight zero bytes, then this.
  const uint64_t length = 0;
  EXPECT_EQ(base::masked_crc32c(&length, 8), 0x07980329u);
  EXPECT_EQ(base::masked_crc32c("abc", 3), 0x21f1576eu);
}

INSTANTIATE_TEST_SUITE_P(Isas, Crc32cTest,
                         testing::Values(base::Isa::kPlain, base::Isa::kV2, base::Isa::kV3,
                                         base::Isa::kV4),
                         [](const auto& p) { return base::isa_name(p.param); });

}  // namespace
}  // namespace weft
