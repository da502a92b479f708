// Batches of records -> batches of features. The one place that knows which messages records are.
#pragma once

#include "dataset/description.h"

namespace weft::dataset {

class Parser {
 public:
  // Throws InvalidArgument if the dataset does not parse.
  explicit Parser(const Dataset::Description& description);

  // Throws as ExampleParser::parse does, with file and record.
  Features parse(const RecordBatch& batch) const;
  void warn_of_absent_keys() const { parser_.warn_of_absent_keys(); }

 private:
  const ExampleParser parser_;
};

}  // namespace weft::dataset
