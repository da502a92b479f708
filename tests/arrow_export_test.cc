// Features -> Arrow, and there and back.
#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <thread>

#include "expect_error.h"
#include "same_features.h"
#include "weft/arrow.h"

namespace weft {
namespace {

using testing::text_of;

Tensor int64s(Shape shape, std::vector<int64_t> values) {
  return Tensor::of<int64_t>(std::move(shape), std::span<const int64_t>(values));
}

struct Exported {
  explicit Exported(const Feature& feature) { export_feature(feature, "a", schema, array); }
  ~Exported() {
    if (schema.release != nullptr) schema.release(&schema);
    if (array.release != nullptr) array.release(&array);
  }
  Feature back() { return import_array(std::move(array), schema, "a"); }

  ArrowSchema schema{};
  ArrowArray array{};
};

std::string back(const Feature& feature) { return text_of(Exported(feature).back()); }

TEST(ArrowExport, Numbers) {
  const Tensor tensor = int64s({3}, {1, 2, 3});
  Exported exported(tensor);
  EXPECT_STREQ(exported.schema.format, "l");
  EXPECT_STREQ(exported.schema.name, "a");
  EXPECT_EQ(exported.array.buffers[1], tensor.buffer().data());
  EXPECT_EQ(exported.array.n_buffers, 2);
  EXPECT_EQ(text_of(exported.back()), text_of(Feature(tensor)));
  EXPECT_EQ(back(int64s({}, {7})), "int64[1] 7 ");
}

TEST(ArrowExport, EveryDType) {
  for (const DType dtype : {DType::kBool, DType::kInt8, DType::kInt16, DType::kInt32, DType::kInt64,
                            DType::kUInt8, DType::kUInt16, DType::kUInt32, DType::kUInt64,
                            DType::kFloat16, DType::kFloat32, DType::kFloat64, DType::kString}) {
    EXPECT_EQ(feature_dtype(Exported(Tensor::zeros(dtype, {2, 3})).back()), dtype);
    EXPECT_EQ(feature_dtype(Exported(Tensor::zeros(dtype, {0})).back()), dtype);
  }
  bool flags[11];
  for (int i = 0; i < 11; ++i) flags[i] = i % 3 == 0;
  const Feature bools = Exported(Tensor::of<bool>({11}, std::span<const bool>(flags))).back();
  EXPECT_TRUE(std::ranges::equal(std::get<Tensor>(bools).values<bool>(), flags));
}

TEST(ArrowExport, ShapesStay) {
  const Tensor cube = int64s({2, 1, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_STREQ(Exported(cube).schema.format, "+w:1");
  EXPECT_EQ(back(cube), text_of(Feature(cube)));
  EXPECT_EQ(back(int64s({2, 0}, {})), "int64[2, 0] ");
  const Ragged vectors =
      Ragged::from_row_splits(int64s({2, 2}, {1, 2, 3, 4}), int64s({3}, {0, 0, 2}));
  EXPECT_EQ(back(vectors), text_of(Feature(vectors)));
}

TEST(ArrowExport, Raggeds) {
  const Ragged ragged = Ragged::from_lists<int64_t>({{1, 2}, {}, {3}});
  Exported exported(ragged);
  EXPECT_STREQ(exported.schema.format, "+L");
  EXPECT_EQ(exported.array.buffers[1], ragged.row_splits().data());
  EXPECT_EQ(exported.array.children[0]->buffers[1], ragged.values().buffer().data());
  EXPECT_EQ(text_of(exported.back()), text_of(Feature(ragged)));
  const Ragged words = Ragged::from_lists<std::string>({{"a", std::string("b\0", 2)}, {}});
  EXPECT_EQ(back(words), text_of(Feature(words)));
  EXPECT_EQ(back(SparseTensor::from_ragged(ragged)), text_of(Feature(ragged)));
}

TEST(ArrowExport, HolesAreNulls) {
  const SparseTensor scalars(int64s({2, 1}, {1, 3}), int64s({2}, {5, 6}), {5});
  EXPECT_EQ(Exported(scalars).array.null_count, 3);
  EXPECT_EQ(back(scalars), text_of(Feature(scalars)));
  const SparseTensor holes(int64s({2, 2}, {0, 1, 2, 0}), int64s({2}, {5, 6}), {3, 9});
  EXPECT_EQ(back(holes), "sparse [3, 2] at int64[2, 2] 0 1 2 0 int64[2] 5 6 ");
  const SparseTensor cube(
      int64s({2, 3}, {0, 1, 1, 1, 0, 0}),
      Tensor::strings({2}, Bytes::from(std::vector<std::string_view>{"x", "y"})), {2, 2, 2});
  EXPECT_EQ(back(cube), text_of(Feature(cube)));
  const auto unordered = [](const std::vector<int64_t>& rows) {
    return SparseTensor::unordered(int64s({2, 1}, rows), int64s({2}, {5, 6}), {2});
  };
  EXPECT_EQ(back(unordered({1, 0})), "int64[2] 6 5 ");
  EXPECT_ERROR(InvalidArgument, "values 0 and 1 of a SparseTensor have one index",
               back(unordered({1, 1})));
  EXPECT_ERROR(LimitExceeded, "1099511627776 places",
               back(SparseTensor(int64s({1, 2}, {0, (int64_t{1} << 40) - 1}), int64s({1}, {5}),
                                 {1, int64_t{1} << 40})));
  EXPECT_ERROR(LimitExceeded, "places",
               back(SparseTensor(int64s({0, 1}, {}), int64s({0}, {}), {INT64_MAX})));
}

TEST(ArrowExport, ChildrenMayBeMovedOutAndReleasedAnywhere) {
  Features batch{{"a", Ragged::from_lists<int64_t>({{1, 2}, {}})}, {"b", int64s({2}, {3, 4})}};
  ArrowSchema schema{};
  ArrowArray array{};
  export_batch(batch, schema, array);
  batch.clear();
  ArrowArray moved = *array.children[0];
  array.children[0]->release = nullptr;
  std::thread([&] { array.release(&array); }).join();
  EXPECT_EQ(array.release, nullptr);
  EXPECT_EQ(text_of(import_array(std::move(moved), *schema.children[0], "a")),
            "ragged 0 2 2 | int64[2] 1 2 ");
  schema.release(&schema);
  EXPECT_EQ(schema.release, nullptr);
}

TEST(ArrowExport, Batches) {
  const Features batch{{"a", Ragged::from_lists<int64_t>({{1, 2}, {}})},
                       {"b", int64s({2}, {3, 4})}};
  ArrowSchema schema{};
  ArrowArray array{};
  export_batch(batch, schema, array);
  EXPECT_EQ(text_of(import_batch(std::move(array), schema)), text_of(batch));
  schema.release(&schema);
  array = {};
  EXPECT_ERROR(InvalidArgument, "feature 'b' has 1 rows, 'a' has 2",
               export_batch({{"a", int64s({2}, {1, 2})}, {"b", int64s({1}, {1})}}, schema, array));
}

// --- streams -------------------------------------------------------------------------------------

ArrowReader stream_of(std::vector<Features> batches) {
  ArrowArrayStream stream{};
  export_stream(
      [batches = std::move(batches), i = size_t{0}]() mutable -> std::optional<Features> {
        return i < batches.size() ? std::optional(batches[i++]) : std::nullopt;
      },
      stream);
  return ArrowReader(std::move(stream));
}

TEST(ArrowExport, Streams) {
  ArrowReader reader = stream_of({{{"a", int64s({1}, {1})}}, {{"a", int64s({2}, {2, 3})}}});
  EXPECT_EQ(text_of(*reader.next()), "a: int64[1] 1 \n");
  EXPECT_EQ(text_of(*reader.next()), "a: int64[2] 2 3 \n");
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(stream_of({}).read_all().empty());
}

TEST(ArrowExport, StreamsHaveOneType) {
  ArrowReader reader = stream_of({{{"a", int64s({1}, {1})}}, {{"a", int64s({1, 2}, {2, 3})}}});
  EXPECT_TRUE(reader.next());
  for (int again = 0; again < 2; ++again) {  // the batch is not lost
    EXPECT_ERROR(InvalidArgument, "type : +s (a: +w:2 (item: l)) in a stream of type : +s (a: l)",
                 reader.next());
  }
}

TEST(ArrowExport, ABatchWhoseExportFailsIsNotLost) {
  std::vector<Features> batches = {{{"a", int64s({1}, {1})}, {"b", int64s({2}, {1, 2})}},
                                   {{"a", int64s({1}, {7})}}};
  ArrowArrayStream stream{};
  export_stream(
      [&, i = size_t{0}]() mutable -> std::optional<Features> {
        return i < batches.size() ? std::optional(batches[i++]) : std::nullopt;
      },
      stream);
  ArrowSchema schema{};
  ArrowArray array{};
  EXPECT_NE(stream.get_schema(&stream, &schema), 0);
  EXPECT_NE(stream.get_next(&stream, &array), 0);
  EXPECT_NE(std::string(stream.get_last_error(&stream)).find("'b' has 2 rows"), std::string::npos);
  stream.release(&stream);
}

TEST(ArrowExport, WhatABatchThrowsIsTheStreamsError) {
  ArrowArrayStream stream{};
  export_stream([]() -> std::optional<Features> { throw InvalidArgument("no such file"); }, stream);
  EXPECT_ERROR(InvalidArgument, "no such file", ArrowReader(std::move(stream)));
}

// --- random --------------------------------------------------------------------------------------

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  int64_t below(int64_t n) { return std::uniform_int_distribution<int64_t>(0, n - 1)(engine_); }

  Tensor values(int64_t n) {
    if (below(2) == 0) {
      Tensor numbers(DType::kInt64, {n});
      for (int64_t& value : numbers.mutable_values<int64_t>()) value = below(100);
      return numbers;
    }
    std::vector<std::string> words(static_cast<size_t>(n));
    for (std::string& word : words) word.assign(static_cast<size_t>(below(4)), 'w');
    return Tensor::strings({n},
                           Bytes::from(std::vector<std::string_view>(words.begin(), words.end())));
  }

  Ragged ragged() {
    std::vector<Tensor> lengths;
    int64_t n = below(6);
    for (int64_t level = 0; level <= below(3); ++level) {
      Tensor each(DType::kInt64, {n});
      n = 0;
      for (int64_t& length : each.mutable_values<int64_t>()) n += length = below(4);
      lengths.push_back(each);
    }
    return Ragged::from_row_lengths(values(n), lengths);
  }

  // As deep as `ragged`, without some of its values.
  SparseTensor holes(const Ragged& ragged) {
    const SparseTensor all = to_sparse(ragged);
    const Tensor indices = all.indices();
    std::vector<int64_t> kept;
    int64_t n = 0;
    for (int64_t i = 0; i < indices.dim(0); ++i) {
      if (below(3) == 0) continue;
      const auto at = indices.values<int64_t>().begin() + i * indices.dim(1);
      kept.insert(kept.end(), at, at + indices.dim(1));
      ++n;
    }
    return {int64s({n, indices.dim(1)}, kept), values(n), all.dense_shape()};
  }

 private:
  std::mt19937 engine_;
};

TEST(ArrowExport, RandomFeaturesComeBack) {
  Random random(7);
  for (int round = 0; round < 500; ++round) {
    const Ragged ragged = random.ragged();
    EXPECT_EQ(back(ragged), text_of(Feature(ragged)));
    const SparseTensor holes = random.holes(ragged);
    const Feature again = Exported(holes).back();
    if (const auto* sparse = std::get_if<SparseTensor>(&again)) {
      EXPECT_EQ(text_of(sparse->indices()), text_of(holes.indices()));
      EXPECT_EQ(text_of(sparse->values()), text_of(holes.values()));
    } else if (const auto* full = std::get_if<Ragged>(&again)) {
      EXPECT_EQ(text_of(to_sparse(*full).indices()), text_of(holes.indices()));
      EXPECT_EQ(text_of(full->values()), text_of(holes.values()));
    }
  }
}

}  // namespace
}  // namespace weft
