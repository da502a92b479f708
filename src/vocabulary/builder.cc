#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "vocabulary/impl.h"

namespace weft {
namespace {

constexpr int64_t kBatch = 8192;

void check_at_least_1(const char* name, int64_t value) {
  if (value < 1) {
    throw InvalidArgument(std::string(name) + " must be at least 1, got " + std::to_string(value));
  }
}

// An entry to be sorted: by count, then by the first eight bytes, which mostly decide.
struct Ranked {
  int64_t count;
  uint64_t prefix;
  int64_t id;
};

uint64_t prefix_of(std::string_view text) {
  uint64_t word = 0;
  std::memcpy(&word, text.data(), std::min<size_t>(8, text.size()));
  return __builtin_bswap64(word);
}

// Order of int64 as order of uint64.
uint64_t prefix_of(int64_t number) {
  return static_cast<uint64_t>(number) ^ uint64_t { 1 } << 63;
}

}  // namespace

class VocabularyBuilder::Impl {
 public:
  Impl(DType dtype, int64_t max) : table(dtype), max_bytes(max) {}

  void add(const Tensor& values, const int64_t* times);
  int64_t memory() const {
    return table.memory() + static_cast<int64_t>(counts.capacity() * sizeof(int64_t));
  }
  std::vector<Ranked> ranked(const VocabularyBuildOptions& options) const;

  vocabulary::Table table;
  std::vector<int64_t> counts;
  int64_t total = 0;
  int64_t max_bytes;
};

// `times`: how often each value counts; null: once.
void VocabularyBuilder::Impl::add(const Tensor& values, const int64_t* times) {
  int64_t ids[kBatch];
  for (int64_t begin = 0; begin < values.size(); begin += kBatch) {
    const int64_t n = std::min(kBatch, values.size() - begin);
    try {
      if (table.dtype() == DType::kString) {
        table.insert(values.bytes(), begin, begin + n, ids);
      } else {
        table.insert(values.values<int64_t>().data() + begin, n, ids);
      }
    } catch (...) {  // entries that are there already have a count all the same
      counts.resize(static_cast<size_t>(table.size()));
      throw;
    }
    counts.resize(static_cast<size_t>(table.size()));
    for (int64_t i = 0; i < n; ++i) {
      const int64_t count = times == nullptr ? 1 : times[begin + i];
      counts[static_cast<size_t>(ids[i])] += count;
      total += count;
    }
    if (memory() <= max_bytes) continue;
    throw LimitExceeded("the " + std::to_string(table.size()) +
                        " different entries counted so far take more than the max_bytes of " +
                        std::to_string(max_bytes) +
                        " allowed: allow more, or count parts and add up only what is frequent");
  }
}

std::vector<Ranked> VocabularyBuilder::Impl::ranked(const VocabularyBuildOptions& options) const {
  std::vector<Ranked> entries;
  const bool strings = table.dtype() == DType::kString;
  for (int64_t id = 0; id < table.size(); ++id) {
    const int64_t count = counts[static_cast<size_t>(id)];
    if (count < options.min_count) continue;
    entries.push_back(
        {count, strings ? prefix_of(table.string(id)) : prefix_of(table.integer(id)), id});
  }
  const auto before = [&](const Ranked& a, const Ranked& b) {
    if (a.count != b.count) return a.count > b.count;
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    return strings && table.string(a.id) < table.string(b.id);
  };
  const auto k = options.top_k.value_or(std::numeric_limits<int64_t>::max());
  if (k < static_cast<int64_t>(entries.size())) {
    std::nth_element(entries.begin(), entries.begin() + k, entries.end(), before);
    entries.resize(static_cast<size_t>(k));
  }
  std::sort(entries.begin(), entries.end(), before);
  return entries;
}

VocabularyBuilder::VocabularyBuilder(DType dtype, int64_t max_bytes)
    : impl_(std::make_unique<Impl>(vocabulary::entry_dtype(dtype), max_bytes)) {}
VocabularyBuilder::VocabularyBuilder(VocabularyBuilder&&) noexcept = default;
VocabularyBuilder& VocabularyBuilder::operator=(VocabularyBuilder&&) noexcept = default;
VocabularyBuilder::~VocabularyBuilder() = default;

DType VocabularyBuilder::dtype() const { return impl_->table.dtype(); }
int64_t VocabularyBuilder::size() const { return impl_->table.size(); }
int64_t VocabularyBuilder::total() const { return impl_->total; }
int64_t VocabularyBuilder::memory() const { return impl_->memory(); }

void VocabularyBuilder::add(const Tensor& values) {
  if (dtype() == DType::kString) {
    if (values.dtype() != DType::kString)
      throw WrongType(std::string("a builder of strings counts strings, not ") +
                      dtype_name(values.dtype()) + ": integers need one of dtype int64");
    return impl_->add(values, nullptr);
  }
  const Tensor wide = as_int64(values, "what a builder of integers counts");
  if (values.dtype() == DType::kUInt64) {
    for (uint64_t value : values.values<uint64_t>()) {
      if (value > static_cast<uint64_t>(INT64_MAX))
        throw OutOfRange("an entry of a vocabulary must fit int64, got " + std::to_string(value));
    }
  }
  impl_->add(wide, nullptr);
}

void VocabularyBuilder::add_counted(const Vocabulary& counted) {
  const std::optional<Tensor> counts = counted.counts();
  if (!counts) throw InvalidArgument("this vocabulary has no counts: it was not built by counting");
  if (counted.dtype() != dtype()) {
    throw WrongType(std::string("counts of entries of dtype ") + dtype_name(counted.dtype()) +
                    " for a builder of " + dtype_name(dtype()));
  }
  const auto times = counts->values<int64_t>();
  if (std::reduce(times.begin(), times.end()) > INT64_MAX - impl_->total)
    throw OutOfRange("counts that add up to more than 2^63 - 1", {.file = counted.impl_->file});
  impl_->add(counted.entries(), times.data());
}

Vocabulary VocabularyBuilder::build(const VocabularyBuildOptions& options) const {
  check_at_least_1("min_count", options.min_count);
  if (options.top_k) check_at_least_1("top_k", *options.top_k);
  const std::vector<Ranked> entries = impl_->ranked(options);
  const auto n = static_cast<int64_t>(entries.size());
  vocabulary::Table table(dtype(), n);
  Buffer counts = Buffer::allocate(n * 8);
  auto* const count = reinterpret_cast<int64_t*>(counts.mutable_data());
  std::vector<int64_t> numbers, ids(static_cast<size_t>(std::min(n, kBatch)));
  std::vector<std::string_view> texts;
  for (int64_t begin = 0; begin < n; begin += kBatch) {
    const int64_t end = std::min(n, begin + kBatch);
    numbers.clear();
    texts.clear();
    for (int64_t i = begin; i < end; ++i) {
      const Ranked& entry = entries[static_cast<size_t>(i)];
      count[i] = entry.count;
      if (dtype() == DType::kString) {
        texts.push_back(impl_->table.string(entry.id));
      } else {
        numbers.push_back(impl_->table.integer(entry.id));
      }
    }
    if (dtype() == DType::kString) {
      table.insert(Bytes::from(texts), 0, end - begin, ids.data());
    } else {
      table.insert(numbers.data(), end - begin, ids.data());
    }
  }
  return Vocabulary(std::make_shared<Vocabulary::Impl>(table, std::move(counts)));
}

}  // namespace weft
