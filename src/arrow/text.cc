// Strings. A view is 16 bytes: the length (int32), then either the string itself, up to 12 bytes,
// or its first 4 bytes, the number of a buffer (int32) and an offset into it (int32).
#include "arrow/lists.h"
#include "arrow/values.h"

namespace weft::arrow {
namespace {

constexpr int64_t kViewBytes = 16, kInlineBytes = 12;
constexpr int64_t kMostBytes = int64_t{1} << 56;  // such sums do not overflow

// Writes strings one behind the other: first all lengths, then all bytes. Offsets and views are
// read once, for both: whoever owns them could change them in between.
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
    int64_t slot = 0;
    for (const Run& run : runs_) {
      if (run.count > 0) add(run, slot);
      slot += run.count;
    }
    Buffer bytes = Buffer::allocate(*end_);
    uint8_t* to = bytes.mutable_data();
    for (const Piece& piece : pieces_) {
      std::memcpy(to, piece.begin, static_cast<size_t>(piece.end - piece.begin));
      to += piece.end - piece.begin;
    }
    return Bytes::trusted(std::move(bytes), std::move(offsets_));
  }

 private:
  struct Piece {  // bytes of one string, or of several that touch
    const uint8_t *begin, *end;
  };

  bool absent(int64_t slot) const {
    return !present_.empty() && present_[static_cast<size_t>(slot)] == 0;
  }

  void push(int64_t length) {
    end_[1] = *end_ + length;
    ++end_;
  }
  // The bytes of what was pushed: `length` from `offset` on of the run's buffer i.
  void take(const Run& run, int64_t i, int64_t offset, int64_t length) {
    if (length == 0) return;
    const uint8_t* begin = needed_buffer(run, i, column_) + offset;
    if (pieces_.empty() || pieces_.back().end != begin) pieces_.push_back({begin, begin});
    pieces_.back().end += length;
  }
  void push(const Run& run, int64_t i, int64_t offset, int64_t length) {
    push(length);
    take(run, i, offset, length);
  }

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
    const int64_t from = run.array->offset + run.first;
    for (int64_t i = 0; i < run.count; ++i) {
      if (!absent(slot + i)) push(run, 1, (from + i) * type_.size, type_.size);
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
      if (present_.empty()) {
        push(end - begin);
      } else if (!absent(slot + i)) {
        push(run, 2, begin, end - begin);
      }
      begin = end;
    }
    if (present_.empty()) take(run, 2, first, begin - first);
  }

  void add_views(const Run& run, int64_t slot) {
    const uint8_t* views = needed_buffer(run, 1, column_);
    const int64_t from = run.array->offset + run.first;
    for (int64_t i = 0; i < run.count; ++i) {
      if (!absent(slot + i)) add_view(run, views, from + i, slot + i);
    }
  }

  void add_view(const Run& run, const uint8_t* views, int64_t i, int64_t slot) {
    const int64_t length = load<int32_t>(views + i * kViewBytes, 0);
    if (length >= 0 && length <= kInlineBytes) return push(run, 1, i * kViewBytes + 4, length);
    const int64_t data = load<int32_t>(views + i * kViewBytes, 2),
                  offset = load<int32_t>(views + i * kViewBytes, 3);
    const int64_t count = run.array->n_buffers - 3;
    const uint8_t* sizes = buffer(*run.array, run.array->n_buffers - 1);
    if (length >= 0 && data >= 0 && data < count && sizes != nullptr && offset >= 0 &&
        offset <= load<int64_t>(sizes, data) - length) {
      return push(run, 2 + data, offset, length);
    }
    column_.corrupt("an Arrow string view of " + std::to_string(length) + " bytes at offset " +
                        std::to_string(offset) + " of buffer " + std::to_string(data) + " of " +
                        std::to_string(count),
                    slot);
  }

  const Type& type_;
  const Runs& runs_;
  const std::vector<uint8_t>& present_;
  const Column& column_;
  Buffer offsets_;
  int64_t* end_ = nullptr;  // the offset written last
  std::vector<Piece> pieces_;
};

}  // namespace

Bytes read_text(const Type& type, const Runs& runs, const std::vector<uint8_t>& present,
                const Column& column) {
  return Text(type, runs, present, column).read();
}

}  // namespace weft::arrow
