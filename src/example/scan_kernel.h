// Finds the lists of a record's features, without reading what is in them.
//
// A canonical Example, which is what every protobuf library writes, is
//
//   0a length features        features := ( 0a length 0a length(key) key 12 length feature )*
//                             feature := kind length list, or nothing: no kind
//
// and a canonical SequenceExample, either half of which may be absent,
//
//   0a length features  12 length ( 0a length 0a length(key) key 12 length steps )*
//                             steps := ( 0a length feature )*
//
// with each length reaching exactly to the end of what holds it. The scan takes that form only,
// with each key once; whatever else protobuf allows stops it, and is rewritten into that form
// elsewhere (canonical.h).
#pragma once

#include <cstdint>

#include "base/kernel.h"

namespace weft {

// The tags of Feature's three kinds; a list's values follow a tag 0a.
inline constexpr uint8_t kBytesTag = 0x0a, kFloatTag = 0x12, kInt64Tag = 0x1a;

// A record; `padding` bytes after it may be read as well.
struct RecordBytes {
  const uint8_t* data;
  uint32_t size;
  uint32_t padding;
};

// A list inside a record: the bytes of the BytesList, FloatList or Int64List message, or the steps
// of a FeatureList.
struct ListSpan {
  uint32_t offset;  // kMissing: no such feature, or one without a kind
  uint32_t size;
};
inline constexpr uint32_t kMissing = 0xffffffff;

// The bytes of an entry up to its feature's length: 0a length(key) key 12.
struct alignas(64) KeyPattern {
  uint8_t head[32];      // the first of them, zeros after the last
  const uint8_t* whole;  // all of them
  uint32_t length;
  uint32_t more_than;  // an entry that matches has more bytes: length, or the maximum to match none
  uint32_t mask;       // one bit per byte of head that counts
  int32_t slot;        // which span; -1 for a key that nobody asked for
  uint32_t next;       // index of the pattern that followed this one when it was last seen
  uint8_t kind;        // the tag that a slot takes
};

// Keys that nobody asked for are remembered up to this size.
inline constexpr uint32_t kMaxMetPattern = 130;

// The keys of one map, and the order in which they last came.
struct MapState {
  // `slots` of the plan, `room` for keys met on the way, one for the start of a map and one for
  // keys too long to remember.
  KeyPattern* patterns;
  uint32_t slots;        // spans per record
  uint32_t room;         // a power of two
  uint32_t met;          // keys met so far: the next one goes to slots + met % room
  uint8_t* met_bytes;    // kMaxMetPattern bytes for each of them
  const int32_t* table;  // open addressing by hash: an index into patterns, or -1
  uint32_t table_mask;   // its size - 1
  uint32_t table_shift;  // of a hash, to get a place in it
  uint64_t seed;
};

// One thread's view of a plan.
struct ScanState {
  MapState features;  // of an Example, or of a SequenceExample's context
  MapState lists;     // feature lists
  int64_t max_keys;   // per record
  bool (*valid_varints)(const uint8_t* p, int64_t size) noexcept;
};

using Scanner = int64_t(ScanState& state, const RecordBytes* records, int64_t n,
                        ListSpan* spans) noexcept;

struct ScanKernel {
  // spans[i * slots, (i + 1) * slots) for records[i], in order; returns how many records came
  // before one that is not canonical, has more than max_keys entries or a list of another kind than
  // its slot's. That record's spans are unspecified. Lists of slots are not looked into; all others
  // are checked, and so are all keys (UTF-8).
  Scanner* examples;
  // Spans of `features`, then of `lists`. A record without feature lists, where the plan reads
  // some, counts as not canonical: it may be an Example.
  Scanner* sequence_examples;
  // Of a key's bytes; at least 8 from the first one on must be readable.
  uint64_t (*hash)(uint64_t seed, const uint8_t* key, uint32_t size) noexcept;
  bool (*valid_utf8)(const uint8_t* p, int64_t size) noexcept;
};

WEFT_DECLARE_KERNEL(ScanKernel, scan_kernel)

}  // namespace weft
