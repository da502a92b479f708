#include "base/varint.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "tests/guarded.h"

namespace weft::base {
namespace {

using testing::Guarded;

const uint8_t* bytes_of(std::string_view s) { return reinterpret_cast<const uint8_t*>(s.data()); }

std::string encode(const std::vector<uint64_t>& values) {
  std::string out;
  for (uint64_t value : values) {
    uint8_t buffer[kMaxVarint];
    out.append(reinterpret_cast<char*>(buffer),
               static_cast<size_t>(write_varint(buffer, value) - buffer));
  }
  return out;
}

// The slow, obvious way; false if `run` is not whole varints.
bool reference(std::string_view run, std::vector<uint64_t>* values) {
  const uint8_t *p = bytes_of(run), *end = p + run.size();
  values->clear();
  while (p != end) {
    uint64_t value;
    p = read_varint(p, end, &value);
    if (p == nullptr) return false;
    values->push_back(value);
  }
  return true;
}

std::vector<Isa> isas() {
  std::vector<Isa> all;
  for (Isa isa : {Isa::kPlain, Isa::kV2, Isa::kV3, Isa::kV4}) {
    if (isa <= best_isa()) all.push_back(isa);
  }
  return all;
}

std::vector<VarintDecode*> decoders() {
  const VarintKernel& kernel = WEFT_KERNEL(varint_kernel);
  std::vector<VarintDecode*> all{kernel.decode};
  if (kernel.decode_pext != nullptr) all.push_back(kernel.decode_pext);
  if (kernel.decode_vbmi2 != nullptr && cpu_extensions().vbmi2) all.push_back(kernel.decode_vbmi2);
  return all;
}

class VarintTest : public ::testing::Test {
 protected:
  void TearDown() override { set_isa(before_); }

  // Every path, on memory whose both ends are guarded.
  void check(std::string_view run) {
    std::vector<uint64_t> expected;
    const bool good = reference(run, &expected);
    for (bool at_end : {true, false}) {
      Guarded bytes(run, at_end);
      const auto size = static_cast<int64_t>(run.size());
      for (Isa isa : isas()) {
        set_isa(isa);
        SCOPED_TRACE(isa_name(isa));
        EXPECT_EQ(valid_varints(bytes.data(), size), good);
        const int64_t n = count_varints(bytes.data(), size);
        if (good) {
          ASSERT_EQ(n, static_cast<int64_t>(expected.size()));
        }
        for (VarintDecode* decode : decoders()) {
          Guarded room(std::string(static_cast<size_t>(n) * 8, '\0'), at_end);
          auto* to = reinterpret_cast<uint64_t*>(room.data());
          ASSERT_EQ(decode(bytes.data(), size, to), good);
          if (good) {
            ASSERT_EQ(std::vector<uint64_t>(to, to + n), expected);
          }
        }
      }
    }
  }

 private:
  Isa before_ = isa();
};

TEST_F(VarintTest, WritesAndReadsEveryWidth) {
  for (int bits = 0; bits <= 64; ++bits) {
    for (int delta : {-1, 0, 1}) {
      const uint64_t value = (bits == 64 ? 0 : uint64_t{1} << bits) + static_cast<uint64_t>(delta);
      const std::string bytes = encode({value});
      EXPECT_EQ(static_cast<int>(bytes.size()), varint_size(value));
      uint64_t back = ~value;
      EXPECT_EQ(read_varint(bytes_of(bytes), bytes_of(bytes) + bytes.size(), &back),
                bytes_of(bytes) + bytes.size());
      EXPECT_EQ(back, value);
      check(bytes);
    }
  }
}

TEST_F(VarintTest, ReadRefusesCutAndOverlong) {
  uint64_t value;
  const std::string eleven = std::string(10, '\x80') + '\x01',
                    ten = std::string(9, '\x80') + '\x01';
  EXPECT_EQ(read_varint(bytes_of(eleven), bytes_of(eleven) + 11, &value), nullptr);
  EXPECT_EQ(read_varint(bytes_of(ten), bytes_of(ten) + 9, &value), nullptr);
  EXPECT_EQ(read_varint(bytes_of(ten), bytes_of(ten) + 10, &value, 5), nullptr);
  EXPECT_NE(read_varint(bytes_of(ten), bytes_of(ten) + 10, &value), nullptr);
  EXPECT_EQ(value, uint64_t{1} << 63);
}

TEST_F(VarintTest, TheTenthByteMayHoldMoreThanItsBit) {
  for (char last : {'\x00', '\x01', '\x02', '\x7e', '\x7f'}) check(std::string(9, '\xff') + last);
}

TEST_F(VarintTest, EmptyRun) { check(""); }

TEST_F(VarintTest, RunsOfOneWidthAtEveryLength) {
  for (int width = 1; width <= 10; ++width) {
    for (int n : {1,  2,  3,  6,  7,  8,  9,  15,  16,  17,  31, 32,
                  33, 63, 64, 65, 70, 71, 72, 127, 128, 129, 200}) {
      std::string run;
      for (int i = 0; i < n; ++i) {
        for (int k = 1; k < width; ++k) run += static_cast<char>(0x80 | (i * 7 + k));
        run += static_cast<char>((i * 5 + 1) & (width == 10 ? 1 : 0x7f));
      }
      SCOPED_TRACE(width);
      check(run);
    }
  }
}

TEST_F(VarintTest, LongestRunsOfContinuationAtEveryPlace) {
  for (int length : {9, 10, 11, 12, 63, 64, 65, 80}) {
    for (int before : {0, 1, 5, 53, 54, 55, 56, 60, 63, 64, 65, 118}) {
      for (int after : {0, 1, 7, 70}) {
        const auto n = static_cast<size_t>(length - 1);
        check(std::string(static_cast<size_t>(before), '\x05') + std::string(n, '\x81') + '\x01' +
              std::string(static_cast<size_t>(after), '\x06'));
      }
    }
  }
}

TEST_F(VarintTest, CutAtEveryPlace) {
  std::vector<uint64_t> values;
  for (int i = 0; i < 60; ++i) values.push_back(uint64_t{1} << (i * 13 % 64));
  const std::string run = encode(values);
  for (size_t size = 0; size <= run.size(); ++size) check(run.substr(0, size));
}

TEST_F(VarintTest, RandomRuns) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 600; ++round) {
    const int widest = 1 + static_cast<int>(random() % 64), n = static_cast<int>(random() % 160);
    std::vector<uint64_t> values;
    for (int i = 0; i < n; ++i)
      values.push_back(random() >> (random() % static_cast<unsigned>(widest)) >> (64 - widest));
    std::string run = encode(values);
    check(run);
    if (run.empty()) continue;
    run[random() % run.size()] ^= '\x80';
    check(run);
  }
}

TEST_F(VarintTest, RandomBytes) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 300; ++round) {
    std::string run(random() % 200, '\0');
    for (char& c : run) c = static_cast<char>(random());
    check(run);
  }
}

}  // namespace
}  // namespace weft::base
