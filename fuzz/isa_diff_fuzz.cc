// Every instruction set against plain C++: varints, CRC-32C, and batches of Examples.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/cpu.h"
#include "base/crc32c.h"
#include "base/varint.h"
#include "tests/example_random.h"
#include "tests/example_spec.h"
#include "weft/example.h"

namespace weft {
namespace {

void require(bool good) {
  if (!good) std::abort();
}

// A run of varints, as every decoder reads it into room of exactly the right size.
std::string varints(const uint8_t* data, int64_t size) {
  const int64_t n = base::count_varints(data, size);
  const bool valid = base::valid_varints(data, size);
  std::string text = std::to_string(n) + (valid ? " good" : " bad");
  const VarintKernel& kernel = WEFT_KERNEL(varint_kernel);
  std::vector<VarintDecode*> decoders{kernel.decode, kernel.decode_pext};
  if (base::cpu_extensions().vbmi2) decoders.push_back(kernel.decode_vbmi2);
  std::string first;
  for (VarintDecode* decode : decoders) {
    if (decode == nullptr) continue;
    const auto to = std::make_unique<uint64_t[]>(static_cast<size_t>(n));
    require(decode(data, size, to.get()) == valid);
    if (!valid) continue;
    std::string values(reinterpret_cast<const char*>(to.get()), static_cast<size_t>(n) * 8);
    require(first.empty() || values == first);
    first = std::move(values);
  }
  return text + first;
}

std::string everything(const uint8_t* data, size_t size,
                       const std::vector<std::string_view>& records, const ExampleParser& parser) {
  const auto n = static_cast<int64_t>(size);
  std::string text = varints(data, n) + " " + std::to_string(base::crc32c(data, n)) + " ";
  try {
    return text + testing::text_of(parser.parse(records));
  } catch (const Error& error) {
    return text + error.what();
  }
}

}  // namespace
}  // namespace weft

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weft;
  static const ExampleParser fixed(testing::random_spec(true), {.strict = false});
  static const ExampleParser any(testing::random_spec(false), {.strict = false});
  if (size == 0) return 0;
  const uint8_t choice = data[0];
  const auto exact = std::make_unique<uint8_t[]>(size - 1);
  std::memcpy(exact.get(), data + 1, size - 1);
  std::vector<std::string> made;
  std::vector<std::string_view> records{{reinterpret_cast<const char*>(exact.get()), size - 1}};
  if ((choice & 1) != 0) {
    testing::RandomExample random(choice ^ static_cast<uint64_t>(size) << 8 ^ data[size - 1],
                                  choice >> 4);
    for (size_t at = 1; at < size && made.size() < 6; at += 50)
      made.push_back(random.record(testing::random_keys()));
    if ((choice & 2) != 0 && !made.empty()) made.back() = random.damaged(made.back());
    records.assign(made.begin(), made.end());
  }
  std::string plain;
  for (base::Isa isa : {base::Isa::kPlain, base::Isa::kV2, base::Isa::kV3, base::Isa::kV4}) {
    if (isa > base::best_isa()) continue;
    base::set_isa(isa);
    const std::string found =
        everything(exact.get(), size - 1, records, (choice & 4) != 0 ? any : fixed);
    if (isa == base::Isa::kPlain) plain = found;
    require(found == plain);
  }
  return 0;
}
