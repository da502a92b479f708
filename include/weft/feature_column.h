// What all feature columns have: fields, names, the two roles (categorical and dense), normalizers.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "weft/export.h"
#include "weft/initializer.h"
#include "weft/parse_spec.h"
#include "weft/ragged.h"
#include "weft/tensor.h"

namespace weft {

class FeatureColumn;
class CategoricalColumn;
class FieldReader;    // src/column/fields.h
struct IdWeightPair;  // ids.h
struct IdsCall;       // src/ids/call.h
class SequencePart;   // src/sequence/parts.h
class DensePart;
struct PartSource;
using Column = std::shared_ptr<const FeatureColumn>;

// What becomes of the numbers of a numeric column before a model sees them.
namespace normalizers {

struct Log1p {  // log(1 + x)
  bool operator==(const Log1p&) const = default;
};
struct ZScore {  // (x - mean) / stddev
  double mean = 0, stddev = 1;
  bool operator==(const ZScore&) const = default;
};
struct MinMax {  // (x - min) / (max - min)
  double min = 0, max = 1;
  bool operator==(const MinMax&) const = default;
};
struct Clip {  // min where x < min, max where x > max; NaN stays
  double min = 0, max = 1;
  bool operator==(const Clip&) const = default;
};
// A function over the 1-D tensor of the values that are present, in their own dtype; it returns as
// many numbers. It runs on the calling thread, once a batch. Functions cannot be compared: two are
// equal when they share a `tag`, and never without one. Whoever makes a normalizer of functions
// that can be compared gives equal ones the same tag.
struct Custom {
  std::function<Tensor(const Tensor&)> function;
  std::shared_ptr<const void> tag;
  std::string name;  // what a config writes
  bool operator==(const Custom& other) const { return tag && tag == other.tag; }
};

}  // namespace normalizers

// One of the above, or several in turn: an immutable value. All but Custom compute in double
// precision and can be saved.
class WEFT_API Normalizer {
 public:
  using Step = std::variant<normalizers::Log1p, normalizers::ZScore, normalizers::MinMax,
                            normalizers::Clip, normalizers::Custom>;
  using StepFields = std::vector<std::pair<std::string, double>>;

  // Throws InvalidArgument for what cannot work: no step, a stddev that is not > 0, min >= max
  // (Clip: min > max), a parameter that is not finite, an empty function, a function beside others.
  explicit Normalizer(std::vector<Step> steps);
  template <class T>
    requires std::constructible_from<Step, T>
  Normalizer(T step)  // NOLINT: implicit on purpose
      : Normalizer(std::vector<Step>{Step(std::move(step))}) {}
  // "Log1p", "ZScore", "MinMax", "Clip" with exactly its fields, in any order. Throws
  // InvalidArgument.
  static Step step_from_config(std::string_view class_name, const StepFields& fields);

  const std::vector<Step>& steps() const { return steps_; }
  static std::string step_name(const Step& step);  // its class; the name of a Custom
  static StepFields step_fields(const Step& step);
  bool is_custom() const { return std::holds_alternative<normalizers::Custom>(steps_.front()); }

  // `present` [N] of any number dtype -> [N]: float64, or what the function returns. Throws
  // InvalidArgument, naming `key`, if a function returns another shape; WrongType for strings.
  Tensor operator()(const Tensor& present, const std::string& key) const;
  // The derivative at each of them, float64 [N]; a Clip's is 1 at its bounds too. Throws
  // InvalidArgument if is_custom().
  Tensor slopes(const Tensor& present) const;
  bool operator==(const Normalizer&) const = default;

 private:
  std::vector<Step> steps_;
};

// What a crossed_column crosses: a feature by its name, or the ids of a column.
using CrossKey = std::variant<std::string, Column>;
using CrossKeys = std::vector<CrossKey>;

// The fields of a column under TensorFlow's names, in TensorFlow's order: what get_config() holds,
// what makes two columns equal, and what from_config takes. monostate is None.
using FieldValue = std::variant<std::monostate, bool, int64_t, double, std::string, Shape, DType,
                                Tensor, Column, Initializer, Normalizer, CrossKeys>;
using Fields = std::vector<std::pair<std::string, FieldValue>>;

// A kind of column is a class of categorical_column.h or dense_column.h, which answers for itself
// whatever is asked of it, and one line in src/column/column.cc. Each room has one file per kind:
// src/column has its fields and checks, src/ids how ids or numbers are made of features,
// src/sequence what a dense column writes into a layer.
class WEFT_API FeatureColumn {
 public:
  virtual ~FeatureColumn();
  FeatureColumn(const FeatureColumn&) = delete;
  FeatureColumn& operator=(const FeatureColumn&) = delete;

  virtual const char* class_name() const = 0;  // TensorFlow's, where it has the kind
  virtual std::string name() const = 0;
  // Whether the second dimension of what it reads is time.
  virtual bool is_sequence() const { return false; }
  // What parse_example needs in order to give the column its features.
  virtual ParseSpec parse_example_spec() const = 0;
  virtual Fields config() const = 0;
  // Reads what the column needs beside features: a vocabulary file. Layers call it when they are
  // made, so that its errors come before the first batch.
  virtual void prepare() const {}

  // Same class and equal fields.
  bool operator==(const FeatureColumn& other) const;
  uint64_t hash() const;
  // "IdentityCategoricalColumn(key='watches', number_buckets=1000, default_value=None)"
  std::string to_string() const;

 protected:
  FeatureColumn() = default;
};

// A column whose values are ids in [0, num_buckets).
class WEFT_API CategoricalColumn : public virtual FeatureColumn {
 public:
  ~CategoricalColumn() override;
  virtual int64_t num_buckets() const = 0;
  virtual IdWeightPair ids(const IdsCall& call) const = 0;  // for id_weight_pair of ids.h
};

// One table for the columns of several layers: made by the first layer that asks for it, in each
// dtype. Threads may share it.
class WEFT_API SharedTable {
 public:
  // The parameter of this dtype, from `make` at the first call. Copies share its memory.
  Parameter parameter(DType dtype, const std::function<Parameter()>& make);

 private:
  std::mutex mutex_;
  std::vector<Parameter> parameters_;
};

// The table [rows, dimension] that a layer makes for a column. Columns of a layer that name the
// same table share it; those with a `shared` one share it between layers too.
struct TableSpec {
  std::string name;
  Shape shape;
  Initializer initializer;
  bool trainable = true;
  std::shared_ptr<SharedTable> shared = nullptr;
};

// A column whose values are numbers: what a feature layer takes, SequenceFeatures if is_sequence()
// and DenseFeatures otherwise.
class WEFT_API DenseColumn : public virtual FeatureColumn {
 public:
  ~DenseColumn() override;
  virtual Shape variable_shape() const = 0;  // of one row, or of one step
  // The column whose ids it reads, or null.
  virtual const CategoricalColumn* ids_column() const { return nullptr; }
  // Throws InvalidArgument if the column asks for weights that no layer can make.
  virtual std::optional<TableSpec> table() const { return {}; }
  // What it writes into a batch of a layer. A kind has the one that suits is_sequence(), or both.
  virtual std::unique_ptr<const SequencePart> sequence_part(const PartSource& source) const;
  virtual std::unique_ptr<const DensePart> dense_part(const PartSource& source) const;
};

// A column of the numbers of one feature: what a bucketized_column cuts into buckets.
class WEFT_API NumberColumn : public DenseColumn {
 public:
  ~NumberColumn() override;
  virtual const std::string& key() const = 0;
  virtual const Shape& shape() const = 0;  // of one row, or of one step
  Shape variable_shape() const override { return shape(); }
  // The feature as float32 or float64, normalised, in its own rows and steps; without a sequence a
  // Tensor [B, num_elements(shape)]. Throws InvalidArgument and WrongType, naming the key, for a
  // feature that is not there or does not fit.
  virtual Feature numbers(const Features& features, DType dtype) const = 0;
  // How fast the numbers grow with the feature's values: float64 [N], one for each. None where they
  // cannot be told: for a normalizer that is a function, for integers, and for columns whose number
  // is not made of one value alone.
  virtual std::optional<Tensor> slopes(const Tensor& values) const;
};

}  // namespace weft
