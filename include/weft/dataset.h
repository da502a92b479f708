// Many record files -> one ordered, sharded, batched, parsed stream. As tf.data.TFRecordDataset and
// the methods of tf.data.Dataset with the same names.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "weft/example.h"
#include "weft/record.h"

namespace weft {

// A description of a stream: an immutable value, cheap to copy. Nothing is opened before it is
// iterated, which may be done any number of times; the order is the same every time, whatever the
// threads do.
//
// The methods act in the order in which they are called, as in tf.data: an element is a record, and
// a batch after batch(). So shard(2, 0).batch(8) makes batches of every other record, and
// batch(8).shard(2, 0) takes every other batch.
class WEFT_API Dataset {
 public:
  // The records of each file in turn. Records that on_error = kSkip leaves out are no elements.
  static Dataset records(std::vector<std::string> paths, RecordOptions options = {});

  // --- Files. Throw InvalidArgument after a method of the other two groups.
  // A random order of the files, the same for the same seed and number of files.
  Dataset shuffle_files(int64_t seed) const;
  // The files i with i % num_shards == index: each worker opens only its own.
  Dataset shard_files(int64_t num_shards, int64_t index) const;
  // Reads `cycle_length` files at a time, each on a thread of its own, taking `block_length`
  // records from each in turn; a file that ends is replaced by the next. Order as tf.data's
  // interleave.
  Dataset interleave(int64_t cycle_length, int64_t block_length = 1) const;

  // --- Elements. Throw InvalidArgument for num_shards < 1, an index outside [0, num_shards) or a
  // count below -1.
  Dataset shard(int64_t num_shards,
                int64_t index) const;  // the elements i with i % num_shards == index
  Dataset skip(int64_t count) const;   // -1: all
  Dataset take(int64_t count) const;   // -1: all

  // --- Batches. Each may be called once.
  // `drop_remainder`: a last batch of fewer records is left out. Throws InvalidArgument if n < 1.
  Dataset batch(int64_t n, bool drop_remainder = false) const;
  // Batches as Features (BatchStream), of kDefaultBatch records unless batch() says otherwise.
  // Throws as ExampleParser's constructor does.
  Dataset parse(ParseSpec spec, ParseOptions options = {}) const;

  static constexpr int64_t kDefaultBatch = 512;

  // The files in the order in which they will be opened.
  const std::vector<std::string>& files() const;
  int64_t batch_size() const;  // 0 before batch()
  bool parses() const;         // whether parse() was called

  struct Description;  // src/dataset/description.h

 private:
  friend class RecordStream;
  friend class BatchStream;
  explicit Dataset(Description description);
  Dataset with_step(int kind, int64_t count, int64_t index) const;

  std::shared_ptr<const Description> description_;
};

// One pass over the records of a dataset. Used by one thread at a time; its threads end with it.
class WEFT_API RecordStream {
 public:
  explicit RecordStream(Dataset dataset);
  RecordStream(RecordStream&&) noexcept;
  RecordStream& operator=(RecordStream&&) noexcept;
  ~RecordStream();

  // Replaces `batch` by the next batch of the dataset; without batch(), by the next kDefaultBatch
  // records, or as many as come before an error, which is then thrown by the next call. False at
  // the end. Throws as RecordReader does, and NotFound for a file that does not exist when its turn
  // comes; a batch that an error interrupts is lost. After an error every call throws it again,
  // except what on_skip and poll throw, if it is no weft::Error: after that the stream goes on.
  bool next(RecordBatch& batch);

  RecordCounters counters() const;  // of all files so far, elements that were dropped included

 private:
  friend class BatchStream;
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// One pass over the parsed batches of a dataset.
class WEFT_API BatchStream {
 public:
  // Throws InvalidArgument if the dataset does not parse.
  explicit BatchStream(const Dataset& dataset);
  BatchStream(BatchStream&&) noexcept;
  BatchStream& operator=(BatchStream&&) noexcept;
  ~BatchStream();

  // Replaces `features` by the next batch; false at the end. Throws as RecordStream and
  // ExampleParser::parse do, with file and record beside key and row; a batch that does not parse
  // is passed over by the next call. At the end it warns of keys that no record had.
  bool next(Features& features);

  RecordCounters counters() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft
