// Runs a built cell over a schedule.
#pragma once

#include <vector>

#include "rnn/block.h"
#include "rnn/cell.h"
#include "rnn/schedule.h"

namespace weft {

// `result` has its tensors allocated already; whatever the job is made of must outlive it.
template <class T>
RnnJob<T> make_job(const CellData& cell, const Schedule& schedule, const Blocks& inputs,
                   const RNNArguments& arguments, const RNNOptions& options, States& result,
                   bool backward);

// How many threads a pass over the job is worth that costs `passes` times what the forward one
// does.
template <class T>
int64_t threads_for(const RnnJob<T>& job, const CellData& cell, double passes);

// Cuts the rows into blocks, the longest first: as many rows as make a share of the tokens, but no
// more than the caches hold and no fewer than make full tiles. The result: where each begins.
std::vector<int64_t> cut_blocks(const Schedule& schedule, int64_t threads);

void run_forward(const CellData& cell, const Schedule& schedule, const Blocks& inputs,
                 const RNNArguments& arguments, const RNNOptions& options, States& result);

}  // namespace weft
