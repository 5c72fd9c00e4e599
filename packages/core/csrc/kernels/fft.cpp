#include "kernels/fft.hpp"

#include "kernels/interleave.hpp"
#include "kernels/transpose.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

constexpr int W = lanes<double>;

// A complex number of each line.
struct Complex {
    f64v re, im;
};

LAMPAS_INLINE Complex operator+(const Complex& a, const Complex& b) {
    return {a.re + b.re, a.im + b.im};
}
LAMPAS_INLINE Complex operator-(const Complex& a, const Complex& b) {
    return {a.re - b.re, a.im - b.im};
}
LAMPAS_INLINE Complex turned(const Complex& a, double re, double im) {
    return {a.re * re - a.im * im, a.re * im + a.im * re};
}

// Numbers of all lines lie side by side, real parts before imaginary ones.
constexpr long BOTH = 2 * W;
constexpr long CACHED = 256;  // numbers that the first cache holds
// With as many registers as AVX-512 has, 8 complex numbers and what turns them stay in them.
constexpr int LARGEST_POWER = BYTES == 64 ? 8 : 4;

LAMPAS_INLINE Complex get(const double* at) { return {load(at), load(at + W)}; }
LAMPAS_INLINE void put(double* at, const Complex& value) {
    store<double>(at, value.re);
    store<double>(at + W, value.im);
}

// The transform of R numbers; `roots` begins with those of order R.
template <int R>
LAMPAS_INLINE void butterfly(Complex* a, const double* roots) {
    if constexpr (R == 2) {
        const Complex b = a[1];
        a[1] = a[0] - b;
        a[0] = a[0] + b;
    } else if constexpr (R == 4) {
        const Complex even = a[0] + a[2], odd = a[1] + a[3];
        const Complex other = a[0] - a[2], left = a[1] - a[3];
        a[0] = even + odd;
        a[1] = {other.re + left.im, other.im - left.re};
        a[2] = even - odd;
        a[3] = {other.re - left.im, other.im + left.re};
    } else if constexpr (R == 8) {
        // Even frequencies, and odd ones of what is turned by exp(-2 pi i j / 8).
        Complex even[4], odd[4];
        for (int j = 0; j < 4; ++j) {
            even[j] = a[j] + a[j + 4];
            odd[j] = a[j] - a[j + 4];
        }
        const double half = 0.70710678118654752440;  // the root of it
        odd[1] = {(odd[1].re + odd[1].im) * half, (odd[1].im - odd[1].re) * half};
        odd[2] = {odd[2].im, -odd[2].re};
        odd[3] = {(odd[3].im - odd[3].re) * half, (odd[3].re + odd[3].im) * -half};
        butterfly<4>(even, roots);
        butterfly<4>(odd, roots);
        for (int k = 0; k < 4; ++k) {
            a[2 * k] = even[k];
            a[2 * k + 1] = odd[k];
        }
    } else {
        // Pairs j and R - j have roots that are conjugate to each other.
        constexpr int HALF = R / 2;
        Complex sums[HALF], differences[HALF], total = a[0];
        const Complex first = a[0];
        for (int j = 0; j < HALF; ++j) {
            sums[j] = a[j + 1] + a[R - 1 - j];
            differences[j] = a[j + 1] - a[R - 1 - j];
            total = total + sums[j];
        }
        a[0] = total;
        for (int k = 1; k <= HALF; ++k) {
            Complex near = first, far = {f64v{}, f64v{}};
            for (int j = 0; j < HALF; ++j) {
                const int power = (j + 1) * k % R;
                const double cosine = roots[2 * power], sine = roots[2 * power + 1];
                near = {near.re + sums[j].re * cosine, near.im + sums[j].im * cosine};
                far = {far.re - differences[j].im * sine, far.im + differences[j].re * sine};
            }
            a[k] = near + far;
            a[R - k] = near - far;
        }
    }
}

// R numbers that lie `step` apart become their transform, of which PLAIN ones are not
// multiplied by `twiddles`.
template <int R, bool PLAIN>
LAMPAS_INLINE void butterfly_at(double* at, long step, const double* roots,
                                const double* twiddles) {
    Complex a[R];
    for (int j = 0; j < R; ++j) a[j] = get(at + j * step);
    butterfly<R>(a, roots);
    put(at, a[0]);
    for (int k = 1; k < R; ++k) {
        put(at + k * step,
            PLAIN ? a[k] : turned(a[k], twiddles[2 * k - 2], twiddles[2 * k - 1]));
    }
}

// One stage in place: every R numbers of a block that lie `part` apart, from front to back.
// (Those of all blocks that are turned alike would lie a power of two apart.)
template <int R>
void stage(double* x, long blocks, long part, const double* table) {
    const long step = BOTH * part;
    for (long i = 0; i < blocks; ++i, x += R * step) {
        const double* twiddles = table + 2 * R;
        butterfly_at<R, true>(x, step, table, twiddles);
        for (long p = 1; p < part; ++p) {
            twiddles += 2 * (R - 1);
            butterfly_at<R, false>(x + BOTH * p, step, table, twiddles);
        }
    }
}

void stage_of(int radix, double* x, long blocks, long part, const double* table) {
    switch (radix) {
        case 2: return stage<2>(x, blocks, part, table);
        case 3: return stage<3>(x, blocks, part, table);
        case 4: return stage<4>(x, blocks, part, table);
        case 5: return stage<5>(x, blocks, part, table);
        case 7: return stage<7>(x, blocks, part, table);
        case 8: return stage<8>(x, blocks, part, table);
        case 11: return stage<11>(x, blocks, part, table);
        default: return stage<13>(x, blocks, part, table);
    }
}

// Stages in place; frequency i is then number order[i]. Blocks that the first cache holds
// go through all of them one after the other.
void all_stages(double* x, const FftPlan& plan, int first, long length) {
    long blocks = 1;
    for (int i = first; i < plan.stages; ++i) {
        const long part = length / plan.radix[i];
        stage_of(plan.radix[i], x, blocks, part, plan.tables[i]);
        if (length > CACHED) {
            for (long k = 0; k < plan.radix[i]; ++k) {
                all_stages(x + BOTH * part * k, plan, i + 1, part);
            }
            return;
        }
        blocks *= plan.radix[i];
        length = part;
    }
}

// The inverse is the transform with real and imaginary parts exchanged before and after.
LAMPAS_INLINE Complex exchanged(const Complex& a, bool really) {
    return really ? Complex{a.im, a.re} : a;
}

// sum_j x[j] w^(j k) = c[k] sum_j (x[j] c[j]) conj(c[k - j]), of the chirp c.
void convolve(double* x, const FftPlan& plan, double* work) {
    const FftPlan& longer = *plan.longer;
    const long n = plan.length, m = longer.length;
    double *a = work, *b = work + BOTH * m;
    const auto times = [](const Complex& z, const double* of, long i) {
        return turned(z, of[2 * i], of[2 * i + 1]);
    };
    for (long i = 0; i < n; ++i) put(a + BOTH * i, times(get(x + BOTH * i), plan.chirp, i));
    for (long i = n; i < m; ++i) put(a + BOTH * i, {f64v{}, f64v{}});
    all_stages(a, longer, 0, m);
    for (long i = 0; i < m; ++i) {
        const Complex z = times(get(a + BOTH * longer.order[i]), plan.spectrum, i);
        put(b + BOTH * i, exchanged(z, true));
    }
    all_stages(b, longer, 0, m);
    for (long i = 0; i < n; ++i) {
        const Complex z = exchanged(get(b + BOTH * longer.order[i]), true);
        put(x + BOTH * i, times(z, plan.chirp, i));
    }
}

// Transform in place; frequency i is then number order[i]. What memory is needed lies
// behind that of all kinds of lines.
void transform(double* x, const FftPlan& plan, double* work) {
    if (plan.longer == nullptr) return all_stages(x, plan, 0, plan.length);
    convolve(x, plan, work + 2 * BOTH * (plan.length + 1));
}

template <int... J>
struct Lanes {};
template <int COUNT> struct lanes_up_to;
template <> struct lanes_up_to<2> { using type = Lanes<0, 1>; };
template <> struct lanes_up_to<4> { using type = Lanes<0, 1, 2, 3>; };
template <> struct lanes_up_to<8> { using type = Lanes<0, 1, 2, 3, 4, 5, 6, 7>; };

// One element of each of some places; put together in registers, for memory that was
// written in parts is slow to read as a whole.
template <class T, int... J>
LAMPAS_INLINE f64v gathered(const char* const* at, long offset, Lanes<J...>) {
    return f64v{static_cast<double>(*reinterpret_cast<const T*>(at[J] + offset))...};
}

// Number i of each line; lanes without a line repeat the first, so that nothing is read
// that is not there.
template <class T>
struct Reader {
    const char* at[W];
    long step;

    explicit Reader(const FftLines& lines) : step(lines.from_step) {
        for (int j = 0; j < W; ++j) {
            at[j] = lines.from + lines.from_at[j < lines.count ? j : 0];
        }
    }
    LAMPAS_INLINE f64v real(long i, int part = 0) const {
        return gathered<T>(at, i * step + part * static_cast<long>(sizeof(T)),
                           lanes_up_to<W>::type());
    }
    LAMPAS_INLINE Complex complex(long i) const { return {real(i), real(i, 1)}; }
};

template <class T>
struct Writer {
    char* at[W];
    long step;
    int count;
    double factor;

    explicit Writer(const FftLines& lines, double scale = 1.0)
        : step(lines.to_step), count(lines.count), factor(lines.factor * scale) {
        for (int j = 0; j < count; ++j) at[j] = lines.to + lines.to_at[j];
    }
    LAMPAS_INLINE void real(long i, f64v value) const {
        T lane[W];
        store_wide(lane, value * factor);
        for (int j = 0; j < count; ++j) std::memcpy(at[j] + i * step, &lane[j], sizeof(T));
    }
    LAMPAS_INLINE void complex(long i, const Complex& value) const {
        T re[W], im[W];
        store_wide(re, value.re * factor);
        store_wide(im, value.im * factor);
        if (count == W) {
            for (int j = 0; j < W; ++j) both(i, j, re[j], im[j]);
        } else {
            for (int j = 0; j < count; ++j) both(i, j, re[j], im[j]);
        }
    }
    LAMPAS_INLINE void both(long i, int j, T re, T im) const {
        const T pair[2] = {re, im};
        std::memcpy(at[j] + i * step, pair, sizeof pair);
    }
};

// Numbers of which both parts, and all neighbours, lie side by side in each line: they are
// transposed as whole vectors. What is left of `count` goes one by one.
template <class T>
long read_blocks(const Reader<T>& reader, double* a, long count, bool back) {
    constexpr int EACH = W / 2;
    long i = 0;
    for (; i + EACH <= count; i += EACH) {
        f64v r[W];
        for (int j = 0; j < W; ++j) {
            r[j] = load_wide(reinterpret_cast<const T*>(reader.at[j]) + 2 * i);
        }
        transpose<double>(r);
        for (int k = 0; k < EACH; ++k) {
            put(a + BOTH * (i + k), exchanged(Complex{r[2 * k], r[2 * k + 1]}, back));
        }
    }
    return i;
}

// Numbers i, i + 1, ... of all lines, as many as half a vector has lanes.
template <class T>
LAMPAS_INLINE void write_block(const Writer<T>& writer, long i, const Complex* values) {
    f64v r[W];
    for (int k = 0; k < W / 2; ++k) {
        r[2 * k] = values[k].re * writer.factor;
        r[2 * k + 1] = values[k].im * writer.factor;
    }
    transpose<double>(r);
    for (int j = 0; j < W; ++j) store_wide(reinterpret_cast<T*>(writer.at[j]) + 2 * i, r[j]);
}

template <class T, class Value>
LAMPAS_INLINE long write_blocks(const Writer<T>& writer, long count, Value value) {
    constexpr int EACH = W / 2;
    if (writer.count < W) return 0;
    long i = 0;
    for (; i + EACH <= count; i += EACH) {
        Complex values[EACH];
        for (int k = 0; k < EACH; ++k) values[k] = value(i + k);
        write_block(writer, i, values);
    }
    return i;
}

// Whether the lines' numbers lie side by side, as in the columns of a matrix.
template <class T, class Side>
bool are_neighbours(const Side& side, int count) {
    for (int j = 1; j < count; ++j) {
        if (side.at[j] - side.at[0] != j * 2 * static_cast<long>(sizeof(T))) return false;
    }
    return count == W;
}

template <class T>
long read_columns(const Reader<T>& reader, double* a, long count, bool back) {
    using P = pairs_of<W>;
    for (long i = 0; i < count; ++i) {
        const T* at = reinterpret_cast<const T*>(reader.at[0] + i * reader.step);
        const f64v left = load_wide(at), right = load_wide(at + W);
        put(a + BOTH * i, exchanged(Complex{P::firsts(left, right), P::seconds(left, right)}, back));
    }
    return count;
}

template <class T, class Value>
LAMPAS_INLINE long write_columns(const Writer<T>& writer, long count, Value value) {
    using P = pairs_of<W>;
    for (long i = 0; i < count; ++i) {
        const Complex z = value(i);
        const f64v re = z.re * writer.factor, im = z.im * writer.factor;
        T* at = reinterpret_cast<T*>(writer.at[0] + i * writer.step);
        store_wide(at, P::low(re, im));
        store_wide(at + W, P::high(re, im));
    }
    return count;
}

template <class T>
constexpr long ITEM = static_cast<long>(sizeof(T));

template <class T>
LAMPAS_INLINE void read_all(const Reader<T>& reader, const FftLines& lines, double* a, long count,
                            bool back) {
    long i = lines.from_step == 2 * ITEM<T> ? read_blocks(reader, a, count, back) : 0;
    if (i == 0 && are_neighbours<T>(reader, lines.count)) {
        i = read_columns(reader, a, count, back);
    }
    for (; i < count; ++i) put(a + BOTH * i, exchanged(reader.complex(i), back));
}

// value(i) as number i of each line.
template <class T, class Value>
LAMPAS_INLINE void write_all(const FftLines& lines, long count, Value value) {
    const Writer<T> writer(lines);
    long i = lines.to_step == 2 * ITEM<T> ? write_blocks(writer, count, value) : 0;
    if (i == 0 && are_neighbours<T>(writer, lines.count)) i = write_columns(writer, count, value);
    for (; i < count; ++i) writer.complex(i, value(i));
}

template <class T>
void run_complex(const FftPlan& plan, const FftLines& lines, double* a) {
    const bool back = lines.inverse;
    read_all(Reader<T>(lines), lines, a, plan.length, back);
    transform(a, plan, a);
    write_all<T>(lines, plan.length,
                 [&](long i) { return exchanged(get(a + BOTH * plan.order[i]), back); });
}

template <class T>
void run_to_half(const FftPlan& plan, const FftLines& lines, double* a) {
    const Reader<T> reader(lines);
    const long m = plan.length;
    const auto frequency = [&](long i) { return get(a + BOTH * plan.order[i]); };
    if (plan.turns == nullptr) {
        for (long i = 0; i < m; ++i) put(a + BOTH * i, {reader.real(i), f64v{}});
        transform(a, plan, a);
        write_all<T>(lines, plan.n / 2 + 1, frequency);
        return;
    }
    long i = lines.from_step == ITEM<T> ? read_blocks(reader, a, m, false) : 0;
    for (; i < m; ++i) put(a + BOTH * i, {reader.real(2 * i), reader.real(2 * i + 1)});
    transform(a, plan, a);
    // Twice number k, and what number m - k is made of: the even elements' part less the odd
    // ones', conjugated.
    const auto both = [&](long k, Complex* mirrored) {
        const Complex z = frequency(k == m ? 0 : k), w = frequency(k == 0 ? 0 : m - k);
        const Complex even = {z.re + w.re, z.im - w.im};
        const Complex odd = turned({z.im + w.im, w.re - z.re}, plan.turns[2 * k],
                                   plan.turns[2 * k + 1]);
        *mirrored = {even.re - odd.re, odd.im - even.im};
        return even + odd;
    };
    const Writer<T> writer(lines, 0.5);
    constexpr int EACH = W / 2;
    long begin = 0, end = m;
    if (lines.to_step == 2 * ITEM<T> && lines.count == W) {
        for (; begin + 2 * EACH <= end + 1; begin += EACH, end -= EACH) {
            Complex low[EACH], high[EACH];
            for (int j = 0; j < EACH; ++j) low[j] = both(begin + j, &high[EACH - 1 - j]);
            write_block(writer, begin, low);
            write_block(writer, end + 1 - EACH, high);
        }
    }
    for (Complex other; begin <= end; ++begin) writer.complex(begin, both(begin, &other));
}

template <class T>
void run_from_half(const FftPlan& plan, const FftLines& lines, double* a, double* spectrum) {
    const Writer<T> writer(lines);
    const long m = plan.length, n = plan.n;
    double* half = plan.turns == nullptr ? spectrum : a;
    read_all(Reader<T>(lines), lines, half, n / 2 + 1, false);
    // The imaginary parts of the constant and of the highest frequency do not count.
    store<double>(half + W, f64v{});
    if (n % 2 == 0) store<double>(half + BOTH * (n / 2) + W, f64v{});
    if (plan.turns == nullptr) {
        for (long k = 0; k <= n / 2; ++k) {
            const Complex z = get(spectrum + BOTH * k);
            put(a + BOTH * k, {z.im, z.re});
            if (k > 0) put(a + BOTH * (n - k), {-z.im, z.re});
        }
        transform(a, plan, a);
        for (long i = 0; i < n; ++i) writer.real(i, get(a + BOTH * plan.order[i]).im);
        return;
    }
    // Numbers k and m - k at once: what each is made of is the other's, conjugated.
    for (long k = 0; k <= m - k; ++k) {
        const Complex z = get(a + BOTH * k), w = get(a + BOTH * (m - k));
        const Complex even = {z.re + w.re, z.im - w.im}, left = {z.re - w.re, z.im + w.im};
        const Complex odd = turned(left, plan.turns[2 * k], -plan.turns[2 * k + 1]);
        put(a + BOTH * (m - k), {odd.re - even.im, even.re + odd.im});
        put(a + BOTH * k, {odd.re + even.im, even.re - odd.im});
    }
    transform(a, plan, a);
    const auto pair = [&](long i) { return exchanged(get(a + BOTH * plan.order[i]), true); };
    long i = lines.to_step == ITEM<T> ? write_blocks(writer, m, pair) : 0;
    for (; i < m; ++i) {
        const Complex z = pair(i);
        writer.real(2 * i, z.re);
        writer.real(2 * i + 1, z.im);
    }
}

template <class T>
void run(const FftPlan& plan, const FftLines& lines, double* work) {
    switch (lines.kind) {
        case Transform::complex: run_complex<T>(plan, lines, work); break;
        case Transform::to_half: run_to_half<T>(plan, lines, work); break;
        case Transform::from_half:
            run_from_half<T>(plan, lines, work, work + BOTH * (plan.length + 1));
            break;
    }
}

}  // namespace
}  // namespace LAMPAS_PATH

const FftKernels LAMPAS_PATH_OF(fft) = {LAMPAS_PATH::W, LAMPAS_PATH::LARGEST_POWER,
                                        LAMPAS_PATH::run<float>, LAMPAS_PATH::run<double>};

}  // namespace lampas
