// Slots -> what the spec's names stand for.
#pragma once

#include <vector>

#include "example/batch.h"
#include "example/plan.h"
#include "weft/example.h"

namespace weft {

// `single`: one row, without the batch dimension, which the columns of dense slots do not have
// then.
Features assemble(const Plan& plan, std::vector<SlotColumn> columns, const Limits& limits,
                  bool single);
ParsedSequenceExamples assemble_sequences(const Plan& plan, std::vector<SlotColumn> columns,
                                          const Limits& limits, bool single);

// A RaggedFeature with partitions.
Feature assemble_ragged(const Plan& plan, const Output& output,
                        const std::vector<SlotColumn>& columns, const Limits& limits, bool single);
Feature assemble_sparse(const Plan& plan, const Output& output,
                        const std::vector<SlotColumn>& columns, bool single);

}  // namespace weft
