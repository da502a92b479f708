#include "ids/call.h"

namespace weft {

IdWeightPair SequenceCategoricalColumn::ids(const IdsCall& call) const {
  return categorical().ids({call.features, call.options, true, call.counters});
}

}  // namespace weft
