#include "base/inflate.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "base/crc32.h"

namespace weft {
namespace {

using base::Inflater;

std::string deflated(const std::string& data, int level, int strategy) {
  z_stream stream{};
  deflateInit2(&stream, level, Z_DEFLATED, -15, 9, strategy);
  std::string out(deflateBound(&stream, data.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

struct Result {
  Inflater::Status status;
  std::string data;
  int64_t unused;
};

// Inflates with `at_once` bytes of input known at a time and room for `room` bytes at a time.
Result inflated(const std::string& data, size_t at_once, size_t room) {
  Inflater inflater;
  inflater.reset();
  const std::vector<uint8_t> in(data.begin(),
                                data.end());  // exactly as long: sanitizers see every over-read
  std::string out;
  InflateCursor c{};
  c.in = in.data();
  c.in_end = in.data() + std::min(at_once, in.size());
  for (;;) {
    const size_t history = std::min<size_t>(out.size(), Inflater::kWindow);
    const size_t size = history + room + Inflater::kOutputSlack;
    const std::unique_ptr<uint8_t[]> block(new uint8_t[size]);
    std::memcpy(block.get(), out.data() + out.size() - history, history);
    c.window = block.get();
    c.out = block.get() + history;
    c.out_end = block.get() + size;
    const bool last = c.in_end == in.data() + in.size();
    const Inflater::Status status = inflater.run(c, last);
    out.append(block.get() + history, c.out);
    if (status == Inflater::Status::kInput && !last) {
      c.in_end = std::min(c.in_end + at_once, in.data() + in.size());
    } else if (status != Inflater::Status::kOutput) {
      return {status, out, in.data() + in.size() - c.in};
    }
  }
}

std::vector<std::string> inputs() {
  std::mt19937 random(1);
  std::vector<std::string> all = {"", "a", std::string(100'000, 'x')};
  std::string noise(34'000, '\0'), words, skewed, far;
  for (auto& c : noise) c = static_cast<char>(random());
  while (words.size() < 50'000) words += "word" + std::to_string(random() % 3000) + " ";
  for (int i = 0; i < 20'000; ++i) skewed += static_cast<char>(__builtin_ctz(random() | 1u << 20));
  for (int i = 0; i < 20; ++i)
    far += noise.substr(0, 32'600 + i * 60);  // distances near the window
  std::string periods;                        // every distance that a copy may treat in its own way
  for (size_t distance = 1; distance < 40; ++distance) {
    for (size_t i = 0; i < 300; ++i) periods += noise[1000 + i % distance];
  }
  all.insert(all.end(), {periods, noise, words, skewed, far});
  return all;
}

class InflateTest : public testing::TestWithParam<base::Isa> {
 protected:
  void SetUp() override {
    if (GetParam() > base::best_isa()) GTEST_SKIP() << "not on this processor";
    base::set_isa(GetParam());
  }
  void TearDown() override { base::set_isa(before_); }

  const base::Isa before_ = base::isa();
};

TEST_P(InflateTest, WhatZlibDeflates) {
  for (const std::string& input : inputs()) {
    for (int level : {0, 1, 9}) {
      for (int strategy : {Z_DEFAULT_STRATEGY, Z_HUFFMAN_ONLY, Z_FIXED}) {
        const std::string data = deflated(input, level, strategy);
        for (const auto& [at_once, room] :
             {std::pair<size_t, size_t>{1 << 20, 1 << 18}, {700, 3000}, {5000, 40'000}}) {
          const Result result = inflated(data + "tail", at_once, room);
          ASSERT_EQ(result.status, Inflater::Status::kEnd) << level << " " << strategy;
          ASSERT_EQ(result.data, input);
          ASSERT_EQ(result.unused, 4);
        }
      }
    }
  }
}

TEST_P(InflateTest, CutAnywhere) {
  for (const std::string& input :
       {std::string("some words and some more words and some"), inputs().back()}) {
    for (int strategy : {Z_DEFAULT_STRATEGY, Z_FIXED}) {
      const std::string data = deflated(input, 6, strategy);
      for (size_t cut = 0; cut < data.size(); cut += cut < 300 ? 1 : 997) {
        const Result result = inflated(data.substr(0, cut), 1 << 20, 10'000);
        ASSERT_EQ(result.status, Inflater::Status::kCut) << cut;
        ASSERT_EQ(result.data, input.substr(0, result.data.size()));
      }
    }
  }
}

// zlib's answer to raw deflate data: what it gave, and whether it came to the end.
std::pair<std::string, bool> by_zlib(const std::string& data) {
  z_stream stream{};
  inflateInit2(&stream, -15);
  std::string out(1 << 15, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const bool ended = ::inflate(&stream, Z_FINISH) == Z_STREAM_END;
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return {out, ended};
}

TEST_P(InflateTest, FlippedBitsAsZlib) {
  std::mt19937 random(2);
  const std::string input = inputs().back().substr(0, 3000) + "and some words and some more words";
  for (int strategy : {Z_DEFAULT_STRATEGY, Z_HUFFMAN_ONLY, Z_FIXED}) {
    const std::string data = deflated(input.substr(2500), 6, strategy);
    for (size_t bit = 0; bit < 8 * data.size(); ++bit) {
      std::string flipped = data;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
      const auto [expected, ended] = by_zlib(flipped);
      const Result result = inflated(flipped, 1 << 20, 10'000);
      ASSERT_EQ(result.status == Inflater::Status::kEnd, ended) << bit;
      ASSERT_EQ(ended ? result.data : expected, expected) << bit;
    }
  }
}

TEST_P(InflateTest, Crc32) {
  const std::string data = inputs().back();
  for (size_t size = 0; size < 2000; size += size < 300 ? 1 : 37) {
    const auto* at = reinterpret_cast<const Bytef*>(data.data()) + size % 64;
    ASSERT_EQ(base::extend_crc32(static_cast<uint32_t>(size * 77), at, static_cast<int64_t>(size)),
              crc32(size * 77, at, static_cast<uInt>(size)));
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, InflateTest,
                         testing::Values(base::Isa::kPlain, base::Isa::kV2, base::Isa::kV3,
                                         base::Isa::kV4),
                         [](const auto& p) { return base::isa_name(p.param); });

}  // namespace
}  // namespace weft
