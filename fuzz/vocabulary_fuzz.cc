// Vocabulary::open on arbitrary bytes. The first byte chooses options, the rest is the file; one
// option has it made a table file with the right checksums, which chance would never do. What opens
// can be looked up in, with the same ids on every instruction set, and its entries read.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "base/crc32c.h"
#include "weft/vocabulary.h"

namespace {

using weft::DType;
using weft::Tensor;

constexpr size_t kHeader = 128;

void require(bool condition) {
  if (!condition) std::abort();
}

// Gives the bytes the beginning of a table file, and its checksums.
void make_right(std::string& bytes) {
  if (bytes.size() < kHeader) return;
  std::memcpy(bytes.data(), "\x89VOC\r\n\x1a\n\1\0\0\0\4\3\2\1", 16);
  const uint32_t contents = weft::base::masked_crc32c(bytes.data() + kHeader,
                                                      static_cast<int64_t>(bytes.size() - kHeader));
  std::memcpy(bytes.data() + 56, &contents, 4);
  const uint32_t header = weft::base::masked_crc32c(bytes.data(), kHeader - 4);
  std::memcpy(bytes.data() + kHeader - 4, &header, 4);
}

// Some keys of the file's own bytes.
Tensor keys_of(const std::string& bytes, DType dtype) {
  if (dtype != DType::kString) {
    Tensor keys(DType::kInt64, {static_cast<int64_t>(bytes.size() / 8)});
    auto values = keys.mutable_values<int64_t>();
    if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size_bytes());
    return keys;
  }
  std::vector<std::string_view> keys;
  for (size_t at = 0, size = 0; at < bytes.size(); at += size + 1, size = (size + 1) % 21)
    keys.push_back(std::string_view(bytes).substr(at, size));
  return Tensor::strings({static_cast<int64_t>(keys.size())}, weft::Bytes::from(keys));
}

void use(const weft::Vocabulary& vocabulary, const std::string& bytes) {
  const Tensor keys = keys_of(bytes, vocabulary.dtype());
  std::vector<int64_t> first(static_cast<size_t>(keys.size())), ids(first.size());
  const weft::base::Isa best = weft::base::best_isa();
  for (int isa = 1; isa <= static_cast<int>(best); ++isa) {
    weft::base::set_isa(static_cast<weft::base::Isa>(isa));
    vocabulary.lookup(keys, ids.data());
    if (isa == 1) first = ids;
    require(ids == first);
  }
  for (int64_t id : ids) require(id >= -1 && id < vocabulary.size());
  vocabulary.counts();
  vocabulary.entries();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const uint8_t choice = data[0];
  std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((choice & 1) != 0) make_right(bytes);
  static const int file = memfd_create("vocabulary_fuzz", 0);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  require(ftruncate(file, 0) == 0 &&
          pwrite(file, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  weft::VocabularyFileOptions options;
  if ((choice & 2) != 0) options.dtype = (choice & 4) != 0 ? DType::kInt64 : DType::kString;
  if ((choice & 8) != 0) options.size = choice >> 4;
  try {
    weft::Vocabulary::count_entries(path);
    use(weft::Vocabulary::open(path, options), bytes);
    options.verify = true;
    use(weft::Vocabulary::open(path, options), bytes);
  } catch (const weft::Error&) {  // NOLINT(bugprone-empty-catch)
    // Refused.
  }
  return 0;
}
