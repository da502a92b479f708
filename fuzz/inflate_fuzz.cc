// base::Inflater against zlib on raw deflate data. The first two bytes choose how much input and
// room it gets at a time; both must come to the same end and to the same bytes.
#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "base/inflate.h"

namespace {

constexpr size_t kMost = size_t{1} << 17;  // of output: what is beyond is not compared

using weft::base::Inflater;

bool by_zlib(const std::vector<uint8_t>& data, std::string& out) {
  z_stream stream{};
  inflateInit2(&stream, -15);
  out.resize(kMost);
  stream.next_in = const_cast<Bytef*>(data.data());
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const bool ended = inflate(&stream, Z_FINISH) == Z_STREAM_END;
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return ended;
}

bool by_weft(const std::vector<uint8_t>& data, size_t at_once, size_t room, std::string& out) {
  Inflater inflater;
  inflater.reset();
  weft::InflateCursor c{};
  c.in = data.data();
  c.in_end = data.data() + std::min(at_once, data.size());
  while (out.size() < kMost) {
    const size_t history = std::min<size_t>(out.size(), Inflater::kWindow);
    std::vector<uint8_t> block(history + room + Inflater::kOutputSlack);
    std::memcpy(block.data(), out.data() + out.size() - history, history);
    c.window = block.data();
    c.out = block.data() + history;
    c.out_end = block.data() + block.size();
    const bool last = c.in_end == data.data() + data.size();
    const Inflater::Status status = inflater.run(c, last);
    out.append(block.data() + history, c.out);
    if (status == Inflater::Status::kInput && !last) {
      c.in_end = std::min(c.in_end + at_once, data.data() + data.size());
    } else if (status != Inflater::Status::kOutput) {
      return status == Inflater::Status::kEnd;
    }
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size < 2) return 0;
  const std::vector<uint8_t> data(bytes + 2, bytes + size);
  const size_t at_once = Inflater::kInputSlack + 1 + size_t{bytes[0]} * 16,
               room = 1 + size_t{bytes[1]} * 256;
  std::string expected, found;
  const bool ended = by_zlib(data, expected);
  const bool also = by_weft(data, at_once, room, found);
  if (expected.size() >= kMost || found.size() >= kMost) return 0;
  if (ended != also) std::abort();
  // Where the data are bad, zlib may have looked less far ahead; what both gave is the same.
  const size_t common =
      ended ? std::max(expected.size(), found.size()) : std::min(expected.size(), found.size());
  if (expected.size() < common || found.size() < common) std::abort();
  if (std::memcmp(expected.data(), found.data(), common) != 0) std::abort();
  return 0;
}
