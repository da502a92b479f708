#include "arrow/slots.h"

#include <algorithm>
#include <bit>

namespace weft::arrow {
namespace {

constexpr int64_t kMostSlots = int64_t{1} << 56;  // in bytes of any width below 2^63

int64_t buffers_of(Layout layout) {
  switch (layout) {
    case Layout::kNull:
      return 0;
    case Layout::kFixedList:
    case Layout::kStruct:
      return 1;
    case Layout::kText:
    case Layout::kListView:
    case Layout::kTextView:  // and as many more as there are
      return 3;
    default:
      return 2;
  }
}

// Set bits among [first, first + count).
int64_t count_bits(const uint8_t* bits, int64_t first, int64_t count) {
  int64_t set = 0, i = first;
  const int64_t end = first + count;
  for (; i < end && i % 8 != 0; ++i) set += bit(bits, i) ? 1 : 0;
  for (; i + 64 <= end; i += 64) set += std::popcount(load<uint64_t>(bits + i / 8, 0));
  for (; i < end; ++i) set += bit(bits, i) ? 1 : 0;
  return set;
}

}  // namespace

int64_t Level::holder(int64_t at) const {
  if (fixed > 0) return at / fixed;
  const auto all = splits.values<int64_t>();
  return std::ranges::upper_bound(all, at) - all.begin() - 1;
}

int64_t Level::length_of_longest() const {
  if (fixed >= 0) return fixed;
  int64_t longest = 0;
  const auto all = splits.values<int64_t>();
  for (size_t i = 1; i < all.size(); ++i) longest = std::max(longest, all[i] - all[i - 1]);
  return longest;
}

Where Column::where(int64_t at) const {
  for (size_t level = levels.size(); level-- > 0;) at = levels[level].holder(at);
  return {.key = name, .row = at};
}

void Column::corrupt(const std::string& text, int64_t at) const {
  throw CorruptData(text, where(at));
}

void Column::check_count(int64_t count, const char* what) const {
  if (count <= limits.max_batch_values) return;
  throw LimitExceeded("an Arrow array of " + std::to_string(count) + " " + what +
                          "; the limit is " + std::to_string(limits.max_batch_values),
                      {.key = name});
}

void check_array(const ArrowArray& array, const Type& type, const Column& column) {
  const std::string& name = column.name;
  if (array.release == nullptr)
    throw InvalidArgument("the Arrow array has been released already", {.key = name});
  if (array.length < 0 || array.offset < 0 || array.length > kMostSlots ||
      array.offset > kMostSlots) {
    corrupt(name, "an Arrow array of length " + std::to_string(array.length) + " at offset " +
                      std::to_string(array.offset));
  }
  if (array.null_count < -1 || array.null_count > array.length) {
    corrupt(name, std::to_string(array.null_count) + " nulls in an Arrow array of length " +
                      std::to_string(array.length));
  }
  const int64_t buffers = buffers_of(type.layout);
  const bool more = type.layout == Layout::kTextView && array.n_buffers > buffers;
  if (array.n_buffers != buffers && !more) {
    corrupt(name, "an Arrow array of " + std::to_string(array.n_buffers) +
                      " buffers; its type has " + std::to_string(buffers));
  }
  if (buffers > 0 && array.buffers == nullptr) corrupt(name, "an Arrow array without its buffers");
  if (buffers > 0 && array.null_count > 0 && array.buffers[0] == nullptr)
    corrupt(name, std::to_string(array.null_count) + " nulls, but no validity bits");
  const bool list = type.layout == Layout::kList || type.layout == Layout::kListView ||
                    type.layout == Layout::kFixedList;
  if (list && (array.n_children != 1 || array.children == nullptr || array.children[0] == nullptr))
    corrupt(name, "an Arrow list array without its one child");
}

const uint8_t* needed_buffer(const Run& run, int64_t i, const Column& column) {
  const uint8_t* found = buffer(*run.array, i);
  if (found == nullptr && run.count > 0) {
    corrupt(column.name, "an Arrow array of length " + std::to_string(run.array->length) +
                             " whose buffer " + std::to_string(i) + " is missing");
  }
  return found;
}

const uint8_t* null_bits(const Run& run) {
  if (run.array->null_count == 0 || run.count == 0) return nullptr;
  const uint8_t* bits = buffer(*run.array, 0);
  if (bits == nullptr) return nullptr;
  const int64_t first = run.array->offset + run.first;
  return count_bits(bits, first, run.count) == run.count ? nullptr : bits;
}

}  // namespace weft::arrow
