#include "base/fingerprint_kernel.h"

#if defined(__x86_64__) && WEFT_ISA_LEVEL >= 4
#include <immintrin.h>
#endif

namespace weft::WEFT_ISA {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are read as they lie in memory");

constexpr uint64_t k0 = 0xc3a5c85c97cb3127u;
constexpr uint64_t k1 = 0xb492b66fbe98f273u;
constexpr uint64_t k2 = 0x9ae16a3b2f90404fu;

template <int By, class Word>
Word rotate(Word x) {
  return (x >> By) | (x << (64 - By));
}

template <class Word>
Word hash_16(Word u, Word v, Word mul) {
  const Word a = shift_mix((u ^ v) * mul);
  return shift_mix((v ^ a) * mul) * mul;
}

// What hash_16 is given of 8 to 32 bytes: the first eight and the last eight of them, and, of more
// than 16, the second and the last but one eight.
template <class Word>
struct Mixed {
  Word u, v;
};

template <class Word>
Mixed<Word> mix_8_to_16(Word first, Word last, Word mul) {
  const Word a = first + k2;
  return {rotate<37>(last) * mul + a, (rotate<25>(a) + last) * mul};
}

template <class Word>
Mixed<Word> mix_17_to_32(Word first, Word second, Word before_last, Word last, Word mul) {
  const Word a = first * k1, c = last * mul;
  return {rotate<43>(a + second) + rotate<30>(c) + before_last * k2,
          a + rotate<18>(second + k2) + c};
}

// --- strings

struct Pair {
  uint64_t first;
  uint64_t second;
};

uint64_t word(const uint8_t* p) {
  uint64_t x;
  __builtin_memcpy(&x, p, 8);
  return x;
}

uint64_t half_word(const uint8_t* p) {
  uint32_t x;
  __builtin_memcpy(&x, p, 4);
  return x;
}

uint64_t hash_0_to_16(const uint8_t* s, uint64_t n) {
  const uint64_t mul = k2 + n * 2;
  if (n >= 8) {
    const auto mixed = mix_8_to_16(word(s), word(s + n - 8), mul);
    return hash_16(mixed.u, mixed.v, mul);
  }
  if (n >= 4) return hash_16(n + (half_word(s) << 3), half_word(s + n - 4), mul);
  if (n == 0) return k2;
  const uint64_t y = s[0] + (uint64_t{s[n >> 1]} << 8), z = n + (uint64_t{s[n - 1]} << 2);
  return shift_mix((y * k2) ^ (z * k0)) * k2;
}

uint64_t hash_17_to_32(const uint8_t* s, uint64_t n) {
  const uint64_t mul = k2 + n * 2;
  const auto mixed = mix_17_to_32(word(s), word(s + 8), word(s + n - 16), word(s + n - 8), mul);
  return hash_16(mixed.u, mixed.v, mul);
}

uint64_t hash_33_to_64(const uint8_t* s, uint64_t n) {
  const uint64_t mul = k2 + n * 2;
  const uint64_t a = word(s) * k2, b = word(s + 8), c = word(s + n - 8) * mul,
                 d = word(s + n - 16) * k2;
  const uint64_t y = rotate<43>(a + b) + rotate<30>(c) + d;
  const uint64_t z = hash_16(y, a + rotate<18>(b + k2) + c, mul);
  const uint64_t e = word(s + 16) * mul, f = word(s + 24);
  const uint64_t g = (y + word(s + n - 32)) * mul, h = (z + word(s + n - 24)) * mul;
  return hash_16(rotate<43>(e + f) + rotate<30>(g) + h, e + rotate<18>(f + a) + g, mul);
}

// 32 bytes at s, under the seeds a and b.
Pair weak_hash_32(const uint8_t* s, uint64_t a, uint64_t b) {
  const uint64_t w = word(s), x = word(s + 8), y = word(s + 16), z = word(s + 24);
  a += w;
  b = rotate<21>(b + a + z);
  const uint64_t c = a;
  a += x + y;
  b += rotate<44>(a);
  return {a + z, b + c};
}

struct State {
  uint64_t x, y, z;
  Pair v{0, 0}, w{0, 0};

  void mix(const uint8_t* s, uint64_t mul, uint64_t times) {
    const uint64_t turned = rotate<37>(x + y + v.first + word(s + 8)) * mul ^ w.second * times;
    y = rotate<42>(y + v.second + word(s + 48)) * mul + v.first * times + word(s + 40);
    x = rotate<33>(z + w.first) * mul;
    v = weak_hash_32(s, v.second * mul, turned + w.first);
    w = weak_hash_32(s + 32, x + w.second, y + word(s + 16));
    z = turned;
  }
};

uint64_t hash_over_64(const uint8_t* s, uint64_t n) {
  constexpr uint64_t kSeed = 81;
  State state{kSeed * k2 + word(s), kSeed * k1 + 113, 0};
  state.z = shift_mix(state.y * k2 + 113) * k2;
  // Whole blocks but the last; then the last 64 bytes, which may overlap them.
  const uint8_t* const end = s + (n - 1) / 64 * 64;
  const uint8_t* const last = s + n - 64;
  for (; s != end; s += 64) state.mix(s, k1, 1);
  const uint64_t mul = k1 + ((state.z & 0xff) << 1);
  state.w.first += (n - 1) & 63;
  state.v.first += state.w.first;
  state.w.first += state.v.first;
  state.mix(last, mul, 9);
  return hash_16(hash_16(state.v.first, state.w.first, mul) + shift_mix(state.y) * k0 + state.z,
                 hash_16(state.v.second, state.w.second, mul) + state.x, mul);
}

uint64_t fingerprint(const uint8_t* s, uint64_t n) {
  if (n <= 16) return hash_0_to_16(s, n);
  if (n <= 32) return hash_17_to_32(s, n);
  if (n <= 64) return hash_33_to_64(s, n);
  return hash_over_64(s, n);
}

// --- as many words at once as the instruction set multiplies; load and store take the first n, if
// those are fewer

#if WEFT_ISA_LEVEL >= 4
constexpr int kWords = 8;
typedef uint64_t Words __attribute__((vector_size(64)));
typedef __mmask8 Mask;
// The masked forms are the same instructions; GCC 12 takes the plain ones' operand for
// uninitialized.
constexpr Mask kAll = 0xff;

Mask first(int64_t n) { return static_cast<Mask>(n < kWords ? (1 << n) - 1 : 0xff); }
Words load(const uint64_t* p, int64_t n) {
  return reinterpret_cast<Words>(_mm512_maskz_loadu_epi64(first(n), p));
}
void store(uint64_t* p, int64_t n, Words x) {
  _mm512_mask_storeu_epi64(p, first(n), reinterpret_cast<__m512i>(x));
}
Words all(uint64_t x) { return Words{} + x; }
Mask above(Words x, uint64_t bound) {
  return _mm512_cmpgt_epu64_mask(reinterpret_cast<__m512i>(x),
                                 reinterpret_cast<__m512i>(all(bound)));
}
Words select(Mask mask, Words yes, Words no) {
  return reinterpret_cast<Words>(
      _mm512_mask_blend_epi64(mask, reinterpret_cast<__m512i>(no), reinterpret_cast<__m512i>(yes)));
}
Mask below(Words x, uint64_t bound) {
  return _mm512_cmplt_epu64_mask(reinterpret_cast<__m512i>(x),
                                 reinterpret_cast<__m512i>(all(bound)));
}
bool any(Mask mask) { return mask != 0; }
// Of the low halves.
Words multiply_low(Words a, Words b) {
  return reinterpret_cast<Words>(
      _mm512_maskz_mul_epu32(kAll, reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
}
Words multiply_high(Words a, Words b) {
  const Words low = multiply_low(a, b), middle = multiply_low(a >> 32, b) + (low >> 32);
  const Words other = multiply_low(a, b >> 32) + (middle & 0xffffffff);
  return multiply_low(a >> 32, b >> 32) + (middle >> 32) + (other >> 32);
}
// Shifts by 64 and more, and by less than 0, give 0.
Words shift_left(Words x, Words by) {
  return reinterpret_cast<Words>(
      _mm512_maskz_sllv_epi64(kAll, reinterpret_cast<__m512i>(x), reinterpret_cast<__m512i>(by)));
}
Words shift_right(Words x, Words by) {
  return reinterpret_cast<Words>(
      _mm512_maskz_srlv_epi64(kAll, reinterpret_cast<__m512i>(x), reinterpret_cast<__m512i>(by)));
}
// The place of the lowest bit that is set; x is not 0.
Words lowest_bit(Words x) {
  return 63 -
         reinterpret_cast<Words>(_mm512_maskz_lzcnt_epi64(kAll, reinterpret_cast<__m512i>(x & -x)));
}
Words modulo(Words x, Divisor d) {
  const Words rest = x - multiply_high(x, all(d.reciprocal)) * d.by;
  return select(above(rest, d.by - 1), rest - d.by, rest);
}
#else
constexpr int kWords = 1;
typedef uint64_t Words;
typedef bool Mask;

Words load(const uint64_t* p, int64_t) { return *p; }
void store(uint64_t* p, int64_t, Words x) { *p = x; }
Words all(uint64_t x) { return x; }
Mask above(Words x, uint64_t bound) { return x > bound; }
Mask below(Words x, uint64_t bound) { return x < bound; }
Words select(Mask mask, Words yes, Words no) { return mask ? yes : no; }
bool any(Mask mask) { return mask; }
Words multiply_low(Words a, Words b) { return (a & 0xffffffff) * (b & 0xffffffff); }
Words multiply_high(Words a, Words b) {
  return static_cast<uint64_t>(static_cast<unsigned __int128>(a) * b >> 64);
}
Words shift_left(Words x, Words by) { return by < 64 ? x << by : 0; }
Words shift_right(Words x, Words by) { return by < 64 ? x >> by : 0; }
Words lowest_bit(Words x) { return static_cast<uint64_t>(__builtin_ctzll(x)); }
#endif

// Text that ends with the last byte of 24.
struct Text {
  Words first, middle, last;
  Words size;
};

// x < 10^8 as eight digits, the first one in the lowest byte, by halves: 4 + 4, 2 + 2, 1 + 1.
Words eight_digits(Words x) {
  const Words thousands = multiply_low(x, all(109951163)) >> 40;
  const Words fours = thousands | (x - multiply_low(thousands, all(10000))) << 32;
  const Words hundreds = ((fours * 10486) >> 20) & 0x0000007f0000007f;
  const Words twos = hundreds | (fours - hundreds * 100) << 16;
  const Words tens = ((twos * 103) >> 10) & 0x000f000f000f000f;
  return tens | (twos - tens * 10) << 8;
}

// Digits without the zeros before them; of 0 one is left.
Words count_digits(Words digits) { return 8 - (lowest_bit(digits | uint64_t{1} << 56) >> 3); }

// floor(x / 10^8)
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
  return reinterpret_cast<Words>(_mm512_mask_i64gather_epi64(
      _mm512_setzero_si512(), mask, reinterpret_cast<__m512i>(at), data, 1));
}

// Of strings of 8 to 32 bytes.
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
