#include "dataset/parse.h"

namespace weft::dataset {
namespace {

ExampleParser parser_of(const Dataset::Description& description) {
  if (description.spec.has_value())
    return ExampleParser(*description.spec, description.parse_options);
  throw InvalidArgument("this dataset has no spec: call parse() on it, or iterate its records");
}

}  // namespace

Parser::Parser(const Dataset::Description& description) : parser_(parser_of(description)) {}

Features Parser::parse(const RecordBatch& batch) const {
  try {
    return parser_.parse(batch.records());
  } catch (Error& error) {
    const int64_t row = error.where().row;
    if (row >= 0 && row < batch.size())
      error.locate({.file = batch.file(row), .record = batch.number(row)});
    throw;
  }
}

}  // namespace weft::dataset
