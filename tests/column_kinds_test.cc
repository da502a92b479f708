// The kinds of column beyond identity, as a C++ program uses them. Their values are compared with
// TensorFlow's in tests/python/test_golden_feature_layers.py.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <fstream>

#include "expect_error.h"
#include "weft/column.h"
#include "weft/sequence.h"

namespace weft {
namespace {

using Strings = std::vector<std::vector<std::string_view>>;
using Rows = std::vector<std::vector<int64_t>>;

Rows rows_of(const Ragged& ids) {
  Rows rows;
  const auto values = ids.values<int64_t>();
  for (int64_t row = 0; row < ids.rows(); ++row) {
    const auto begin = ids.row_splits()[static_cast<size_t>(row)],
               end = ids.row_splits()[static_cast<size_t>(row) + 1];
    rows.emplace_back(values.begin() + begin, values.begin() + end);
  }
  return rows;
}

Tensor strings(const std::vector<std::string_view>& values) {
  return Tensor::strings({static_cast<int64_t>(values.size())}, Bytes::from(values));
}

std::vector<Column> every_kind() {
  const Column ids = sequence_categorical_column_with_identity("i", 9, 3);
  const Column words =
      categorical_column_with_vocabulary_list("v", strings({"x", "\xff\x01", "z"}), {}, -1, 2);
  const Column numbers =
      numeric_column("n", {2}, Tensor::of<double>({2}, {1, 2.5}), DType::kFloat32,
                     Normalizer({normalizers::Clip{0, 10}, normalizers::Log1p{}}));
  const Column delta =
      sequence_time_delta_column("t", "now", 60, -1.5, DType::kInt64, normalizers::ZScore{0.5, 2});
  std::vector<Column> all = {
      embedding_column(words, 3, {.combiner = Combiner::kSqrtn}),
      indicator_column(categorical_column_with_vocabulary_list(
          "w", Tensor::of<int64_t>({2}, {INT64_MIN, 7}), DType::kInt32, 1)),
      indicator_column(categorical_column_with_hash_bucket("h", 100, DType::kInt64)),
      numbers,
      sequence_numeric_column("s", {1}, -INFINITY),
      delta,
      bucketized_column(delta, log_boundaries(1, 100, 3)),
      bucketized_column(numbers, Tensor::of<int64_t>({2}, {0, 1})),
      indicator_column(weighted_categorical_column(ids, "weight")),
      indicator_column(sequence_weighted_categorical_column(ids, "weight2", DType::kInt64)),
      indicator_column(
          crossed_column({"a", words, bucketized_column(numbers, log_boundaries(1, 2, 2))}, 30, 5)),
      indicator_column(sequence_crossed_column({"a", ids}, 30)),
  };
  for (const Column& shared : shared_embeddings({ids, categorical_column_with_identity("j", 9)}, 4))
    all.push_back(shared);
  return all;
}

TEST(ColumnKinds, ComeBackFromTheirConfigs) {
  for (const Column& column : every_kind()) {
    const Column again = column_from_config(column->class_name(), column->config());
    EXPECT_TRUE(*again == *column) << column->to_string();
    EXPECT_EQ(again->hash(), column->hash()) << column->to_string();
    EXPECT_EQ(again->name(), column->name());
  }
}

TEST(ColumnKinds, ComeBackFromJson) {
  const std::vector<Column> columns = every_kind();
  const std::string text = columns_to_json(columns);
  const std::vector<Column> again = columns_from_json(text);
  ASSERT_EQ(again.size(), columns.size());
  for (size_t i = 0; i < columns.size(); ++i)
    EXPECT_TRUE(*again[i] == *columns[i]) << again[i]->to_string();
  EXPECT_EQ(columns_to_json(again), text);
  const auto table = [](const Column& column) {
    return dynamic_cast<const SharedEmbeddingColumn&>(*column).shared_table();
  };
  EXPECT_EQ(table(again[again.size() - 1]), table(again[again.size() - 2]));
}

TEST(ColumnKinds, JsonRefusesFunctions) {
  const normalizers::Custom twice{[](const Tensor& x) { return x; }, nullptr, "twice"};
  EXPECT_ERROR(InvalidArgument, "'twice') cannot be saved",
               columns_to_json({numeric_column("x", {1}, {}, DType::kFloat32, twice)}));
  EXPECT_ERROR(InvalidArgument, "version 7", columns_from_json(R"({"weft_columns": 7})"));
  EXPECT_ERROR(InvalidArgument, "not JSON", columns_from_json("{"));
}

TEST(ColumnKinds, NormalizersCompute) {
  const Normalizer all({normalizers::Clip{0, 8}, normalizers::MinMax{0, 4}, normalizers::Log1p{},
                        normalizers::ZScore{1, 2}});
  const Tensor given = Tensor::of<int64_t>({3}, {-1, 3, 100});
  const Tensor found = all(given, "x");
  for (size_t i = 0; i < 3; ++i) {
    const double clipped =
        std::clamp<double>(static_cast<double>(given.values<int64_t>()[i]), 0, 8);
    EXPECT_DOUBLE_EQ(found.values<double>()[i], (std::log1p(clipped / 4) - 1) / 2);
  }
  EXPECT_ERROR(InvalidArgument, "stddev must be greater than 0",
               Normalizer(normalizers::ZScore{0, 0}));
  EXPECT_ERROR(WrongType, "must be numbers", all(strings({"a"}), "x"));
}

TEST(ColumnKinds, HashesAndVocabularies) {
  const Features features{{"s", Ragged::from_lists(Strings{{"b", "?"}, {}, {"a"}})}};
  const auto hash = [](std::string_view text) {
    return static_cast<int64_t>(fingerprint64(text) % 50);
  };
  EXPECT_EQ(rows_of(column_ids(*categorical_column_with_hash_bucket("s", 50), features)),
            (Rows{{hash("b"), hash("?")}, {}, {hash("a")}}));
  const Tensor list = strings({"a", "b"});
  IdsCounters met;
  EXPECT_EQ(
      rows_of(column_ids(*categorical_column_with_vocabulary_list("s", list), features, {}, &met)),
      (Rows{{1, -1}, {}, {0}}));
  EXPECT_EQ(met.out_of_vocabulary, 1);
  const Column hashed_out = categorical_column_with_vocabulary_list("s", list, {}, -1, 3);
  EXPECT_EQ(rows_of(column_ids(*hashed_out, features)),
            (Rows{{1, 2 + static_cast<int64_t>(fingerprint64("?") % 3)}, {}, {0}}));
  EXPECT_ERROR(
      OutOfRange, "strict: '?' of column 's'",
      column_ids(*categorical_column_with_vocabulary_list("s", list), features, {.strict = true}));
  EXPECT_ERROR(InvalidArgument, "Duplicate keys",
               categorical_column_with_vocabulary_list("s", strings({"a", "a"})));
}

TEST(ColumnKinds, OneFileIsOneVocabulary) {
  const std::string path = ::testing::TempDir() + "/column_kinds_vocabulary.txt";
  std::ofstream(path) << "x\ny\n";
  const Column one = categorical_column_with_vocabulary_file("a", path);
  const Column two = categorical_column_with_vocabulary_file("b", path);
  one->prepare();
  std::remove(path.c_str());
  EXPECT_EQ(rows_of(column_ids(*one, {{"a", Ragged::from_lists(Strings{{"y"}})}})), (Rows{{1}}));
  EXPECT_ERROR(NotFound, path.c_str(), two->prepare());
}

TEST(ColumnKinds, SharedTablesAreOneInAllLayers) {
  const auto columns = shared_embeddings({sequence_categorical_column_with_identity("history", 5),
                                          categorical_column_with_identity("candidate", 5)},
                                         2);
  SequenceFeatures history({columns[0]});
  DenseFeatures candidate({columns[1]});
  ASSERT_EQ(history.parameters()[0].name, "candidate_history_shared_embedding");
  EXPECT_EQ(history.parameters()[0].value.buffer().data(),
            candidate.parameters()[0].value.buffer().data());
  const auto other = shared_embeddings({categorical_column_with_identity("c", 7)}, 2, {},
                                       "candidate_history_shared_embedding");
  EXPECT_ERROR(InvalidArgument, "another table", DenseFeatures({columns[1], other[0]}));
}

TEST(ColumnKinds, CutoffLeavesOutLaterSteps) {
  const Features features{{"t", Ragged::from_lists<int64_t>({{5, 9, 7}, {}, {1}})},
                          {"a", Ragged::from_lists<int64_t>({{1, 2, 3}, {}, {4}})},
                          {"now", Tensor::of<int64_t>({3}, {7, 0, 0})}};
  const SequenceFeatures layer({indicator_column(sequence_categorical_column_with_identity("a", 5)),
                                sequence_time_delta_column("t")},
                               {.cutoff = Cutoff{"t", "now"}});
  const Sequence cut = layer(features);
  EXPECT_EQ(cut.lengths.values<int64_t>()[0], 2);
  EXPECT_EQ(cut.lengths.values<int64_t>()[2], 0);
  ASSERT_EQ(cut.data.shape(), (Shape{3, 2, 6}));
  EXPECT_EQ(cut.data.values<float>()[3 + 6], 1);  // id 3 at step 1
  EXPECT_EQ(cut.data.values<float>()[5 + 6], 2);  // 7 - 5: what is left out is no step before
  Features wrong = features;
  wrong["a"] = Ragged::from_lists<int64_t>({{1, 2}, {}, {4}});
  EXPECT_ERROR(InvalidArgument, "a row of 2 steps, of which 3", layer(wrong));
}

}  // namespace
}  // namespace weft
