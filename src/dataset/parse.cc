#include "dataset/parse.h"

namespace weft::dataset {
namespace {

using Either = std::variant<ExampleParser, SequenceExampleParser>;

Either parser_of(const ParseSpec& spec, const ParseSpec* lists, const ParseOptions& options) {
  if (lists != nullptr) return SequenceExampleParser(spec, *lists, options);
  return ExampleParser(spec, options);
}

const ParseSpec& spec_of(const Dataset::Description& description) {
  if (description.spec) return *description.spec;
  throw InvalidArgument("this dataset has no spec: call parse() on it, or iterate its records");
}

ParsedSequenceExamples parsed(const ExampleParser& parser, const RecordBatch& batch) {
  return {parser.parse(batch.records()), {}, {}};
}

ParsedSequenceExamples parsed(const SequenceExampleParser& parser, const RecordBatch& batch) {
  return parser.parse(batch.records());
}

}  // namespace

Parser::Parser(const Dataset::Description& description)
    : Parser(spec_of(description), description.lists ? &*description.lists : nullptr,
             description.parse_options) {}

Parser::Parser(const ParseSpec& spec, const ParseSpec* lists, const ParseOptions& options)
    : parser_(parser_of(spec, lists, options)) {}

ParsedSequenceExamples Parser::parse(const RecordBatch& batch) const {
  try {
    return std::visit([&](const auto& parser) { return parsed(parser, batch); }, parser_);
  } catch (Error& error) {
    const int64_t row = error.where().row;
    if (row >= 0 && row < batch.size())
      error.locate({.file = batch.file(row), .record = batch.number(row)});
    throw;
  }
}

void Parser::warn_of_absent_keys() const {
  std::visit([](const auto& parser) { parser.warn_of_absent_keys(); }, parser_);
}

}  // namespace weft::dataset
