// What the rules of optimizers need besides their arithmetic.
#pragma once

#include <vector>

#include "weft/optimizer.h"

namespace weft {

// Throw InvalidArgument for numbers that cannot work, naming them.
void check_rule(const OptimizerRule& rule);
void check_options(const OptimizerOptions& options);

// A state that a rule has for each element of a weight, in its place of OptimizerStep::states.
struct StateSpec {
  int place;
  const char* name;
  double initial = 0;
};
std::vector<StateSpec> states_of(const OptimizerRule& rule);

// Whether a gradient of 0 leaves weight and states as they are.
bool rests_at_zero(const OptimizerRule& rule);

}  // namespace weft
