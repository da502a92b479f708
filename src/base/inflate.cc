#include "base/inflate.h"

#include <algorithm>
#include <cstring>

#include "base/cpu.h"
#include "base/inflate_table.h"

// The grammar of the data, bits from the lowest of each byte on:
//   block   := final:1 type:2 (stored | fixed codes, symbols | dynamic codes, symbols)
//   stored  := padding to a byte, size:16 ~size:16 bytes[size]
//   dynamic := lengths:5 distances:5 numbers:4 numbers*(bits:3) code lengths
//   symbol  := literal | length extra bits distance extra bits | end of block

namespace weft::base {
namespace {

constexpr int kNumberBits = 7;

// Takes whole bytes until more would not fit, or none are left.
void refill(InflateCursor& c) {
  while (c.count < 56 && c.in < c.in_end) {
    c.bits |= uint64_t{*c.in++} << c.count;
    c.count += 8;
  }
}

uint32_t take(InflateCursor& c, uint32_t n) {
  const auto value = static_cast<uint32_t>(c.bits & ((uint64_t{1} << n) - 1));
  c.bits >>= n;
  c.count -= n;
  return value;
}

// Gives whole bytes back to the input and drops the bits of the last one.
void align(InflateCursor& c) {
  c.in -= c.count / 8;
  c.bits = 0;
  c.count = 0;
}

// One symbol. Returns its entry, taken from the bits, with extra bits in `extra`; kInflateBad for
// no code, 0 if the bits do not suffice.
uint32_t decode(InflateCursor& c, const uint32_t* table, int width, uint32_t& extra) {
  uint32_t entry = table[c.bits & ((1u << width) - 1)];
  uint32_t skipped = 0;
  if ((entry & kInflateSubtable) != 0) {
    skipped = static_cast<uint32_t>(width);
    const uint64_t rest = c.bits >> width;
    entry = table[(entry >> 16) + (rest & ((1u << (entry >> 8 & 0xf)) - 1))];
  }
  if ((entry & kInflateBad) != 0 && c.count >= 15) return kInflateBad;
  const uint32_t used = entry & 0xff, code = entry >> 8 & 0xf;
  if ((entry & kInflateBad) != 0 || skipped + used > c.count) return 0;
  take(c, skipped + code);
  extra = take(c, used - code);
  return entry;
}

struct FixedTables {
  std::array<uint32_t, kInflateLengthEntries> lengths;
  std::array<uint32_t, kInflateDistanceEntries> distances;
  FixedTables() {
    std::array<uint8_t, 288> bits;
    std::fill(bits.begin(), bits.begin() + 144, uint8_t{8});
    std::fill(bits.begin() + 144, bits.begin() + 256, uint8_t{9});
    std::fill(bits.begin() + 256, bits.begin() + 280, uint8_t{7});
    std::fill(bits.begin() + 280, bits.end(), uint8_t{8});
    build_inflate_table(bits, inflate_length_symbols(), kInflateLengthBits, false, lengths.data());
    std::fill(bits.begin(), bits.begin() + 32, uint8_t{5});
    build_inflate_table(std::span(bits).first(32), inflate_distance_symbols(), kInflateDistanceBits,
                        false, distances.data());
  }
};

}  // namespace

void Inflater::reset() {
  phase_ = Phase::kHeader;
  final_ = false;
  error_ = "";
}

Inflater::Status Inflater::bad(const char* what) {
  error_ = what;
  return Status::kBad;
}

Inflater::Status Inflater::run(InflateCursor& c, bool last) {
  for (;;) {
    Status status = Status::kEnd;
    switch (phase_) {
      case Phase::kHeader:
        if (!last && c.in_end - c.in < kInputSlack) return Status::kInput;
        status = header(c);
        break;
      case Phase::kStored:
        status = stored(c, last);
        break;
      case Phase::kSymbols:
        status = symbols(c, last);
        break;
      case Phase::kEnded:
        return Status::kEnd;
    }
    if (status != Status::kEnd) return status;
    if (phase_ == Phase::kHeader && final_) {
      align(c);
      phase_ = Phase::kEnded;
    }
  }
}

// kEnd: the header has ended.
Inflater::Status Inflater::header(InflateCursor& c) {
  refill(c);
  if (c.count < 3) return Status::kCut;
  final_ = take(c, 1) != 0;
  switch (take(c, 2)) {
    case 0:
      return stored_header(c);
    case 1: {
      static const FixedTables fixed;
      lengths_ = fixed.lengths.data();
      distances_ = fixed.distances.data();
      phase_ = Phase::kSymbols;
      return Status::kEnd;
    }
    case 2:
      return dynamic_header(c);
    default:
      return bad("a block of unknown type");
  }
}

Inflater::Status Inflater::stored_header(InflateCursor& c) {
  take(c, c.count % 8);
  refill(c);
  if (c.count < 32) return Status::kCut;
  stored_left_ = take(c, 16);
  if (take(c, 16) != (stored_left_ ^ 0xffff)) return bad("a stored block whose size does not fit");
  align(c);
  phase_ = Phase::kStored;
  return Status::kEnd;
}

Inflater::Status Inflater::dynamic_header(InflateCursor& c) {
  refill(c);
  if (c.count < 14) return Status::kCut;
  const int lengths = static_cast<int>(take(c, 5)) + 257;
  const int distances = static_cast<int>(take(c, 5)) + 1;
  const int numbers = static_cast<int>(take(c, 4)) + 4;
  if (lengths > 286 || distances > 30) return bad("too many length or distance codes");
  static constexpr uint8_t kOrder[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                         11, 4,  12, 3, 13, 2, 14, 1, 15};
  std::array<uint8_t, 19> number_bits{};
  for (int i = 0; i < numbers; ++i) {
    refill(c);
    if (c.count < 3) return Status::kCut;
    number_bits[kOrder[i]] = static_cast<uint8_t>(take(c, 3));
  }
  std::array<uint32_t, 1 << kNumberBits> table;
  if (!build_inflate_table(number_bits, inflate_number_symbols(), kNumberBits, false,
                           table.data())) {
    return bad("a code of code lengths that does not add up");
  }
  std::array<uint8_t, 286 + 30> bits{};
  const Status status = code_lengths(c, table.data(), lengths + distances, bits.data());
  if (status != Status::kEnd) return status;
  if (bits[256] == 0) return bad("a block that cannot end");
  const auto count = static_cast<size_t>(lengths);
  const auto all = std::span<const uint8_t>(bits);
  if (!build_inflate_table(all.first(count), inflate_length_symbols(), kInflateLengthBits, true,
                           own_lengths_.data())) {
    return bad("a code of literals and lengths that does not add up");
  }
  if (!build_inflate_table(all.subspan(count, static_cast<size_t>(distances)),
                           inflate_distance_symbols(), kInflateDistanceBits, true,
                           own_distances_.data())) {
    return bad("a code of distances that does not add up");
  }
  lengths_ = own_lengths_.data();
  distances_ = own_distances_.data();
  phase_ = Phase::kSymbols;
  return Status::kEnd;
}

// Run lengths: 16 repeats the last number 3 to 6 times, 17 and 18 repeat 0 up to 10 and 138 times.
Inflater::Status Inflater::code_lengths(InflateCursor& c, const uint32_t* table, int wanted,
                                        uint8_t* lengths) {
  for (int have = 0; have < wanted;) {
    refill(c);
    uint32_t none = 0;
    const uint32_t entry = decode(c, table, kNumberBits, none);
    if (entry == 0) return Status::kCut;
    const uint32_t number = entry >> 16;
    if (number < 16) {
      lengths[have++] = static_cast<uint8_t>(number);
      continue;
    }
    if (number == 16 && have == 0) return bad("a repeated code length with none before it");
    const uint32_t extra = number == 16 ? 2 : number == 17 ? 3 : 7;
    if (c.count < extra) return Status::kCut;
    const int repeat = static_cast<int>(take(c, extra)) + (number == 18 ? 11 : 3);
    if (repeat > wanted - have) return bad("more code lengths than there are codes");
    std::memset(lengths + have, number == 16 ? lengths[have - 1] : 0, static_cast<size_t>(repeat));
    have += repeat;
  }
  return Status::kEnd;
}

// kEnd: the block has ended.
Inflater::Status Inflater::stored(InflateCursor& c, bool last) {
  const int64_t n = std::min({int64_t{stored_left_}, c.in_end - c.in, c.out_end - c.out});
  std::memcpy(c.out, c.in, static_cast<size_t>(n));
  c.in += n;
  c.out += n;
  stored_left_ -= static_cast<uint32_t>(n);
  if (stored_left_ == 0) {
    phase_ = Phase::kHeader;
    return Status::kEnd;
  }
  if (c.in < c.in_end) return Status::kOutput;
  return last ? Status::kCut : Status::kInput;
}

// kEnd: the block has ended. The kernel stops short of the ends of input and output.
Inflater::Status Inflater::symbols(InflateCursor& c, bool last) {
  for (;;) {
    switch (WEFT_KERNEL(inflate_kernel).decode(&c, lengths_, distances_)) {
      case InflateStop::kBlockEnd:
        phase_ = Phase::kHeader;
        return Status::kEnd;
      case InflateStop::kBadCode:
        return bad("a code that stands for nothing");
      case InflateStop::kBadDistance:
        return bad("a reference to before the beginning");
      case InflateStop::kMargin:
        break;
    }
    if (c.out_end - c.out < kOutputSlack) return Status::kOutput;
    if (!last) return Status::kInput;
    const Status status = symbol(c);
    if (status != Status::kInput) return status;
  }
}

// One symbol near the end of the input. kInput: there may be more; kEnd: the block has ended.
Inflater::Status Inflater::symbol(InflateCursor& c) {
  refill(c);
  InflateCursor after = c;  // nothing is taken of a symbol that is cut
  uint32_t extra = 0;
  uint32_t entry = decode(after, lengths_, kInflateLengthBits, extra);
  if (entry == 0) return Status::kCut;
  if (entry == kInflateBad) return bad("a code that stands for nothing");
  if ((entry & kInflateLiteral) != 0) {
    *after.out++ = static_cast<uint8_t>(entry >> 16);
    c = after;
    return Status::kInput;
  }
  if ((entry & kInflateEnd) != 0) {
    c = after;
    phase_ = Phase::kHeader;
    return Status::kEnd;
  }
  const uint32_t length = (entry >> 16) + extra;
  entry = decode(after, distances_, kInflateDistanceBits, extra);
  if (entry == 0) return Status::kCut;
  if (entry == kInflateBad) return bad("a code that stands for nothing");
  const uint32_t distance = (entry >> 16) + extra;
  if (distance > after.out - after.window) return bad("a reference to before the beginning");
  for (uint32_t i = 0; i < length; ++i) after.out[i] = after.out[i - int64_t{distance}];
  after.out += length;
  c = after;
  return Status::kInput;
}

}  // namespace weft::base
