// tf.Example and tf.SequenceExample -> Features, and back. As tf.io.parse_example and
// tf.io.parse_sequence_example over protobuf's meaning of the bytes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weft/column.h"
#include "weft/export.h"
#include "weft/ragged.h"

namespace weft {

// The bytes mean what a protobuf library says they mean: map entries with their fields in any order
// or missing, repeated keys (the last entry replaces), repeated or mixed kinds (the last kind wins;
// lists of one kind concatenate), packed and unpacked values, unknown fields anywhere, concatenated
// messages. What a protobuf library refuses is CorruptData, whether the spec asks for the feature
// or not; that includes keys that are not UTF-8.
//
// A feature without a kind is missing. A present, empty list has no values.
struct ParseOptions {
  // A record of another message type that reads as an Example: a SequenceExample (it would parse as
  // its context) or an ExampleListWithContext; or as a SequenceExample: an ExampleListWithContext,
  // or an Example (a record without feature lists that has, as a feature, what is to be read as a
  // feature list). true: InvalidArgument naming it. false: one warning.
  bool strict = true;
  Limits limits;
};

// A parse spec, checked and compiled. Any number of threads may share one. It learns the order in
// which the keys come, so keep it for the batches of one stream; copies share what it learned.
class WEFT_API ExampleParser {
 public:
  // Throws, naming the key: WrongType for a dtype that is not int64, float32 or string, also of a
  // default; InvalidArgument for what cannot work: an empty spec, a negative dimension, a default
  // of the wrong size, FixedLenSequenceFeature without allow_missing, a UniformRowLength or a size
  // below 1, index keys and sizes of different number, a key that is not UTF-8, one feature read as
  // two dtypes or as two of dense (FixedLen, FixedLenSequence), sparse (VarLen, SparseFeature) and
  // ragged.
  explicit ExampleParser(ParseSpec spec, ParseOptions options = {});
  ExampleParser(const ExampleParser&);
  ExampleParser(ExampleParser&&) noexcept;
  ExampleParser& operator=(const ExampleParser&);
  ExampleParser& operator=(ExampleParser&&) noexcept;
  ~ExampleParser();

  // One value per name of the spec, B = serialized.size() rows each (B = 0 is a batch too):
  //   FixedLenFeature          Tensor [B, shape...]
  //   FixedLenSequenceFeature  Tensor [B, longest, shape...], padded with the default
  //   VarLenFeature            SparseTensor [B, longest], which holds row_splits
  //   RaggedFeature            Ragged: the rows, then one level per partition, outermost first;
  //                            innermost UniformRowLengths are dimensions of the values instead
  //   SparseFeature            SparseTensor [B, size...]; in index order, stably, unless
  //                            already_sorted; values at one index are all kept
  // The records are not needed afterwards. Results do not depend on the number of threads.
  //
  // Throws, with key, row and byte offset in the record: CorruptData for bytes that are no Example;
  // InvalidArgument for a record that does not fit the spec (a missing feature without default,
  // another kind of list, a wrong number of values, a partition or index list that does not fit its
  // values); OutOfRange for an index outside a SparseFeature's size; LimitExceeded.
  Features parse(std::span<const std::string_view> serialized) const;

  // One record, without the batch dimension, as tf.io.parse_single_example:
  //   FixedLenFeature          Tensor [shape...]
  //   FixedLenSequenceFeature  Tensor [N, shape...]
  //   VarLenFeature            SparseTensor of rank 1
  //   RaggedFeature            Tensor [N] (or [N, lengths...] with UniformRowLengths only);
  //                            otherwise Ragged of one level per partition
  //   SparseFeature            SparseTensor [size...]
  // Throws as parse(), and InvalidArgument where row_splits are absent or empty.
  Features parse_single(std::string_view serialized) const;

  const ParseSpec& spec() const;
  const ParseOptions& options() const;
  int64_t rows_parsed() const;
  static constexpr int64_t kRowsBeforeWarning = 1024;
  // Keys that the spec reads and that no record so far had. A warning names them once, after the
  // call that brings rows_parsed() to kRowsBeforeWarning; whoever knows that the input has ended
  // calls warn_of_absent_keys(), which does so unless it has been done.
  std::vector<std::string> absent_keys() const;
  void warn_of_absent_keys() const;

 private:
  class Impl;
  std::shared_ptr<const Impl> impl_;
};

// As ExampleParser(spec, options).parse(serialized).
WEFT_API Features parse_example(std::span<const std::string_view> serialized, const ParseSpec& spec,
                                const ParseOptions& options = {});
WEFT_API Features parse_single_example(std::string_view serialized, const ParseSpec& spec,
                                       const ParseOptions& options = {});

// What a batch of SequenceExamples parses to, by the names of the specs.
struct ParsedSequenceExamples {
  Features context;
  Features lists;
  Features
      lengths;  // int64 [B]: the steps of each row, of every FixedLenSequenceFeature in `lists`
};

// Two parse specs, of the context and of the feature lists, checked and compiled; either may be
// empty. Shared, learning and warning as an ExampleParser.
class WEFT_API SequenceExampleParser {
 public:
  // `context` is a spec as ExampleParser takes it. `lists` holds FixedLenSequenceFeatures, without
  // default_value, VarLenFeatures and RaggedFeatures; without allow_missing a record must have the
  // list. Throws as ExampleParser, and InvalidArgument for another class of feature and where both
  // specs are empty.
  explicit SequenceExampleParser(ParseSpec context, ParseSpec lists, ParseOptions options = {});
  SequenceExampleParser(const SequenceExampleParser&);
  SequenceExampleParser(SequenceExampleParser&&) noexcept;
  SequenceExampleParser& operator=(const SequenceExampleParser&);
  SequenceExampleParser& operator=(SequenceExampleParser&&) noexcept;
  ~SequenceExampleParser();

  // `context` as ExampleParser::parse. In `lists`, T being the longest row's number of steps:
  //   FixedLenSequenceFeature  Tensor [B, T, shape...], padded with 0 or ""; every step has exactly
  //                            num_elements(shape) values
  //   VarLenFeature            SparseTensor [B, T, longest step], which holds row_splits
  //   RaggedFeature            Ragged: the rows, their steps, then one level per partition of each
  //                            step, as in an Example; the partitions' keys are feature lists of as
  //                            many steps
  // A step without a kind has no values. Throws as ExampleParser::parse, with the step too.
  ParsedSequenceExamples parse(std::span<const std::string_view> serialized) const;

  // One record, without the batch dimension: as parse_single of an ExampleParser, and in `lists`
  // Tensor [T, shape...], SparseTensor [T, longest step] and Ragged of the steps. `lengths` are
  // scalars.
  ParsedSequenceExamples parse_single(std::string_view serialized) const;

  const ParseSpec& context_spec() const;
  const ParseSpec& list_spec() const;
  const ParseOptions& options() const;
  int64_t rows_parsed() const;
  std::vector<std::string> absent_keys() const;
  void warn_of_absent_keys() const;

 private:
  class Impl;
  std::shared_ptr<const Impl> impl_;
};

// As SequenceExampleParser(context, lists, options).parse(serialized).
WEFT_API ParsedSequenceExamples parse_sequence_example(std::span<const std::string_view> serialized,
                                                       const ParseSpec& context,
                                                       const ParseSpec& lists,
                                                       const ParseOptions& options = {});
WEFT_API ParsedSequenceExamples parse_single_sequence_example(std::string_view serialized,
                                                              const ParseSpec& context,
                                                              const ParseSpec& lists,
                                                              const ParseOptions& options = {});

// The Example of these features, byte for byte as protobuf serializes it deterministically: keys in
// byte order, values packed. A tensor of any shape is written flat; no values make an empty list.
// Integers and bool become an Int64List, floating dtypes a FloatList, strings a BytesList.
// Throws InvalidArgument for a key that is not UTF-8, OutOfRange for an integer above 2^63 - 1.
WEFT_API std::string encode_example(const std::map<std::string, Tensor, std::less<>>& features);

// The features of one Example, whatever they are: what encode_example was given, flat. A feature
// without a kind is left out. For a record or a few; parse_example is what reads many.
// Throws as ExampleParser::parse for bytes that are no Example.
WEFT_API std::map<std::string, Tensor, std::less<>> decode_example(
    std::string_view serialized, const ParseOptions& options = {});

// One Example per row. A row of a Tensor is written flat, a row of a Ragged of one level or of a
// SparseTensor of rank 2 as its values in order, a row of a SparseTensor of rank 1 as its value or
// an empty list.
// Throws as encode_example, and InvalidArgument for features of different numbers of rows, a scalar
// tensor, a Ragged of several levels (write its row_splits as features of their own), and a
// SparseTensor of another rank or with holes.
WEFT_API Bytes encode_examples(const Features& features);

// The SequenceExample of these, byte for byte as protobuf serializes one deterministically whose
// context and feature_lists are both set. Each row of a feature list is a step, written as
// encode_examples writes a row. Throws as encode_examples; lists may differ in length.
WEFT_API std::string encode_sequence_example(
    const std::map<std::string, Tensor, std::less<>>& context, const Features& feature_lists);

// What one SequenceExample holds: its context as of decode_example, and each feature list as rows
// of steps, those without a kind empty; int64 if no step has a kind.
// Throws as decode_example, and InvalidArgument for steps of different kinds in one list.
struct DecodedSequenceExample {
  std::map<std::string, Tensor, std::less<>> context;
  std::map<std::string, Ragged, std::less<>> feature_lists;
};
WEFT_API DecodedSequenceExample decode_sequence_example(std::string_view serialized,
                                                        const ParseOptions& options = {});

}  // namespace weft
