#include "bindings/product.hpp"

#include <algorithm>

#include "kernels/copy.hpp"
#include "bindings/rounding.hpp"
#include "kernels/gemm.hpp"
#include "kernels/matvec.hpp"
#include "runtime/array.hpp"
#include "runtime/parts.hpp"

namespace lampas {
namespace {

// Lines of one part of an operand at most, and entries of k.
constexpr long MOST = 4096;
// Up to so many rows, C is cut into columns.
constexpr long SOME_ROWS = 240;
// Rows of a thread's tile: with a block of k they fit the second-level cache.
constexpr long TILE_ROWS = 168, LEAST_ROWS = 48, TILE_COLUMNS = 512;
// Columns of B that are packed at a time, with a block of k: they stay in the last cache.
constexpr long PART_COLUMNS = 1536;
// Multiplications of one chunk at least: some ten microseconds.
constexpr long GRAIN = 256 * 1024;
// Up to so many columns (rows), packing A (B) costs more than it saves; A of many rows is
// packed by each thread for itself, in memory that stays in its second-level cache.
constexpr long FEW_COLUMNS = 512, FEW_COLUMNS_OF_MANY_ROWS = 256, FEW_ROWS = 20;
// Up to so many columns, wide tiles would be empty for the most part; so many rows fill them.
constexpr long NARROW = 64, WIDE_ROWS = 32;
// Rows so many bytes apart, or a multiple, fall on few places of the first-level cache:
// those of B are packed from this many rows of A on.
constexpr long CROWDED = 2048, FEW_CROWDED = 8;
// Rows of B nearer to each other than so many bytes are packed as the first rows of A meet
// them: others must be fetched in lines side by side.
constexpr long NEAR_ROWS = 8192;
// Up to so many rows, a transposed B is read in place, row by row.
constexpr long FEW_DOTS = 6;
// Columns of one chunk where rows are summed: wide enough for the memory's own prefetch.
constexpr long WIDE = 1024;
constexpr long LINES = 96;  // packed at a time for all chunks
constexpr long ON_STACK = 16 * 1024;  // bytes
// Up to so many rows, and with k so many times as long, it costs less to turn the result
// than to pack a B whose columns lie along k.
constexpr long TURN_ROWS = 96, TURN_DEPTH = 3;

// Rows or columns of C cut into as many shares as there are threads, of equal length, and
// each share into large pieces for three quarters and small ones for the rest.
struct Pieces {
    long lines, share, large, small, of_large, of_share, count;  // lines; how many pieces

    Pieces(long all, long of_thread, long first, long last)
        : lines(all), share(of_thread), large(first), small(last),
          of_large(share * 3 / 4 / large),
          of_share(of_large + over(share - of_large * large, small)),
          count(of_share * over(lines, share)) {}

    // Small ones at the end let all threads end together.
    static Pieces of_rows(long m, long n, long depth, long mr) {
        const long least = std::max(LEAST_ROWS, GRAIN / std::max(n * depth, 1L));
        const long share = up_to(over(m, shares()), mr);
        const long large =
            up_to(std::clamp(share / 3, std::min(least, TILE_ROWS), TILE_ROWS), mr);
        return {m, share, large, up_to(large / 2, mr)};
    }

    // Shares alike, though the last piece of each be narrow.
    static Pieces of_columns(long n, long length, long lanes) {
        return {n, n > length ? up_to(over(n, shares()), lanes) : n, length, length};
    }

    // The first line of a piece, or the last of the one before; some may be empty.
    long top(long piece) const {
        const long part = piece / of_share, at = piece % of_share;
        const long in_share =
            at <= of_large ? at * large : of_large * large + (at - of_large) * small;
        return std::min(lines, part * share + std::min(in_share, share));
    }
};

template <class T>
class Product {
public:
    Product(long m, long n, long k, Matrix<T> a, Matrix<T> b, Result<T> c)
        : turn_(b.row == 1 && m <= TURN_ROWS && k >= TURN_DEPTH * m && !c.add),
          gemm_(tiles(m, n, turn_)), m_(m), n_(n), k_(k), a_(a), b_(b), c_(c) {}

    bool run() {
        const bool near = a_.column == 1 || k_ == 1;
        const long few = m_ > SOME_ROWS ? FEW_COLUMNS_OF_MANY_ROWS : FEW_COLUMNS;
        pack_a_ = n_ > (near ? few : 2 * gemm_.columns);
        if (m_ > SOME_ROWS) return by_rows();
        return turn_ ? turned() : by_columns();
    }

private:
    // Wide ones for much, and where they leave less of the last panel empty.
    static const GemmOf<T>& tiles(long m, long n, bool turn) {
        const GemmOf<T>& usual = gemm_of<T>();
        const GemmOf<T>& wide = wide_gemm_of<T>();
        if (turn) return over(m, wide.columns) < over(m, usual.columns) ? wide : usual;
        return m >= WIDE_ROWS && n > NARROW ? wide : usual;
    }

    // The transpose, of B's transpose, which is read in place, and A's.
    bool turned() {
        const long mr = gemm_.rows, nr = gemm_.columns, pitch = up_to(m_, nr);
        const Scratch scratch(bytes_of(pitch * k_));
        T* packed = scratch.as<T>();
        if (packed == nullptr) return false;
        gemm_.pack_b(a_.data, a_.row, a_.column, m_, k_, packed);
        constexpr long MOST_ENTRIES = ON_STACK / static_cast<long>(sizeof(T));
        const long least = GRAIN / (m_ * k_), most = MOST_ENTRIES / pitch - mr;
        const long length = up_to(std::clamp(n_ / 16, std::min(least, most), most), mr);
        parallel_ranges(n_, length, [&](long left, long right) {
            T turned[MOST_ENTRIES];
            if (c_.bias != nullptr) {
                for (long j = left; j < right; ++j) {
                    std::fill_n(turned + (j - left) * pitch, m_, c_.bias[j]);
                }
            }
            gemm_.tile({right - left, m_, k_, {at(b_, 0, left), mr * b_.column, b_.column, 1},
                        {packed, k_ * nr, 1, nr}, turned, pitch, nullptr, c_.bias != nullptr});
            const auto turn = sizeof(T) == 4 ? copier().turn4 : copier().turn8;
            turn(turned, pitch, c_.data + left, c_.row, right - left, m_);
        });
        return true;
    }

    // A part of B's columns and a block of k at a time, while they are in the caches: all
    // chunks read what was packed of B, and each packs its own rows of A.
    bool by_rows() {
        const long mr = gemm_.rows, nr = gemm_.columns;
        const long blocks = blocks_of(k_, gemm_.depth), depth = over(k_, blocks);
        const long part = up_to(over(n_, over(n_, PART_COLUMNS)), nr);
        const long steps = over(n_, part) * blocks, sides = std::min(steps, 2L);
        const Pieces pieces = Pieces::of_rows(m_, n_, depth, mr);
        const long side = part * depth;
        const Scratch scratch(bytes_of(side * sides));
        T* packed_b = scratch.as<T>();
        Parts packed_a(pieces.count, pack_a_ ? bytes_of(pieces.large * depth) : 0);
        if (packed_b == nullptr || !packed_a.complete()) return false;
        struct Step {
            long left, right, first, k;
            T* b;
            long lines() const { return over(right - left, LINES); }
        };
        const auto step_at = [&](long index) {
            const long left = index / blocks * part, first = index % blocks * depth;
            return Step{left, std::min(left + part, n_), first, std::min(depth, k_ - first),
                        packed_b + index % sides * side};
        };
        const auto pack_lines = [&](const Step& s, long chunk) {
            const long left = chunk * LINES, right = std::min(left + LINES, s.right - s.left);
            pack_b(s.left + left, s.left + right, s.first, s.k, s.b + left * s.k);
        };
        Step now = step_at(0);
        parallel_chunks(now.lines(), [&](long chunk) { pack_lines(now, chunk); });
        for (long index = 0; index < steps; ++index) {
            const Step next = index + 1 < steps ? step_at(index + 1) : Step{};
            const auto pack_ahead = [&](long chunk) { pack_lines(next, chunk); };
            parallel_both(next.lines(), pack_ahead, pieces.count, [&](long piece) {
                const long top = pieces.top(piece), bottom = pieces.top(piece + 1);
                if (top == bottom) return;
                const auto meet = [&](const Panels<T>& a) {
                    put(top, bottom, now.left, now.right, now.k, a, {now.b, now.k * nr, 1, nr},
                        now.first > 0);
                };
                if (!pack_a_) {
                    meet({at(a_, top, now.first), mr * a_.row, a_.row, a_.column});
                    return;
                }
                packed_a.lend([&](char* part) {
                    T* own = reinterpret_cast<T*>(part);
                    pack_a(top, bottom, now.first, now.k, own);
                    meet({own, now.k * mr, 1, mr});
                });
            });
            now = next;
        }
        return true;
    }

    // All of k, with columns of B that their chunk packs, or that are read in place; all
    // chunks read what was packed of A.
    bool by_columns() {
        const bool crowded = b_.row * static_cast<long>(sizeof(T)) % CROWDED == 0;
        const bool pack = b_.column != 1 || m_ > (crowded ? FEW_CROWDED : FEW_ROWS);
        whole_ = pack ? 0 : n_ / gemm_.lanes * gemm_.lanes;
        const std::size_t bytes = pack_a_ ? bytes_of(up_to(m_, gemm_.rows) * k_) : 0;
        if (bytes > ON_STACK) {
            const Scratch scratch(bytes);
            return scratch.get() != nullptr && columns(scratch.as<T>());
        }
        alignas(64) unsigned char buffer[ON_STACK];
        return columns(reinterpret_cast<T*>(buffer));
    }

    bool columns(T* packed_a) {
        const long mr = gemm_.rows, nr = gemm_.columns;
        long length = up_to(std::min(n_, TILE_COLUMNS), nr);
        while ((n_ + length - 1) / length < 16 && length > nr && m_ * length * k_ / 2 >= GRAIN) {
            length = up_to(length / 2, nr);
        }
        const bool near = b_.column == 1 && b_.row * static_cast<long>(sizeof(T)) < NEAR_ROWS;
        const Pieces pieces = Pieces::of_columns(n_, length, gemm_.lanes);
        const long packed_columns = up_to(std::min(n_ - whole_, length), nr);
        const bool on_stack = bytes_of(packed_columns * k_) <= ON_STACK;
        Parts packed_b(pieces.count, on_stack ? 0 : bytes_of(packed_columns * k_));
        if (!packed_b.complete()) return false;
        Panels<T> a{a_.data, mr * a_.row, a_.row, a_.column};
        if (pack_a_) {
            a = {packed_a, k_ * mr, 1, mr};
            const long lines = n_ > length ? up_to(LINES / 4, mr) : m_;
            parallel_ranges(m_, lines, [&](long top, long bottom) {
                pack_a(top, bottom, 0, k_, packed_a + top * k_);
            });
        }
        parallel_chunks(pieces.count, [&](long piece) {
            const long left = pieces.top(piece), right = pieces.top(piece + 1);
            const long middle = std::clamp(whole_, left, right);
            const Panels<T> in_place{at(b_, 0, left), nr * b_.column, b_.column, b_.row};
            if (left < middle) put(0, m_, left, middle, k_, a, in_place, false);
            if (middle == right) return;
            const auto pack_and_put = [&](void* part) {
                T* packed = static_cast<T*>(part);
                Unpacked<T> unpacked;
                if (near) unpacked = {at(b_, 0, middle), b_.row, packed};
                else pack_b(middle, right, 0, k_, packed);
                put(0, m_, middle, right, k_, a, {packed, k_ * nr, 1, nr}, false, unpacked);
            };
            if (on_stack) {
                alignas(64) unsigned char buffer[ON_STACK];
                pack_and_put(buffer);
            } else {
                packed_b.lend(pack_and_put);
            }
        });
        return true;
    }

    static std::size_t bytes_of(long entries) {
        return static_cast<std::size_t>(entries) * sizeof(T);
    }

    static const T* at(const Matrix<T>& x, long i, long j) {
        return x.data + i * x.row + j * x.column;
    }

    void pack_a(long top, long bottom, long first, long k, T* to) const {
        gemm_.pack_a(at(a_, top, first), a_.row, a_.column, bottom - top, k, to);
    }

    void pack_b(long left, long right, long first, long k, T* to) const {
        gemm_.pack_b(at(b_, first, left), b_.column, b_.row, right - left, k, to);
    }

    // The panels begin with these rows and columns.
    void put(long top, long bottom, long left, long right, long k, const Panels<T>& a,
             const Panels<T>& b, bool more, const Unpacked<T>& unpacked = {}) const {
        const T* bias = c_.bias == nullptr || more ? nullptr : c_.bias + left;
        gemm_.tile({bottom - top, right - left, k, a, b, c_.data + top * c_.row + left, c_.row,
                    bias, c_.add || more, n_ <= gemm_.pieced, unpacked});
    }

    const bool turn_;  // whether the result's transpose is computed
    const GemmOf<T>& gemm_;
    long m_, n_, k_;
    Matrix<T> a_, b_;
    Result<T> c_;
    bool pack_a_ = false;
    long whole_ = 0;  // columns of B that are read in place
};

// With few rows, where the operands lie right: rows of A by rows of B's transpose, or for
// one row of A the sum of B's rows. A product with one column is that with one row,
// transposed.
template <class T>
bool narrow(long m, long n, long k, Matrix<T> a, Matrix<T> b, Result<T> c, long column) {
    const long lines = std::max(1L, GRAIN / std::max(m * k, 1L));
    if (a.column == 1 && b.row == 1) {
        parallel_ranges(n, lines, [&](long first, long last) {
            matvec_of<T>().dots({m, last - first, k, a.data, a.row,
                                 b.data + first * b.column, b.column,
                                 c.data + first * column, c.row, column,
                                 c.bias == nullptr ? nullptr : c.bias + first, c.add});
        });
        return true;
    }
    if (m > 1 || b.column != 1 || column != 1 || c.bias != nullptr || k == 0) return false;
    parallel_ranges(n, up_to(lines, WIDE), [&](long first, long last) {
        matvec_of<T>().combine(a.data, a.column, b.data + first, b.row, last - first, k,
                               c.data + first, c.add);
    });
    return true;
}

}  // namespace

template <class T>
bool product(long m, long n, long k, Matrix<T> a, Matrix<T> b, Result<T> c) {
    if (m == 0 || n == 0) return true;
    if (k == 1) a.column = b.row = 1;
    if (m <= FEW_DOTS && narrow<T>(m, n, k, a, b, c, 1)) return true;
    if (n == 1 && c.bias == nullptr &&
        narrow<T>(1, m, k, b.transposed(), a.transposed(), c, c.row)) {
        return true;
    }
    // Large operands go in parts of columns, and of k, whose products are added up.
    if (n <= MOST && m <= MOST && k <= MOST) return Product<T>(m, n, k, a, b, c).run();
    for (long p = 0; p < std::max(k, 1L); p += MOST) {
        const Result<T> part{c.data, c.row, p == 0 ? c.bias : nullptr, c.add || p > 0};
        for (long j = 0; j < n; j += MOST) {
            for (long i = 0; i < m; i += MOST) {
                const Matrix<T> rows{a.data + i * a.row + p * a.column, a.row, a.column};
                const Matrix<T> columns{b.data + p * b.row + j * b.column, b.row, b.column};
                const Result<T> into{part.data + i * c.row + j, c.row,
                                     part.bias == nullptr ? nullptr : part.bias + j,
                                     part.add};
                if (!Product<T>(std::min(m - i, MOST), std::min(n - j, MOST),
                                std::min(k - p, MOST), rows, columns, into).run()) {
                    return false;
                }
            }
        }
    }
    return true;
}

template bool product(long, long, long, Matrix<float>, Matrix<float>, Result<float>);
template bool product(long, long, long, Matrix<double>, Matrix<double>, Result<double>);

}  // namespace lampas
