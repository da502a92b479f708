// Decompression of raw deflate data (RFC 1951), a stretch at a time.
#pragma once

#include <array>
#include <cstdint>

#include "base/inflate_kernel.h"

namespace weft::base {

class Inflater {
 public:
  enum class Status {
    kInput,   // wants more than the little input that is left
    kOutput,  // wants more than kOutputSlack bytes of room
    kEnd,     // the last block has ended; `in` is at the first byte after it
    kCut,     // the input, said to be the last, ends before the data do
    kBad,     // error() says what is wrong
  };

  // run() stops when less than this is left.
  static constexpr int64_t kInputSlack = 512;
  static constexpr int64_t kOutputSlack = kInflateOutputMargin;
  static constexpr int64_t kWindow = 32768;  // how far back the data may refer

  // Before the first run() of each stream.
  void reset();
  // Goes on from where it stopped. The caller moves the pointers between calls as it likes: `in` to
  // the same bytes elsewhere with more behind them, `out` behind a copy of the last kWindow bytes,
  // and `window` to the first of them that belong to this stream. bits and count are not the
  // caller's. `last`: nothing will come after in_end; without it, up to kInputSlack bytes stay
  // unread.
  Status run(InflateCursor& cursor, bool last);

  const char* error() const { return error_; }

 private:
  enum class Phase { kHeader, kStored, kSymbols, kEnded };

  Status header(InflateCursor& cursor);
  Status stored_header(InflateCursor& cursor);
  Status dynamic_header(InflateCursor& cursor);
  Status code_lengths(InflateCursor& cursor, const uint32_t* table, int wanted, uint8_t* lengths);
  Status stored(InflateCursor& cursor, bool last);
  Status symbols(InflateCursor& cursor, bool last);
  Status symbol(InflateCursor& cursor);
  Status bad(const char* what);

  Phase phase_ = Phase::kEnded;
  bool final_ = false;        // in the last block
  uint32_t stored_left_ = 0;  // bytes of a stored block
  const char* error_ = "";
  const uint32_t* lengths_ = nullptr;  // the tables of this block
  const uint32_t* distances_ = nullptr;
  std::array<uint32_t, kInflateLengthEntries> own_lengths_;
  std::array<uint32_t, kInflateDistanceEntries> own_distances_;
};

}  // namespace weft::base
