#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

#include "example/assemble.h"
#include "example/batch.h"
#include "example/canonical.h"
#include "example/plan.h"
#include "example/scan_states.h"
#include "weft/error.h"
#include "weft/example.h"

namespace weft {
namespace {

std::string quoted(const std::vector<std::string>& keys) {
  std::string text;
  for (const std::string& key : keys)
    text += (text.empty() ? "'" : ", '") + escape_bytes(key) + "'";
  return text;
}

// A plan and what it has learned: what both kinds of parser are.
class Parser {
 public:
  template <class... Specs>
  explicit Parser(ParseOptions options, Specs... specs)
      : plan_(std::move(specs)...),
        options_(options),
        states_(plan_, options_.limits.max_keys),
        seen_(std::make_unique<std::atomic<bool>[]>(plan_.slots().size())) {}

  // `assemble`: one of assemble.h.
  template <class Assemble>
  auto parse(std::span<const std::string_view> serialized, bool single, Assemble assemble) const {
    Batch batch(plan_, options_, states_, seen_.get(), serialized, single);
    auto parsed = [&] {
      try {
        return assemble(plan_, batch.run(), options_.limits, single);
      } catch (Error& error) {
        find_offset(error, serialized);
        throw;
      }
    }();
    if (batch.foreign() != nullptr && !warned_foreign_.exchange(true)) {
      warn("record " + std::to_string(batch.foreign_row()) + " of a batch is " + batch.foreign() +
           ", not a " + plan_.record_type() + "; it was read as one");
    }
    const auto rows = static_cast<int64_t>(serialized.size());
    if (rows_.fetch_add(rows) + rows >= ExampleParser::kRowsBeforeWarning) warn_of_absent_keys();
    return parsed;
  }

  std::vector<std::string> absent_keys() const {
    std::vector<std::string> keys;
    for (size_t i = 0; i < plan_.slots().size(); ++i) {
      if (!seen_[i].load(std::memory_order_relaxed)) keys.push_back(plan_.slots()[i].key);
    }
    std::ranges::sort(keys);
    return keys;
  }

  void warn_of_absent_keys() const {
    const int64_t rows = rows_.load();
    if (rows == 0 || warned_absent_.exchange(true)) return;
    const std::vector<std::string> keys = absent_keys();
    if (keys.empty()) return;
    warn("none of the first " + std::to_string(rows) + " records has the feature" +
         (keys.size() == 1 ? " " : "s ") + quoted(keys));
  }

  const Plan& plan() const { return plan_; }
  const ParseOptions& options() const { return options_; }
  int64_t rows() const { return rows_.load(); }

 private:
  // Where the feature that an error is about begins in its record.
  void find_offset(Error& error, std::span<const std::string_view> serialized) const {
    const Where where = error.where();
    if (where.offset >= 0 || where.row < 0 || where.key.empty()) return;
    int64_t slot = plan_.find(where.key);
    // Of two of one key the one that the error is about: a step is a feature list's.
    if (const int64_t list = plan_.find_list(where.key); list >= 0 && (slot < 0 || where.step >= 0))
      slot = list;
    if (slot < 0) return;
    try {
      RecordMeaning meaning(plan_);
      meaning.read(serialized[static_cast<size_t>(where.row)], options_);
      const int64_t offset = meaning.offset_of(static_cast<size_t>(slot));
      if (offset >= 0) error.locate({.offset = offset});
    } catch (const Error&) {  // NOLINT(bugprone-empty-catch)
      // The error at hand says more than this one.
    }
  }

  Plan plan_;
  ParseOptions options_;
  mutable ScanStates states_;
  std::unique_ptr<std::atomic<bool>[]> seen_;
  mutable std::atomic<int64_t> rows_{0};
  mutable std::atomic<bool> warned_absent_{false};
  mutable std::atomic<bool> warned_foreign_{false};
};

}  // namespace

class ExampleParser::Impl : public Parser {
 public:
  using Parser::Parser;
};

class SequenceExampleParser::Impl : public Parser {
 public:
  using Parser::Parser;
};

ExampleParser::ExampleParser(ParseSpec spec, ParseOptions options)
    : impl_(std::make_shared<const Impl>(options, std::move(spec))) {}
ExampleParser::ExampleParser(const ExampleParser&) = default;
ExampleParser::ExampleParser(ExampleParser&&) noexcept = default;
ExampleParser& ExampleParser::operator=(const ExampleParser&) = default;
ExampleParser& ExampleParser::operator=(ExampleParser&&) noexcept = default;
ExampleParser::~ExampleParser() = default;

Features ExampleParser::parse(std::span<const std::string_view> serialized) const {
  return impl_->parse(serialized, false, assemble);
}

Features ExampleParser::parse_single(std::string_view serialized) const {
  return impl_->parse({&serialized, 1}, true, assemble);
}

const ParseSpec& ExampleParser::spec() const { return impl_->plan().spec(); }
const ParseOptions& ExampleParser::options() const { return impl_->options(); }
int64_t ExampleParser::rows_parsed() const { return impl_->rows(); }
std::vector<std::string> ExampleParser::absent_keys() const { return impl_->absent_keys(); }
void ExampleParser::warn_of_absent_keys() const { impl_->warn_of_absent_keys(); }

SequenceExampleParser::SequenceExampleParser(ParseSpec context, ParseSpec lists,
                                             ParseOptions options)
    : impl_(std::make_shared<const Impl>(options, std::move(context), std::move(lists))) {}
SequenceExampleParser::SequenceExampleParser(const SequenceExampleParser&) = default;
SequenceExampleParser::SequenceExampleParser(SequenceExampleParser&&) noexcept = default;
SequenceExampleParser& SequenceExampleParser::operator=(const SequenceExampleParser&) = default;
SequenceExampleParser& SequenceExampleParser::operator=(SequenceExampleParser&&) noexcept = default;
SequenceExampleParser::~SequenceExampleParser() = default;

ParsedSequenceExamples SequenceExampleParser::parse(
    std::span<const std::string_view> serialized) const {
  return impl_->parse(serialized, false, assemble_sequences);
}

ParsedSequenceExamples SequenceExampleParser::parse_single(std::string_view serialized) const {
  return impl_->parse({&serialized, 1}, true, assemble_sequences);
}

const ParseSpec& SequenceExampleParser::context_spec() const { return impl_->plan().spec(); }
const ParseSpec& SequenceExampleParser::list_spec() const { return impl_->plan().list_spec(); }
const ParseOptions& SequenceExampleParser::options() const { return impl_->options(); }
int64_t SequenceExampleParser::rows_parsed() const { return impl_->rows(); }
std::vector<std::string> SequenceExampleParser::absent_keys() const { return impl_->absent_keys(); }
void SequenceExampleParser::warn_of_absent_keys() const { impl_->warn_of_absent_keys(); }

Features parse_example(std::span<const std::string_view> serialized, const ParseSpec& spec,
                       const ParseOptions& options) {
  return ExampleParser(spec, options).parse(serialized);
}

Features parse_single_example(std::string_view serialized, const ParseSpec& spec,
                              const ParseOptions& options) {
  return ExampleParser(spec, options).parse_single(serialized);
}

ParsedSequenceExamples parse_sequence_example(std::span<const std::string_view> serialized,
                                              const ParseSpec& context, const ParseSpec& lists,
                                              const ParseOptions& options) {
  return SequenceExampleParser(context, lists, options).parse(serialized);
}

ParsedSequenceExamples parse_single_sequence_example(std::string_view serialized,
                                                     const ParseSpec& context,
                                                     const ParseSpec& lists,
                                                     const ParseOptions& options) {
  return SequenceExampleParser(context, lists, options).parse_single(serialized);
}

}  // namespace weft
