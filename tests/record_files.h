// Files for the tests of records and datasets: a folder that goes away, bytes written and read
// back, records framed by hand.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/crc32c.h"
#include "weft/record.h"

namespace weft::testing_files {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "weft_test_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      found.push_back(entry.path().filename().string());
    }
    return found;
  }

 private:
  std::filesystem::path path_;
};

inline std::string put(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return path;
}

inline std::string get(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline std::string little_endian(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

inline std::string header(uint64_t length) {
  const std::string text = little_endian(length, 8);
  return text + little_endian(base::masked_crc32c(text.data(), 8), 4);
}

// One record as it stands in a file.
inline std::string frame(std::string_view data) {
  const auto size = static_cast<int64_t>(data.size());
  return header(data.size()) + std::string(data) +
         little_endian(base::masked_crc32c(data.data(), size), 4);
}

inline std::string frames(const std::vector<std::string>& records) {
  std::string text;
  for (const auto& record : records) text += frame(record);
  return text;
}

// One gzip member or, with gzip = false, a zlib stream.
inline std::string deflated(std::string_view bytes, bool gzip = true) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, gzip ? 31 : 15, 9, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, bytes.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

inline std::vector<std::string> random_records(int n, size_t longest, uint32_t seed = 1) {
  std::mt19937 random(seed);
  std::vector<std::string> records(static_cast<size_t>(n));
  for (auto& record : records) {
    record.resize(random() % (longest + 1));
    for (auto& c : record) c = static_cast<char>(random() % 64);
  }
  return records;
}

inline std::vector<std::string> strings(const RecordBatch& batch) {
  return {batch.records().begin(), batch.records().end()};
}

// All records of a file, in batches of a size that divides nothing.
inline std::vector<std::string> read_all(const std::string& path, const RecordOptions& options = {},
                                         RecordCounters* counters = nullptr,
                                         int64_t batch_size = 7) {
  RecordReader reader(path, options);
  std::vector<std::string> all;
  RecordBatch batch;
  while (reader.next(batch, batch_size))
    all.insert(all.end(), batch.records().begin(), batch.records().end());
  if (counters != nullptr) *counters = reader.counters();
  return all;
}

}  // namespace weft::testing_files
