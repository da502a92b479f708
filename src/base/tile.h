// Tiles of products: a few rows of a result, as wide as one panel of a packed matrix, whose sums
// stay in registers from their start to whatever is made of them. An Op says where a tile starts,
// what is multiplied, and how it finishes. Only *_kernel.cc may include this, as base/simd.h.
#pragma once

#include "base/simd.h"

namespace weft::WEFT_ISA {
namespace {

// Rows of a tile whose sums, for that many vectors, stay in registers beside one row of `b` and
// one broadcast element of `a`.
constexpr int kMaxRows[] = {0,
#if WEFT_ISA_LEVEL >= 4
                            12, 12, 8, 6
#elif WEFT_ISA_LEVEL >= 3
                            8, 6, 4, 3
#else
                            6, 5, 3, 2
#endif
};

// Tiles of so few rows take so many panels at once: one alone would wait for its own sums.
#if WEFT_ISA_LEVEL >= 4
constexpr int kLowTile = 2, kPanelsAtOnce = 2;
#else
constexpr int kLowTile = 1, kPanelsAtOnce = 2;
#endif

template <int kRows, int kVectors>
struct Tile {
  Vec sums[kRows][kVectors];
};

template <int kRows, int kVectors>
WEFT_INLINE void load_rows(Tile<kRows, kVectors>& tile, const float* from, int64_t ld) {
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) tile.sums[r][v] = load(from + r * ld + v * kLanes);
  }
}

template <int kRows, int kVectors>
WEFT_INLINE void store_rows(const Tile<kRows, kVectors>& tile, float* to, int64_t ld) {
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) store(to + r * ld + v * kLanes, tile.sums[r][v]);
  }
}

// Where the operands of a product lie: element (r, k) of the left one at a[r * a_row + k * a_step],
// vector v of row k of a panel of the right one at b[k * b_step + v * kLanes], and the next panel
// `b_panel` behind.
struct Operands {
  const float *a, *b;
  int64_t a_row, a_step, b_step, b_panel;
};

// Every tile of `tiles` gets a * b of its own panel.
template <int kRows, int kVectors, int kPanels>
WEFT_INLINE void multiply(Tile<kRows, kVectors> (&tiles)[kPanels], int64_t depth,
                          const Operands& from) {
  const float *a = from.a, *b = from.b;
  for (int64_t k = 0; k < depth; ++k, a += from.a_step, b += from.b_step) {
#pragma GCC unroll 4
    for (int p = 0; p < kPanels; ++p) {
      Vec row[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) row[v] = load(b + p * from.b_panel + v * kLanes);
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
        const Vec x = set(a[r * from.a_row]);
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) {
          tiles[p].sums[r][v] = fmadd(x, row[v], tiles[p].sums[r][v]);
        }
      }
    }
  }
}

// kRows rows from `row` on, of kPanels panels from `panel` on.
template <int kRows, int kPanels, class Op>
__attribute__((noinline)) void run_tile(const Op& op, int64_t panel, int64_t row) {
  Tile<kRows, Op::kVectors> tiles[kPanels];
#pragma GCC unroll 4
  for (int p = 0; p < kPanels; ++p) op.start(tiles[p], panel + p, row);
  multiply(tiles, op.depth(), op.operands(panel, row));
#pragma GCC unroll 4
  for (int p = 0; p < kPanels; ++p) op.finish(tiles[p], panel + p, row);
}

// The same for 1 <= n <= kRows rows and kPanels panels or one, both known at run time.
template <int kRows, class Op>
WEFT_INLINE void run_tile_of(const Op& op, int64_t panel, int64_t row, int64_t n, int64_t panels) {
  if constexpr (kRows > 1) {
    if (n != kRows) return run_tile_of<kRows - 1>(op, panel, row, n, panels);
  }
  if constexpr (kRows <= kLowTile) {
    if (panels > 1) return run_tile<kRows, kPanelsAtOnce>(op, panel, row);
  }
  run_tile<kRows, 1>(op, panel, row);
}

// Runs `op` on every panel and every tile of rows: panels outside, so that one stays in the L1
// cache; tiles of nearly equal height, because a low one keeps too few sums in flight. Where all
// tiles are low, several panels make up for it.
template <class Op>
WEFT_INLINE void run_tiles(const Op& op, int64_t panels, int64_t rows) {
  constexpr int kMost = kMaxRows[Op::kVectors];
  const int64_t tiles = (rows + kMost - 1) / kMost;
  if (tiles == 0) return;
  const int64_t low = rows / tiles, higher = rows % tiles;
  const int64_t at_once = rows <= kLowTile ? kPanelsAtOnce : 1;
  for (int64_t panel = 0; panel < panels;) {
    const int64_t n_panels = panels - panel >= at_once ? at_once : 1;
    int64_t row = 0;
    for (int64_t i = 0; i < tiles; ++i) {
      const int64_t n = low + (i < higher ? 1 : 0);
      run_tile_of<kMost>(op, panel, row, n, n_panels);
      row += n;
    }
    panel += n_panels;
  }
}

}  // namespace
}  // namespace weft::WEFT_ISA
