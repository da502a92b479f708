#include "example/scan_states.h"

#include <utility>

#include "base/varint.h"

namespace weft {
namespace {

constexpr uint32_t kRoom = 64;
constexpr size_t kKept = 64;

}  // namespace

OwnedScanState::OwnedMap::OwnedMap(const KeyTable& keys)
    : patterns(keys.patterns()), met_bytes(size_t{kRoom} * kMaxMetPattern) {
  KeyPattern unmet{};
  unmet.more_than = ~0u;  // matches nothing
  unmet.slot = -1;
  patterns.resize(patterns.size() + kRoom + 2, unmet);
  state = {.patterns = patterns.data(),
           .slots = static_cast<uint32_t>(keys.size()),
           .room = kRoom,
           .met = 0,
           .met_bytes = met_bytes.data(),
           .table = keys.table().data(),
           .table_mask = static_cast<uint32_t>(keys.table().size() - 1),
           .table_shift = keys.table_shift(),
           .seed = keys.seed()};
}

OwnedScanState::OwnedScanState(const Plan& plan, int64_t max_keys)
    : features_(plan.keys()), lists_(plan.list_keys()) {
  state_ = {.features = features_.state,
            .lists = lists_.state,
            .max_keys = max_keys,
            .valid_varints = base::valid_varints};
}

std::unique_ptr<OwnedScanState> ScanStates::take() {
  {
    std::unique_lock lock(mutex_, std::try_to_lock);
    if (lock.owns_lock() && !free_.empty()) {
      std::unique_ptr<OwnedScanState> state = std::move(free_.back());
      free_.pop_back();
      return state;
    }
  }
  return std::make_unique<OwnedScanState>(plan_, max_keys_);
}

void ScanStates::give(std::unique_ptr<OwnedScanState> state) {
  std::unique_lock lock(mutex_, std::try_to_lock);
  if (lock.owns_lock() && free_.size() < kKept) free_.push_back(std::move(state));
}

}  // namespace weft
