// Any bytes as a batch of SequenceExamples, against the slow parser of
// tests/reference_sequence_example.h, on every instruction set; then one by one; then what a record
// holds is written and read again.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/cpu.h"
#include "base/thread_pool.h"
#include "tests/sequence_example_random.h"
#include "weft/error.h"
#include "weft/example.h"

namespace weft {
namespace {

using testing::outcome;

const std::vector<std::string> kContextKeys{"i0", "f0", "s0", "i_scalar", "i_unread"};

void require(bool good) {
  if (!good) std::abort();
}

SequenceExampleParser parser_of(bool fixed) {
  ParseSpec context{{"i0", VarLenFeature{DType::kInt64}},
                    {"f0", RaggedFeature{.dtype = DType::kFloat32}},
                    {"s0", VarLenFeature{DType::kString}}};
  return SequenceExampleParser(context, testing::random_list_spec(fixed), {.strict = false});
}

// The input itself, or records made of its bytes as numbers.
std::vector<std::string> records_of(std::string_view input, uint8_t choice) {
  if ((choice & 3) == 0) return {std::string(input)};
  size_t at = 0;
  testing::RandomSequenceExample random(
      [&] {
        uint64_t number = 0;
        for (int i = 0; i < 2 && at < input.size(); ++i)
          number = number << 8 | static_cast<uint8_t>(input[at++]);
        return number;
      },
      (choice & 3) * (choice & 3) - 1);
  std::vector<std::string> records;
  do {
    records.push_back(random.record(kContextKeys, testing::random_list_keys()));
    if ((choice & 4) != 0) records.back() = random.damaged(records.back());
  } while (at < input.size() && records.size() < 6);
  return records;
}

std::string expected_of(const std::vector<std::string_view>& records,
                        const SequenceExampleParser& parser) {
  return outcome([&] {
    return reference::parse_sequence_example(records, parser.context_spec(), parser.list_spec());
  });
}

void check_decoded(std::string_view record) {
  try {
    const DecodedSequenceExample decoded = decode_sequence_example(record, {.strict = false});
    const std::string written = encode_sequence_example(
        decoded.context, {decoded.feature_lists.begin(), decoded.feature_lists.end()});
    const DecodedSequenceExample again = decode_sequence_example(written);
    require(encode_sequence_example(again.context, {again.feature_lists.begin(),
                                                    again.feature_lists.end()}) == written);
  } catch (const CorruptData&) {
    require(outcome([&] { return parser_of(false).parse({&record, 1}); }) == "malformed");
  } catch (const InvalidArgument&) {  // steps of two kinds
    return;
  }
}

}  // namespace
}  // namespace weft

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weft;
  if (size == 0) return 0;
  static const SequenceExampleParser fixed = parser_of(true), any = parser_of(false);
  const uint8_t choice = data[0];
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const SequenceExampleParser& parser = (choice & 8) != 0 ? fixed : any;
  base::set_num_threads(1 + (choice >> 4 & 1));
  // Of exactly their size on the heap, where a sanitizer sees what is read past them.
  std::vector<std::unique_ptr<char[]>> memory;
  std::vector<std::string_view> records;
  for (const std::string& record : records_of(input, choice)) {
    memory.push_back(std::make_unique<char[]>(record.size()));
    if (!record.empty()) std::memcpy(memory.back().get(), record.data(), record.size());
    records.emplace_back(memory.back().get(), record.size());
  }
  const std::string expected = expected_of(records, parser);
  for (base::Isa isa : {base::Isa::kPlain, base::Isa::kV2, base::Isa::kV3, base::Isa::kV4}) {
    if (isa > base::best_isa()) continue;
    base::set_isa(isa);
    require(testing::agree(outcome([&] { return parser.parse(records); }), expected));
  }
  for (std::string_view record : records) {
    const std::string alone = expected_of({record}, parser);
    require(outcome([&] { return parser.parse({&record, 1}); }) == alone);
    const std::string single = outcome([&] { return parser.parse_single(record); });
    require((single == "malformed") == (alone == "malformed") &&
            (single == "unfit") == (alone == "unfit"));
    check_decoded(record);
  }
  return 0;
}
