#include "weft/sequence.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "expect_error.h"
#include "reference.h"
#include "weft/config.h"

namespace weft {
namespace {

using testing::to_vector;
using Floats = std::vector<float>;
using Ints = std::vector<int64_t>;

Tensor int64s(const Ints& values) {
  return Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, std::span<const int64_t>(values));
}

SparseTensor sparse(const Ints& indices, const Tensor& values, Shape dense_shape) {
  const auto rank = static_cast<int64_t>(dense_shape.size());
  return SparseTensor(int64s(indices).reshaped({values.size(), rank}), values, std::move(dense_shape));
}

Column sequence_ids(const char* key, int64_t buckets = 5) { return sequence_categorical_column_with_identity(key, buckets); }
Column bag_ids(const char* key, int64_t buckets = 5) { return categorical_column_with_identity(key, buckets); }

// Row i of the table is (i + 1, (i + 1) / 2, ...): easy to recognise.
template <class Layer>
Layer with_known_tables(Layer layer) {
  for (Parameter& parameter : layer.parameters()) {
    const int64_t width = parameter.value.dim(1);
    int64_t at = 0;
    for (float& value : parameter.value.template mutable_values<float>()) {
      value = static_cast<float>(at / width + 1) / static_cast<float>(at % width + 1);
      ++at;
    }
  }
  return layer;
}

SequenceFeatures sequence_layer(std::vector<Column> columns, SequenceFeaturesOptions options = {}) {
  return with_known_tables(SequenceFeatures(std::move(columns), std::move(options)));
}

DenseFeatures dense_layer(std::vector<Column> columns, FeatureLayer::Options options = {}) {
  return with_known_tables(DenseFeatures(std::move(columns), std::move(options)));
}

TEST(SequenceMask, AsTensorFlow) {
  const Tensor mask = sequence_mask(int64s({1, 0, 3}));
  EXPECT_EQ(mask.dtype(), DType::kBool);
  EXPECT_EQ(mask.shape(), (Shape{3, 3}));
  EXPECT_EQ(to_vector<bool>(mask), (std::vector<bool>{true, false, false, false, false, false, true, true, true}));
  EXPECT_EQ(to_vector<int32_t>(sequence_mask(Tensor::of<int32_t>({1, 2}, {5, -1}), 2, DType::kInt32)), (std::vector<int32_t>{1, 1, 0, 0}));
  EXPECT_EQ(to_vector<float>(sequence_mask(int64s({1}), 3, DType::kFloat32, Pad::kLeft)), (Floats{0, 0, 1}));
  EXPECT_EQ(sequence_mask(Tensor::of<uint8_t>({}, {2})).shape(), (Shape{2}));
  EXPECT_EQ(sequence_mask(int64s({})).shape(), (Shape{0, 0}));
  EXPECT_EQ(sequence_mask(int64s({0, -3})).shape(), (Shape{2, 0}));
  EXPECT_EQ(sequence_mask(Tensor::of<uint64_t>({1}, {UINT64_MAX}), 1).values<bool>()[0], true);
  EXPECT_ERROR(WrongType, "integers", sequence_mask(Tensor::of<float>({1}, {1})));
  EXPECT_ERROR(WrongType, "string", sequence_mask(int64s({1}), {}, DType::kString));
  EXPECT_ERROR(InvalidArgument, "negative", sequence_mask(int64s({1}), -1));
  EXPECT_ERROR(LimitExceeded, "mask", sequence_mask(int64s({1, INT64_MAX})));
}

TEST(ConcatenateContextInput, AsTensorFlow) {
  const Tensor context = Tensor::of<float>({2, 1}, {7, 8}), sequence = Tensor::of<float>({2, 2, 1}, {1, 2, 3, 4});
  const Tensor both = concatenate_context_input(context, sequence);
  EXPECT_EQ(both.shape(), (Shape{2, 2, 2}));
  EXPECT_EQ(to_vector<float>(both), (Floats{1, 7, 2, 7, 3, 8, 4, 8}));
  EXPECT_EQ(concatenate_context_input(context, Tensor(DType::kFloat32, {2, 0, 3})).shape(), (Shape{2, 0, 4}));
  EXPECT_ERROR(InvalidArgument, "sequence_input must have rank 3", concatenate_context_input(context, context));
  EXPECT_ERROR(InvalidArgument, "context_input must have rank 2", concatenate_context_input(sequence, sequence));
  EXPECT_ERROR(WrongType, "sequence_input must have dtype float32", concatenate_context_input(context, Tensor(DType::kInt64, {2, 1, 1})));
  EXPECT_ERROR(WrongType, "same dtype", concatenate_context_input(context, Tensor(DType::kFloat64, {2, 1, 1})));
  EXPECT_ERROR(InvalidArgument, "2 rows, sequence_input has 3", concatenate_context_input(context, Tensor(DType::kFloat32, {3, 1, 1})));
}

TEST(SequenceFeatures, OneColumn) {
  const auto layer = sequence_layer({embedding_column(sequence_ids("a"), 2)});
  const Sequence out = layer({{"a", Ragged::from_lists<int64_t>({{0, 4}, {}, {2}})}});
  EXPECT_EQ(out.data.shape(), (Shape{3, 2, 2}));
  EXPECT_EQ(to_vector<float>(out.data), (Floats{1, .5, 5, 2.5, 0, 0, 0, 0, 3, 1.5, 0, 0}));
  EXPECT_EQ(to_vector<int64_t>(out.lengths), (Ints{2, 0, 1}));
  EXPECT_EQ(to_vector<bool>(out.mask()), (std::vector<bool>{true, true, false, false, true, false}));
  EXPECT_EQ(layer.name(), "sequence_features");
  EXPECT_EQ(layer.parameters()[0].name, "a_embedding/embedding_weights");
}

TEST(SequenceFeatures, SparseHolesAndWidth) {
  const auto layer = sequence_layer({embedding_column(sequence_ids("a"), 1), indicator_column(sequence_ids("a"))});
  const Sequence out = layer({{"a", sparse({0, 0, 0, 2}, int64s({0, 4}), {2, 4})}});
  EXPECT_EQ(out.data.shape(), (Shape{2, 4, 6}));
  EXPECT_EQ(to_vector<int64_t>(out.lengths), (Ints{3, 0}));
  Floats expected(48, 0);
  expected[0] = 1, expected[1] = 1;    // embedding and indicator of id 0
  expected[12] = 5, expected[17] = 1;  // of id 4 at step 2
  EXPECT_EQ(to_vector<float>(out.data), expected);
}

TEST(SequenceFeatures, SeveralIdsAStep) {
  const std::vector<Tensor> splits{int64s({0, 2, 3}), int64s({0, 3, 3, 4})};
  const Ragged ids = Ragged::from_row_splits(int64s({0, 1, 1, 4}), splits);
  const auto mean = sequence_layer({embedding_column(sequence_ids("a"), 1)})({{"a", ids}});
  EXPECT_EQ(to_vector<int64_t>(mean.lengths), (Ints{2, 1}));
  EXPECT_FLOAT_EQ(mean.data.values<float>()[0], 5.0f / 3);
  EXPECT_EQ(mean.data.values<float>()[1], 0.0f);
  EXPECT_EQ(mean.data.values<float>()[2], 5.0f);
  const auto sum = sequence_layer({embedding_column(sequence_ids("a"), 1, {.combiner = Combiner::kSum})})({{"a", ids}});
  EXPECT_EQ(sum.data.values<float>()[0], 5.0f);
  const auto sqrtn = sequence_layer({embedding_column(sequence_ids("a"), 1, {.combiner = Combiner::kSqrtn})})({{"a", ids}});
  EXPECT_FLOAT_EQ(sqrtn.data.values<float>()[0], 5.0f / std::sqrt(3.0f));
  const auto counts = sequence_layer({indicator_column(sequence_ids("a"))})({{"a", ids}});
  EXPECT_EQ(to_vector<float>(counts.data), (Floats{1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0}));
}

TEST(SequenceFeatures, ColumnsStandInTheOrderOfTheirNames) {
  const Features features{{"a", Ragged::from_lists<int64_t>({{0}})}, {"b", Ragged::from_lists<int64_t>({{1}})},
                          {"c", Ragged::from_lists<float>({{9}})}};
  const Column a = embedding_column(sequence_ids("a"), 1), b = embedding_column(sequence_ids("b"), 2), c = sequence_numeric_column("c");
  for (const auto& columns : {std::vector<Column>{c, b, a}, std::vector<Column>{a, b, c}}) {
    EXPECT_EQ(to_vector<float>(sequence_layer(columns)(features).data), (Floats{1, 2, 1, 9}));
  }
}

TEST(SequenceFeatures, LengthsMustAgree) {
  const auto layer = sequence_layer({embedding_column(sequence_ids("a"), 1), embedding_column(sequence_ids("b"), 1)});
  const auto call = [&](const std::vector<Ints>& a, const std::vector<Ints>& b) {
    return layer({{"a", Ragged::from_lists<int64_t>(a)}, {"b", Ragged::from_lists<int64_t>(b)}});
  };
  EXPECT_ERROR(InvalidArgument, "columns 'a_embedding' and 'b_embedding' differ in length: 2 and 1 (row 1)", call({{0}, {1, 2}}, {{0}, {1}}));
  EXPECT_ERROR(InvalidArgument, "('a_embedding', 'b_embedding'): (1, 2)", call({{0}}, {{0}, {1}}));
}

TEST(SequenceFeatures, ShorterBlocksArePadded) {
  const auto layer = sequence_layer({embedding_column(sequence_ids("a"), 1), sequence_numeric_column("b", {1}, -1)});
  const Sequence out = layer({{"a", sparse({0, 0}, int64s({0}), {2, 3})}, {"b", Ragged::from_lists<float>({{7}, {}})}});
  EXPECT_EQ(out.data.shape(), (Shape{2, 3, 2}));
  EXPECT_EQ(to_vector<float>(out.data), (Floats{1, 7, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1}));
}

TEST(SequenceFeatures, EmptyThingsAreValid) {
  const auto layer = sequence_layer({embedding_column(sequence_ids("a"), 3), sequence_numeric_column("b")});
  const auto call = [&](const Feature& a, const Feature& b) { return layer({{"a", a}, {"b", b}}); };
  const Sequence none = call(Ragged::from_lists<int64_t>({}), Ragged::from_lists<float>({}));
  EXPECT_EQ(none.data.shape(), (Shape{0, 0, 4}));
  EXPECT_EQ(none.mask().shape(), (Shape{0, 0}));
  const Sequence empty = call(Ragged::from_lists<int64_t>({{}, {}}), Ragged::from_lists<float>({{}, {}}));
  EXPECT_EQ(empty.data.shape(), (Shape{2, 0, 4}));
  EXPECT_EQ(to_vector<int64_t>(empty.lengths), (Ints{0, 0}));
  const Sequence wide = call(sparse({}, int64s({}), {2, 3}), sparse({}, Tensor(DType::kFloat32, {0}), {2, 3}));
  EXPECT_EQ(to_vector<float>(wide.data), Floats(24, 0));
  EXPECT_EQ(call(sparse({}, int64s({}), {0, 3}), sparse({}, Tensor(DType::kFloat32, {0}), {0, 3})).data.shape(), (Shape{0, 3, 4}));
}

TEST(SequenceFeatures, MaxLengthKeepAndPad) {
  const Features features{{"a", Ragged::from_lists<int64_t>({{0, 1, 2}, {3}, {}})}, {"b", Ragged::from_lists<float>({{10, 11, 12}, {13}, {}})}};
  const std::vector<Column> columns{embedding_column(sequence_ids("a"), 1), sequence_numeric_column("b", {1}, -1)};
  const auto call = [&](SequenceFeaturesOptions options) { return sequence_layer(columns, std::move(options))(features); };
  SequenceFeaturesOptions options;
  options.max_length = 2;
  const Sequence last = call(options);
  EXPECT_EQ(to_vector<float>(last.data), (Floats{2, 11, 3, 12, 4, 13, 0, -1, 0, -1, 0, -1}));
  EXPECT_EQ(to_vector<int64_t>(last.lengths), (Ints{2, 1, 0}));
  options.keep = Keep::kFirst;
  EXPECT_EQ(to_vector<float>(call(options).data), (Floats{1, 10, 2, 11, 4, 13, 0, -1, 0, -1, 0, -1}));
  options.pad = Pad::kLeft;
  const Sequence left = call(options);
  EXPECT_EQ(to_vector<float>(left.data), (Floats{1, 10, 2, 11, 0, -1, 4, 13, 0, -1, 0, -1}));
  EXPECT_EQ(to_vector<bool>(left.mask()), (std::vector<bool>{true, true, false, true, false, false}));
  options.max_length = 9;
  EXPECT_EQ(call(options).data.dim(1), 3);
}

TEST(SequenceFeatures, PadTo) {
  const Features features{{"a", Ragged::from_lists<int64_t>({{0, 1, 2}, {3}})}};
  const auto call = [&](PadTo pad_to, std::optional<int64_t> max_length = {}) {
    SequenceFeaturesOptions options;
    options.pad_to = pad_to, options.max_length = max_length;
    return sequence_layer({embedding_column(sequence_ids("a"), 1)}, options)(features).data;
  };
  EXPECT_EQ(call({PadTo::Kind::kFixed, 5}).shape(), (Shape{2, 5, 1}));
  EXPECT_EQ(call({PadTo::Kind::kMultiple, 4}).shape(), (Shape{2, 4, 1}));
  EXPECT_EQ(call({PadTo::Kind::kMultiple, 3}).shape(), (Shape{2, 3, 1}));
  EXPECT_EQ(call({PadTo::Kind::kFixed, 2}, 2).shape(), (Shape{2, 2, 1}));
  EXPECT_ERROR(InvalidArgument, "3 steps does not fit pad_to=2; set max_length to cut longer ones (row 0)", call({PadTo::Kind::kFixed, 2}));
  EXPECT_ERROR(InvalidArgument, "pad_to must be greater than 0", call({PadTo::Kind::kMultiple, 0}));
  EXPECT_ERROR(InvalidArgument, "max_length must be greater than 0", call({}, 0));
  EXPECT_ERROR(LimitExceeded, "block of [2, 1099511627776, 1]", call({PadTo::Kind::kFixed, int64_t{1} << 40}));
}

TEST(SequenceNumeric, AsTensorFlow) {
  const auto call = [](Shape shape, const Feature& feature, double missing = 9) {
    return sequence_layer({sequence_numeric_column("v", std::move(shape), missing)})({{"v", feature}});
  };
  const Tensor values = Tensor::of<float>({3}, {1, 2, 3});
  const Sequence pairs = call({2}, sparse({0, 0, 0, 1, 0, 2}, values, {2, 4}));
  EXPECT_EQ(to_vector<float>(pairs.data), (Floats{1, 2, 3, 9, 9, 9, 9, 9}));
  EXPECT_EQ(to_vector<int64_t>(pairs.lengths), (Ints{2, 0}));
  EXPECT_ERROR(InvalidArgument, "3 values, which 2", call({2}, sparse({0, 0, 0, 1, 0, 2}, values, {2, 3})));
  const Sequence holes = call({1}, sparse({0, 0, 0, 2, 1, 1}, values, {2, 3}));
  EXPECT_EQ(to_vector<float>(holes.data), (Floats{1, 9, 2, 9, 3, 9}));
  EXPECT_EQ(to_vector<int64_t>(holes.lengths), (Ints{3, 2}));
  // Rank 3 whose steps are two elements each: twice the steps, but lengths count the middle dimension.
  const Sequence cube = call({2}, sparse({0, 0, 0, 0, 1, 1, 1, 0, 0}, values, {2, 4, 4}));
  EXPECT_EQ(cube.data.shape(), (Shape{2, 8, 2}));
  EXPECT_EQ(to_vector<int64_t>(cube.lengths), (Ints{2, 1}));
  Floats expected(32, 9);
  expected[0] = 1, expected[5] = 2, expected[16] = 3;
  EXPECT_EQ(to_vector<float>(cube.data), expected);
  const Sequence even = call({2}, sparse({0, 0, 0, 0, 1, 1, 1, 0, 0}, values, {2, 4, 2}));
  EXPECT_EQ(to_vector<float>(even.data), (Floats{1, 9, 9, 2, 9, 9, 9, 9, 3, 9, 9, 9, 9, 9, 9, 9}));
  EXPECT_EQ(to_vector<float>(call({1}, sparse({0, 2}, Tensor::of<float>({2}, {1, 2}), {3})).data), (Floats{1, 9, 2}));
}

TEST(SequenceNumeric, RaggedOfSeveralLevels) {
  const auto layer = sequence_layer({sequence_numeric_column("v", {2}, 9)});
  const std::vector<Tensor> splits{int64s({0, 2, 3}), int64s({0, 2, 2, 4})};
  const Sequence nested = layer({{"v", Ragged::from_row_splits(Tensor::of<float>({4}, {1, 2, 3, 4}), splits)}});
  EXPECT_EQ(to_vector<float>(nested.data), (Floats{1, 2, 9, 9, 3, 4, 9, 9}));
  EXPECT_EQ(to_vector<int64_t>(nested.lengths), (Ints{2, 1}));
  const Sequence wide = layer({{"v", Ragged::from_row_splits(Tensor::of<float>({2, 2}, {1, 2, 3, 4}), int64s({0, 0, 2}))}});
  EXPECT_EQ(to_vector<float>(wide.data), (Floats{9, 9, 9, 9, 1, 2, 3, 4}));
  const std::vector<Tensor> nothing{int64s({0, 2}), int64s({0, 0, 0})};
  const Sequence empty = layer({{"v", Ragged::from_row_splits(Tensor(DType::kFloat32, {0}), nothing)}});
  EXPECT_EQ(to_vector<float>(empty.data), Floats(4, 9));
  EXPECT_EQ(to_vector<int64_t>(empty.lengths), (Ints{2}));
}

TEST(SequenceNumeric, RefusesWhatDoesNotFit) {
  const auto layer = sequence_layer({sequence_numeric_column("v", {2})});
  EXPECT_ERROR(WrongType, "must be a SparseTensor or ragged", layer({{"v", Tensor(DType::kFloat32, {2, 2})}}));
  EXPECT_ERROR(InvalidArgument, "Feature v is not in features", layer({}));
  EXPECT_ERROR(WrongType, "not numbers", layer({{"v", Ragged::from_lists<std::string>({{"a", "b"}})}}));
  SequenceFeaturesOptions options;
  options.pad = Pad::kLeft;
  const auto left = sequence_layer({sequence_numeric_column("v", {2})}, options);
  EXPECT_ERROR(InvalidArgument, "not one element", left({{"v", sparse({0, 0, 0}, Tensor::of<float>({1}, {1}), {1, 4, 4})}}));
  const int64_t far = int64_t{1} << 40;
  EXPECT_ERROR(LimitExceeded, "holes included", layer({{"v", sparse({0, far - 1}, Tensor::of<float>({1}, {1}), {1, far})}}));
  EXPECT_ERROR(InvalidArgument, "overflows", layer({{"v", sparse({}, Tensor(DType::kFloat32, {0}), {1, far, far})}}));
}

Normalizer doubling() {
  return {[](const Tensor& values) {
            Tensor twice(DType::kFloat32, values.shape());
            const auto from = values.values<float>();
            for (size_t i = 0; i < from.size(); ++i) twice.mutable_values<float>()[i] = 2 * from[i];
            return twice;
          },
          std::make_shared<int>(), "doubling"};
}

TEST(SequenceNumeric, NormalizerSeesPresentValuesOnly) {
  const Column column = sequence_numeric_column("v", {1}, 9, DType::kFloat32, doubling());
  EXPECT_EQ(to_vector<float>(sequence_layer({column})({{"v", sparse({0, 0, 0, 2, 1, 0}, Tensor::of<float>({3}, {1, 2, 3}), {2, 3})}}).data),
            (Floats{2, 9, 4, 6, 9, 9}));
  const Normalizer wrong{[](const Tensor&) { return Tensor(DType::kFloat32, {7}); }, nullptr, "wrong"};
  EXPECT_ERROR(InvalidArgument, "was given shape [1] and returned [7]",
               sequence_layer({sequence_numeric_column("v", {1}, 9, DType::kFloat32, wrong)})({{"v", Ragged::from_lists<float>({{1}})}}));
}

TEST(SequenceNumeric, AnyNumbersAreTaken) {
  const auto layer = sequence_layer({sequence_numeric_column("v")});
  const auto value = [&](const Tensor& values) { return layer({{"v", Ragged::from_row_splits(values, int64s({0, 1}))}}).data.values<float>()[0]; };
  EXPECT_EQ(value(Tensor::of<int64_t>({1}, {-3})), -3.0f);
  EXPECT_EQ(value(Tensor::of<uint8_t>({1}, {200})), 200.0f);
  EXPECT_EQ(value(Tensor::of<double>({1}, {0.5})), 0.5f);
  EXPECT_EQ(value(Tensor::of<bool>({1}, {true})), 1.0f);
  const auto half = [&](uint16_t bits) { return value(Tensor::from_buffer(DType::kFloat16, {1}, Buffer::copy_of(&bits, 2))); };
  EXPECT_EQ(half(0x3c00), 1.0f);
  EXPECT_EQ(half(0xc500), -5.0f);
  EXPECT_EQ(half(0x0001), 0x1p-24f);
  EXPECT_EQ(half(0x7bff), 65504.0f);
  EXPECT_EQ(half(0xfc00), -INFINITY);
  EXPECT_TRUE(std::isnan(half(0x7e00)));
}

TEST(DenseFeatures, CombinesARow) {
  const auto layer = dense_layer({embedding_column(bag_ids("a"), 2), indicator_column(bag_ids("a")), numeric_column("x", {2})});
  EXPECT_EQ(layer.name(), "dense_features");
  const Tensor x = Tensor::of<float>({3, 2}, {1, 2, 3, 4, 5, 6});
  const Tensor out = layer({{"a", Ragged::from_lists<int64_t>({{0, 2}, {}, {1, 1}})}, {"x", x}});
  EXPECT_EQ(out.shape(), (Shape{3, 9}));
  EXPECT_EQ(to_vector<float>(out), (Floats{2, 1, 1, 0, 1, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 3, 4, 2, 1, 0, 2, 0, 0, 0, 5, 6}));
  EXPECT_EQ(layer({{"a", Tensor::of<int64_t>({0, 4}, {})}, {"x", Tensor(DType::kFloat32, {0, 2})}}).shape(), (Shape{0, 9}));
}

TEST(DenseFeatures, NumericInputs) {
  const auto layer = dense_layer({numeric_column("x", {2, 2})});
  const auto call = [&](const Feature& feature) { return layer({{"x", feature}}); };
  EXPECT_EQ(to_vector<float>(call(Tensor::of<int64_t>({1, 2, 2}, {1, 2, 3, 4}))), (Floats{1, 2, 3, 4}));
  EXPECT_EQ(to_vector<float>(call(Ragged::from_lists<double>({{1, 2, 3, 4}}))), (Floats{1, 2, 3, 4}));
  const std::vector<Tensor> splits{int64s({0, 2}), int64s({0, 2, 4})};
  EXPECT_EQ(to_vector<float>(call(Ragged::from_row_splits(Tensor::of<float>({4}, {1, 2, 3, 4}), splits))), (Floats{1, 2, 3, 4}));
  EXPECT_ERROR(InvalidArgument, "4 values in a row, got an array of shape [2, 2]", call(Tensor(DType::kFloat32, {2, 2})));
  EXPECT_ERROR(InvalidArgument, "4 values in a row, got 3 (key 'x', row 1)", call(Ragged::from_lists<float>({{1, 2, 3, 4}, {1, 2, 3}})));
  EXPECT_ERROR(InvalidArgument, "SparseTensor is not supported. key: x", call(SparseTensor()));
  EXPECT_ERROR(InvalidArgument, "rank 0", call(Tensor(DType::kFloat32, {})));
  EXPECT_ERROR(WrongType, "not numbers", call(Tensor(DType::kString, {1, 4})));
  EXPECT_EQ(to_vector<float>(dense_layer({numeric_column("x")})({{"x", int64s({1, 2})}})), (Floats{1, 2}));
  EXPECT_EQ(to_vector<float>(dense_layer({numeric_column("x", {1}, {}, DType::kFloat32, doubling())})({{"x", Tensor::of<float>({2}, {1, 2})}})), (Floats{2, 4}));
}

TEST(DenseFeatures, RowsMustAgree) {
  const auto layer = dense_layer({numeric_column("x"), numeric_column("y")});
  EXPECT_ERROR(InvalidArgument, "('x', 'y'): (2, 3)", layer({{"x", int64s({1, 2})}, {"y", int64s({1, 2, 3})}}));
}

TEST(FeatureLayer, RefusesWhatCannotWork) {
  const auto sequence = [](std::vector<Column> columns) { return SequenceFeatures(std::move(columns)).width(); };
  const auto dense = [](std::vector<Column> columns) { return DenseFeatures(std::move(columns)).width(); };
  EXPECT_ERROR(InvalidArgument, "must not be empty", dense({}));
  EXPECT_ERROR(InvalidArgument, "Given: None", dense({nullptr}));
  EXPECT_ERROR(InvalidArgument, "Duplicate feature column name", dense({numeric_column("c"), numeric_column("c", {2})}));
  EXPECT_ERROR(InvalidArgument, "You can wrap a categorical column", dense({bag_ids("a")}));
  EXPECT_ERROR(InvalidArgument, "must not be of type SequenceCategoricalColumn", dense({embedding_column(sequence_ids("a"), 1)}));
  EXPECT_ERROR(InvalidArgument, "must be of type SequenceCategoricalColumn to use SequenceFeatures", sequence({embedding_column(bag_ids("a"), 1)}));
  EXPECT_ERROR(InvalidArgument, "'c'", sequence({numeric_column("c")}));
  EXPECT_ERROR(InvalidArgument, "'c'", dense({sequence_numeric_column("c")}));
  EXPECT_ERROR(InvalidArgument, "ckpt_to_load_from", dense({embedding_column(bag_ids("a"), 1, {.ckpt_to_load_from = "x", .tensor_name_in_ckpt = "y"})}));
  FeatureLayer::Options options;
  options.dtype = DType::kFloat16;
  EXPECT_ERROR(InvalidArgument, "float32 or float64", DenseFeatures({numeric_column("c")}, options).width());
}

TEST(FeatureLayer, WeightsComeFromTheSeed) {
  const auto table = [](int64_t seed, DType dtype = DType::kFloat32) {
    FeatureLayer::Options options;
    options.seed = seed, options.dtype = dtype;
    const DenseFeatures layer({embedding_column(bag_ids("a", 100), 4), embedding_column(bag_ids("b", 100), 4)}, options);
    EXPECT_EQ(layer.parameters().size(), 2u);
    EXPECT_FALSE(std::ranges::equal(layer.parameters()[0].value.buffer().data(), layer.parameters()[0].value.buffer().data() + 64,
                                    layer.parameters()[1].value.buffer().data(), layer.parameters()[1].value.buffer().data() + 64));
    return layer.parameters()[0].value;
  };
  EXPECT_EQ(to_vector<float>(table(1)), to_vector<float>(table(1)));
  EXPECT_NE(to_vector<float>(table(1)), to_vector<float>(table(2)));
  EXPECT_EQ(table(1, DType::kFloat64).dtype(), DType::kFloat64);
  for (float value : table(1).values<float>()) EXPECT_LE(std::abs(value), 1.0f);  // two deviations of 1 / sqrt(4)
}

TEST(FeatureLayer, TrainableIsBothColumnsAndLayers) {
  const Column frozen = embedding_column(bag_ids("a"), 1, {.trainable = false}), free = embedding_column(bag_ids("b"), 1);
  const DenseFeatures layer({frozen, free});
  EXPECT_FALSE(layer.parameters()[0].trainable);
  EXPECT_TRUE(layer.parameters()[1].trainable);
  FeatureLayer::Options options;
  options.trainable = false;
  EXPECT_FALSE(DenseFeatures({free}, options).parameters()[0].trainable);
}

TEST(FeatureLayer, WeightsOfAnotherShapeAreRefused) {
  auto layer = dense_layer({embedding_column(bag_ids("a"), 2)});
  layer.parameters()[0].value = Tensor::zeros(DType::kFloat32, {4, 2});
  EXPECT_ERROR(InvalidArgument, "must be float32 [5, 2], got float32 [4, 2]", layer({{"a", int64s({1})}}));
  layer.parameters()[0].value = Tensor::zeros(DType::kFloat64, {5, 2});
  EXPECT_ERROR(InvalidArgument, "got float64", layer({{"a", int64s({1})}}));
}

TEST(FeatureLayer, Counts) {
  const Column a = sequence_categorical_column_with_identity("a", 5, 0);
  auto layer = sequence_layer({embedding_column(a, 1), indicator_column(a)});
  const Features features{{"a", Tensor::of<int64_t>({2, 2}, {1, 99, 3, -1})}};
  layer(features);
  layer(features);
  EXPECT_EQ(layer.counters(), (std::map<std::string, IdsCounters>{{"a", {.seen = 6, .replaced = 2, .dropped = 2}}}));
  layer.reset_counters();
  EXPECT_EQ(layer.counters().at("a"), IdsCounters{});
  FeatureLayer::Options options;
  options.ids.strict = true;
  EXPECT_ERROR(InvalidArgument, "absent", dense_layer({indicator_column(bag_ids("a"))}, options)({{"a", int64s({-1})}}));
}

TEST(FeatureLayer, Float64) {
  SequenceFeaturesOptions options;
  options.dtype = DType::kFloat64;
  const SequenceFeatures layer({embedding_column(sequence_ids("a"), 3), indicator_column(sequence_ids("a")), sequence_numeric_column("x", {1}, 0.1)}, options);
  const Sequence out = layer({{"a", Ragged::from_lists<int64_t>({{1}, {}})}, {"x", Ragged::from_lists<double>({{1e-300}, {}})}});
  EXPECT_EQ(out.data.values<double>()[8], 1e-300);
  EXPECT_EQ(out.data.values<double>()[17], 0.1);
  EXPECT_EQ(out.data.values<double>()[0], layer.parameters()[0].value.values<double>()[3]);
}

// --- Against the reference, on every code path, alone and in a batch ----------------------------

struct Batch {
  std::vector<Ints> a, b;
  std::vector<std::vector<float>> x;
  Features features() const {
    return {{"a", Ragged::from_lists<int64_t>(a)}, {"b", Ragged::from_lists<int64_t>(b)}, {"x", Ragged::from_lists<float>(x)}};
  }
};

Batch random_batch(size_t rows, int64_t longest, int64_t buckets, uint32_t seed) {
  std::mt19937 random(seed);
  Batch batch;
  for (size_t row = 0; row < rows; ++row) {
    const size_t length = row % 5 == 0 ? 0 : random() % static_cast<size_t>(longest + 1);
    batch.a.emplace_back(), batch.b.emplace_back(), batch.x.emplace_back();
    for (size_t i = 0; i < length; ++i) {
      batch.a.back().push_back(static_cast<int64_t>(random() % static_cast<uint32_t>(buckets)));
      batch.b.back().push_back(static_cast<int64_t>(random() % static_cast<uint32_t>(buckets)));
      batch.x.back().push_back(static_cast<float>(random() % 1000) / 7);
    }
  }
  return batch;
}

std::vector<float> expected_block(const SequenceFeatures& layer, const Batch& batch, int64_t steps, bool left) {
  std::vector<std::vector<Floats>> rows(batch.a.size());
  for (size_t row = 0; row < rows.size(); ++row) {
    for (size_t i = 0; i < batch.a[row].size(); ++i) {
      Floats step;
      for (const auto& [ids, parameter] : {std::pair(&batch.a, 0), std::pair(&batch.b, 1)}) {
        const auto found = testing::reference_row<float>(layer.parameters()[static_cast<size_t>(parameter)].value, (*ids)[row][i]);
        step.insert(step.end(), found.begin(), found.end());
      }
      step.push_back(batch.x[row][i]);
      rows[row].push_back(step);
    }
  }
  return testing::reference_padded(rows, steps, layer.width(), left);
}

TEST(SequenceFeatures, EqualsTheReferenceOnEveryCodePath) {
  const Batch batch = random_batch(60, 23, 50, 11);
  for (int64_t dimension : {1, 3, 10, 16, 33}) {
    for (Pad pad : {Pad::kRight, Pad::kLeft}) {
      SequenceFeaturesOptions options;
      options.pad = pad;
      const SequenceFeatures layer({embedding_column(sequence_ids("a", 50), dimension), embedding_column(sequence_ids("b", 50), 16), sequence_numeric_column("x")}, options);
      testing::on_every_isa([&] {
        const Sequence out = layer(batch.features());
        ASSERT_EQ(to_vector<float>(out.data), expected_block(layer, batch, out.data.dim(1), pad == Pad::kLeft));
      });
    }
  }
}

TEST(SequenceFeatures, ARowDoesNotDependOnItsBatchOrThreads) {
  const Batch batch = random_batch(700, 60, 50, 12);
  const SequenceFeatures layer({embedding_column(sequence_ids("a", 50), 24), embedding_column(sequence_ids("b", 50), 16), sequence_numeric_column("x")});
  const int before = num_threads();
  set_num_threads(1);
  const Sequence one = layer(batch.features());
  for (int threads : {2, 3}) {
    set_num_threads(threads);
    EXPECT_EQ(to_vector<float>(layer(batch.features()).data), to_vector<float>(one.data));
  }
  set_num_threads(before);
  const int64_t steps = one.data.dim(1), width = layer.width();
  for (size_t row = 0; row < batch.a.size(); row += 13) {
    const Sequence alone = layer(Batch{{batch.a[row]}, {batch.b[row]}, {batch.x[row]}}.features());
    const auto in_batch = one.data.values<float>().subspan(row * static_cast<size_t>(steps * width), static_cast<size_t>(alone.data.size()));
    EXPECT_TRUE(std::ranges::equal(alone.data.values<float>(), in_batch)) << row;
  }
}

TEST(SequenceFeatures, LargeBlocksAreWrittenWhole) {  // past the caches
  const Batch batch = random_batch(3000, 60, 50, 13);
  const SequenceFeatures layer({embedding_column(sequence_ids("a", 50), 32), embedding_column(sequence_ids("b", 50), 15), sequence_numeric_column("x")});
  const Sequence out = layer(batch.features());
  ASSERT_GE(out.data.size() * 4, 16 << 20);
  EXPECT_TRUE(to_vector<float>(out.data) == expected_block(layer, batch, out.data.dim(1), false));
}

TEST(SequenceFeatures, OutputsAreUsedAgain) {
  const auto layer = sequence_layer({embedding_column(sequence_ids("a"), 2)});
  Sequence out;
  layer({{"a", Ragged::from_lists<int64_t>({{0, 4}, {}})}}, out);
  const uint8_t* memory = out.data.buffer().data();
  layer({{"a", Ragged::from_lists<int64_t>({{}, {1, 1}})}}, out);
  EXPECT_EQ(out.data.buffer().data(), memory);
  EXPECT_EQ(to_vector<float>(out.data), (Floats{0, 0, 0, 0, 2, 1, 2, 1}));
}

// Ids that change under the reader are checked where they are used.
TEST(SequenceFeatures, BorrowedIdsMayChange) {
  auto memory = std::make_shared<Ints>(Ints{1, 2, 3});
  const Tensor values = Tensor::from_buffer(DType::kInt64, {3}, Buffer::borrow(memory->data(), 24, memory));
  const Ragged ragged = Ragged::from_row_splits(values, int64s({0, 1, 3}));
  Normalizer meanwhile{[&](const Tensor& given) { (*memory)[2] = 1000; return given; }, nullptr, "meanwhile"};
  const auto layer = sequence_layer({embedding_column(sequence_ids("a"), 2), sequence_numeric_column("z", {1}, 0, DType::kFloat32, meanwhile)});
  EXPECT_ERROR(OutOfRange, "row 1, step 1", layer({{"a", ragged}, {"z", Ragged::from_lists<float>({{1}, {1, 1}})}}));
}

}  // namespace
}  // namespace weft
