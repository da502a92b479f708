// Batches of records -> batches of features. The one place that knows which messages records are.
#pragma once

#include <variant>

#include "dataset/description.h"

namespace weft::dataset {

class Parser {
 public:
  // Throws InvalidArgument if the dataset does not parse.
  explicit Parser(const Dataset::Description& description);
  // Throws as the parsers' constructors do. `lists`: null for Examples.
  Parser(const ParseSpec& spec, const ParseSpec* lists, const ParseOptions& options);

  // Examples are a context alone. Throws as the parsers do, with file and record.
  ParsedSequenceExamples parse(const RecordBatch& batch) const;
  void warn_of_absent_keys() const;

 private:
  std::variant<ExampleParser, SequenceExampleParser> parser_;
};

}  // namespace weft::dataset
