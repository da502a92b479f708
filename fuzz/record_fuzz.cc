// RecordReader on arbitrary bytes. The first byte chooses options, the rest is the file; one option
// has the checksums of its records made right first, which chance would never do. Whatever the
// bytes are: raising and skipping agree on the records before the first fault; and in a plain file
// every byte is in a record or counted as skipped.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/crc32c.h"
#include "weft/record.h"

namespace {

using weft::Compression;

struct Outcome {
  std::vector<std::string> records;
  int64_t faults = 0;
  weft::RecordCounters counters;
  Compression compression = Compression::kAuto;
};

void require(bool condition) {
  if (!condition) std::abort();
}

Outcome read(const std::string& path, weft::RecordOptions options) {
  Outcome outcome;
  options.on_skip = [&](const weft::Error&) { ++outcome.faults; };
  weft::RecordReader reader(path, options);
  weft::RecordBatch batch;
  try {
    while (reader.next(batch, 3)) {
      for (int64_t i = 0; i < batch.size(); ++i) {
        outcome.records.emplace_back(batch[i]);
        require(batch.offset(i) >= 0 && batch.number(i) >= 0);
      }
    }
  } catch (const weft::Error&) {
    require(options.on_error == weft::OnError::kRaise);
    ++outcome.faults;
  }
  outcome.counters = reader.counters();
  outcome.compression = reader.compression();
  return outcome;
}

void store(std::string& bytes, size_t at, uint64_t value, size_t size) {
  for (size_t i = 0; i < size; ++i) bytes[at + i] = static_cast<char>(value >> (8 * i));
}

// A record of 0x55 that fills a chunk but for `left` bytes, so that what follows is cut by its end.
std::string padding(size_t left) {
  const uint64_t length = (size_t{256} << 10) - 16 - left;
  std::string frame(12, '\0');
  store(frame, 0, length, 8);
  store(frame, 8, weft::base::masked_crc32c(frame.data(), 8), 4);
  frame.append(length, '\x55');
  frame.append(4, '\0');
  store(frame, 12 + length,
        weft::base::masked_crc32c(frame.data() + 12, static_cast<int64_t>(length)), 4);
  return frame;
}

// Reads the bytes as records of up to 255 bytes and gives them checksums, but for those whose
// second byte says otherwise.
void make_right(std::string& bytes) {
  for (size_t at = 0; bytes.size() - at >= 16;) {
    const auto wrong = static_cast<uint8_t>(bytes[at + 1]);
    const size_t length = static_cast<uint8_t>(bytes[at]);
    store(bytes, at, length, 8);
    if (wrong != 1) store(bytes, at + 8, weft::base::masked_crc32c(bytes.data() + at, 8), 4);
    if (length > bytes.size() - at - 16) return;
    const uint32_t crc =
        weft::base::masked_crc32c(bytes.data() + at + 12, static_cast<int64_t>(length));
    if (wrong != 2) store(bytes, at + 12 + length, crc, 4);
    at += 16 + length;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const uint8_t choice = data[0];
  std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((choice & 0x40) != 0) make_right(bytes);
  if ((choice & 0x10) != 0) bytes.insert(0, padding(bytes.size() / 2 % 64));
  static const int file = memfd_create("record_fuzz", 0);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  require(ftruncate(file, 0) == 0 &&
          pwrite(file, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));

  weft::RecordOptions options;
  options.compression = static_cast<Compression>(choice & 3);
  options.verify_crc = (choice & 4) == 0;
  options.limits.max_record_bytes = (choice & 8) != 0 ? 1000 : 1 << 20;
  options.read_ahead = (choice & 0x20) != 0;
  const Outcome raised = read(path, options);
  options.on_error = weft::OnError::kSkip;
  const Outcome skipped = read(path, options);

  require(raised.faults <= 1 && (raised.faults == 0) == (skipped.faults == 0));
  require(raised.records.size() <= skipped.records.size());
  require(std::equal(raised.records.begin(), raised.records.end(), skipped.records.begin()));
  require(skipped.faults == skipped.counters.skipped);
  require(skipped.counters.records == static_cast<int64_t>(skipped.records.size()));
  if (skipped.compression == Compression::kNone) {
    require(skipped.counters.skipped_bytes + skipped.counters.bytes +
                16 * skipped.counters.records ==
            static_cast<int64_t>(bytes.size()));
  }
  return 0;
}
