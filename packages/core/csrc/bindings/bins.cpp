// Counts of elements in bins, and places in sorted sequences.
#include "kernels/bins.hpp"

#include <algorithm>

#include "bindings/layout.hpp"
#include "runtime/kernel.hpp"

namespace lampas {
namespace {

const Name BINS("bins"), LOW("low"), HIGH("high"), SIZE("size"), RIGHT("right");
const Name NARROW("narrow");

constexpr long PIECE = 64 * 1024;    // elements that one thread counts at a time
constexpr long SOME = 1024;          // elements whose places are known before they count
constexpr long MOST_BINS = 1 << 24;
constexpr long FEW_BINS = 1 << 11;   // so few are counted in four tables

template <class T> inline const BinsOf<T>& bins_of();
template <> inline const BinsOf<float>& bins_of() { return binner().f32; }
template <> inline const BinsOf<double>& bins_of() { return binner().f64; }

template <class F>
bool for_floats(Type type, F f) {
    if (type == Type::f32) return f(float());
    return type == Type::f64 && f(double());
}

// Add up `count` elements in tables of `size` numbers, each of which begins as 0; the
// first is the result. add(first, last, table, apart) adds to four tables that are so far
// apart, or to one. The tables of pieces are joined in their order.
template <class A, class Add>
bool tabulate(long count, long size, A* result, Add add) {
    const long tables = size <= FEW_BINS ? 4 : 1, apart = tables == 4 ? size : 0;
    const long piece = std::max(PIECE, 16 * size);
    const long pieces = std::max(1L, (count + piece - 1) / piece);
    const Scratch scratch(static_cast<std::size_t>(pieces * tables * size) * sizeof(A));
    A* all = scratch.as<A>();
    if (all == nullptr) return false;
    std::fill(all, all + pieces * tables * size, A(0));
    parallel_ranges(count, piece, [&](long first, long last) {
        add(first, last, all + first / piece * tables * size, apart);
    });
    std::copy(all, all + size, result);
    for (long t = 1; t < pieces * tables; ++t) {
        for (long i = 0; i < size; ++i) result[i] += all[t * size + i];
    }
    return true;
}

// The same for places that are found for some elements at a time; in `bins` of its bins.
template <class T, class Places>
bool tabulate_places(long count, long bins, T* result, Places places) {
    const Scratch scratch(static_cast<std::size_t>(bins + 1) * sizeof(std::int64_t));
    auto* counts = scratch.as<std::int64_t>();
    if (counts == nullptr) return false;
    const bool done = tabulate(
        count, bins + 1, counts, [&](long first, long last, std::int64_t* table, long apart) {
            std::int32_t place[SOME];
            for (long i = first; i < last; i += SOME) {
                const long some = std::min(SOME, last - i);
                places(i, some, place);
                binner().count_i32(place, some, table, apart);
            }
        });
    if (done) std::transform(counts, counts + bins, result, [](auto n) { return static_cast<T>(n); });
    return done;
}

bool is_vector(PyArrayObject* array) {
    return array != nullptr && is_contiguous(array) && PyArray_NDIM(array) == 1;
}

// Whether no place is computed beyond the bins: nothing overflows, and no bin is of width 0.
template <class T>
bool can_scale(const EvenBins& bins) {
    const T width = static_cast<T>(bins.last) - static_cast<T>(bins.first);
    return width > T(0) && width * static_cast<T>(bins.bins) - width < T(__builtin_inf());
}

// histc(x, bins=, low=, high=)
PyObject* histc_entry(const Arguments& arguments) {
    PyArrayObject* x = arguments.sized(1, 3) ? arguments.array(0) : nullptr;
    EvenBins bins;
    if (x == nullptr || !is_contiguous(x) || !arguments.integer(BINS, &bins.bins)) return DECLINED;
    if (!arguments.number(LOW, &bins.first) || !arguments.number(HIGH, &bins.last)) return DECLINED;
    const Type type = type_of(x);
    if (bins.bins < 1 || bins.bins > MOST_BINS) return DECLINED;
    if (!(type == Type::f32 && can_scale<float>(bins)) &&
        !(type == Type::f64 && can_scale<double>(bins))) {
        return DECLINED;
    }
    const npy_intp shape[1] = {bins.bins};
    PyArrayObject* y = new_array(type, 1, shape);
    if (y == nullptr) return nullptr;
    const long count = PyArray_SIZE(x);
    bool done;
    {
        const Unlocked unlocked(count > HEAVY);
        done = for_floats(type, [&](auto number) {
            using T = decltype(number);
            const T* from = data_of<T>(x);
            return tabulate_places(count, bins.bins, data_of<T>(y),
                                   [&](long i, long some, std::int32_t* place) {
                                       bins_of<T>().even(bins, from + i, some, place);
                                   });
        });
    }
    return finished(y, done);
}

// Whether edges increase and none is further than a bin from where even ones would be.
template <class T>
bool are_even(const T* edges, long bins) {
    const double first = static_cast<double>(edges[0]);
    const double width = (static_cast<double>(edges[bins]) - first) / static_cast<double>(bins);
    if (!(width > 1e-300)) return false;
    for (long i = 0; i <= bins; ++i) {
        const double away = static_cast<double>(edges[i]) - first - width * static_cast<double>(i);
        if (!(away <= width && away >= -width)) return false;
        if (i > 0 && !(edges[i] >= edges[i - 1])) return false;
    }
    return true;
}

// count_bins(x, weight, edges) of points with one coordinate
PyObject* count_bins_entry(const Arguments& arguments) {
    if (!arguments.plain(3)) return DECLINED;
    PyArrayObject *x = arguments.array(0), *weight = arguments.array(1), *edges = arguments.array(2);
    if (x == nullptr || !is_contiguous(x) || PyArray_NDIM(x) != 2 || PyArray_DIM(x, 1) != 1) {
        return DECLINED;
    }
    if (!is_vector(weight) || !is_vector(edges)) return DECLINED;
    const Type type = type_of(x);
    const long count = PyArray_DIM(x, 0), bins = PyArray_DIM(edges, 0) - 1;
    if (type != type_of(weight) || type != type_of(edges)) return DECLINED;
    if (bins < 1 || bins > MOST_BINS || PyArray_DIM(weight, 0) != count) return DECLINED;
    if (type != Type::f32 && type != Type::f64) return DECLINED;
    const npy_intp shape[1] = {bins};
    PyArrayObject* y = new_array(type, 1, shape);
    if (y == nullptr) return nullptr;
    bool done;
    {
        const Unlocked unlocked(count > HEAVY);
        done = for_floats(type, [&](auto number) {
            using T = decltype(number);
            const T *from = data_of<T>(x), *heavy = data_of<T>(weight), *at = data_of<T>(edges);
            const EdgedBins how{at, bins, are_even(at, bins)};
            const Scratch scratch(static_cast<std::size_t>(bins + 1) * sizeof(double));
            double* sums = scratch.as<double>();
            if (sums == nullptr) return false;
            const auto add = [&](long first, long last, double* table, long) {
                std::int32_t place[SOME];
                for (long i = first; i < last; i += SOME) {
                    const long some = std::min(SOME, last - i);
                    bins_of<T>().edged(how, from + i, some, place);
                    bins_of<T>().weigh(place, heavy + i, some, table);
                }
            };
            if (!tabulate(count, bins + 1, sums, add)) return false;
            T* to = data_of<T>(y);
            std::transform(sums, sums + bins, to, [](double sum) { return static_cast<T>(sum); });
            return true;
        });
    }
    return finished(y, done);
}

// occurrences(x, size=) of a vector of integers from 0 to size - 1
PyObject* occurrences_entry(const Arguments& arguments) {
    PyArrayObject* x = arguments.sized(1, 1) ? arguments.array(0) : nullptr;
    long size;
    if (!is_vector(x) || !arguments.integer(SIZE, &size) || size < 1) return DECLINED;
    const Type type = type_of(x);
    if (type != Type::i64 && type != Type::i32 && type != Type::u8) return DECLINED;
    const npy_intp shape[1] = {size};
    const long count = PyArray_DIM(x, 0);
    if (size > MOST_BINS || size > 16 * (count + PIECE)) return DECLINED;
    PyArrayObject* y = new_array(Type::i64, 1, shape);
    if (y == nullptr) return nullptr;
    bool done;
    {
        const Unlocked unlocked(count > HEAVY);
        const BinKernels& kernels = binner();
        const auto add = [&](long first, long last, std::int64_t* table, long apart) {
            const long some = last - first;
            if (type == Type::i64) {
                kernels.count_i64(data_of<std::int64_t>(x) + first, some, table, apart);
            } else if (type == Type::i32) {
                kernels.count_i32(data_of<std::int32_t>(x) + first, some, table, apart);
            } else {
                kernels.count_u8(data_of<std::uint8_t>(x) + first, some, table, apart);
            }
        };
        done = tabulate(count, size, data_of<std::int64_t>(y), add);
    }
    return finished(y, done);
}

template <class T>
long known(const T* numbers, long count) {
    while (count > 0 && numbers[count - 1] != numbers[count - 1]) --count;
    return count;
}

long known_of(Type type, const char* numbers, long count) {
    if (type == Type::f32) return known(reinterpret_cast<const float*>(numbers), count);
    if (type == Type::f64) return known(reinterpret_cast<const double*>(numbers), count);
    return count;
}

// searched(sequence, x, right=, narrow=): a vector, or as many rows as x has
PyObject* searched_entry(const Arguments& arguments) {
    if (!arguments.sized(2, 2)) return DECLINED;
    PyArrayObject *sequence = arguments.array(0), *x = arguments.array(1);
    bool right, narrow;
    if (!arguments.flag(RIGHT, &right) || !arguments.flag(NARROW, &narrow)) return DECLINED;
    if (sequence == nullptr || x == nullptr || !is_contiguous(sequence)) return DECLINED;
    const Type type = type_of(x);
    const BinKernels& kernels = binner();
    const Find find = type == Type::f32   ? kernels.find_f32
                      : type == Type::f64 ? kernels.find_f64
                      : type == Type::i64 ? kernels.find_i64
                      : type == Type::i32 ? kernels.find_i32
                                          : nullptr;
    const int ndim = PyArray_NDIM(sequence);
    if (find == nullptr || type_of(sequence) != type || ndim < 1) return DECLINED;
    if (!is_contiguous(x) || PyArray_SIZE(x) == 0) return DECLINED;
    const bool one = ndim == 1;
    if (!one && (PyArray_NDIM(x) != ndim ||
                 !PyArray_CompareLists(PyArray_SHAPE(x), PyArray_SHAPE(sequence), ndim - 1))) {
        return DECLINED;
    }
    const long length = PyArray_DIM(sequence, ndim - 1);
    const long size = one ? PyArray_SIZE(x) : PyArray_DIM(x, ndim - 1);
    PyArrayObject* y =
        new_array(narrow ? Type::i32 : Type::i64, PyArray_NDIM(x), PyArray_SHAPE(x));
    if (y == nullptr) return nullptr;
    const char *numbers = data_of<char>(sequence), *from = data_of<char>(x);
    char* to = data_of<char>(y);
    const long item = item_size(type), rows = PyArray_SIZE(x) / size;
    {
        const Unlocked unlocked(rows * size > HEAVY);
        const long parts = (size + HEAVY - 1) / HEAVY;  // of each row
        parallel_ranges(rows * parts, size < HEAVY ? HEAVY / size : 1, [&](long first, long last) {
            for (long i = first; i < last; ++i) {
                const long row = i / parts, begin = i % parts * HEAVY;
                const long end = std::min(begin + HEAVY, size);
                const char* own = numbers + (one ? 0 : row * length * item);
                const Sequence of_row{own, length, known_of(type, own, length), right};
                for (long k = begin; k < end; k += SOME) {
                    const long some = std::min(SOME, end - k), at = row * size + k;
                    const char* wanted = from + at * item;
                    if (!narrow) {
                        find(of_row, wanted, some, reinterpret_cast<std::int64_t*>(to) + at);
                        continue;
                    }
                    std::int64_t place[SOME];
                    find(of_row, wanted, some, place);
                    std::copy(place, place + some, reinterpret_cast<std::int32_t*>(to) + at);
                }
            }
        });
    }
    return reinterpret_cast<PyObject*>(y);
}

LAMPAS_KERNEL(histc, histc_entry);
LAMPAS_KERNEL(count_bins, count_bins_entry);
LAMPAS_KERNEL(occurrences, occurrences_entry);
LAMPAS_KERNEL(searched, searched_entry);

}  // namespace
}  // namespace lampas
