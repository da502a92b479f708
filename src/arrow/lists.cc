#include "arrow/lists.h"

namespace weft::arrow {
namespace {

class Lists {
 public:
  Lists(const Type& type, const Column& column, int64_t count)
      : type_(type), column_(column), splits_(DType::kInt64, {count + 1}) {
    to_ = splits_.mutable_values<int64_t>().data();
    *to_ = 0;
  }

  void add(const Run& run) {
    switch (type_.layout) {
      case Layout::kFixedList:
        return add_fixed(run);
      case Layout::kListView:
        return type_.wide ? add_views<int64_t>(run) : add_views<int32_t>(run);
      default:
        return type_.wide ? add_offsets<int64_t>(run) : add_offsets<int32_t>(run);
    }
  }

  Tensor splits() { return std::move(splits_); }
  Runs elements() { return std::move(elements_); }

 private:
  // The next list: `length` elements of the run's child from `begin`.
  void push(const Run& run, int64_t begin, int64_t length) {
    to_[1] = after(length);
    ++to_;
    ++done_;
    append(elements_, {run.chunk, run.array->children[0], begin, length});
  }

  // The elements so far and `length` more: checked one by one, so that no sum of them overflows.
  int64_t after(int64_t length) const {
    column_.check_count(length, "elements");
    column_.check_count(*to_ + length, "elements");
    return *to_ + length;
  }

  template <class T>
  void add_offsets(const Run& run) {
    if (run.count == 0) return;
    const int64_t from = run.array->offset + run.first;
    const uint8_t* offsets =
        needed_buffer(run, 1, column_) + from * static_cast<int64_t>(sizeof(T));
    if (const uint8_t* bits = null_bits(run)) {
      Tensor own(DType::kInt64, {run.count + 1});
      int64_t* at = own.mutable_values<int64_t>().data();
      copy_offsets<T>(offsets, run, at);
      for (int64_t i = 0; i < run.count; ++i)
        push(run, at[i], bit(bits, from + i) ? at[i + 1] - at[i] : 0);
      return;
    }
    const int64_t before = *to_;
    copy_offsets<T>(offsets, run, to_);
    const int64_t begin = to_[0], end = to_[run.count];
    to_[0] = before;
    (void)after(end - begin);
    to_[0] = begin;
    for (int64_t i = 0; i <= run.count; ++i) to_[i] += before - begin;
    to_ += run.count;
    done_ += run.count;
    append(elements_, {run.chunk, run.array->children[0], begin, end - begin});
  }

  // Checks the copy: whoever owns the offsets could change them.
  template <class T>
  void copy_offsets(const uint8_t* offsets, const Run& run, int64_t* own) const {
    int64_t falls = 0;
    for (int64_t i = 0; i <= run.count; ++i) own[i] = load<T>(offsets, i);
    for (int64_t i = 0; i < run.count; ++i) falls += own[i + 1] < own[i] ? 1 : 0;
    const int64_t most = run.array->children[0]->length;
    if (falls == 0 && own[0] >= 0 && own[run.count] <= most) return;
    for (int64_t i = 0; i < run.count; ++i) {
      if (own[i] < 0 || own[i + 1] < own[i] || own[i + 1] > most)
        refuse(own[i], own[i + 1], most, done_ + i);
    }
  }

  template <class T>
  void add_views(const Run& run) {
    const int64_t from = run.array->offset + run.first;
    const uint8_t *offsets = needed_buffer(run, 1, column_),
                  *sizes = needed_buffer(run, 2, column_), *bits = null_bits(run);
    const int64_t most = run.array->children[0]->length;
    for (int64_t i = from; i < from + run.count; ++i) {
      const bool there = bits == nullptr || bit(bits, i);
      const int64_t begin = there ? load<T>(offsets, i) : 0, size = there ? load<T>(sizes, i) : 0;
      if (begin < 0 || size < 0 || size > most || begin > most - size) {
        column_.corrupt("an Arrow list of " + std::to_string(size) + " elements at " +
                            std::to_string(begin) + " of " + std::to_string(most) + " elements",
                        done_);
      }
      push(run, begin, size);
    }
  }

  void add_fixed(const Run& run) {
    const uint8_t* bits = null_bits(run);
    const int64_t from = run.array->offset + run.first;
    for (int64_t i = from; i < from + run.count; ++i)
      push(run, i * type_.size, bits == nullptr || bit(bits, i) ? type_.size : 0);
  }

  [[noreturn]] void refuse(int64_t begin, int64_t end, int64_t most, int64_t list) const {
    column_.corrupt("an Arrow list from " + std::to_string(begin) + " to " + std::to_string(end) +
                        " of " + std::to_string(most) + " elements",
                    list);
  }

  const Type& type_;
  const Column& column_;
  Tensor splits_;
  int64_t* to_ = nullptr;
  int64_t done_ = 0;
  Runs elements_;
};

// The child must hold as many elements as the lists up to the end of the array.
void check_fixed(const Run& run, const Type& type, const Column& column) {
  int64_t end = 0;
  const int64_t most = run.array->children[0]->length;
  if (__builtin_mul_overflow(run.array->offset + run.array->length, type.size, &end) ||
      end > most) {
    corrupt(column.name, "fixed-size lists of " + std::to_string(type.size) + " up to list " +
                             std::to_string(run.array->offset + run.array->length) + " over " +
                             std::to_string(most) + " elements");
  }
}

}  // namespace

int64_t count_of(const Runs& runs) {
  int64_t count = 0;
  for (const Run& run : runs) {
    if (__builtin_add_overflow(count, run.count, &count)) return INT64_MAX;
  }
  return count;
}

void append(Runs& runs, const Run& more) {
  if (more.count == 0) return;
  if (!runs.empty()) {
    Run& last = runs.back();
    if (last.array == more.array && last.chunk == more.chunk &&
        last.first + last.count == more.first) {
      last.count += more.count;
      return;
    }
  }
  runs.push_back(more);
}

Runs open_lists(const Runs& runs, const Type& type, Column& column) {
  const int64_t count = count_of(runs);
  column.check_count(count, "lists");
  const bool is_fixed = type.layout == Layout::kFixedList;
  bool nulls = false;
  for (const Run& run : runs) {
    if (is_fixed) check_fixed(run, type, column);
    nulls = nulls || (is_fixed && null_bits(run) != nullptr);
  }
  if (is_fixed && !nulls) {
    Runs elements;
    for (const Run& run : runs) {
      append(elements, {run.chunk, run.array->children[0],
                        (run.array->offset + run.first) * type.size, run.count * type.size});
    }
    column.levels.push_back({count, type.size, {}});
    column.check_count(count_of(elements), "elements");
    return elements;
  }
  Lists lists(type, column, count);
  for (const Run& run : runs) lists.add(run);
  column.levels.push_back({count, -1, lists.splits()});
  Runs elements = lists.elements();
  column.check_count(count_of(elements), "elements");
  return elements;
}

}  // namespace weft::arrow
