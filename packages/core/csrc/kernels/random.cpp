#include "kernels/random.hpp"

#include "kernels/interleave.hpp"
#include "kernels/math.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

using u64 = std::uint64_t;
using u32 = std::uint32_t;

constexpr int ROUNDS = 10;
constexpr long PIECE = 512;  // words made before they are used: they stay in the first cache

LAMPAS_INLINE u64 high_of_product(u64 a, u64 b, u64* low) {
    const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
    *low = static_cast<u64>(product);
    return static_cast<u64>(product >> 64);
}

// The four words of a block. Its rounds wait for their products; those of the next block,
// which depend on nothing here, fill the time.
LAMPAS_INLINE void cipher(const Stream& from, u64 block, u64* y) {
    u64 a = block, b = 0, c = 0, d = 0;
    u64 k0 = from.key[0], k1 = from.key[1];
    for (int round = 0; round < ROUNDS; ++round) {
        u64 low0, low1;
        const u64 high0 = high_of_product(0xD2E7470EE14C6C93u, a, &low0);
        const u64 high1 = high_of_product(0xCA5A826395121157u, c, &low1);
        a = high1 ^ b ^ k0;
        b = low1;
        c = high0 ^ d ^ k1;
        d = low0;
        k0 += 0x9E3779B97F4A7C15u;
        k1 += 0xBB67AE8584CAA73Bu;
    }
    y[0] = a;
    y[1] = b;
    y[2] = c;
    y[3] = d;
}

void words(const Stream& from, u64* y, long count) {
    u64 block = from.block;
    for (; count >= 4; count -= 4, y += 4, ++block) cipher(from, block, y);
    if (count > 0) {
        u64 last[4];
        cipher(from, block, last);
        std::memcpy(y, last, static_cast<std::size_t>(count) * sizeof(u64));
    }
}

// use(words, first, count) for pieces of `count` numbers, `each` of which a word gives.
template <int EACH, class Use>
LAMPAS_INLINE void in_pieces(Stream from, long count, Use use) {
    alignas(64) u64 piece[PIECE];
    for (long first = 0; first < count; first += PIECE * EACH) {
        const long rest = count - first, now = rest < PIECE * EACH ? rest : PIECE * EACH;
        words(from, piece, (now + EACH - 1) / EACH);
        use(piece, first, now);
        from.block += PIECE / 4;
    }
}

// The halves of words, which they may be read as; the machines that there are paths for
// have the low one first.
typedef u32 half_word __attribute__((may_alias));
LAMPAS_INLINE const half_word* halves(const u64* piece) {
    return reinterpret_cast<const half_word*>(piece);
}

void uniform32(const Stream& from, float* y, long count, int bits) {
    const float scale = 1.0f / static_cast<float>(1u << bits);
    const int shift = 32 - bits;
    in_pieces<2>(from, count, [=](const u64* piece, long first, long now) {
        const half_word* half = halves(piece);
        float* __restrict to = y + first;
        // As a signed integer, for whose conversion there is an instruction.
        for (long i = 0; i < now; ++i) {
            to[i] = static_cast<float>(static_cast<std::int32_t>(half[i] >> shift)) * scale;
        }
    });
}

void uniform64(const Stream& from, double* y, long count) {
    in_pieces<1>(from, count, [=](const u64* piece, long first, long now) {
        for (long i = 0; i < now; ++i) {
            y[first + i] = static_cast<double>(static_cast<std::int64_t>(piece[i] >> 11)) * 0x1p-53;
        }
    });
}

void below(const Stream& from, bool* y, long count, u64 limit) {
    if (limit > 0xffffffffu) {
        std::memset(y, 1, static_cast<std::size_t>(count));
        return;
    }
    const u32 most = static_cast<u32>(limit);
    in_pieces<2>(from, count, [=](const u64* piece, long first, long now) {
        const half_word* half = halves(piece);
        bool* __restrict to = y + first;
        for (long i = 0; i < now; ++i) to[i] = half[i] < most;
    });
}

void integers(const Stream& from, u64* y, long count, u64 low, u64 span) {
    words(from, y, count);
    u64 unused;
    for (long i = 0; i < count; ++i) {
        y[i] = low + (span == 0 ? y[i] : high_of_product(y[i], span, &unused));
    }
}

// ---- normal numbers

// x, negative where the sign bit of `bits` is set and positive where it was negative.
LAMPAS_INLINE f32v signed_by(f32v x, i32v bits) { return bits_of<f32v>(bits_of<i32v>(x) ^ bits); }

// A number in two parts, of which the second is what the first has lost: so all roundings
// but the last of a normal number hardly count.
struct Parts {
    f32v most, rest;
};

// n + 1/2, the middle of the interval that an integer stands for.
LAMPAS_INLINE Parts middle_of(i32v n) {
    const f32v near = __builtin_convertvector(n, f32v);
    const f32v lost = __builtin_convertvector(n - __builtin_convertvector(near, i32v), f32v);
    const f32v most = near + 0.5f;
    return {most, (0.5f - (most - near)) + lost};
}

// log(u) for u = (n + 1/2) / 2^32; over one half through 1 - u, which is exact.
LAMPAS_INLINE Parts log_of_unit(i32v n) {
    const i32v upper = n < 0;
    const Parts middle = middle_of(n ^ upper);
    const f32v small = middle.most * 0x1p-32f, lost = middle.rest * 0x1p-32f;
    const f32v left = 1.0f - small;
    const f32v u = upper ? left : small;
    const f32v missing = upper ? ((1.0f - left) - small) - lost : lost;
    f32v e;
    const f32v f = taken_apart(u, &e);
    const f32v tail = log_tail(f) + (missing / u + e * LN_2_LOW);
    // Of log 2 this part has so few digits that the product is exact.
    const f32v whole = e * LN_2_HIGH, most = whole + f;
    const f32v rest = (f - (most - whole)) + tail, sum = most + rest;
    return {sum, rest - (sum - most)};
}

// sqrt(-2 log u): the root, and Newton's correction of it.
LAMPAS_INLINE Parts radius(i32v n) {
    const Parts log = log_of_unit(n);
    const f32v square = log.most * -2.0f, most = root(square);
    return {most, ((square - most * most) - log.rest * 2.0f) / (most + most)};
}

// cos and sin of the angle 2 pi (n + 1/2) / 2^32.
LAMPAS_INLINE void around(i32v n, Parts* cosine, Parts* sine) {
    constexpr float UNIT = 1.462918119976564e-9f;   // 2 pi / 2^32
    constexpr float LEFT = -4.07094042765558e-17f;  // what that leaves
    // The angle wraps around, which only unsigned numbers may.
    const u32v turn = bits_of<u32v>(n);
    const i32v quadrant = bits_of<i32v>(turn + 0x20000000u) >> 30;
    const Parts middle = middle_of(bits_of<i32v>(turn - (bits_of<u32v>(quadrant) << 30)));
    const f32v r = middle.most * UNIT;
    const f32v less = (middle.most * UNIT - r) + (middle.most * LEFT + middle.rest * UNIT);
    const f32v s = r * r, near = 1.0f - s * 0.5f;
    const Parts odd = {r, sine_tail(r) + less * near};
    const Parts even = {near, ((1.0f - near) - s * 0.5f) + (cosine_tail(r) - r * less)};
    const i32v swapped = (quadrant & 1) != 0;
    const i32v x = ((quadrant + 1) & 2) << 30, y = (quadrant & 2) << 30;
    *cosine = {signed_by(swapped ? odd.most : even.most, x),
               signed_by(swapped ? odd.rest : even.rest, x)};
    *sine = {signed_by(swapped ? even.most : odd.most, y),
             signed_by(swapped ? even.rest : odd.rest, y)};
}

LAMPAS_INLINE f32v product(const Parts& a, const Parts& b) {
    return a.most * b.most + (a.most * b.rest + a.rest * b.most);
}

// So many pairs from so many pairs of halves: whole vectors of them.
LAMPAS_INLINE void normal_pairs(const std::int32_t* half, float* y) {
    using P = pairs_of<LANES>;
    const i32v a = load(half), b = load(half + LANES);
    const Parts r = radius(P::firsts(a, b));
    Parts cosine, sine;
    around(P::seconds(a, b), &cosine, &sine);
    const f32v x = product(r, cosine), z = product(r, sine);
    store<float>(y, P::low(x, z));
    store<float>(y + LANES, P::high(x, z));
}

void normal32(const Stream& from, float* y, long count) {
    constexpr long STEP = 2 * LANES;
    in_pieces<2>(from, count, [=](const u64* piece, long first, long now) {
        const auto* half = reinterpret_cast<const std::int32_t*>(piece);
        long i = 0;
        for (; i + STEP <= now; i += STEP) normal_pairs(half + i, y + first + i);
        if (i < now) {
            const std::size_t bytes = static_cast<std::size_t>(now - i) * sizeof(float);
            std::int32_t last[STEP] = {};
            float result[STEP];
            std::memcpy(last, half + i, bytes);
            normal_pairs(last, result);
            std::memcpy(y + first + i, result, bytes);
        }
    });
}

LAMPAS_INLINE double open_unit(u64 word) {
    const double unit =
        (static_cast<double>(static_cast<std::int64_t>(word >> 11)) + 0.5) * 0x1p-53;
    return unit < 1.0 - 0x1p-53 ? unit : 1.0 - 0x1p-53;
}

void normal64(const Stream& from, double* y, long count) {
    in_pieces<1>(from, count, [=](const u64* piece, long first, long now) {
        for (long i = 0; i < now; i += 2) {
            const double r = __builtin_sqrt(-2.0 * __builtin_log(open_unit(piece[i])));
            const double angle = open_unit(piece[i + 1]) * 6.283185307179586;
            y[first + i] = r * __builtin_cos(angle);
            y[first + i + 1] = r * __builtin_sin(angle);
        }
    });
}

void drop(const float* __restrict x, const bool* __restrict keep, float* __restrict y,
          long count, float scale, bool one) {
    const auto* kept = reinterpret_cast<const unsigned char*>(keep);
    if (one) {
        const float all_kept = static_cast<float>(kept[0]);
        for (long i = 0; i < count; ++i) y[i] = x[i] * all_kept * scale;
        return;
    }
    for (long i = 0; i < count; ++i) y[i] = x[i] * static_cast<float>(kept[i]) * scale;
}

}  // namespace
}  // namespace LAMPAS_PATH

const RandomKernels LAMPAS_PATH_OF(random_numbers) = {
    .words = LAMPAS_PATH::words,
    .uniform32 = LAMPAS_PATH::uniform32,
    .uniform64 = LAMPAS_PATH::uniform64,
    .normal32 = LAMPAS_PATH::normal32,
    .normal64 = LAMPAS_PATH::normal64,
    .below = LAMPAS_PATH::below,
    .integers = LAMPAS_PATH::integers,
    .drop = LAMPAS_PATH::drop,
};

}  // namespace lampas
