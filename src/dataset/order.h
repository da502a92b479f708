// The order of files in one pass.
#pragma once

#include <cstdint>
#include <vector>

#include "dataset/description.h"

namespace weft::dataset {

// Indices into description.paths. A shuffle is Fisher and Yates's over Philox.
std::vector<size_t> file_order(const Dataset::Description& description, int64_t iteration,
                               int64_t pass);

}  // namespace weft::dataset
