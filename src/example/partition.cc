// RaggedFeature: the partitions of each record, or of each step of a feature list, put end to end,
// innermost first.
#include <algorithm>
#include <span>
#include <utility>

#include "example/assemble.h"
#include "weft/error.h"

namespace weft {
namespace {

using Kind = RowPartition::Kind;
using Ints = std::span<const int64_t>;

// One record's or step's share of a partition: its values, and how many items they are to
// partition.
struct Part {
  const std::string& feature;  // the name in the spec
  const std::string& key;
  int64_t row;
  int64_t step;  // -1: the share of a record
  Ints values;
  int64_t items;

  [[noreturn]] void fail(const std::string& what, int64_t at = -1) const {
    throw InvalidArgument("ragged feature '" + escape_bytes(feature) + "': " + what,
                          {.key = key, .row = row, .step = step < 0 ? at : step});
  }
};

// Where the rows of a part end. Each function checks that they begin at 0, never decrease and end
// with the items.
class Ends {
 public:
  Ends(const Limits& limits, std::vector<int64_t>& splits) : limits_(limits), splits_(splits) {}

  void add(Kind kind, const Part& part, bool single) {
    base_ = splits_.back();
    last_ = 0;
    switch (kind) {
      case Kind::kRowSplits:
        row_splits(part, single);
        break;
      case Kind::kRowLengths:
        row_lengths(part);
        break;
      case Kind::kRowStarts:
        row_starts(part);
        break;
      case Kind::kRowLimits:
        row_limits(part);
        break;
      case Kind::kValueRowIds:
        value_rowids(part);
        break;
      case Kind::kUniformRowLength:
        break;
    }
    if (last_ != part.items) {
      part.fail("the partition covers " + std::to_string(last_) + " of " +
                std::to_string(part.items) + " values");
    }
  }

 private:
  void end(const Part& part, int64_t at, size_t step) {
    if (at < last_) {
      part.fail(
          "the partition decreases from " + std::to_string(last_) + " to " + std::to_string(at),
          static_cast<int64_t>(step));
    }
    if (at > part.items) {
      part.fail("the partition goes to " + std::to_string(at) + ", past the " +
                    std::to_string(part.items) + " values",
                static_cast<int64_t>(step));
    }
    last_ = at;
    splits_.push_back(base_ + at);
  }

  void row_splits(const Part& part, bool single) {
    if (part.values.empty() && single) part.fail("row_splits must have at least one entry");
    if (!part.values.empty() && part.values[0] != 0) {
      part.fail("row_splits must start at 0, not at " + std::to_string(part.values[0]), 0);
    }
    for (size_t i = 1; i < part.values.size(); ++i) end(part, part.values[i], i);
  }

  void row_lengths(const Part& part) {
    for (size_t i = 0; i < part.values.size(); ++i) {
      if (part.values[i] < 0) {
        part.fail("a row length of " + std::to_string(part.values[i]), static_cast<int64_t>(i));
      }
      int64_t at = 0;
      if (__builtin_add_overflow(last_, part.values[i], &at)) at = INT64_MAX;
      end(part, at, i);
    }
  }

  void row_starts(const Part& part) {
    if (part.values.empty()) return;
    if (part.values[0] != 0) {
      part.fail("row_starts must start at 0, not at " + std::to_string(part.values[0]), 0);
    }
    for (size_t i = 1; i < part.values.size(); ++i) end(part, part.values[i], i);
    end(part, part.items, part.values.size());
  }

  void row_limits(const Part& part) {
    for (size_t i = 0; i < part.values.size(); ++i) end(part, part.values[i], i);
  }

  void value_rowids(const Part& part) {
    if (static_cast<int64_t>(part.values.size()) != part.items) {
      part.fail(std::to_string(part.values.size()) + " row ids for " + std::to_string(part.items) +
                " values");
    }
    if (part.values.empty()) return;
    int64_t row = 0;
    const int64_t rows = *std::ranges::max_element(part.values);
    if (row_ != part.row) empty_ = 0;
    row_ = part.row;
    empty_ += std::clamp<int64_t>(rows - part.items, -1, limits_.max_empty_rows) + 1;
    if (empty_ > limits_.max_empty_rows) {
      throw LimitExceeded("a row id of " + std::to_string(rows) + " for " +
                              std::to_string(part.items) +
                              " values leaves more than max_empty_rows = " +
                              std::to_string(limits_.max_empty_rows) + " rows empty",
                          {.key = part.key, .row = part.row, .step = part.step});
    }
    if (rows >= limits_.max_batch_values - static_cast<int64_t>(splits_.size())) {
      throw LimitExceeded(
          "a row id of " + std::to_string(rows) +
              ": more rows than max_batch_values = " + std::to_string(limits_.max_batch_values),
          {.key = part.key, .row = part.row});
    }
    for (size_t i = 0; i < part.values.size(); ++i) {
      if (part.values[i] < row) {
        part.fail(part.values[i] < 0 ? "a row id of " + std::to_string(part.values[i])
                                     : "row ids decrease from " + std::to_string(row) + " to " +
                                           std::to_string(part.values[i]),
                  static_cast<int64_t>(i));
      }
      for (; row < part.values[i]; ++row) end(part, static_cast<int64_t>(i), i);
    }
    end(part, part.items, part.values.size());
  }

  const Limits& limits_;
  std::vector<int64_t>& splits_;
  int64_t base_ = 0;              // items before this part
  int64_t last_ = 0;              // and in it, so far
  int64_t row_ = -1, empty_ = 0;  // of the record: rows that row ids left empty
};

Tensor tensor_of(const std::vector<int64_t>& values) {
  return Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, Ints(values));
}

class RaggedBuilder {
 public:
  // `single`: one record, whose splits are not a level.
  RaggedBuilder(const std::string& name, const Slot& slot, const SlotColumn& column,
                const Limits& limits, bool single)
      : name_(name),
        slot_(slot),
        column_(column),
        limits_(limits),
        single_(single),
        values_(column.values),
        outer_(shares(column).begin(), shares(column).end()) {}

  // Every `length` items of a share become one.
  void uniform(int64_t length) {
    for (size_t i = 0; i + 1 < outer_.size(); ++i) {
      const int64_t items = outer_[i + 1] - outer_[i];
      if (items % length != 0) {
        const auto [row, step] = place(i);
        throw InvalidArgument(
            std::to_string(items) + " values in rows of UniformRowLength " + std::to_string(length),
            {.key = name_, .row = row, .step = step});
      }
    }
    for (int64_t& split : outer_) split /= length;
    if (levels_.empty()) {
      Shape shape = values_.shape();
      shape[0] = outer_.back();
      shape.insert(shape.begin() + 1, length);
      values_ = values_.reshaped(std::move(shape));
      return;
    }
    std::vector<int64_t> splits(static_cast<size_t>(outer_.back()) + 1);
    for (size_t i = 0; i < splits.size(); ++i) splits[i] = static_cast<int64_t>(i) * length;
    levels_.insert(levels_.begin(), tensor_of(splits));
  }

  void partition(Kind kind, const std::string& key, const SlotColumn& column) {
    if (slot_.steps) check_steps(key, column);
    const Ints values = column.values.values<int64_t>(), splits_of_shares = shares(column);
    std::vector<int64_t> splits{0}, outer{0};
    Ends ends(limits_, splits);
    for (size_t i = 0; i + 1 < outer_.size(); ++i) {
      const auto begin = static_cast<size_t>(splits_of_shares[i]);
      const Ints share =
          values.subspan(begin, static_cast<size_t>(splits_of_shares[i + 1]) - begin);
      const auto [row, step] = place(i);
      ends.add(kind, {name_, key, row, step, share, outer_[i + 1] - outer_[i]},
               single_ && !slot_.steps);
      outer.push_back(static_cast<int64_t>(splits.size()) - 1);
    }
    outer_ = std::move(outer);
    levels_.insert(levels_.begin(), tensor_of(splits));
  }

  Feature build() && {
    if (slot_.steps || !single_) levels_.insert(levels_.begin(), tensor_of(outer_));
    if (slot_.steps && !single_) levels_.insert(levels_.begin(), column_.row_splits);
    if (levels_.empty()) return std::move(values_);
    return Ragged::trusted(std::move(values_), std::move(levels_));
  }

 private:
  // Where the values of each record, or of each step, end.
  Ints shares(const SlotColumn& column) const {
    return (slot_.steps ? column.step_splits : column.row_splits).values<int64_t>();
  }

  // Row and step of a share.
  std::pair<int64_t, int64_t> place(size_t share) const {
    const auto at = static_cast<int64_t>(share);
    if (!slot_.steps) return {at, -1};
    const auto splits = column_.splits();
    const int64_t row = std::ranges::upper_bound(splits, at) - splits.begin() - 1;
    return {row, at - splits[static_cast<size_t>(row)]};
  }

  void check_steps(const std::string& key, const SlotColumn& column) const {
    const auto these = column.splits(), those = column_.splits();
    for (size_t row = 0; row + 1 < those.size(); ++row) {
      if (these[row + 1] == those[row + 1]) continue;
      throw InvalidArgument("ragged feature '" + escape_bytes(name_) + "': a partition of " +
                                std::to_string(these[row + 1] - these[row]) +
                                " steps for values of " +
                                std::to_string(those[row + 1] - those[row]),
                            {.key = key, .row = static_cast<int64_t>(row)});
    }
  }

  const std::string& name_;
  const Slot& slot_;
  const SlotColumn& column_;
  const Limits& limits_;
  bool single_;
  Tensor values_;
  std::vector<Tensor> levels_;  // outermost first, without those of the shares
  std::vector<int64_t> outer_;  // which items of the outermost level are a share's
};

}  // namespace

Feature assemble_ragged(const Plan& plan, const Output& output,
                        const std::vector<SlotColumn>& columns, const Limits& limits, bool single) {
  const auto& feature = std::get<RaggedFeature>(*output.spec);
  RaggedBuilder builder(output.name, plan.slots()[output.values], columns[output.values], limits,
                        single);
  for (size_t i = feature.partitions.size(); i-- > 0;) {
    const RowPartition& partition = feature.partitions[i];
    if (partition.kind == Kind::kUniformRowLength) {
      builder.uniform(partition.length);
    } else {
      builder.partition(partition.kind, plan.slots()[output.others[i]].key,
                        columns[output.others[i]]);
    }
  }
  return std::move(builder).build();
}

}  // namespace weft
