// Decoding tables of Huffman codes for inflate.
#pragma once

#include <cstdint>
#include <span>

namespace weft::base {

// Fills `table` (2^width entries, then subtables) for the canonical code in which symbol s has
// lengths[s] bits (0 to 15; 0: it has no code). symbols[s] is the entry without code and used bits.
// Returns false for a code that zlib refuses: over-subscribed, or incomplete unless it is empty or
// a single code of one bit and `may_be_incomplete`.
bool build_inflate_table(std::span<const uint8_t> lengths, std::span<const uint32_t> symbols,
                         int width, bool may_be_incomplete, uint32_t* table);

// The entries of literals and lengths (288) and of distances (32), and plain numbers (19).
std::span<const uint32_t> inflate_length_symbols();
std::span<const uint32_t> inflate_distance_symbols();
std::span<const uint32_t> inflate_number_symbols();

}  // namespace weft::base
