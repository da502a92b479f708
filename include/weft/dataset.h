// Many record files -> one ordered, sharded, shuffled, batched, parsed stream, which can be
// resumed. As tf.data.TFRecordDataset and the methods of tf.data.Dataset with the same names.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "weft/example.h"
#include "weft/record.h"

namespace weft {

// A description of a stream: an immutable value, cheap to copy. Nothing is opened before it is
// iterated, which may be done any number of times, also at once.
//
// The methods act in the order in which they are called, as in tf.data: an element is a record, and
// a batch after batch() or bucket_by_length(). So shard(2, 0).batch(8) makes batches of every other
// record, and batch(8).shard(2, 0) takes every other batch.
//
// The order of elements is a function of the description, the seeds, the files' contents and the
// number of the iteration (see RecordStream): never of threads or time.
class WEFT_API Dataset {
 public:
  // The records of each file in turn. Records that on_error = kSkip leaves out are no elements.
  static Dataset records(std::vector<std::string> paths, RecordOptions options = {});

  // --- Files. Throw InvalidArgument after a method of the other two groups.
  // A random order of the files, the same for the same seed and number of files; with
  // `reshuffle_each_iteration` another one in each iteration, and in each pass of repeat().
  Dataset shuffle_files(int64_t seed, bool reshuffle_each_iteration = true) const;
  // The files i with i % num_shards == index: each worker opens only its own.
  Dataset shard_files(int64_t num_shards, int64_t index) const;
  // Reads `cycle_length` files at a time, each on a thread of its own, taking `block_length`
  // records from each in turn; a file that ends is replaced by the next. Order as tf.data's
  // interleave.
  Dataset interleave(int64_t cycle_length, int64_t block_length = 1) const;

  // --- Elements. Throw InvalidArgument for num_shards < 1, an index outside [0, num_shards), a
  // count below -1, a buffer_size < 1.
  Dataset shard(int64_t num_shards,
                int64_t index) const;  // the elements i with i % num_shards == index
  Dataset skip(int64_t count) const;   // -1: all
  Dataset take(int64_t count) const;   // -1: all
  // The elements in random order, as far as a buffer of `buffer_size` of them allows: each element
  // that goes out is drawn from the buffer, with equal chances, and the next that comes in fills
  // it up. Draws are counter-based: the k-th of a pass is a function of seed, iteration, pass and k
  // (of seed and k alone without `reshuffle_each_iteration`). The buffer holds copies of records.
  Dataset shuffle(int64_t buffer_size, int64_t seed, bool reshuffle_each_iteration = true) const;
  // All of what stands before it, `count` times; -1: without end. Each time is a pass of the steps
  // before; a pass without elements is the end.
  Dataset repeat(int64_t count = -1) const;

  // --- Batches. Each may be called once, and only one of batch and bucket_by_length.
  // `drop_remainder`: a last batch of fewer records is left out. Throws InvalidArgument if n < 1.
  Dataset batch(int64_t n, bool drop_remainder = false) const;
  // Batches of records of similar length, as tf.data's bucket_by_sequence_length: a record of
  // length boundaries[i-1] <= length < boundaries[i] goes into bucket i, and a bucket that holds
  // batch_sizes[i] records is the next batch. At the end come the buckets that are not full, the
  // shortest first, unless `drop_remainder`. A record's length is the longest of the features
  // `keys`, which parse() must have named before: its number of values (FixedLenSequenceFeature:
  // divided by the size of the shape), of outermost rows (RaggedFeature), or 1 + its last index
  // (SparseFeature). A record that does not parse is passed over by the next call.
  // The length of a feature list is its number of steps.
  // Throws InvalidArgument for boundaries that are empty or do not increase, batch sizes below 1 or
  // not one more than boundaries, no keys, and a key that is not in the spec, is in both specs of
  // parse_sequence(), or is a FixedLenFeature.
  Dataset bucket_by_length(std::vector<std::string> keys, std::vector<int64_t> boundaries,
                           std::vector<int64_t> batch_sizes, bool drop_remainder = false) const;
  // Batches as Features (BatchStream), of kDefaultBatch records unless batch() or
  // bucket_by_length() says otherwise. Throws as ExampleParser's constructor does.
  Dataset parse(ParseSpec spec, ParseOptions options = {}) const;
  // The same of SequenceExamples, as ParsedSequenceExamples. Throws as SequenceExampleParser's
  // constructor does.
  Dataset parse_sequence(ParseSpec context, ParseSpec lists, ParseOptions options = {}) const;
  // Up to `batches` of the batches are made ready ahead of the caller on threads of the stream's
  // own: one reads and shuffles, one parses (on the thread pool). Has no effect on the order.
  // Throws InvalidArgument if batches < 1.
  Dataset prefetch(int64_t batches) const;

  static constexpr int64_t kDefaultBatch = 512;

  // The files in the order in which the first pass of iteration 0 opens them.
  std::vector<std::string> files() const;
  bool batches() const;  // whether elements are batches: after batch() or bucket_by_length()
  bool parses() const;   // whether parse() or parse_sequence() was called
  bool parses_sequences() const;  // whether it was parse_sequence()
  // The steps that decide the order, in words, without seeds: "interleave(4, 1).shuffle(1000)".
  std::string steps() const;

  struct Description;  // src/dataset/description.h

 private:
  friend class RecordStream;
  friend class BatchStream;
  explicit Dataset(Description description);

  std::shared_ptr<const Description> description_;
};

// Where a stream stands, between two batches: small, and of integers and text alone, to be kept in
// any format. It says where reading goes on, and how far back the records lie that a shuffle buffer
// or a bucket holds: those are read again when a stream resumes.
struct DatasetState {
  static constexpr int64_t kVersion = 1;
  // A step of the dataset and its numbers, the last step first; then "files", with the number and
  // byte offset of the next record of each open file. What they mean is the library's own affair.
  struct Step {
    std::string name;
    std::vector<int64_t> numbers;
    bool operator==(const Step&) const = default;
  };

  // What the dataset was: a stream of another one cannot be resumed.
  std::string steps;       // Dataset::steps()
  int64_t num_files = 0;   // of all shards
  std::string file_names;  // fingerprints, of the names without their folders ...
  std::string file_sizes;  // ... and of the sizes
  int64_t iteration = 0;
  std::vector<int64_t> seeds;  // of the shuffles, in order
  std::vector<Step> position;
  int64_t skip = 0;  // records of the batch that follows (RecordStream without batch())
  bool operator==(const DatasetState&) const = default;
};

// One pass over the records of a dataset. Used by one thread at a time; its threads end with it.
// Not used in a child forked after its first call (IoError); a child makes its own.
class WEFT_API RecordStream {
 public:
  // `iteration` tells shuffles apart that reshuffle: 0, 1, ... for the epochs of a training. Throws
  // InvalidArgument for an iteration outside [0, 2^31).
  explicit RecordStream(const Dataset& dataset, int64_t iteration = 0);
  // Goes on where the stream of the same dataset stood whose state() this is: what follows is what
  // would have followed there, bit for bit. Seeds and iteration are the state's. Throws
  // InvalidArgument for a state of another dataset: other steps, or files of other names or sizes.
  RecordStream(const Dataset& dataset, const DatasetState& state);
  RecordStream(RecordStream&&) noexcept;
  RecordStream& operator=(RecordStream&&) noexcept;
  ~RecordStream();

  // Replaces `batch` by the next batch of the dataset; without batch(), by the next kDefaultBatch
  // records, or as many as come before an error, which is then thrown by the next call. False at
  // the end. Throws as RecordReader does, and NotFound for a file that does not exist when its turn
  // comes; a batch that an error interrupts is lost. After an error every call throws it again,
  // except what on_skip and poll throw, if it is no weft::Error: after that the stream goes on.
  bool next(RecordBatch& batch);

  // After the batch that next() gave last; or, where batches mean nothing because there was no
  // batch(), after the first `records` of it. Of the files' sizes as they are at the first call.
  // Throws InvalidArgument if the batch has fewer records.
  DatasetState state() const;
  DatasetState state(int64_t records) const;
  // Of all files so far, elements that were dropped included. With prefetch(), up to the batch that
  // next() gave last.
  RecordCounters counters() const;
  // Ends the stream and its threads; next() is false from then on.
  void close();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// One pass over the parsed batches of a dataset: otherwise as RecordStream.
class WEFT_API BatchStream {
 public:
  // Throws InvalidArgument if the dataset does not parse.
  explicit BatchStream(const Dataset& dataset, int64_t iteration = 0);
  BatchStream(const Dataset& dataset, const DatasetState& state);
  BatchStream(BatchStream&&) noexcept;
  BatchStream& operator=(BatchStream&&) noexcept;
  ~BatchStream();

  // Replaces the batch by the next one; false at the end. Throws as RecordStream and
  // ExampleParser::parse do, with file and record beside key and row; a batch that does not parse
  // is passed over by the next call. At the end it warns of keys that no record had.
  // Throws InvalidArgument where the dataset parses records of the other kind.
  bool next(Features& features);
  bool next(ParsedSequenceExamples& batch);
  // Where the rows of the batch that next() gave last are from: its records, without their bytes.
  const RecordBatch& origins() const;

  DatasetState state() const;
  RecordCounters counters() const;
  void close();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft
