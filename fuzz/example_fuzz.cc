// Any bytes as a batch of Examples, against the slow parser of tests/reference_example.h; then one
// by one; then what was read is written and read again.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/thread_pool.h"
#include "tests/example_random.h"
#include "tests/example_spec.h"
#include "weft/error.h"
#include "weft/example.h"

namespace weft {
namespace {

using testing::outcome;

// Records of exactly their size on the heap, where a sanitizer sees what is read past them.
struct Batch {
  std::vector<std::unique_ptr<char[]>> memory;
  std::vector<std::string_view> records;

  void add(std::string_view record) {
    memory.push_back(std::make_unique<char[]>(record.size()));
    if (!record.empty()) std::memcpy(memory.back().get(), record.data(), record.size());
    records.emplace_back(memory.back().get(), record.size());
  }
};

// The input's bytes as the numbers that make random Examples.
std::vector<std::string> made_of(std::string_view input, int odd, bool damage) {
  size_t at = 0;
  testing::RandomExample random(
      [&] {
        uint64_t number = 0;
        for (int i = 0; i < 2 && at < input.size(); ++i)
          number = number << 8 | static_cast<uint8_t>(input[at++]);
        return number;
      },
      odd);
  std::vector<std::string> records;
  do {
    records.push_back(random.record(testing::random_keys()));
    if (damage) records.back() = random.damaged(records.back());
  } while (at < input.size() && records.size() < 8);
  return records;
}

void require(bool good) {
  if (!good) std::abort();
}

template <class F>
bool is_malformed(const F& read) {
  try {
    read();
    return false;
  } catch (const CorruptData&) {
    return true;
  }
}

void check(const Batch& batch, const ExampleParser& parser, bool writable) {
  const std::string expected =
      outcome([&] { return reference::parse_example(batch.records, parser.spec()); });
  const std::string found = outcome([&] { return parser.parse(batch.records); });
  require(testing::agree(found, expected));
  for (std::string_view record : batch.records) {
    const std::string_view one[] = {record};
    const std::string alone = outcome([&] { return reference::parse_example(one, parser.spec()); });
    require(outcome([&] { return parser.parse(one); }) == alone);
    const std::string single = outcome([&] { return parser.parse_single(record); });
    require(is_malformed([&] { decode_example(record, {.strict = false}); }) ==
            (alone == "malformed"));
    require((single == "malformed") == (alone == "malformed") &&
            (single == "unfit") == (alone == "unfit"));
  }
  if (!writable || found == "malformed" || found == "unfit") return;
  const Bytes written = encode_examples(parser.parse(batch.records));
  std::vector<std::string_view> again;
  for (int64_t i = 0; i < written.size(); ++i) again.push_back(written[i]);
  require(outcome([&] { return parser.parse(again); }) == found);
}

}  // namespace
}  // namespace weft

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weft;
  if (size == 0) return 0;
  static const ExampleParser fixed(testing::random_spec(true), {.strict = false});
  static const ExampleParser any(testing::random_spec(false), {.strict = false});
  // Every feature under its own name, padding none: written and read, it must be the same.
  static const ExampleParser lists(
      [] {
        ParseSpec spec = testing::random_spec(false);
        spec.erase("another");
        spec["f_padded"] = RaggedFeature{.dtype = DType::kFloat32};
        spec["s_padded"] = VarLenFeature{DType::kString};
        return spec;
      }(),
      {.strict = false});
  const uint8_t choice = data[0];
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  base::set_num_threads(1 + (choice >> 6 & 1));
  Batch batch;
  if ((choice & 3) == 0) {
    batch.add(input);
    if ((choice & 4) != 0)
      batch.add(testing::example({testing::entry("i0", testing::ints({1, 2, 3}))}));
  } else {
    for (const std::string& record : made_of(input, (choice & 3) * (choice & 3), (choice & 4) != 0))
      batch.add(record);
  }
  const int which = choice >> 3 & 3;
  check(batch, which == 0 ? any : which == 1 ? lists : fixed, which == 1);
  return 0;
}
