#include "base/fingerprint_kernel.h"

#include "base/farmhash_kernel.h"

#if defined(__x86_64__) && WEFT_ISA_LEVEL >= 3
#include <immintrin.h>
#endif

namespace weft::WEFT_ISA {
namespace {

// As many words at once as the instruction set multiplies.
//
// load and store take the first n words, if those are fewer. Shifts by 64 and more, and by less
// than 0, give 0. multiply_low is of the low halves of words; multiply_halves of both halves, into
// halves; count_empty counts the bytes before the lowest one that is not 0.

#if WEFT_ISA_LEVEL >= 4
constexpr int kWords = 8;
typedef uint64_t Words __attribute__((vector_size(64)));
typedef __m512i Raw;
typedef __mmask8 Mask;
// The masked forms are the same instructions; GCC 12 takes the plain ones' operand for
// uninitialized.
constexpr Mask kAll = 0xff;

Raw raw(Words x) { return reinterpret_cast<Raw>(x); }
Words words(Raw x) { return reinterpret_cast<Words>(x); }
Words all(uint64_t x) { return Words{} + x; }
Mask first(int64_t n) { return static_cast<Mask>(n < kWords ? (1 << n) - 1 : 0xff); }
Words load(const uint64_t* p, int64_t n) { return words(_mm512_maskz_loadu_epi64(first(n), p)); }
void store(uint64_t* p, int64_t n, Words x) { _mm512_mask_storeu_epi64(p, first(n), raw(x)); }
Mask above(Words x, uint64_t bound) { return _mm512_cmpgt_epu64_mask(raw(x), raw(all(bound))); }
Mask below(Words x, uint64_t bound) { return _mm512_cmplt_epu64_mask(raw(x), raw(all(bound))); }
bool any(Mask mask) { return mask != 0; }
Words select(Mask mask, Words yes, Words no) {
  return words(_mm512_mask_blend_epi64(mask, raw(no), raw(yes)));
}
Words multiply_low(Words a, Words b) { return words(_mm512_maskz_mul_epu32(kAll, raw(a), raw(b))); }
Words multiply_halves(Words x, int by) {
  return words(_mm512_mullo_epi32(raw(x), _mm512_set1_epi32(by)));
}
Words shift_left(Words x, Words by) {
  return words(_mm512_maskz_sllv_epi64(kAll, raw(x), raw(by)));
}
Words shift_right(Words x, Words by) {
  return words(_mm512_maskz_srlv_epi64(kAll, raw(x), raw(by)));
}
Words count_empty(Words x) {
  return (63 - words(_mm512_maskz_lzcnt_epi64(kAll, raw(x & -x)))) >> 3;
}
#elif WEFT_ISA_LEVEL >= 3
constexpr int kWords = 4;
typedef uint64_t Words __attribute__((vector_size(32)));
typedef __m256i Raw;
typedef int64_t Mask __attribute__((vector_size(32)));

Raw raw(Words x) { return reinterpret_cast<Raw>(x); }
Words words(Raw x) { return reinterpret_cast<Words>(x); }
Words all(uint64_t x) { return Words{} + x; }
Raw first(int64_t n) { return reinterpret_cast<Raw>(Mask{0, 1, 2, 3} < n); }
Words load(const uint64_t* p, int64_t n) {
  return words(_mm256_maskload_epi64(reinterpret_cast<const long long*>(p), first(n)));
}
void store(uint64_t* p, int64_t n, Words x) {
  _mm256_maskstore_epi64(reinterpret_cast<long long*>(p), first(n), raw(x));
}
Mask above(Words x, uint64_t bound) { return x > all(bound); }
Mask below(Words x, uint64_t bound) { return x < all(bound); }
bool any(Mask mask) { return _mm256_movemask_epi8(reinterpret_cast<Raw>(mask)) != 0; }
Words select(Mask mask, Words yes, Words no) { return mask ? yes : no; }
Words multiply_low(Words a, Words b) { return words(_mm256_mul_epu32(raw(a), raw(b))); }
Words multiply_halves(Words x, int by) {
  return words(_mm256_mullo_epi32(raw(x), _mm256_set1_epi32(by)));
}
Words shift_left(Words x, Words by) { return words(_mm256_sllv_epi64(raw(x), raw(by))); }
Words shift_right(Words x, Words by) { return words(_mm256_srlv_epi64(raw(x), raw(by))); }
Words count_empty(Words x) {
  const Words empty = ((x & -x) - 1) >> 7 & 0x0101010101010101;  // 1 in each
  return words(_mm256_sad_epu8(raw(empty), _mm256_setzero_si256()));
}
#else
constexpr int kWords = 1;
typedef uint64_t Words;
typedef bool Mask;

Words all(uint64_t x) { return x; }
Words load(const uint64_t* p, int64_t) { return *p; }
void store(uint64_t* p, int64_t, Words x) { *p = x; }
Mask above(Words x, uint64_t bound) { return x > bound; }
Mask below(Words x, uint64_t bound) { return x < bound; }
bool any(Mask mask) { return mask; }
Words select(Mask mask, Words yes, Words no) { return mask ? yes : no; }
Words multiply_low(Words a, Words b) { return (a & 0xffffffff) * (b & 0xffffffff); }
Words multiply_high(Words a, Words b) {
  return static_cast<uint64_t>(static_cast<unsigned __int128>(a) * b >> 64);
}
Words multiply_halves(Words x, uint64_t by) { return x * by; }
Words shift_left(Words x, Words by) { return by < 64 ? x << by : 0; }
Words shift_right(Words x, Words by) { return by < 64 ? x >> by : 0; }
Words count_empty(Words x) { return static_cast<uint64_t>(__builtin_ctzll(x)) >> 3; }
#endif

#if WEFT_ISA_LEVEL >= 3
Words multiply_high(Words a, Words b) {
  const Words low = multiply_low(a, b), middle = multiply_low(a >> 32, b) + (low >> 32);
  const Words other = multiply_low(a, b >> 32) + (middle & 0xffffffff);
  return multiply_low(a >> 32, b >> 32) + (middle >> 32) + (other >> 32);
}
Words modulo(Words x, Divisor d) {
  const Words rest = x - multiply_high(x, all(d.reciprocal)) * d.by;
  return select(above(rest, d.by - 1), rest - d.by, rest);
}
#endif

// Text that ends with the last byte of 24.
struct Text {
  Words first, middle, last;
  Words size;
};

// x < 10^8 as eight digits, the first one in the lowest byte, by halves: 4 + 4, 2 + 2, 1 + 1. The
// factors are 2^40 / 10^4, 2^20 / 10^2 and 2^10 / 10, rounded up.
Words eight_digits(Words x) {
  const Words thousands = multiply_low(x, all(109951163)) >> 40;
  const Words fours = thousands | (x - multiply_low(thousands, all(10000))) << 32;
  const Words hundreds = (multiply_halves(fours, 10486) >> 20) & 0x0000007f0000007f;
  const Words twos = hundreds | (fours - multiply_halves(hundreds, 100)) << 16;
  const Words tens = (multiply_halves(twos, 103) >> 10) & 0x000f000f000f000f;
  return tens | (twos - multiply_halves(tens, 10)) << 8;
}

// Digits without the zeros before them; of 0 one is left.
Words count_digits(Words digits) { return 8 - count_empty(digits | uint64_t{1} << 56); }

// floor(x / 10^8), by 2^90 / 10^8 rounded up.
Words without_eight_digits(Words x) { return multiply_high(x, all(0xabcc77118461cefd)) >> 26; }

// `minus`: 1 where a minus sign comes before x, or 0.
Text decimal_text(Words x, Words minus) {
  constexpr uint64_t kZeros = 0x3030303030303030, kMinus = '0' ^ '-';
  Text text{};
  if (any(above(x, 99999999))) {
    const Words rest = without_eight_digits(x), first = without_eight_digits(rest);
    text.first = eight_digits(first);
    text.middle = eight_digits(rest - first * 100000000);
    text.last = eight_digits(x - rest * 100000000);
    text.size = count_digits(text.last);
    text.size = select(above(rest, 0), 8 + count_digits(text.middle), text.size);
    text.size = select(above(first, 0), 16 + count_digits(text.first), text.size);
  } else {
    text.last = eight_digits(x);
    text.size = count_digits(text.last);
  }
  text.size += minus;
  const Words sign = minus * kMinus, before = 64 - 8 * text.size;
  text.first = text.first ^ kZeros ^ shift_left(sign, before + 128);
  text.middle = text.middle ^ kZeros ^ shift_left(sign, before + 64);
  text.last = text.last ^ kZeros ^ shift_left(sign, before);
  return text;
}

Words hash_of_1_to_3(const Text& text) {
  const Words n = text.size;
  const Words first = shift_right(text.last, 64 - 8 * n) & 0xff,
              middle = select(above(n, 2), text.last >> 48, text.last >> 56) & 0xff,
              last = text.last >> 56;
  return shift_mix(((first + (middle << 8)) * k2) ^ ((n + (last << 2)) * k0)) * k2;
}

// fingerprint() of 1 to 20 bytes.
Words fingerprint(const Text& text) {
  const Words n = text.size, mul = k2 + n * 2, last = text.last;
  const Mask over_7 = above(n, 7), over_16 = above(n, 16);
  Words u = n + ((shift_right(last, 64 - 8 * n) & 0xffffffff) << 3), v = last >> 32;
  if (any(over_7)) {
    const Words skip = 128 - 8 * n;
    const Words first = shift_right(text.middle, skip) | shift_left(last, 64 - skip);
    const auto mixed = mix_8_to_16(first, last, mul);
    u = select(over_7, mixed.u, u);
    v = select(over_7, mixed.v, v);
  }
  if (any(over_16)) {
    const Words skip = 192 - 8 * n;
    const Words first = shift_right(text.first, skip) | shift_left(text.middle, 64 - skip);
    const Words second = shift_right(text.middle, skip) | shift_left(last, 64 - skip);
    const auto mixed = mix_17_to_32(first, second, text.middle, last, mul);
    u = select(over_16, mixed.u, u);
    v = select(over_16, mixed.v, v);
  }
  const Words hash = hash_16(u, v, mul);
  const Mask below_4 = below(n, 4);
  return any(below_4) ? select(below_4, hash_of_1_to_3(text), hash) : hash;
}

void int64s(const uint64_t* values, int64_t n, Divisor by, uint64_t* out) noexcept {
  for (int64_t i = 0; i < n; i += kWords) {
    const Words x = load(values + i, n - i), minus = x >> 63;
    const Text text = decimal_text((x ^ -minus) + minus, minus);
    store(out + i, n - i, modulo(fingerprint(text), by));
  }
}

void uint64s(const uint64_t* values, int64_t n, Divisor by, uint64_t* out) noexcept {
  for (int64_t i = 0; i < n; i += kWords) {
    const Text text = decimal_text(load(values + i, n - i), Words{});
    store(out + i, n - i, modulo(fingerprint(text), by));
  }
}

void strings_one_by_one(const uint8_t* data, const int64_t* offsets, int64_t n, Divisor by,
                        uint64_t* out) {
  for (int64_t i = 0; i < n; ++i) {
    const auto size = static_cast<uint64_t>(offsets[i + 1] - offsets[i]);
    out[i] = modulo(fingerprint(data + offsets[i], size), by);
  }
}

#if WEFT_ISA_LEVEL >= 4
Words gather(Mask mask, const uint8_t* data, Words at) {
  return words(_mm512_mask_i64gather_epi64(_mm512_setzero_si512(), mask, raw(at), data, 1));
}

// Of those strings of 8 to 32 bytes that are set in `mask`.
Words fingerprints(Mask mask, const uint8_t* data, Words begin, Words n) {
  const Words mul = k2 + n * 2;
  const Mask over_16 = mask & above(n, 16);
  const Words first = gather(mask, data, begin), last = gather(mask, data, begin + n - 8);
  auto mixed = mix_8_to_16(first, last, mul);
  if (any(over_16)) {
    const auto more = mix_17_to_32(first, gather(over_16, data, begin + 8),
                                   gather(over_16, data, begin + n - 16), last, mul);
    mixed = {select(over_16, more.u, mixed.u), select(over_16, more.v, mixed.v)};
  }
  return hash_16(mixed.u, mixed.v, mul);
}
#endif

void strings(const uint8_t* data, const int64_t* offsets, int64_t n, Divisor by,
             uint64_t* out) noexcept {
  int64_t i = 0;
#if WEFT_ISA_LEVEL >= 4
  for (; i + kWords <= n; i += kWords) {
    const auto* at = reinterpret_cast<const uint64_t*>(offsets) + i;
    const Words begin = load(at, kWords), size = load(at + 1, kWords) - begin;
    const Mask usual = below(size - 8, 25);
    if (__builtin_popcount(usual) < kWords / 2) {
      strings_one_by_one(data, offsets + i, kWords, by, out + i);
      continue;
    }
    store(out + i, kWords, modulo(fingerprints(usual, data, begin, size), by));
    for (unsigned rest = 0xff & ~usual; rest != 0; rest &= rest - 1) {
      const int one = __builtin_ctz(rest);
      strings_one_by_one(data, offsets + i + one, 1, by, out + i + one);
    }
  }
#endif
  strings_one_by_one(data, offsets + i, n - i, by, out + i);
}

void chains(uint64_t seed, const uint64_t* const* keys, int64_t num_keys, int64_t begin,
            int64_t end, Divisor by, uint64_t* out) noexcept {
  for (int64_t i = begin; i < end; i += kWords) {
    Words hash = all(seed);
    for (int64_t key = 0; key < num_keys; ++key)
      hash = fingerprint_cat(hash, load(keys[key] + i, end - i));
    store(out + i, end - i, modulo(hash, by));
  }
}

}  // namespace

extern const FingerprintKernel fingerprint_kernel = {strings, int64s, uint64s, chains};

}  // namespace weft::WEFT_ISA
