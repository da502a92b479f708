#include "weft/sequence.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "feature_layers.h"

namespace weft {
namespace {

using testing::Floats;
using testing::int64s;
using testing::Ints;
using testing::sequence_ids;
using testing::sequence_layer;
using testing::sparse;
using testing::to_vector;

TEST(SequenceMask, AsTensorFlow) {
  const Tensor mask = sequence_mask(int64s({1, 0, 3}));
  EXPECT_EQ(mask.dtype(), DType::kBool);
  EXPECT_EQ(mask.shape(), (Shape{3, 3}));
  EXPECT_EQ(to_vector<bool>(mask),
            (std::vector<bool>{true, false, false, false, false, false, true, true, true}));
  EXPECT_EQ(
      to_vector<int32_t>(sequence_mask(Tensor::of<int32_t>({1, 2}, {5, -1}), 2, DType::kInt32)),
      (std::vector<int32_t>{1, 1, 0, 0}));
  EXPECT_EQ(to_vector<float>(sequence_mask(int64s({1}), 3, DType::kFloat32, Pad::kLeft)),
            (Floats{0, 0, 1}));
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
  const Tensor context = Tensor::of<float>({2, 1}, {7, 8}),
               sequence = Tensor::of<float>({2, 2, 1}, {1, 2, 3, 4});
  const Tensor both = concatenate_context_input(context, sequence);
  EXPECT_EQ(both.shape(), (Shape{2, 2, 2}));
  EXPECT_EQ(to_vector<float>(both), (Floats{1, 7, 2, 7, 3, 8, 4, 8}));
  EXPECT_EQ(concatenate_context_input(context, Tensor(DType::kFloat32, {2, 0, 3})).shape(),
            (Shape{2, 0, 4}));
  EXPECT_ERROR(InvalidArgument, "sequence_input must have rank 3",
               concatenate_context_input(context, context));
  EXPECT_ERROR(InvalidArgument, "context_input must have rank 2",
               concatenate_context_input(sequence, sequence));
  EXPECT_ERROR(WrongType, "sequence_input must have dtype float32",
               concatenate_context_input(context, Tensor(DType::kInt64, {2, 1, 1})));
  EXPECT_ERROR(WrongType, "same dtype",
               concatenate_context_input(context, Tensor(DType::kFloat64, {2, 1, 1})));
  EXPECT_ERROR(InvalidArgument, "2 rows, sequence_input has 3",
               concatenate_context_input(context, Tensor(DType::kFloat32, {3, 1, 1})));
}

TEST(ConcatenateContextInput, GoesBackToTheSequenceAndTheSumOverSteps) {
  const Tensor grad = Tensor::of<double>({2, 2, 3}, {1, 2, 10, 3, 4, 20, 5, 6, 30, 7, 8, 40});
  const ContextGradients one = concatenate_context_backward(grad, 1);
  EXPECT_EQ(one.context_input.shape(), (Shape{2, 1}));
  EXPECT_EQ(to_vector<double>(one.context_input), (std::vector<double>{30, 70}));
  EXPECT_EQ(one.sequence_input.shape(), (Shape{2, 2, 2}));
  EXPECT_EQ(to_vector<double>(one.sequence_input), (std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8}));
  const ContextGradients none = concatenate_context_backward(Tensor(DType::kFloat32, {2, 0, 3}), 2);
  EXPECT_EQ(to_vector<float>(none.context_input), (Floats{0, 0, 0, 0}));
  EXPECT_EQ(none.sequence_input.shape(), (Shape{2, 0, 1}));
  EXPECT_ERROR(InvalidArgument, "3 columns, of which the context cannot have 4",
               concatenate_context_backward(grad, 4));
  EXPECT_ERROR(InvalidArgument, "grad must have rank 3",
               concatenate_context_backward(Tensor(DType::kFloat32, {2, 3}), 1));
}

TEST(SequenceFeatures, OneColumn) {
  const auto layer = sequence_layer({embedding_column(sequence_ids("a"), 2)});
  const Sequence out = layer({{"a", Ragged::from_lists<int64_t>({{0, 4}, {}, {2}})}});
  EXPECT_EQ(out.data.shape(), (Shape{3, 2, 2}));
  EXPECT_EQ(to_vector<float>(out.data), (Floats{1, .5, 5, 2.5, 0, 0, 0, 0, 3, 1.5, 0, 0}));
  EXPECT_EQ(to_vector<int64_t>(out.lengths), (Ints{2, 0, 1}));
  EXPECT_EQ(to_vector<bool>(out.mask()),
            (std::vector<bool>{true, true, false, false, true, false}));
  EXPECT_EQ(layer.name(), "sequence_features");
  EXPECT_EQ(layer.parameters()[0].name, "a_embedding/embedding_weights");
}

TEST(SequenceFeatures, SparseHolesAndWidth) {
  const auto layer =
      sequence_layer({embedding_column(sequence_ids("a"), 1), indicator_column(sequence_ids("a"))});
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
  const auto sum = sequence_layer(
      {embedding_column(sequence_ids("a"), 1, {.combiner = Combiner::kSum})})({{"a", ids}});
  EXPECT_EQ(sum.data.values<float>()[0], 5.0f);
  const auto sqrtn = sequence_layer(
      {embedding_column(sequence_ids("a"), 1, {.combiner = Combiner::kSqrtn})})({{"a", ids}});
  EXPECT_FLOAT_EQ(sqrtn.data.values<float>()[0], 5.0f / std::sqrt(3.0f));
  const auto counts = sequence_layer({indicator_column(sequence_ids("a"))})({{"a", ids}});
  EXPECT_EQ(to_vector<float>(counts.data),
            (Floats{1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0}));
}

TEST(SequenceFeatures, ColumnsStandInTheOrderOfTheirNames) {
  const Features features{{"a", Ragged::from_lists<int64_t>({{0}})},
                          {"b", Ragged::from_lists<int64_t>({{1}})},
                          {"c", Ragged::from_lists<float>({{9}})}};
  const Column a = embedding_column(sequence_ids("a"), 1),
               b = embedding_column(sequence_ids("b"), 2), c = sequence_numeric_column("c");
  for (const auto& columns : {std::vector<Column>{c, b, a}, std::vector<Column>{a, b, c}}) {
    EXPECT_EQ(to_vector<float>(sequence_layer(columns)(features).data), (Floats{1, 2, 1, 9}));
  }
}

TEST(SequenceFeatures, LengthsMustAgree) {
  const auto layer = sequence_layer(
      {embedding_column(sequence_ids("a"), 1), embedding_column(sequence_ids("b"), 1)});
  const auto call = [&](const std::vector<Ints>& a, const std::vector<Ints>& b) {
    return layer({{"a", Ragged::from_lists<int64_t>(a)}, {"b", Ragged::from_lists<int64_t>(b)}});
  };
  EXPECT_ERROR(InvalidArgument,
               "columns 'a_embedding' and 'b_embedding' differ in length: 2 and 1 (row 1)",
               call({{0}, {1, 2}}, {{0}, {1}}));
  EXPECT_ERROR(InvalidArgument, "('a_embedding', 'b_embedding'): (1, 2)", call({{0}}, {{0}, {1}}));
}

TEST(SequenceFeatures, ShorterBlocksArePadded) {
  const auto layer = sequence_layer(
      {embedding_column(sequence_ids("a"), 1), sequence_numeric_column("b", {1}, -1)});
  const Sequence out = layer(
      {{"a", sparse({0, 0}, int64s({0}), {2, 3})}, {"b", Ragged::from_lists<float>({{7}, {}})}});
  EXPECT_EQ(out.data.shape(), (Shape{2, 3, 2}));
  EXPECT_EQ(to_vector<float>(out.data), (Floats{1, 7, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1}));
}

TEST(SequenceFeatures, EmptyThingsAreValid) {
  const auto layer =
      sequence_layer({embedding_column(sequence_ids("a"), 3), sequence_numeric_column("b")});
  const auto call = [&](const Feature& a, const Feature& b) { return layer({{"a", a}, {"b", b}}); };
  const Sequence none = call(Ragged::from_lists<int64_t>({}), Ragged::from_lists<float>({}));
  EXPECT_EQ(none.data.shape(), (Shape{0, 0, 4}));
  EXPECT_EQ(none.mask().shape(), (Shape{0, 0}));
  const Sequence empty =
      call(Ragged::from_lists<int64_t>({{}, {}}), Ragged::from_lists<float>({{}, {}}));
  EXPECT_EQ(empty.data.shape(), (Shape{2, 0, 4}));
  EXPECT_EQ(to_vector<int64_t>(empty.lengths), (Ints{0, 0}));
  const Sequence wide =
      call(sparse({}, int64s({}), {2, 3}), sparse({}, Tensor(DType::kFloat32, {0}), {2, 3}));
  EXPECT_EQ(to_vector<float>(wide.data), Floats(24, 0));
  EXPECT_EQ(call(sparse({}, int64s({}), {0, 3}), sparse({}, Tensor(DType::kFloat32, {0}), {0, 3}))
                .data.shape(),
            (Shape{0, 3, 4}));
}

TEST(SequenceFeatures, MaxLengthKeepAndPad) {
  const Features features{{"a", Ragged::from_lists<int64_t>({{0, 1, 2}, {3}, {}})},
                          {"b", Ragged::from_lists<float>({{10, 11, 12}, {13}, {}})}};
  const std::vector<Column> columns{embedding_column(sequence_ids("a"), 1),
                                    sequence_numeric_column("b", {1}, -1)};
  const auto call = [&](SequenceFeaturesOptions options) {
    return sequence_layer(columns, std::move(options))(features);
  };
  SequenceFeaturesOptions options;
  options.max_length = 2;
  const Sequence last = call(options);
  EXPECT_EQ(to_vector<float>(last.data), (Floats{2, 11, 3, 12, 4, 13, 0, -1, 0, -1, 0, -1}));
  EXPECT_EQ(to_vector<int64_t>(last.lengths), (Ints{2, 1, 0}));
  options.keep = Keep::kFirst;
  EXPECT_EQ(to_vector<float>(call(options).data),
            (Floats{1, 10, 2, 11, 4, 13, 0, -1, 0, -1, 0, -1}));
  options.pad = Pad::kLeft;
  const Sequence left = call(options);
  EXPECT_EQ(to_vector<float>(left.data), (Floats{1, 10, 2, 11, 0, -1, 4, 13, 0, -1, 0, -1}));
  EXPECT_EQ(to_vector<bool>(left.mask()),
            (std::vector<bool>{true, true, false, true, false, false}));
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
  EXPECT_ERROR(InvalidArgument,
               "3 steps does not fit pad_to=2; set max_length to cut longer ones (row 0)",
               call({PadTo::Kind::kFixed, 2}));
  EXPECT_ERROR(InvalidArgument, "pad_to must be greater than 0", call({PadTo::Kind::kMultiple, 0}));
  EXPECT_ERROR(InvalidArgument, "max_length must be greater than 0", call({}, 0));
  EXPECT_ERROR(LimitExceeded, "block of [2, 1099511627776, 1]",
               call({PadTo::Kind::kFixed, int64_t{1} << 40}));
}

// Lists of SequenceExamples have two levels: where every step holds one id, none is summed up.
TEST(SequenceFeatures, StepsOfOneIdEach) {
  const Ragged ids =
      Ragged::trusted(int64s({0, 4, 2}), {int64s({0, 2, 2, 3}), int64s({0, 1, 2, 3})});
  const Ragged bags =
      Ragged::trusted(int64s({0, 4, 2, 1, 3}), {int64s({0, 2, 2, 3, 4}), int64s({0, 1, 2, 3, 5})});
  for (const Combiner combiner : {Combiner::kMean, Combiner::kSqrtn, Combiner::kSum}) {
    for (const std::optional<double> max_norm : {std::optional<double>(), std::optional(1.7)}) {
      const auto layer = sequence_layer(
          {embedding_column(sequence_ids("a"), 3, {.combiner = combiner, .max_norm = max_norm})});
      const Sequence one = layer({{"a", ids}}), all = layer({{"a", bags}});
      ASSERT_EQ(one.data.shape(), (Shape{3, 2, 3}));
      EXPECT_EQ(std::memcmp(one.data.buffer().data(), all.data.buffer().data(), 3 * 2 * 3 * 4), 0);
    }
  }
}

}  // namespace
}  // namespace weft
