// Strings. A view is 16 bytes: the length (int32), then either the string itself, up to 12 bytes,
// or its first 4 bytes, the number of a buffer (int32) and an offset into it (int32).
#include "arrow/lists.h"
#include "arrow/values.h"

namespace weft::arrow {
namespace {

constexpr int64_t kViewBytes = 16, kInlineBytes = 12;
constexpr int64_t kMostBytes = int64_t{1} << 56;  // such sums do not overflow

// Writes strings one behind the other: first all lengths, then all bytes.
class Text {
 public:
  Text(const Type& type, const Runs& runs, const std::vector<uint8_t>& present,
       const Column& column)
      : type_(type), runs_(runs), present_(present), column_(column) {}

  Bytes read() {
    int64_t n = 0;
    for (uint8_t flag : present_) n += flag;
    if (present_.empty()) n = count_of(runs_);
    offsets_ = Buffer::allocate((n + 1) * 8);
    end_ = reinterpret_cast<int64_t*>(offsets_.mutable_data());
    *end_ = 0;
    each_run([this](const Run& run, int64_t slot) { add(run, slot); });
    bytes_ = Buffer::allocate(*end_);
    to_ = bytes_.mutable_data();
    at_ = reinterpret_cast<const int64_t*>(offsets_.data());
    each_run([this](const Run& run, int64_t slot) { copy(run, slot); });
    return Bytes::trusted(std::move(bytes_), std::move(offsets_));
  }

 private:
  template <class Body>
  void each_run(const Body& body) {
    int64_t slot = 0;
    for (const Run& run : runs_) {
      if (run.count > 0) body(run, slot);
      slot += run.count;
    }
  }

  bool absent(int64_t slot) const {
    return !present_.empty() && present_[static_cast<size_t>(slot)] == 0;
  }

  void push(int64_t length) {
    end_[1] = *end_ + length;
    ++end_;
  }

  // --- lengths ---------------------------------------------------------------------------------

  void add(const Run& run, int64_t slot) {
    if (type_.layout == Layout::kFixedText) {
      add_fixed(run, slot);
    } else if (type_.layout == Layout::kTextView) {
      add_views(run, slot);
    } else {
      type_.wide ? add_offsets<int64_t>(run, slot) : add_offsets<int32_t>(run, slot);
    }
    // Lists and views may hold the same string any number of times.
    column_.check_count(*end_ / 8, "times 8 bytes of text");
  }

  void add_fixed(const Run& run, int64_t slot) {
    int64_t all = 0;
    if (__builtin_mul_overflow(run.array->offset + run.array->length, type_.size, &all) ||
        all > kMostBytes)
      corrupt(column_.name, "fixed-size strings of " + std::to_string(type_.size) + " bytes");
    needed_buffer(run, 1, column_);
    for (int64_t i = 0; i < run.count; ++i) {
      if (!absent(slot + i)) push(type_.size);
    }
  }

  template <class T>
  void add_offsets(const Run& run, int64_t slot) {
    const uint8_t* offsets = needed_buffer(run, 1, column_) +
                             (run.array->offset + run.first) * static_cast<int64_t>(sizeof(T));
    int64_t begin = load<T>(offsets, 0);
    const int64_t first = begin;
    for (int64_t i = 0; i < run.count; ++i) {
      const int64_t end = load<T>(offsets, i + 1);
      if (begin < 0 || end < begin || end > kMostBytes) {
        column_.corrupt(
            "an Arrow string from byte " + std::to_string(begin) + " to " + std::to_string(end),
            slot + i);
      }
      if (!absent(slot + i)) push(end - begin);
      begin = end;
    }
    if (begin > first) needed_buffer(run, 2, column_);
  }

  void add_views(const Run& run, int64_t slot) {
    const uint8_t* views = needed_buffer(run, 1, column_);
    for (int64_t i = 0; i < run.count; ++i) {
      if (!absent(slot + i)) push(static_cast<int64_t>(view(run, views, i, slot).size()));
    }
  }

  std::string_view view(const Run& run, const uint8_t* views, int64_t i, int64_t slot) const {
    const uint8_t* at = views + (run.array->offset + run.first + i) * kViewBytes;
    const int64_t length = load<int32_t>(at, 0);
    if (length >= 0 && length <= kInlineBytes)
      return {reinterpret_cast<const char*>(at) + 4, static_cast<size_t>(length)};
    const int64_t data = load<int32_t>(at, 2), offset = load<int32_t>(at, 3);
    const int64_t count = run.array->n_buffers - 3;
    const uint8_t* sizes = buffer(*run.array, run.array->n_buffers - 1);
    if (length >= 0 && data >= 0 && data < count && sizes != nullptr && offset >= 0 &&
        offset <= load<int64_t>(sizes, data) - length) {
      const uint8_t* bytes = needed_buffer(run, 2 + data, column_);
      return {reinterpret_cast<const char*>(bytes) + offset, static_cast<size_t>(length)};
    }
    column_.corrupt("an Arrow string view of " + std::to_string(length) + " bytes at offset " +
                        std::to_string(offset) + " of buffer " + std::to_string(data) + " of " +
                        std::to_string(count),
                    slot + i);
  }

  // --- bytes -----------------------------------------------------------------------------------

  void put(const uint8_t* from) {
    const auto length = static_cast<size_t>(at_[1] - at_[0]);
    if (length > 0) std::memcpy(to_, from, length);
    to_ += length;
    ++at_;
  }

  void copy(const Run& run, int64_t slot) {
    if (type_.layout == Layout::kTextView) return copy_views(run, slot);
    if (type_.layout == Layout::kFixedText) {
      const uint8_t* from = buffer(*run.array, 1) + (run.array->offset + run.first) * type_.size;
      for (int64_t i = 0; i < run.count; ++i) {
        if (!absent(slot + i)) put(from + i * type_.size);
      }
      return;
    }
    type_.wide ? copy_offsets<int64_t>(run, slot) : copy_offsets<int32_t>(run, slot);
  }

  template <class T>
  void copy_offsets(const Run& run, int64_t slot) {
    const uint8_t* offsets =
        buffer(*run.array, 1) + (run.array->offset + run.first) * static_cast<int64_t>(sizeof(T));
    const uint8_t* bytes = buffer(*run.array, 2);
    if (present_.empty()) {
      const int64_t length = at_[run.count] - at_[0];
      if (length > 0) std::memcpy(to_, bytes + load<T>(offsets, 0), static_cast<size_t>(length));
      to_ += length;
      at_ += run.count;
      return;
    }
    for (int64_t i = 0; i < run.count; ++i) {
      if (!absent(slot + i)) put(bytes + load<T>(offsets, i));
    }
  }

  void copy_views(const Run& run, int64_t slot) {
    const uint8_t* views = buffer(*run.array, 1);
    for (int64_t i = 0; i < run.count; ++i) {
      if (!absent(slot + i))
        put(reinterpret_cast<const uint8_t*>(view(run, views, i, slot).data()));
    }
  }

  const Type& type_;
  const Runs& runs_;
  const std::vector<uint8_t>& present_;
  const Column& column_;
  Buffer offsets_, bytes_;
  int64_t* end_ = nullptr;       // the offset written last
  const int64_t* at_ = nullptr;  // of the string that is copied next
  uint8_t* to_ = nullptr;
};

}  // namespace

Bytes read_text(const Type& type, const Runs& runs, const std::vector<uint8_t>& present,
                const Column& column) {
  return Text(type, runs, present, column).read();
}

}  // namespace weft::arrow
