#include "example/scan_kernel.h"

#include <cstddef>
#include <cstdint>
#if WEFT_ISA_LEVEL >= 2
#include <immintrin.h>
#endif

#include "example/list_kernel.h"

namespace weft::WEFT_ISA {
namespace {

constexpr uint32_t kHead = 32;       // bytes of a pattern compared at once
constexpr int64_t kAhead = 64;       // readable bytes that an entry needs from its first one on
constexpr uint64_t kFetched = 4096;  // bytes of a feature list: the rest comes by itself
constexpr int64_t kLengths = 24;     // and from its feature's length on

// Standard UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool valid_utf8(const uint8_t* p, int64_t size) noexcept {
  const uint8_t* const end = p + size;
  while (p != end) {
    if (*p < 0x80) {
      ++p;
      continue;
    }
    const uint32_t lead = *p;
    if (lead < 0xc2 || lead > 0xf4) return false;
    const int64_t more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    if (end - p <= more) return false;
    for (int64_t i = 1; i <= more; ++i) {
      if ((p[i] & 0xc0) != 0x80) return false;
    }
    if ((lead == 0xe0 && p[1] < 0xa0) || (lead == 0xed && p[1] > 0x9f) ||
        (lead == 0xf0 && p[1] < 0x90) || (lead == 0xf4 && p[1] > 0x8f)) {
      return false;
    }
    p += more + 1;
  }
  return true;
}

// The high bits are the good ones. Keys that differ in bytes 0 after their end are told apart
// later.
inline uint64_t hash_key(uint64_t seed, const uint8_t* key, uint64_t size) {
  constexpr uint64_t kFactor = 0x9e3779b97f4a7c15u;
  if (size < 8) return (seed ^ (load<uint64_t>(key) & ((uint64_t{1} << (8 * size)) - 1))) * kFactor;
  uint64_t h = (seed ^ load<uint64_t>(key)) * kFactor;
  for (uint64_t i = 8; i + 8 <= size; i += 8) h = (h ^ h >> 32 ^ load<uint64_t>(key + i)) * kFactor;
  return (h ^ h >> 32 ^ load<uint64_t>(key + size - 8)) * kFactor;
}

uint64_t hash(uint64_t seed, const uint8_t* key, uint32_t size) noexcept {
  return hash_key(seed, key, size);
}

inline bool head_matches(const KeyPattern& key, const uint8_t* p) {
#if WEFT_ISA_LEVEL >= 4
  const auto a = _mm256_load_si256(reinterpret_cast<const __m256i*>(key.head));
  const auto b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return _mm256_mask_cmpneq_epu8_mask(key.mask, a, b) == 0;
#elif WEFT_ISA_LEVEL >= 3
  const auto a = _mm256_load_si256(reinterpret_cast<const __m256i*>(key.head));
  const auto b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return (~static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(a, b))) & key.mask) == 0;
#elif WEFT_ISA_LEVEL >= 2
  uint32_t equal = 0;
  for (int i = 0; i < 2; ++i) {
    const auto a = _mm_load_si128(reinterpret_cast<const __m128i*>(key.head + 16 * i));
    const auto b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16 * i));
    equal |= static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(a, b))) << (16 * i);
  }
  return (~equal & key.mask) == 0;
#else
  uint32_t left = key.length < kHead ? key.length : kHead;
  for (uint32_t i = 0; left > 0; i += 8) {
    const uint64_t differ = load<uint64_t>(key.head + i) ^ load<uint64_t>(p + i);
    if (left < 8) return differ << (64 - 8 * left) == 0;
    if (differ != 0) return false;
    left -= 8;
  }
  return true;
#endif
}

// Whether an entry of `size` bytes at p begins with the pattern and goes on after it.
inline bool matches(const KeyPattern& key, const uint8_t* p, uint64_t size) {
  if (size <= key.more_than || !head_matches(key, p)) return false;
  for (uint32_t i = kHead; i < key.length; ++i) {
    if (key.whole[i] != p[i]) return false;
  }
  return true;
}

// A length below 2^31; null if it is larger or longer than five bytes. Reads five bytes at least.
inline const uint8_t* read_length(const uint8_t* p, uint64_t* length) {
  const uint32_t w = load<uint32_t>(p);
  if ((w & 0x80) == 0) {
    *length = w & 0x7f;
    return p + 1;
  }
  uint32_t value = (w & 0x7f) | (w >> 1 & 0x3f80);
  if ((w & 0x8000) == 0) {
    *length = value & 0x3fff;
    return p + 2;
  }
  value = (value & 0x3fff) | (w >> 2 & 0x1fc000);
  if ((w & 0x800000) == 0) {
    *length = value;
    return p + 3;
  }
  *length = value | (w >> 3 & 0xfe00000) | static_cast<uint64_t>(p[4] & 7) << 28;
  if ((w & 0x80000000) == 0) {
    *length &= 0xfffffff;
    return p + 4;
  }
  return p[4] < 8 ? p + 5 : nullptr;
}

// Remembers the key of an entry that nobody asked for, so that it too can be predicted.
KeyPattern* meet(MapState& map, const uint8_t* p, uint32_t length) {
  if (length > kMaxMetPattern) {
    KeyPattern* key = map.patterns + map.slots + map.room + 1;
    key->length = length;
    return key;
  }
  const uint32_t place = map.met++ & (map.room - 1);
  uint8_t* whole = map.met_bytes + static_cast<uint64_t>(place) * kMaxMetPattern;
  KeyPattern& key = map.patterns[map.slots + place];
  for (uint32_t i = 0; i < length; ++i) whole[i] = p[i];
  for (uint32_t i = 0; i < kHead; ++i) key.head[i] = i < length ? p[i] : 0;
  key.whole = whole;
  key.length = key.more_than = length;
  key.mask = length < kHead ? (1u << length) - 1 : ~0u;
  return &key;
}

// The pattern in the table that matches an entry, by the hash of its key; null if there is none.
inline KeyPattern* look_up(const MapState& map, uint64_t h, const uint8_t* p, uint64_t size) {
  for (uint64_t i = h >> map.table_shift; map.table[i] >= 0; i = (i + 1) & map.table_mask) {
    KeyPattern& key = map.patterns[map.table[i]];
    if (matches(key, p, size)) return &key;
  }
  return nullptr;
}

// The same for any proper key, which is remembered if nobody asked for it; null if it is not
// proper.
__attribute__((noinline)) KeyPattern* find_or_meet(MapState& map, const uint8_t* p, uint64_t size) {
  uint64_t key_size;
  const uint8_t* const text = read_length(p + 1, &key_size);
  if (p[0] != 0x0a || text == nullptr) return nullptr;
  const uint64_t length = static_cast<uint64_t>(text - p) + key_size + 1;
  if (size <= length || text[key_size] != 0x12) return nullptr;
  // Written longer than it need be, it would not match.
  if (text - p > 2 && key_size >> (7 * (text - p - 2)) == 0) return nullptr;
  if (KeyPattern* key = look_up(map, hash_key(map.seed, text, key_size), p, size)) return key;
  if (!valid_utf8(text, static_cast<int64_t>(key_size))) return nullptr;
  return meet(map, p, static_cast<uint32_t>(length));
}

inline KeyPattern* find(MapState& map, const uint8_t* p, uint64_t size) {
  const uint64_t key_size = p[1];
  if (key_size < 0x80 && key_size + 3 < size) {
    KeyPattern* key = look_up(map, hash_key(map.seed, p + 2, key_size), p, size);
    if (__builtin_expect(key != nullptr, 1)) return key;
  }
  return find_or_meet(map, p, size);
}

// Whether a list that nobody asked for is what its kind says.
bool valid_list(const ScanState& state, uint8_t kind, const uint8_t* p, uint32_t size) {
  if (kind == kBytesTag) return count_strings(p, size) >= 0;
  if (kind != kFloatTag && kind != kInt64Tag) return false;
  if (size == 0) return true;
  int64_t bytes;
  p = payload(p, size, &bytes);
  if (p == nullptr) return false;
  return kind == kFloatTag ? bytes % 4 == 0 : state.valid_varints(p, bytes);
}

// The same of the steps of a feature list. Up to `readable` bytes may be read.
bool valid_steps(const ScanState& state, const uint8_t* p, const uint8_t* end,
                 const uint8_t* readable) {
  while (p != end) {
    const uint64_t size = readable - p >= kOneVarint ? one_varint(p) : 0;
    if (size != 0 && size <= static_cast<uint64_t>(end - p)) {
      p += size;
      continue;
    }
    Step step;
    p = read_step(p, end, &step);
    if (p == nullptr) return false;
    if (step.kind != 0 && !valid_list(state, step.kind, step.list, step.size)) return false;
  }
  return true;
}

// Reads one record, in place as long as kAhead bytes follow, then in a copy of its end.
class Scan {
 public:
  Scan(ScanState& state, const RecordBytes& record, ListSpan* spans)
      : state_(state),
        spans_(spans),
        p_(record.data),
        end_(record.data + record.size),
        readable_(end_ + record.padding),
        base_(record.data) {}

  bool example() {
    miss(state_.features);
    if (p_ == end_) return true;
    uint64_t size;
    return field(kFeaturesTag, &size) && size == left() && map<false>(state_.features, size);
  }

  bool sequence_example() {
    miss(state_.features);
    miss(state_.lists, state_.features.slots);
    if (p_ == end_) return true;
    uint64_t size;
    if (*p_ == kFeaturesTag && !(field(kFeaturesTag, &size) && map<false>(state_.features, size)))
      return false;
    if (p_ == end_) return state_.lists.slots == 0;
    spans_ += state_.features.slots;
    return field(kListsTag, &size) && size == left() && map<true>(state_.lists, size);
  }

 private:
  static constexpr uint8_t kFeaturesTag = 0x0a, kListsTag = 0x12;

  uint64_t left() const { return static_cast<uint64_t>(end_ - p_); }

  void miss(const MapState& map, uint32_t from = 0) {
    for (uint32_t i = 0; i < map.slots; ++i) spans_[from + i] = {kMissing, 0};
  }

  // Moves past the tag and size of a field that ends inside the record; false if there is none.
  bool field(uint8_t tag, uint64_t* size) {
    if (readable_ - p_ < kAhead) leave_record(p_);
    const uint8_t* const p = *p_ == tag ? read_length(p_ + 1, size) : nullptr;
    if (p == nullptr || p > end_ || *size > static_cast<uint64_t>(end_ - p)) return false;
    p_ = p;
    return true;
  }

  // The `size` bytes at p_ are entries of `map`.
  template <bool kLists>
  bool map(MapState& map, uint64_t size) {
    KeyPattern* previous = map.patterns + map.slots + map.room;
    // From the record's end, which stays the same distance away when the record is left.
    const uint64_t rest = left() - size;
    while (left() != rest) {
      if (readable_ - p_ < kAhead) leave_record(p_);
      previous = entry<kLists>(map, previous, left() - rest);
      if (previous == nullptr || ++keys_ > state_.max_keys) return false;
    }
    return true;
  }

  // Goes on at `from`, fewer than kAhead bytes before the end, in a copy with zeros after it.
  void leave_record(const uint8_t* from) {
    offset_ += static_cast<uint32_t>(from - base_);
    const int64_t left = end_ - from;
    __builtin_memset(copy_, 0, sizeof copy_);
    if (from - base_ + left >= kAhead && offset_ == from - base_) {
      __builtin_memcpy(copy_, end_ - kAhead, kAhead);
      base_ = copy_ + kAhead - left;
    } else {
      __builtin_memcpy(copy_, from, static_cast<size_t>(left));
      base_ = copy_;
    }
    p_ = base_;
    end_ = base_ + left;
    readable_ = copy_ + sizeof copy_;
  }

  // Reads the entry at p_, in the map's last `room` bytes, and moves past it; null if it is not
  // canonical.
  template <bool kLists>
  KeyPattern* entry(MapState& map, KeyPattern* previous, uint64_t room) {
    if (*p_ != 0x0a) return nullptr;
    uint64_t size;
    const uint8_t* p = read_length(p_ + 1, &size);
    if (p == nullptr || size + static_cast<uint64_t>(p - p_) > room) return nullptr;
    KeyPattern* key = map.patterns + previous->next;
    if (__builtin_expect(!matches(*key, p, size), 0)) {
      key = find(map, p, size);
      if (key == nullptr) return nullptr;
      previous->next = static_cast<uint32_t>(key - map.patterns);
    }
    const uint64_t left = size - key->length;
    // Not from the key: the place of the next entry must not wait for it.
    p_ = p + size;
    p += key->length;
    if (__builtin_expect(readable_ - p < kLengths, 0)) {
      leave_record(p);
      p = p_;
      p_ += left;
    }
    return (kLists ? feature_list(*key, p, left) : feature(*key, p, left)) ? key : nullptr;
  }

  // The feature whose length, and the rest of its entry, are the `left` bytes at p.
  bool feature(const KeyPattern& key, const uint8_t* p, uint64_t left) {
    uint64_t length;
    uint8_t kind;
    if (left <= 128) {
      const uint32_t w = load<uint32_t>(p);
      if ((w & 0xff) != left - 1) return false;
      // Without a kind it is missing, also where it replaces an earlier entry of its key.
      if (left == 1) return key.slot < 0 || spans_[key.slot].offset == kMissing;
      kind = static_cast<uint8_t>(w >> 8);
      length = left - 3;
      if (left < 3 || (w >> 16 & 0xff) != length) return false;
      p += 3;
    } else {
      const uint8_t* const end = p + left;
      p = read_length(p, &length);
      if (p == nullptr || length == 0 || static_cast<uint64_t>(end - p) != length) return false;
      kind = *p;
      p = read_length(p + 1, &length);
      if (p == nullptr || end - p != static_cast<int64_t>(length)) return false;
    }
    if (key.slot < 0) return valid_list(state_, kind, p, static_cast<uint32_t>(length));
    ListSpan& span = spans_[key.slot];
    if (kind != key.kind || span.offset != kMissing) return false;
    span = {offset_ + static_cast<uint32_t>(p - base_), static_cast<uint32_t>(length)};
    return true;
  }

  // The same of the steps of a feature list.
  bool feature_list(const KeyPattern& key, const uint8_t* p, uint64_t left) {
    const uint8_t* const end = p + left;
    uint64_t length;
    p = read_length(p, &length);
    if (p == nullptr || end - p != static_cast<int64_t>(length)) return false;
    if (key.slot < 0) return valid_steps(state_, p, end, readable_);
    ListSpan& span = spans_[key.slot];
    if (span.offset != kMissing) return false;
    // Whoever counts the steps goes from one to the next, and would wait for each line.
    for (uint64_t i = 0; i < length && i < kFetched; i += 64) __builtin_prefetch(p + i, 0, 2);
    span = {offset_ + static_cast<uint32_t>(p - base_), static_cast<uint32_t>(length)};
    return true;
  }

  ScanState& state_;
  ListSpan* spans_;  // of the map being read
  const uint8_t* p_;
  const uint8_t* end_;
  const uint8_t* readable_;
  const uint8_t* base_;  // the byte at offset_ in the record
  uint32_t offset_ = 0;
  int64_t keys_ = 0;
  uint8_t copy_[2 * kAhead];
};

int64_t examples(ScanState& state, const RecordBytes* records, int64_t n,
                 ListSpan* spans) noexcept {
  for (int64_t i = 0; i < n; ++i, spans += state.features.slots) {
    if (!Scan(state, records[i], spans).example()) return i;
  }
  return n;
}

int64_t sequence_examples(ScanState& state, const RecordBytes* records, int64_t n,
                          ListSpan* spans) noexcept {
  for (int64_t i = 0; i < n; ++i, spans += state.features.slots + state.lists.slots) {
    if (!Scan(state, records[i], spans).sequence_example()) return i;
  }
  return n;
}

}  // namespace

extern const ScanKernel scan_kernel = {examples, sequence_examples, hash, valid_utf8};

}  // namespace weft::WEFT_ISA
