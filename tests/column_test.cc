#include "weft/column.h"

#include <gtest/gtest.h>

#include <cmath>

#include "expect_error.h"

namespace weft {
namespace {

template <class T>
const T& as(const Column& column) {
  return dynamic_cast<const T&>(*column);
}

Column watches() { return sequence_categorical_column_with_identity("watches", 1000); }

TEST(IdentityColumn, Declares) {
  const Column column = categorical_column_with_identity("a", 10, 3);
  EXPECT_STREQ(column->class_name(), "IdentityCategoricalColumn");
  EXPECT_EQ(column->name(), "a");
  EXPECT_EQ(as<CategoricalColumn>(column).num_buckets(), 10);
  EXPECT_EQ(column->to_string(),
            "IdentityCategoricalColumn(key='a', number_buckets=10, default_value=3)");
  const ParseSpec spec = column->parse_example_spec();
  EXPECT_TRUE(spec.at("a") == FeatureSpec(VarLenFeature{DType::kInt64}));
  EXPECT_EQ(watches()->name(), "watches");
  EXPECT_EQ(as<CategoricalColumn>(watches()).num_buckets(), 1000);
  EXPECT_EQ(watches()->to_string(),
            "SequenceCategoricalColumn(categorical_column=IdentityCategoricalColumn(key='watches', "
            "number_buckets=1000, default_value=None))");
}

TEST(IdentityColumn, RefusesWhatCannotWork) {
  EXPECT_ERROR(InvalidArgument, "num_buckets 0 < 1, column_name a",
               categorical_column_with_identity("a", 0));
  EXPECT_ERROR(InvalidArgument, "default_value 3 not in range [0, 3), column_name a",
               categorical_column_with_identity("a", 3, 3));
  EXPECT_ERROR(InvalidArgument, "default_value -1",
               sequence_categorical_column_with_identity("a", 3, -1));
  EXPECT_ERROR(InvalidArgument, "sequence already", SequenceCategoricalColumn(watches()));
  EXPECT_ERROR(InvalidArgument, "CategoricalColumn",
               SequenceCategoricalColumn(numeric_column("a")));
}

TEST(EmbeddingColumn, Declares) {
  const Column column = embedding_column(watches(), 16);
  EXPECT_EQ(column->name(), "watches_embedding");
  const auto& embedding = as<EmbeddingColumn>(column);
  EXPECT_TRUE(embedding.is_sequence());
  EXPECT_EQ(embedding.variable_shape(), (Shape{16}));
  EXPECT_EQ(*embedding.options().initializer,
            Initializer(initializers::TruncatedNormal{0.0, 0.25}));
  EXPECT_FALSE(
      as<DenseColumn>(embedding_column(categorical_column_with_identity("a", 2), 1)).is_sequence());
  EXPECT_TRUE(column->parse_example_spec().contains("watches"));
}

TEST(EmbeddingColumn, RefusesWhatCannotWork) {
  EXPECT_ERROR(InvalidArgument, "Invalid dimension 0", embedding_column(watches(), 0));
  EXPECT_ERROR(InvalidArgument, "Must specify both",
               embedding_column(watches(), 1, {.ckpt_to_load_from = "x"}));
  EXPECT_ERROR(InvalidArgument, "max_norm", embedding_column(watches(), 1, {.max_norm = 0.0}));
  EXPECT_ERROR(InvalidArgument, "max_norm",
               embedding_column(watches(), 1, {.max_norm = std::nan("")}));
  EXPECT_ERROR(InvalidArgument, "NumericColumn(key='x'", embedding_column(numeric_column("x"), 1));
  EXPECT_ERROR(InvalidArgument, "None", embedding_column(nullptr, 1));
  EXPECT_ERROR(InvalidArgument, "2^63",
               embedding_column(categorical_column_with_identity("a", INT64_MAX), 2));
  EXPECT_ERROR(InvalidArgument, "combiner must be one of 'mean', 'sqrtn' or 'sum', got 'max'",
               combiner_from("max"));
  EXPECT_ERROR(InvalidArgument, "CategoricalColumn",
               indicator_column(embedding_column(watches(), 1)));
}

TEST(IndicatorColumn, Declares) {
  const Column column = indicator_column(watches());
  EXPECT_EQ(column->name(), "watches_indicator");
  EXPECT_EQ(as<IndicatorColumn>(column).variable_shape(), (Shape{1, 1000}));
  EXPECT_TRUE(as<IndicatorColumn>(column).is_sequence());
}

TEST(NumericColumn, Declares) {
  const Column column = numeric_column("x", {2, 2}, Tensor::of<int64_t>({}, {7}));
  EXPECT_EQ(
      column->to_string(),
      "NumericColumn(key='x', shape=(2, 2), default_value=((7.0, 7.0), (7.0, 7.0)), dtype=float32, "
      "normalizer_fn=None)");
  const ParseSpec parsed = column->parse_example_spec();
  const auto& spec = std::get<FixedLenFeature>(parsed.at("x"));
  EXPECT_EQ(spec.shape, (Shape{2, 2}));
  EXPECT_EQ(spec.default_value->dtype(), DType::kFloat32);
  EXPECT_EQ(spec.default_value->values<float>()[3], 7.0f);
  EXPECT_EQ(numeric_column("x", {2}, Tensor::of<int64_t>({}, {7}), DType::kInt64)->to_string(),
            "NumericColumn(key='x', shape=(2,), default_value=(7, 7), dtype=int64, "
            "normalizer_fn=None)");
  EXPECT_EQ(numeric_column("x", {1}, Tensor::of<double>({1}, {0.5}))->to_string(),
            "NumericColumn(key='x', shape=(1,), default_value=(0.5,), dtype=float32, "
            "normalizer_fn=None)");
  EXPECT_EQ(sequence_numeric_column("x")->to_string(),
            "SequenceNumericColumn(key='x', shape=(1,), default_value=0.0, dtype=float32, "
            "normalizer_fn=None)");
  const auto sequence = sequence_numeric_column("x", {3}, -1.0, DType::kInt64);
  EXPECT_TRUE(sequence->parse_example_spec().at("x") == FeatureSpec(VarLenFeature{DType::kInt64}));
}

TEST(NumericColumn, RefusesWhatCannotWork) {
  const auto number = [](double value) { return Tensor::of<double>({}, {value}); };
  EXPECT_ERROR(InvalidArgument, "greater than 0. shape: [0]", numeric_column("x", {0}));
  EXPECT_ERROR(InvalidArgument, "greater than 0", sequence_numeric_column("x", {2, -1}));
  EXPECT_ERROR(InvalidArgument, "dtype must be convertible to float. dtype: string",
               numeric_column("x", {1}, {}, DType::kString));
  EXPECT_ERROR(InvalidArgument, "dtype: bool", sequence_numeric_column("x", {1}, 0, DType::kBool));
  EXPECT_ERROR(WrongType, "compatible with dtype",
               numeric_column("x", {1}, number(1.5), DType::kInt64));
  EXPECT_ERROR(WrongType, "compatible with dtype",
               numeric_column("x", {1}, Tensor::of<float>({}, {1})));
  EXPECT_ERROR(InvalidArgument, "equal to given shape",
               numeric_column("x", {2}, Tensor::of<double>({1}, {1})));
}

TEST(Column, EqualWhenFieldsAreEqual) {
  EXPECT_TRUE(*watches() == *watches());
  EXPECT_EQ(watches()->hash(), watches()->hash());
  EXPECT_TRUE(*embedding_column(watches(), 4) == *embedding_column(watches(), 4));
  EXPECT_EQ(embedding_column(watches(), 4)->hash(), embedding_column(watches(), 4)->hash());
  const std::vector<Column> different{
      watches(),
      categorical_column_with_identity("watches", 1000),
      categorical_column_with_identity("watches", 1000, 0),
      categorical_column_with_identity("watches", 1001),
      embedding_column(watches(), 4),
      embedding_column(watches(), 5),
      embedding_column(watches(), 4, {.combiner = Combiner::kSum}),
      embedding_column(watches(), 4, {.max_norm = 1.0}),
      embedding_column(watches(), 4, {.initializer = initializers::Zeros{}}),
      indicator_column(watches()),
      numeric_column("watches"),
      numeric_column("watches", {1}, Tensor::of<double>({}, {0})),
      numeric_column("watches", {1}, Tensor::of<double>({}, {1})),
      sequence_numeric_column("watches"),
      sequence_numeric_column("watches", {1}, 0, DType::kFloat64)};
  for (size_t i = 0; i < different.size(); ++i) {
    for (size_t j = 0; j < different.size(); ++j) {
      EXPECT_EQ(*different[i] == *different[j], i == j)
          << different[i]->to_string() << different[j]->to_string();
      if (i != j) {
        EXPECT_NE(different[i]->hash(), different[j]->hash()) << i << " " << j;
      }
    }
  }
}

TEST(Column, OneDefaultHoweverItIsWritten) {
  const auto with = [](const Tensor& value) { return numeric_column("a", {1}, value); };
  const Column whole = with(Tensor::of<int64_t>({}, {0})), real = with(Tensor::of<double>({}, {0}));
  EXPECT_TRUE(*whole == *real);
  EXPECT_EQ(whole->hash(), real->hash());
  EXPECT_EQ(as<NumericColumn>(whole).default_value()->dtype(), DType::kFloat64);
}

TEST(Column, KindsAnswerForThemselves) {
  const Column ids = watches(), bag = categorical_column_with_identity("a", 3);
  EXPECT_TRUE(ids->is_sequence());
  EXPECT_FALSE(bag->is_sequence());
  EXPECT_FALSE(numeric_column("x")->is_sequence());
  const Column embedding = embedding_column(ids, 4);
  EXPECT_EQ(as<DenseColumn>(embedding).ids_column(), ids.get());
  const auto table = as<DenseColumn>(embedding).table();
  ASSERT_TRUE(table);
  EXPECT_EQ(table->name, "watches_embedding/embedding_weights");
  EXPECT_EQ(table->shape, (Shape{1000, 4}));
  EXPECT_FALSE(as<DenseColumn>(indicator_column(bag)).table());
  EXPECT_EQ(as<DenseColumn>(numeric_column("x")).ids_column(), nullptr);
}

TEST(Column, NormalizersAreEqualByTag) {
  const auto same = [](const Tensor& values) { return values; };
  const auto tag = std::make_shared<int>(0);
  const auto with = [&](const std::shared_ptr<const void>& its) {
    return numeric_column("x", {1}, {}, DType::kFloat32, normalizers::Custom{same, its, "same"});
  };
  EXPECT_TRUE(*with(tag) == *with(tag));
  EXPECT_EQ(with(tag)->hash(), with(tag)->hash());
  EXPECT_FALSE(*with(tag) == *with(std::make_shared<int>(0)));
  EXPECT_FALSE(*with(nullptr) == *with(nullptr));
  const Column one = with(nullptr);
  EXPECT_TRUE(*one == *one);
}

TEST(Column, ComesBackFromItsConfig) {
  for (const Column& column :
       {watches(), categorical_column_with_identity("a", 3, 1),
        embedding_column(watches(), 4, {.max_norm = 2.0, .trainable = false}),
        indicator_column(watches()), numeric_column("x", {2}, Tensor::of<double>({2}, {1, 2})),
        sequence_numeric_column("y", {2}, 1.5)}) {
    const Column again = column_from_config(column->class_name(), column->config());
    EXPECT_TRUE(*again == *column) << again->to_string();
  }
}

TEST(Column, ConfigIsChecked) {
  Fields fields = categorical_column_with_identity("a", 3)->config();
  std::swap(fields[0], fields[2]);
  EXPECT_EQ(column_from_config("IdentityCategoricalColumn", fields)->name(), "a");
  fields[0].second = std::string("3");
  EXPECT_ERROR(WrongType,
               "'default_value' of IdentityCategoricalColumn must be an integer, got '3'",
               column_from_config("IdentityCategoricalColumn", fields));
  fields[0].second = int64_t{1};
  fields.pop_back();
  EXPECT_ERROR(InvalidArgument, "Invalid config of IdentityCategoricalColumn",
               column_from_config("IdentityCategoricalColumn", fields));
  fields.push_back(fields[0]);
  EXPECT_ERROR(InvalidArgument, "is not there once",
               column_from_config("IdentityCategoricalColumn", fields));
  EXPECT_ERROR(InvalidArgument, "Unknown feature_column: 'Foo'", column_from_config("Foo", fields));
  Fields more = categorical_column_with_identity("a", 3)->config();
  more.emplace_back("x", int64_t{1});
  EXPECT_ERROR(InvalidArgument, "it has no 'x'",
               column_from_config("IdentityCategoricalColumn", more));
  Fields sequence = sequence_numeric_column("y", {2}, 1)->config();
  sequence[2].second = int64_t{1};  // an int where a float is meant
  EXPECT_TRUE(*column_from_config("SequenceNumericColumn", sequence) ==
              *sequence_numeric_column("y", {2}, 1));
}

TEST(Column, ConfigWithoutTheColumnInside) {
  const Fields null{{"categorical_column", Column()}};
  EXPECT_ERROR(InvalidArgument, "Given: None", column_from_config("IndicatorColumn", null));
  Fields more = null;
  more.emplace_back("x", int64_t{1});
  EXPECT_ERROR(InvalidArgument, "None", column_from_config("IndicatorColumn", more));
  const Fields unset{{"categorical_column", FieldValue()}};
  EXPECT_ERROR(WrongType, "must be a column, got None",
               column_from_config("IndicatorColumn", unset));
  EXPECT_ERROR(InvalidArgument, "(categorical_column=None, x=1)",
               column_from_config("IdentityCategoricalColumn", more));
}

TEST(MakeParseExampleSpec, MergesAndFindsConflicts) {
  const Column a = categorical_column_with_identity("a", 3);
  const ParseSpec spec =
      make_parse_example_spec({embedding_column(a, 2), indicator_column(a), numeric_column("x")});
  EXPECT_EQ(spec.size(), 2u);
  EXPECT_ERROR(
      InvalidArgument,
      "different parse_spec for key a: column 'a' gives FixedLenFeature(shape=(1,), dtype=float32",
      make_parse_example_spec({a, numeric_column("a")}));
  EXPECT_ERROR(InvalidArgument, "different",
               make_parse_example_spec(
                   {numeric_column("a"), numeric_column("a", {1}, Tensor::of<double>({}, {1}))}));
  EXPECT_ERROR(InvalidArgument, "must be FeatureColumn", make_parse_example_spec({a, nullptr}));
  EXPECT_TRUE(make_parse_example_spec(std::vector<Column>{}).empty());
}

}  // namespace
}  // namespace weft
