#include "vocabulary/lookup_kernel.h"

#include "base/simd.h"

namespace weft::WEFT_ISA {
namespace {

// Keys go through the steps of a lookup in groups. Between two steps of one group are those of
// others, while its lines or records are on their way from memory.
constexpr int kGroup = 32;

// The id, or -1 for kNoEntry and whatever else is none; without a branch.
WEFT_INLINE int64_t id_of(uint64_t size, uint32_t found) {
  return int64_t{found} | -static_cast<int64_t>(found >= size);
}

// The few keys among many whose search goes on, put aside without a branch that nobody can predict.
class Later {
 public:
  WEFT_INLINE void add(int64_t i, int really) {
    keys_[count_] = i;
    count_ += really;
  }
  // Is called after each group.
  template <class Search>
  WEFT_INLINE void finish(bool last, const Search& search) {
    if (__builtin_expect(count_ <= kRoom - kGroup && !last, 1)) return;
    for (int j = 0; j < count_; ++j) search(keys_[j]);
    count_ = 0;
  }

 private:
  static constexpr int kRoom = 4 * kGroup;
  int64_t keys_[kRoom + 1];
  int count_ = 0;
};

// --- integers -----------------------------------------------------------------------------------

// What the line has for the key: an id, kNext or kNoEntry.
WEFT_INLINE uint32_t match(const IntegerLine& line, int64_t key) {
#if WEFT_ISA_LEVEL >= 4
  const unsigned equal =
      _mm512_mask_cmpeq_epi64_mask(0x1F, _mm512_load_si512(&line), _mm512_set1_epi64(key));
  return line.ids[__builtin_ctz(equal | 1u << kIntegerSlots)];
#elif WEFT_ISA_LEVEL >= 3
  const __m256i keys = _mm256_load_si256(reinterpret_cast<const __m256i*>(&line));
  const __m256i four = _mm256_cmpeq_epi64(keys, _mm256_set1_epi64x(key));
  const auto equal = static_cast<unsigned>(_mm256_movemask_pd(_mm256_castsi256_pd(four))) |
                     static_cast<unsigned>(line.keys[4] == key) << 4;
  return line.ids[__builtin_ctz(equal | 1u << kIntegerSlots)];
#else
  int slot = kIntegerSlots;
  for (int i = kIntegerSlots - 1; i >= 0; --i) slot = line.keys[i] == key ? i : slot;
  return line.ids[slot];
#endif
}

int64_t search(const TableView& table, int64_t key) {
  const auto* const lines = static_cast<const IntegerLine*>(table.lines);
  uint64_t at = line_of(hash_integer(key, table.multiplier), table.num_lines);
  uint32_t found = match(lines[at], key);
  for (int probe = 1; probe < kMaxProbes && found == kNext; ++probe) {
    if (++at == table.num_lines) at = 0;
    found = match(lines[at], key);
  }
  return id_of(table.size, found);
}

void integers(const TableView& given, const int64_t* keys, int64_t n, int64_t* ids) noexcept {
  const TableView table = given;
  const auto* const lines = static_cast<const IntegerLine*>(table.lines);
  constexpr int64_t kDepth = 2;  // groups between the two steps of one
  uint32_t places[kDepth + 1][kGroup];
  Later later;
  const auto begin = [&](int64_t group) {
    uint32_t* const to = places[group % (kDepth + 1)];
    for (int i = 0; i < kGroup; ++i) {
      const uint64_t hash = hash_integer(keys[group * kGroup + i], table.multiplier);
      to[i] = static_cast<uint32_t>(line_of(hash, table.num_lines));
    }
    for (int i = 0; i < kGroup; ++i) __builtin_prefetch(lines + to[i]);
  };
  const auto end = [&](int64_t group) {
    const uint32_t* const from = places[group % (kDepth + 1)];
    for (int i = 0; i < kGroup; ++i) {
      const int64_t at = group * kGroup + i;
      const uint32_t found = match(lines[from[i]], keys[at]);
      ids[at] = id_of(table.size, found);
      later.add(at, found == kNext);
    }
  };
  const int64_t groups = n / kGroup;
  for (int64_t group = 0; group < groups + kDepth; ++group) {
    if (group < groups) begin(group);
    if (group >= kDepth) end(group - kDepth);
    later.finish(group + 1 == groups + kDepth, [&](int64_t i) { ids[i] = search(table, keys[i]); });
  }
  for (int64_t i = groups * kGroup; i < n; ++i) ids[i] = search(table, keys[i]);
}

// --- strings ------------------------------------------------------------------------------------

struct Key {
  const uint8_t* bytes;
  uint64_t size;
};

// The slots with this tag, one bit each.
WEFT_INLINE uint32_t match(const StringLine& line, uint16_t tag) {
#if WEFT_ISA_LEVEL >= 4
  const __m256i tags = _mm256_load_si256(reinterpret_cast<const __m256i*>(&line));
  return _mm256_mask_cmpeq_epi16_mask(0x3FF, tags, _mm256_set1_epi16(static_cast<int16_t>(tag)));
#elif WEFT_ISA_LEVEL >= 2
  const __m128i tags = _mm_load_si128(reinterpret_cast<const __m128i*>(&line));
  const __m128i eight = _mm_cmpeq_epi16(tags, _mm_set1_epi16(static_cast<int16_t>(tag)));
  return static_cast<uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(eight, _mm_setzero_si128()))) |
         static_cast<uint32_t>(line.tags[8] == tag) << 8 |
         static_cast<uint32_t>(line.tags[9] == tag) << 9;
#else
  uint32_t equal = 0;
  for (int i = 0; i < kStringSlots; ++i) equal |= static_cast<uint32_t>(line.tags[i] == tag) << i;
  return equal;
#endif
}

bool equal(const uint8_t* a, const uint8_t* b, uint64_t size) {
  if (size < 8) return load_words(a, size).a == load_words(b, size).a;
  for (uint64_t i = 0; i + 8 < size; i += 8) {
    if (load_word(a + i) != load_word(b + i)) return false;
  }
  return load_word(a + size - 8) == load_word(b + size - 8);
}

// Whether the record at `place`, which may be none, is the key's; then its id goes to `id`.
WEFT_INLINE bool is_record(const TableView& table, uint64_t place, Key key, uint32_t* id) {
  if (place >= table.num_places) return false;
  const uint8_t* const record = table.records + 8 * place;
  if (load_half(record + 4) != key.size || (key.size + 15) / 8 > table.num_places - place)
    return false;
  if (!equal(record + 8, key.bytes, key.size)) return false;
  *id = static_cast<uint32_t>(load_half(record));
  return true;
}

int64_t search(const TableView& table, Key key) {
  const auto* const lines = static_cast<const StringLine*>(table.lines);
  const uint64_t hash = hash_string(key.bytes, key.size, table.multiplier);
  uint64_t at = line_of(hash, table.num_lines);
  for (int probe = 0; probe < kMaxProbes; ++probe) {
    const StringLine& line = lines[at];
    uint32_t id;
    for (uint32_t slots = match(line, tag_of(hash)); slots != 0; slots &= slots - 1) {
      if (is_record(table, line.places[__builtin_ctz(slots)], key, &id))
        return id_of(table.size, id);
    }
    if (line.places[kStringSlots] != kNext) return -1;
    if (++at == table.num_lines) at = 0;
  }
  return -1;
}

constexpr uint64_t kShort = 16;

// What is known of a key on its way.
struct StringState {
  uint32_t place;  // of the first record with its tag, or else the line's `next`
  uint32_t size;   // of a longer key kShort + 1
  TwoWords words;  // of a short key
  uint32_t line;
  uint16_t tag;
};
static_assert(sizeof(StringState) == 32);

// load_words() of bytes that 16 may be read of.
WEFT_INLINE TwoWords load_words_freely(const uint8_t* p, uint64_t size) {
#if WEFT_ISA_LEVEL >= 2
  static constexpr uint64_t kMasks[4] = {~uint64_t{0}, ~uint64_t{0}, 0, 0};
  const uint8_t* const mask = reinterpret_cast<const uint8_t*>(kMasks) + 16 - size;
  const __m128i words = _mm_and_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)),
                                      _mm_loadu_si128(reinterpret_cast<const __m128i*>(mask)));
  return {static_cast<uint64_t>(_mm_cvtsi128_si64(words)),
          static_cast<uint64_t>(_mm_extract_epi64(words, 1))};
#else
  return load_words(p, size);
#endif
}

__attribute__((noinline)) void begin(const TableView& table, const uint8_t* data,
                                     const int64_t* offsets, StringState* group) {
  const auto* const lines = static_cast<const StringLine*>(table.lines);
  const uint64_t num_lines = table.num_lines, multiplier = table.multiplier;
  for (int i = 0; i < kGroup; ++i) {
    const uint8_t* const p = data + offsets[i];
    const auto size = static_cast<uint64_t>(offsets[i + 1] - offsets[i]);
    uint64_t hash;
    __builtin_prefetch(p + 512);  // what the processor does by itself only within a page
    if (__builtin_expect(size <= kShort, 1)) {
      const TwoWords words = load_words_freely(p, size);
      group[i].words = words;
      group[i].size = static_cast<uint32_t>(size);
      hash = hash_words(words, multiplier ^ size);
    } else {
      group[i].size = kShort + 1;
      hash = hash_string(p, size, multiplier);
    }
    const uint64_t line = line_of(hash, num_lines);
    __builtin_prefetch(lines + line);
    group[i].line = static_cast<uint32_t>(line);
    group[i].tag = tag_of(hash);
  }
}

__attribute__((noinline)) void middle(const TableView& table, StringState* group) {
  const auto* const lines = static_cast<const StringLine*>(table.lines);
  const uint8_t* const records = table.records;
  for (int i = 0; i < kGroup; ++i) {
    const StringLine& line = lines[group[i].line];
    const uint32_t slots = match(line, group[i].tag);
    const uint64_t place = line.places[__builtin_ctz(slots | 1u << kStringSlots)];
    group[i].place = static_cast<uint32_t>(place);
    __builtin_prefetch(records + 8 * place);
    __builtin_prefetch(records + 8 * place + 7 + group[i].size);
  }
}

// Whether the record, apart from its id, is the key's.
WEFT_INLINE bool same_record(const uint8_t* record, const StringState& key) {
  return ((load_half(record + 4) ^ key.size) | (load_word(record + 8) ^ key.words.a) |
          (load_word(record + 16) ^ key.words.b)) == 0;
}

// Compares with the record, for short keys without a branch: misses are hard to predict.
__attribute__((noinline)) void end(const TableView& table, const StringState* group,
                                   const uint8_t* data, const int64_t* offsets, int64_t at,
                                   int64_t* ids, Later& later) {
  const uint8_t* const records = table.records;
  const uint64_t last = table.num_places - kRecordBytes / 8, size = table.size;
  for (int i = 0; i < kGroup; ++i) {
    const uint64_t place = group[i].place;
    uint32_t found = kNoEntry;
    if (__builtin_expect(group[i].size <= kShort, 1)) {
      const uint8_t* const record = records + 8 * (place < last ? place : last);
      found = static_cast<uint32_t>(load_half(record)) |
              -static_cast<uint32_t>(!same_record(record, group[i]));
    } else {
      is_record(table, place,
                {data + offsets[i], static_cast<uint64_t>(offsets[i + 1] - offsets[i])}, &found);
    }
    ids[i] = id_of(size, found);
    later.add(at + i, (found == kNoEntry) & (place != kNoEntry));
  }
}

void strings(const TableView& table, const uint8_t* data, const int64_t* offsets, int64_t n,
             int64_t* ids) noexcept {
  StringState ring[4][kGroup];
  Later later;
  const auto find = [&](int64_t i) {
    ids[i] = search(table, {data + offsets[i], static_cast<uint64_t>(offsets[i + 1] - offsets[i])});
  };
  int64_t groups = n / kGroup;
  while (groups > 0 && offsets[n] - offsets[groups * kGroup - 1] < 16) --groups;
  for (int64_t group = 0; group < groups + 2; ++group) {
    if (group < groups) begin(table, data, offsets + group * kGroup, ring[group % 4]);
    if (group >= 1 && group <= groups) middle(table, ring[(group - 1) % 4]);
    if (group >= 2) {
      const int64_t at = (group - 2) * kGroup;
      end(table, ring[(group - 2) % 4], data, offsets + at, at, ids + at, later);
    }
    later.finish(group == groups + 1, find);
  }
  for (int64_t i = groups * kGroup; i < n; ++i) find(i);
}

}  // namespace

extern const LookupKernel lookup_kernel = {integers, strings};

}  // namespace weft::WEFT_ISA
