// What the scan has learned of the order of the keys, lent to one thread at a time.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "example/plan.h"

namespace weft {

class OwnedScanState {
 public:
  OwnedScanState(const Plan& plan, int64_t max_keys);
  OwnedScanState(const OwnedScanState&) = delete;
  OwnedScanState& operator=(const OwnedScanState&) = delete;
  ScanState& state() { return state_; }

 private:
  struct OwnedMap {
    explicit OwnedMap(const KeyTable& keys);
    std::vector<KeyPattern> patterns;
    std::vector<uint8_t> met_bytes;
    MapState state{};
  };
  OwnedMap features_, lists_;
  ScanState state_{};
};

class ScanStates {
 public:
  ScanStates(const Plan& plan, int64_t max_keys) : plan_(plan), max_keys_(max_keys) {}

  // Never waits: where another thread is just at it (or was, when this process was forked), the
  // state is a fresh one, or is dropped.
  std::unique_ptr<OwnedScanState> take();
  void give(std::unique_ptr<OwnedScanState> state);

 private:
  const Plan& plan_;
  int64_t max_keys_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<OwnedScanState>> free_;
};

}  // namespace weft
