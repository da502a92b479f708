// Everything that describes ragged data from outside: string offsets, row splits, row lengths and
// sparse indices. Whatever they are, construction refuses them or what is built is safe to read by
// every consumer.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/cpu.h"
#include "weft/ids.h"
#include "weft/ragged.h"
#include "weft/sequence.h"

namespace weft {
namespace {

// The input, read front to back; zeros after its end.
class Source {
 public:
  Source(const uint8_t* data, size_t size) : at_(data), end_(data + size) {}

  uint8_t byte() { return at_ < end_ ? *at_++ : 0; }
  // Small as a rule, so that most structures are nearly right; sometimes beyond every limit (what
  // is within Limits may still be more memory than a fuzzer has).
  int64_t number() {
    static constexpr int64_t kLimits[] = {
        -1, INT64_MIN, INT64_MAX, int64_t{1} << 40, int64_t{1} << 62, int64_t{1} << 33};
    const uint8_t first = byte();
    return first < 250 ? first % 16 : kLimits[first - 250];
  }
  std::vector<int64_t> numbers(size_t n) {
    std::vector<int64_t> result(n);
    for (int64_t& value : result) value = number();
    return result;
  }
  // Never decreasing from 0, except now and then.
  std::vector<int64_t> splits(size_t n) {
    std::vector<int64_t> result(n);
    int64_t at = 0;
    for (int64_t& split : result) {
      const uint8_t step = byte();
      if (step >= 240) {
        at = number();
      } else if (&split != result.data() && at < INT64_MAX - 4) {
        at += step % 4;
      }
      split = at;
    }
    return result;
  }

 private:
  const uint8_t* at_;
  const uint8_t* end_;
};

Tensor int64s(const std::vector<int64_t>& values) {
  return Tensor::of<int64_t>({static_cast<int64_t>(values.size())},
                             std::span<const int64_t>(values));
}

Tensor narrowed(const Tensor& wide) {
  Tensor narrow(DType::kInt32, wide.shape());
  for (int64_t i = 0; i < wide.size(); ++i) {
    narrow.mutable_values<int32_t>()[static_cast<size_t>(i)] =
        static_cast<int32_t>(wide.values<int64_t>()[static_cast<size_t>(i)]);
  }
  return narrow;
}

// Ids of any integer dtype, or strings.
Tensor some_values(Source& source, int64_t n) {
  const uint8_t kind = source.byte() % 4;
  const std::vector<int64_t> numbers = source.numbers(static_cast<size_t>(n));
  if (kind == 0) return narrowed(int64s(numbers));
  if (kind != 1) return int64s(numbers);
  const std::vector<int64_t> offsets = source.splits(static_cast<size_t>(n) + 1);
  Bytes bytes = Bytes::from_buffers(
      Buffer::zeros(static_cast<int64_t>(source.byte())),
      Buffer::copy_of(offsets.data(), static_cast<int64_t>(offsets.size()) * 8));
  volatile size_t total = 0;
  for (int64_t i = 0; i < bytes.size(); ++i) {
    for (char c : bytes[i]) total = total + static_cast<size_t>(c);
  }
  return Tensor::strings({n}, std::move(bytes));
}

// As a SparseFeature that is declared to be sorted: inside its shape, in any order, repeated.
Feature some_trusted_sparse(Source& source) {
  const int64_t rows = 1 + source.byte() % 4, size = 1 + source.byte() % 6, n = source.byte() % 12;
  Tensor indices = Tensor::zeros(DType::kInt64, {n, 2});
  for (int64_t i = 0; i < n; ++i) {
    indices.mutable_values<int64_t>()[static_cast<size_t>(2 * i)] = source.byte() % rows;
    indices.mutable_values<int64_t>()[static_cast<size_t>(2 * i + 1)] = source.byte() % size;
  }
  return SparseTensor::trusted(std::move(indices), some_values(source, n), {rows, size});
}

Feature some_feature(Source& source) {
  const uint8_t kind = source.byte();
  if (kind >= 240) return some_trusted_sparse(source);
  if (kind % 3 == 0) {
    const auto rank = static_cast<int64_t>(1 + source.byte() % 4);
    const auto n = static_cast<int64_t>(source.byte() % 12);
    Tensor indices = int64s(source.numbers(static_cast<size_t>(n * rank))).reshaped({n, rank});
    return SparseTensor(std::move(indices), some_values(source, n),
                        source.numbers(static_cast<size_t>(rank)));
  }
  if (kind % 3 == 1) {
    const int64_t rows = source.byte() % 5, steps = source.byte() % 5;
    return some_values(source, rows * steps).reshaped({rows, steps});
  }
  std::vector<Tensor> levels;
  int64_t n = 0;
  for (int level = 0; level <= source.byte() % 3; ++level) {
    Tensor splits = int64s(source.splits(
        static_cast<size_t>(level == 0 ? source.byte() % 8 : (n < 0 ? 0 : n % 64) + 1)));
    n = splits.size() == 0 ? 0 : splits.values<int64_t>().back();
    levels.push_back(source.byte() % 4 == 0 ? narrowed(splits) : std::move(splits));
  }
  n = n < 0 || n > 100 ? source.byte() % 100 : n;
  Tensor values = some_values(source, n);
  if (source.byte() % 3 == 0) return Ragged::from_row_lengths(std::move(values), levels);
  return Ragged::from_row_splits(std::move(values), levels);
}

// Calls `body`; what weft refuses is fine, anything else is not.
template <class Body>
void attempt(const Body& body) {
  try {
    body();
  } catch (const Error& error) {
    if (std::string_view(error.what()).empty()) std::abort();
  }
}

void check_sequence(const Sequence& out) {
  for (int64_t length : out.lengths.values<int64_t>()) {
    if (length < 0) std::abort();
  }
  volatile float sum = 0;
  for (float value : out.data.values<float>()) sum = sum + value;
  if (out.data.dim(1) < (1 << 20)) out.mask();
}

bool same(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() &&
         (a.size() == 0 || std::memcmp(a.buffer().data(), b.buffer().data(),
                                       static_cast<size_t>(a.size()) * 4) == 0);
}

// The same bits on the best instruction set and in plain C++.
void check_sequence_layer(const SequenceFeatures& layer, const Features& features) {
  base::set_isa(base::best_isa());
  const Sequence out = layer(features);
  check_sequence(out);
  base::set_isa(base::Isa::kPlain);
  if (!same(layer(features).data, out.data)) std::abort();
}

void check_dense_layer(const DenseFeatures& layer, const Features& features) {
  base::set_isa(base::best_isa());
  const Tensor out = layer(features);
  base::set_isa(base::Isa::kPlain);
  if (!same(layer(features), out)) std::abort();
}

void consume(const Feature& feature, const IdsOptions& ids, uint8_t layout) {
  const Features features{{"a", feature}};
  const Column identity = categorical_column_with_identity("a", 12, 3);
  const Column sequence = sequence_categorical_column_with_identity("a", 12, 3);
  SequenceFeaturesOptions options;
  options.ids = ids;
  options.pad = layout & 1 ? Pad::kLeft : Pad::kRight;
  options.keep = layout & 2 ? Keep::kFirst : Keep::kLast;
  if (layout & 4) options.max_length = 1 + layout % 3;
  if (layout & 8)
    options.pad_to = {layout & 16 ? PadTo::Kind::kFixed : PadTo::Kind::kMultiple, 1 + layout / 32};
  if (const auto* ragged = std::get_if<Ragged>(&feature))
    attempt([&] { to_sparse(*ragged).indices(); });
  attempt([&] {
    check_sequence_layer(
        SequenceFeatures({embedding_column(sequence, 10), indicator_column(sequence)}, options),
        features);
  });
  attempt([&] {
    check_sequence_layer(
        SequenceFeatures({sequence_numeric_column("a", {1 + layout % 2}, 1)}, options), features);
  });
  attempt([&] {
    check_dense_layer(
        DenseFeatures(
            {embedding_column(identity, 3, {.combiner = Combiner::kSqrtn, .max_norm = 0.5}),
             indicator_column(identity)},
            options),
        features);
  });
  attempt([&] {
    check_dense_layer(DenseFeatures({numeric_column("a", {1 + layout % 3})}, options), features);
  });
}

}  // namespace
}  // namespace weft

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weft;
  Source source(data, size);
  attempt([&] {
    const uint8_t choice = source.byte(), layout = source.byte();
    IdsOptions ids;
    ids.missing.everywhere = choice % 3 == 0;
    if (choice % 5 > 0) ids.missing.integer = choice % 5 - 2;
    ids.strict = choice % 7 == 0;
    consume(some_feature(source), ids, layout);
  });
  return 0;
}
