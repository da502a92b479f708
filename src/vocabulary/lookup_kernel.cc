#include "vocabulary/lookup_kernel.h"

namespace weft::WEFT_ISA {
namespace {

int64_t find_integer(const TableView& table, int64_t key) {
  const auto* const lines = static_cast<const IntegerLine*>(table.lines);
  uint64_t at = line_of(hash_integer(key, table.seed), table.num_lines);
  for (int probe = 0; probe < kMaxProbes; ++probe) {
    const IntegerLine& line = lines[at];
    for (int i = 0; i < kIntegerSlots; ++i) {
      if (line.keys[i] == key) return line.ids[i] < table.size ? int64_t{line.ids[i]} : -1;
    }
    if (line.overflow == 0) return -1;
    if (++at == table.num_lines) at = 0;
  }
  return -1;
}

void integers(const TableView& table, const int64_t* keys, int64_t n, int64_t* ids) noexcept {
  for (int64_t i = 0; i < n; ++i) ids[i] = table.num_lines == 0 ? -1 : find_integer(table, keys[i]);
}

bool equal(const uint8_t* a, const uint8_t* b, uint64_t size) {
  for (uint64_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

int64_t find_string(const TableView& table, const uint8_t* key, uint64_t size) {
  const auto* const lines = static_cast<const StringLine*>(table.lines);
  const uint64_t hash = hash_string(key, size, table.seed);
  const uint16_t tag = tag_of(hash);
  const uint64_t places = (8 + size + 7) / 8;
  uint64_t at = line_of(hash, table.num_lines);
  for (int probe = 0; probe < kMaxProbes; ++probe) {
    const StringLine& line = lines[at];
    for (int i = 0; i < kStringSlots; ++i) {
      if (line.tags[i] != tag) continue;
      const uint64_t place = line.places[i];
      if (place >= table.num_places || places > table.num_places - place) continue;
      const uint8_t* const record = table.records + 8 * place;
      if (load_half(record + 4) != size || !equal(record + 8, key, size)) continue;
      const uint64_t id = load_half(record);
      return id < table.size ? static_cast<int64_t>(id) : -1;
    }
    if (line.overflow == 0) return -1;
    if (++at == table.num_lines) at = 0;
  }
  return -1;
}

void strings(const TableView& table, const uint8_t* data, const int64_t* offsets, int64_t n,
             int64_t* ids) noexcept {
  for (int64_t i = 0; i < n; ++i) {
    ids[i] = table.num_lines == 0 ? -1
                                  : find_string(table, data + offsets[i],
                                                static_cast<uint64_t>(offsets[i + 1] - offsets[i]));
  }
}

}  // namespace

extern const LookupKernel lookup_kernel = {integers, strings};

}  // namespace weft::WEFT_ISA
