// The stages of a dataset, one after another.
#pragma once

#include <memory>

#include "dataset/files.h"

namespace weft::dataset {

class Pipeline {
 public:
  // Batches of records; of kDefaultBatch if the dataset makes none. `options` stand for those of
  // the description, `position` is where to go on, or empty.
  Pipeline(const std::shared_ptr<const Dataset::Description>& description, RecordOptions options,
           int64_t iteration, const Position& position);

  // False at the end.
  bool next(RecordBatch& batch) { return last_->pull(&batch, 1) > 0; }
  // After a call of next() that returned.
  Position position() const;
  RecordCounters counters() const { return files_->counters(); }

 private:
  Files* files_;
  StagePtr last_;
};

}  // namespace weft::dataset
