#include "weft/vocabulary.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "base/cpu.h"
#include "base/thread_pool.h"
#include "vocabulary/impl.h"

namespace weft {
namespace {

constexpr int64_t kGrain = 16384;

Buffer without_slack(const vocabulary::Growing& section) {
  return Buffer::borrow(section.buffer().data(), section.size(), section.buffer().owner());
}

[[noreturn]] void fail_repeated(std::string_view entry, int64_t first, int64_t second) {
  throw InvalidArgument("entry " + std::to_string(second) + " of the vocabulary, " +
                        std::string(entry) + ", is there already: entry " + std::to_string(first));
}

// Throws unless the keys are numbered as they come.
void check_different(const vocabulary::Table& table, const std::vector<int64_t>& ids, int64_t first,
                     const Tensor& entries) {
  if (table.size() == first + static_cast<int64_t>(ids.size())) return;
  for (size_t i = 0; i < ids.size(); ++i) {
    const int64_t at = first + static_cast<int64_t>(i);
    if (ids[i] == at) continue;
    const auto place = static_cast<size_t>(at);
    fail_repeated(entries.dtype() == DType::kString
                      ? '"' + escape_bytes(entries.bytes()[at]) + '"'
                      : std::to_string(entries.values<int64_t>()[place]),
                  ids[i], at);
  }
}

}  // namespace

DType vocabulary::entry_dtype(DType dtype) {
  if (dtype == DType::kString) return dtype;
  if (is_integer(dtype)) return DType::kInt64;
  throw WrongType(std::string("the entries of a vocabulary are strings or integers, not ") +
                  dtype_name(dtype));
}

Vocabulary::Impl::Impl(const vocabulary::Table& table, Buffer counted)
    : Impl(table.dtype(), table.size(), table.seed(), table.lines(), without_slack(table.records()),
           std::move(counted), without_slack(table.places())) {}

std::string_view Vocabulary::Impl::string(int64_t id) const {
  const uint64_t place = reinterpret_cast<const uint32_t*>(places.data())[id];
  const TableView table = view();
  if (place < table.num_places) {
    const uint8_t* const record = table.records + 8 * place;
    const uint64_t length = load_half(record + 4);
    if (length <= 8 * (table.num_places - place) - 8)
      return {reinterpret_cast<const char*>(record + 8), length};
  }
  fail("entry " + std::to_string(id) + " is not in it");
}

Vocabulary Vocabulary::from_entries(const Tensor& entries) {
  if (entries.rank() != 1)
    throw InvalidArgument("the entries of a vocabulary must be [V], got " +
                          shape_string(entries.shape()));
  const bool strings = entries.dtype() == DType::kString;
  const Tensor keys =
      strings ? entries
              : as_int64(entries, "the entries of a vocabulary, unless they are strings,");
  vocabulary::Table table(keys.dtype(), keys.size());
  std::vector<int64_t> ids;
  for (int64_t begin = 0; begin < keys.size(); begin += kGrain) {
    const int64_t n = std::min(kGrain, keys.size() - begin);
    ids.resize(static_cast<size_t>(n));
    if (strings) {
      table.insert(keys.bytes(), begin, begin + n, ids.data());
    } else {
      table.insert(keys.values<int64_t>().data() + begin, n, ids.data());
    }
    check_different(table, ids, begin, keys);
  }
  return Vocabulary(std::make_shared<Impl>(table));
}

// A table file of whose entries only the first count is made anew: its lines hold them all.
void Vocabulary::save(const std::string& path) const {
  if (impl_->stored() == size()) {
    vocabulary::save_table(*impl_, path);
  } else {
    const std::optional<Tensor> counted = counts();
    Impl cut = *from_entries(entries()).impl_;
    if (counted) cut.counts = counted->buffer();
    vocabulary::save_table(cut, path);
  }
}

int64_t Vocabulary::size() const { return impl_->size; }
DType Vocabulary::dtype() const { return impl_->dtype; }

void Vocabulary::check_id(int64_t id, DType wanted) const {
  if (dtype() != wanted)
    throw WrongType(std::string("the vocabulary's entries are of dtype ") + dtype_name(dtype()));
  if (id < 0 || id >= size()) {
    throw OutOfRange("the vocabulary has no id " + std::to_string(id) + ", only [0, " +
                     std::to_string(size()) + ")");
  }
}

std::string_view Vocabulary::string(int64_t id) const {
  check_id(id, DType::kString);
  return impl_->string(id);
}

int64_t Vocabulary::integer(int64_t id) const {
  check_id(id, DType::kInt64);
  return reinterpret_cast<const int64_t*>(impl_->records.data())[id];
}

Tensor Vocabulary::entries() const {
  if (dtype() != DType::kString)
    return Tensor::of<int64_t>({size()}, {reinterpret_cast<const int64_t*>(impl_->records.data()),
                                          static_cast<size_t>(size())});
  std::vector<std::string_view> entries(static_cast<size_t>(size()));
  for (int64_t i = 0; i < size(); ++i) entries[static_cast<size_t>(i)] = impl_->string(i);
  return Tensor::strings({size()}, Bytes::from(entries));
}

std::optional<Tensor> Vocabulary::counts() const {
  if (impl_->counts.data() == nullptr) return std::nullopt;
  Tensor counts = Tensor::of<int64_t>(
      {size()},
      {reinterpret_cast<const int64_t*>(impl_->counts.data()), static_cast<size_t>(size())});
  int64_t id = 0, total = 0;
  for (int64_t count : counts.values<int64_t>()) {
    if (count < 0 || __builtin_add_overflow(total, count, &total))
      impl_->fail("entry " + std::to_string(id) + " was counted " + std::to_string(count) +
                  " times");
    ++id;
  }
  return counts;
}

void Vocabulary::lookup(std::span<const int64_t> keys, int64_t* ids) const noexcept {
  const auto n = static_cast<int64_t>(keys.size());
  if (dtype() == DType::kString) {
    std::fill_n(ids, n, -1);
  } else {
    WEFT_KERNEL(lookup_kernel).integers(impl_->view(), keys.data(), n, ids);
  }
}

void Vocabulary::lookup(const Bytes& keys, int64_t begin, int64_t end,
                        int64_t* ids) const noexcept {
  if (dtype() != DType::kString) {
    std::fill_n(ids, end - begin, -1);
  } else {
    WEFT_KERNEL(lookup_kernel)
        .strings(impl_->view(), keys.data().data(), keys.offsets().data() + begin, end - begin,
                 ids);
  }
}

void Vocabulary::lookup(const Tensor& values, int64_t* ids) const {
  if (dtype() == DType::kString) {
    if (values.dtype() != DType::kString) {
      throw WrongType(
          std::string("what is looked up in a vocabulary of strings must be strings, got ") +
          dtype_name(values.dtype()));
    }
    const Bytes& keys = values.bytes();
    base::parallel_for(values.size(), kGrain,
                       [&](int64_t begin, int64_t end) { lookup(keys, begin, end, ids + begin); });
    return;
  }
  const Tensor wide = as_int64(values, "what is looked up in a vocabulary of integers");
  const auto keys = wide.values<int64_t>();
  base::parallel_for(wide.size(), kGrain, [&](int64_t begin, int64_t end) {
    lookup(keys.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin)), ids + begin);
  });
  if (values.dtype() != DType::kUInt64) return;
  const auto given = values.values<uint64_t>();
  for (size_t i = 0; i < given.size(); ++i) {
    if (given[i] > static_cast<uint64_t>(INT64_MAX)) ids[i] = -1;
  }
}

}  // namespace weft
