// Where the records of a plain file are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weft/record.h"

namespace weft::record {

// Offset of each record, and the size of the file: frames stand one behind the other.
using Offsets = std::vector<int64_t>;

// What the system says of a file.
struct FileStamp {
  int64_t size = 0;
  int64_t modified = 0;  // ns
  bool operator==(const FileStamp&) const = default;
};

// Throws InvalidArgument unless this is a regular file.
FileStamp stamp_of(int fd, const std::string& path);

// Reads the whole file. Throws as RecordReader does, and InvalidArgument for a compressed file.
Offsets scan(const std::string& path, const FileStamp& stamp, RecordOptions options);

std::string encode_index(const Offsets& offsets, const FileStamp& stamp);
// Throws CorruptData for what is no index, and InvalidArgument for one of another state of the
// file.
Offsets decode_index(std::string_view bytes, const FileStamp& stamp, const std::string& index_path,
                     const std::string& path);

}  // namespace weft::record
