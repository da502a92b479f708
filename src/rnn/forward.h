// Runs a built cell over a schedule.
#pragma once

#include "rnn/cell.h"
#include "rnn/schedule.h"

namespace weft {

// Fills `result`, whose tensors are allocated already.
void run_forward(const CellData& cell, const Schedule& schedule, const Blocks& inputs,
                 const RNNArguments& arguments, const RNNOptions& options, States& result);

}  // namespace weft
