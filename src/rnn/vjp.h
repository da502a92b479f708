// Runs a built cell over a schedule and keeps the way back.
#pragma once

#include "rnn/schedule.h"
#include "weft/rnn.h"

namespace weft {

// Fills `result`, whose tensors are allocated already.
RNNVjp run_vjp(const Cell& cell, Schedule schedule, const Blocks& inputs,
               const RNNArguments& arguments, const RNNOptions& options, States result);

}  // namespace weft
