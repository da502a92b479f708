#include "base/atomic_file.h"
#include "vocabulary/impl.h"

namespace weft {
namespace {

constexpr size_t kBufferBytes = size_t{256} << 10;

void check_line(std::string_view entry, int64_t id) {
  const char* const what = entry.empty()                                ? "is empty"
                           : entry.find('\n') != std::string_view::npos ? "holds a line end"
                           : entry.ends_with('\r') ? "ends in a carriage return"
                                                   : nullptr;
  if (what == nullptr) return;
  throw InvalidArgument("entry " + std::to_string(id) + " of the vocabulary " + what +
                        ": a text file cannot hold it, a table file can");
}

}  // namespace

void Vocabulary::save_text(const std::string& path) const {
  base::AtomicFile file;
  vocabulary::check_written(file.open(path), path);
  std::string buffer;
  const auto drain = [&] {
    vocabulary::check_written(file.write(buffer.data(), static_cast<int64_t>(buffer.size())), path);
    buffer.clear();
  };
  for (int64_t id = 0; id < size(); ++id) {
    if (dtype() == DType::kString) {
      const std::string_view entry = impl_->string(id);
      check_line(entry, id);
      buffer += entry;
    } else {
      buffer += std::to_string(integer(id));
    }
    buffer += '\n';
    if (buffer.size() >= kBufferBytes) drain();
  }
  drain();
  vocabulary::check_written(file.commit(), path);
}

}  // namespace weft
