// Records for a parser: the fuzzer's bytes as they are, or random records that its bytes decide.
#pragma once

#include <google/protobuf/stubs/logging.h>

#include <cstdint>
#include <string_view>

namespace weft::fuzz {

// The first byte says which, and with make_random(draw, choice) of what kind; `check` takes each
// record, a drawn one once more damaged. Returns 0, as LLVMFuzzerTestOneInput does.
template <class MakeRandom, class Draw, class Check>
int read_or_draw(const uint8_t* data, size_t size, const MakeRandom& make_random, const Draw& draw,
                 const Check& check) {
  google::protobuf::SetLogHandler(nullptr);
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & 1) == 0) {
    check(input);
    return 0;
  }
  size_t at = 0;
  const auto next = [&] {
    uint64_t number = 0;
    for (int i = 0; i < 2 && at < input.size(); ++i)
      number = number << 8 | static_cast<uint8_t>(input[at++]);
    return number;
  };
  auto random = make_random(next, data[0] >> 1);
  const auto record = draw(random);
  check(record);
  check(random.damaged(record));
  return 0;
}

}  // namespace weft::fuzz
