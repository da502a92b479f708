// batch: records in the order in which they come.
#include <utility>

#include "dataset/stage.h"

namespace weft::dataset {
namespace {

class Batch : public Stage {
 public:
  Batch(StagePtr from, int64_t size, bool drop_remainder, bool exact)
      : from_(std::move(from)), size_(size), drop_remainder_(drop_remainder), exact_(exact) {}

  int64_t pull(RecordBatch* to, int64_t) override {
    fill();
    if (batch_.size() < size_ && drop_remainder_) batch_.clear();
    if (batch_.size() == 0) return 0;
    if (to != nullptr) std::swap(*to, batch_);
    batch_.clear();
    return 1;
  }
  void restart() override {
    batch_.clear();
    from_->restart();
  }
  // Between two batches there is nothing to say.
  void save(Position& to) const override { from_->save(to); }
  void load(PositionReader& from) override { from_->load(from); }

 private:
  void fill() {
    try {
      while (batch_.size() < size_ && from_->pull(&batch_, size_ - batch_.size()) > 0) {
      }
    } catch (const Error&) {
      if (exact_) batch_.clear();
      if (batch_.size() == 0) throw;  // and otherwise again at the next call
    }
  }

  const StagePtr from_;
  const int64_t size_;
  const bool drop_remainder_;
  const bool exact_;
  RecordBatch batch_;
};

}  // namespace

StagePtr make_batch(StagePtr from, int64_t size, bool drop_remainder, bool exact) {
  return std::make_unique<Batch>(std::move(from), size, drop_remainder, exact);
}

}  // namespace weft::dataset
