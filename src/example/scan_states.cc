#include "example/scan_states.h"

#include <utility>

#include "base/varint.h"

namespace weft {
namespace {

constexpr uint32_t kRoom = 64;
constexpr size_t kKept = 64;

}  // namespace

OwnedScanState::OwnedScanState(const Plan& plan, int64_t max_keys)
    : patterns_(plan.patterns()), met_bytes_(size_t{kRoom} * kMaxMetPattern) {
  KeyPattern unmet{};
  unmet.more_than = ~0u;  // matches nothing
  unmet.slot = -1;
  patterns_.resize(patterns_.size() + kRoom + 2, unmet);
  state_ = {.patterns = patterns_.data(),
            .slots = static_cast<uint32_t>(plan.slots().size()),
            .room = kRoom,
            .met = 0,
            .met_bytes = met_bytes_.data(),
            .table = plan.table().data(),
            .table_mask = static_cast<uint32_t>(plan.table().size() - 1),
            .table_shift = plan.table_shift(),
            .seed = plan.seed(),
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
