#include "kernels/fft.hpp"

#include "kernels/interleave.hpp"
#include "kernels/transpose.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

// A complex number of each line.
template <class T>
struct Complex {
    vec<T> re, im;
};

template <class T>
LAMPAS_INLINE Complex<T> operator+(const Complex<T>& a, const Complex<T>& b) {
    return {a.re + b.re, a.im + b.im};
}
template <class T>
LAMPAS_INLINE Complex<T> operator-(const Complex<T>& a, const Complex<T>& b) {
    return {a.re - b.re, a.im - b.im};
}
template <class T>
LAMPAS_INLINE Complex<T> turned(const Complex<T>& a, T re, T im) {
    return {a.re * re - a.im * im, a.re * im + a.im * re};
}

// Numbers of all lines lie side by side, real parts before imaginary ones.
template <class T>
LAMPAS_INLINE Complex<T> get(const T* work, long i) {
    const T* at = work + i * 2 * lanes<T>;
    return {load(at), load(at + lanes<T>)};
}
template <class T>
LAMPAS_INLINE void put(T* work, long i, const Complex<T>& value) {
    T* at = work + i * 2 * lanes<T>;
    store<T>(at, value.re);
    store<T>(at + lanes<T>, value.im);
}

// The transform of R numbers; `roots` has those of order R.
template <int R, class T>
LAMPAS_INLINE void butterfly(Complex<T>* a, const T* roots) {
    if constexpr (R == 2) {
        const Complex<T> b = a[1];
        a[1] = a[0] - b;
        a[0] = a[0] + b;
    } else if constexpr (R == 4) {
        const Complex<T> even = a[0] + a[2], odd = a[1] + a[3];
        const Complex<T> other = a[0] - a[2], left = a[1] - a[3];
        a[0] = even + odd;
        a[1] = {other.re + left.im, other.im - left.re};
        a[2] = even - odd;
        a[3] = {other.re - left.im, other.im + left.re};
    } else {
        // Pairs j and R - j have roots that are conjugate to each other.
        constexpr int HALF = R / 2;
        Complex<T> sums[HALF], differences[HALF], total = a[0];
        const Complex<T> first = a[0];
        for (int j = 0; j < HALF; ++j) {
            sums[j] = a[j + 1] + a[R - 1 - j];
            differences[j] = a[j + 1] - a[R - 1 - j];
            total = total + sums[j];
        }
        a[0] = total;
        for (int k = 1; k <= HALF; ++k) {
            Complex<T> near = first, far = {vec<T>{}, vec<T>{}};
            for (int j = 0; j < HALF; ++j) {
                const int power = (j + 1) * k % R;
                const T cosine = roots[2 * power], sine = roots[2 * power + 1];
                near = {near.re + sums[j].re * cosine, near.im + sums[j].im * cosine};
                far = {far.re - differences[j].im * sine, far.im + differences[j].re * sine};
            }
            a[k] = near + far;
            a[R - k] = near - far;
        }
    }
}

// One stage of Stockham's order: `left` numbers are still to be joined, in `stride` sets.
template <int R, class T>
void stage(const T* x, T* y, long left, long stride, const FftPlan<T>& plan) {
    T own[2 * R];
    for (int k = 0; k < R; ++k) {
        own[2 * k] = plan.roots[2 * (plan.length / R) * k];
        own[2 * k + 1] = plan.roots[2 * (plan.length / R) * k + 1];
    }
    const long part = left / R;
    for (long p = 0; p < part; ++p) {
        for (long q = 0; q < stride; ++q) {
            Complex<T> a[R];
            for (int j = 0; j < R; ++j) a[j] = get(x, q + stride * (p + part * j));
            butterfly<R>(a, own);
            put(y, q + stride * R * p, a[0]);
            for (int k = 1; k < R; ++k) {
                const T* root = plan.roots + 2 * p * k * stride;
                put(y, q + stride * (R * p + k), turned(a[k], root[0], root[1]));
            }
        }
    }
}

// Transform what lies in `a`; gives the one of `a` and `b` in which the result is.
template <class T>
T* transform(T* a, T* b, const FftPlan<T>& plan) {
    long left = plan.length, stride = 1;
    for (int i = 0; i < plan.stages; ++i) {
        const int radix = plan.radix[i];
        switch (radix) {
            case 2: stage<2>(a, b, left, stride, plan); break;
            case 3: stage<3>(a, b, left, stride, plan); break;
            case 4: stage<4>(a, b, left, stride, plan); break;
            case 5: stage<5>(a, b, left, stride, plan); break;
            case 7: stage<7>(a, b, left, stride, plan); break;
            case 11: stage<11>(a, b, left, stride, plan); break;
            default: stage<13>(a, b, left, stride, plan); break;
        }
        left /= radix;
        stride *= radix;
        T* const result = b;
        b = a;
        a = result;
    }
    return a;
}

template <int... J>
struct Lanes {};
template <int COUNT> struct lanes_up_to;
template <> struct lanes_up_to<2> { using type = Lanes<0, 1>; };
template <> struct lanes_up_to<4> { using type = Lanes<0, 1, 2, 3>; };
template <> struct lanes_up_to<8> { using type = Lanes<0, 1, 2, 3, 4, 5, 6, 7>; };
template <> struct lanes_up_to<16> {
    using type = Lanes<0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15>;
};

// One element of each of some places; put together in registers, for memory that was
// written in parts is slow to read as a whole.
template <class T, int... J>
LAMPAS_INLINE vec<T> gathered(const char* const* at, long offset, Lanes<J...>) {
    return vec<T>{*reinterpret_cast<const T*>(at[J] + offset)...};
}
// Number i of each line; lanes without a line repeat the first, so that nothing is read
// that is not there.
template <class T>
struct Reader {
    const char* at[lanes<T>];
    long step;

    explicit Reader(const FftLines& lines) : step(lines.from_step) {
        for (int j = 0; j < lanes<T>; ++j) {
            at[j] = lines.from + lines.from_at[j < lines.count ? j : 0];
        }
    }
    LAMPAS_INLINE vec<T> real(long i, int part = 0) const {
        return gathered<T>(at, i * step + part * static_cast<long>(sizeof(T)),
                           typename lanes_up_to<lanes<T>>::type());
    }
    LAMPAS_INLINE Complex<T> complex(long i) const { return {real(i), real(i, 1)}; }
};

template <class T>
struct Writer {
    char* at[lanes<T>];
    long step;
    int count;
    T factor;

    explicit Writer(const FftLines& lines)
        : step(lines.to_step), count(lines.count), factor(static_cast<T>(lines.factor)) {
        for (int j = 0; j < count; ++j) at[j] = lines.to + lines.to_at[j];
    }
    LAMPAS_INLINE void real(long i, vec<T> value) const {
        T lane[lanes<T>];
        store<T>(lane, value * factor);
        for (int j = 0; j < count; ++j) std::memcpy(at[j] + i * step, &lane[j], sizeof(T));
    }
    LAMPAS_INLINE void complex(long i, const Complex<T>& value) const {
        T re[lanes<T>], im[lanes<T>];
        store<T>(re, value.re * factor);
        store<T>(im, value.im * factor);
        if (count == lanes<T>) {
            for (int j = 0; j < lanes<T>; ++j) both(i, j, re[j], im[j]);
        } else {
            for (int j = 0; j < count; ++j) both(i, j, re[j], im[j]);
        }
    }
    LAMPAS_INLINE void both(long i, int j, T re, T im) const {
        const T pair[2] = {re, im};
        std::memcpy(at[j] + i * step, pair, sizeof pair);
    }
};

// The inverse is the transform with real and imaginary parts exchanged before and after.
template <class T>
LAMPAS_INLINE Complex<T> exchanged(const Complex<T>& a, bool really) {
    return really ? Complex<T>{a.im, a.re} : a;
}

// Numbers of which both parts, and all neighbours, lie side by side in each line: they are
// transposed as whole vectors. What is left of `count` goes one by one.
template <class T>
long read_blocks(const Reader<T>& reader, T* a, long count, bool back) {
    constexpr int W = lanes<T>, EACH = W / 2;
    long i = 0;
    for (; i + EACH <= count; i += EACH) {
        vec<T> r[W];
        for (int j = 0; j < W; ++j) {
            r[j] = load(reinterpret_cast<const T*>(reader.at[j]) + 2 * i);
        }
        transpose<T>(r);
        for (int k = 0; k < EACH; ++k) {
            put(a, i + k, exchanged(Complex<T>{r[2 * k], r[2 * k + 1]}, back));
        }
    }
    return i;
}

template <class T>
long write_blocks(const Writer<T>& writer, const T* y, long count, bool back) {
    constexpr int W = lanes<T>, EACH = W / 2;
    if (writer.count < W) return 0;
    long i = 0;
    for (; i + EACH <= count; i += EACH) {
        vec<T> r[W];
        for (int k = 0; k < EACH; ++k) {
            const Complex<T> z = exchanged(get(y, i + k), back);
            r[2 * k] = z.re * writer.factor;
            r[2 * k + 1] = z.im * writer.factor;
        }
        transpose<T>(r);
        for (int j = 0; j < W; ++j) store<T>(reinterpret_cast<T*>(writer.at[j]) + 2 * i, r[j]);
    }
    return i;
}

// Whether the lines' numbers lie side by side, as in the columns of a matrix.
template <class T, class Side>
bool are_neighbours(const Side& side, int count) {
    for (int j = 1; j < count; ++j) {
        if (side.at[j] - side.at[0] != j * 2 * static_cast<long>(sizeof(T))) return false;
    }
    return count == lanes<T>;
}

template <class T>
long read_columns(const Reader<T>& reader, T* a, long count, bool back) {
    using P = pairs_of<lanes<T>>;
    for (long i = 0; i < count; ++i) {
        const T* at = reinterpret_cast<const T*>(reader.at[0] + i * reader.step);
        const vec<T> left = load(at), right = load(at + lanes<T>);
        put(a, i, exchanged(Complex<T>{P::firsts(left, right), P::seconds(left, right)}, back));
    }
    return count;
}

template <class T>
long write_columns(const Writer<T>& writer, const T* y, long count, bool back) {
    using P = pairs_of<lanes<T>>;
    for (long i = 0; i < count; ++i) {
        const Complex<T> z = exchanged(get(y, i), back);
        const vec<T> re = z.re * writer.factor, im = z.im * writer.factor;
        T* at = reinterpret_cast<T*>(writer.at[0] + i * writer.step);
        store<T>(at, P::low(re, im));
        store<T>(at + lanes<T>, P::high(re, im));
    }
    return count;
}

template <class T>
constexpr long ITEM = static_cast<long>(sizeof(T));

template <class T>
void run_complex(const FftPlan<T>& plan, const FftLines& lines, T* a, T* b) {
    const Reader<T> reader(lines);
    const Writer<T> writer(lines);
    const bool back = lines.inverse;
    const long m = plan.length;
    long i = lines.from_step == 2 * ITEM<T> ? read_blocks(reader, a, m, back) : 0;
    if (i == 0 && are_neighbours<T>(reader, lines.count)) i = read_columns(reader, a, m, back);
    for (; i < m; ++i) put(a, i, exchanged(reader.complex(i), back));
    const T* y = transform(a, b, plan);
    i = lines.to_step == 2 * ITEM<T> ? write_blocks(writer, y, m, back) : 0;
    if (i == 0 && are_neighbours<T>(writer, lines.count)) i = write_columns(writer, y, m, back);
    for (; i < m; ++i) writer.complex(i, exchanged(get(y, i), back));
}

template <class T>
void run_to_half(const FftPlan<T>& plan, const FftLines& lines, T* a, T* b) {
    const Reader<T> reader(lines);
    const Writer<T> writer(lines);
    const long m = plan.length;
    if (plan.turns == nullptr) {
        for (long i = 0; i < m; ++i) put(a, i, {reader.real(i), vec<T>{}});
        const T* y = transform(a, b, plan);
        for (long i = 0; i <= plan.n / 2; ++i) writer.complex(i, get(y, i));
        return;
    }
    long i = lines.from_step == ITEM<T> ? read_blocks(reader, a, m, false) : 0;
    for (; i < m; ++i) put(a, i, {reader.real(2 * i), reader.real(2 * i + 1)});
    const T* y = transform(a, b, plan);
    T* const result = y == a ? b : a;
    const T half = static_cast<T>(0.5);
    for (long k = 0; k <= m; ++k) {
        const Complex<T> z = get(y, k == m ? 0 : k), mirror = get(y, k == 0 ? 0 : m - k);
        const Complex<T> even = {(z.re + mirror.re) * half, (z.im - mirror.im) * half};
        const Complex<T> odd = {(z.im + mirror.im) * half, (mirror.re - z.re) * half};
        put(result, k, even + turned(odd, plan.turns[2 * k], plan.turns[2 * k + 1]));
    }
    i = lines.to_step == 2 * ITEM<T> ? write_blocks(writer, result, m + 1, false) : 0;
    for (; i <= m; ++i) writer.complex(i, get(result, i));
}

// The imaginary parts of the constant and of the highest frequency do not count.
template <class T>
LAMPAS_INLINE Complex<T> spectrum_at(const Reader<T>& reader, long k, long n) {
    return {reader.real(k), k == 0 || 2 * k == n ? vec<T>{} : reader.real(k, 1)};
}

template <class T>
void run_from_half(const FftPlan<T>& plan, const FftLines& lines, T* a, T* b) {
    const Reader<T> reader(lines);
    const Writer<T> writer(lines);
    const long m = plan.length, n = plan.n;
    if (plan.turns == nullptr) {
        for (long k = 0; k <= n / 2; ++k) {
            const Complex<T> z = spectrum_at(reader, k, n);
            put(a, k, {z.im, z.re});
            if (k > 0) put(a, n - k, {-z.im, z.re});
        }
        const T* y = transform(a, b, plan);
        for (long i = 0; i < n; ++i) writer.real(i, get(y, i).im);
        return;
    }
    for (long k = 0; k < m; ++k) {
        const Complex<T> z = spectrum_at(reader, k, n), w = spectrum_at(reader, m - k, n);
        const Complex<T> even = {z.re + w.re, z.im - w.im}, left = {z.re - w.re, z.im + w.im};
        const Complex<T> odd = turned(left, plan.turns[2 * k], -plan.turns[2 * k + 1]);
        put(a, k, {even.im + odd.re, even.re - odd.im});
    }
    const T* y = transform(a, b, plan);
    long i = lines.to_step == ITEM<T> ? write_blocks(writer, y, m, true) : 0;
    for (; i < m; ++i) {
        const Complex<T> z = get(y, i);
        writer.real(2 * i, z.im);
        writer.real(2 * i + 1, z.re);
    }
}

template <class T>
void run(const FftPlan<T>& plan, const FftLines& lines, T* work) {
    T* const other = work + 2 * lanes<T> * (plan.length + 1);
    switch (lines.kind) {
        case Transform::complex: run_complex(plan, lines, work, other); break;
        case Transform::to_half: run_to_half(plan, lines, work, other); break;
        case Transform::from_half: run_from_half(plan, lines, work, other); break;
    }
}

}  // namespace
}  // namespace LAMPAS_PATH

const FftKernels LAMPAS_PATH_OF(fft) = {
    {LAMPAS_PATH::lanes<float>, LAMPAS_PATH::run<float>},
    {LAMPAS_PATH::lanes<double>, LAMPAS_PATH::run<double>}};

}  // namespace lampas
