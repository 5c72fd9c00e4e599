// Running sums along one dimension of contiguous arrays.
#include "kernels/scan.hpp"

#include "bindings/running.hpp"
#include "runtime/kernel.hpp"

namespace lampas {
namespace {

const Name DIM("dim"), REVERSE("reverse");

constexpr long COLUMNS = 512;  // of one piece of work

PyObject* cumsum_entry(const Arguments& arguments) {
    PyArrayObject* x = arguments.sized(1, 2) ? arguments.array(0) : nullptr;
    long dim;
    bool reverse;
    if (x == nullptr || !is_contiguous(x) || PyArray_SIZE(x) == 0) return DECLINED;
    if (!arguments.integer(DIM, &dim) || !arguments.flag(REVERSE, &reverse)) return DECLINED;
    if (type_of(x) == Type::f64 || type_of(x) == Type::i64) {
        Along along;
        if (!along.read(x, dim)) return DECLINED;
        const RunningKernels& loops = running();
        return running_totals(along, type_of(x) == Type::f64 ? loops.sum_f64 : loops.sum_i64,
                              reverse);
    }
    if (type_of(x) != Type::f32) return DECLINED;
    if (dim < 0 || dim >= PyArray_NDIM(x)) return DECLINED;
    long before = 1, after = 1;
    for (int d = 0; d < PyArray_NDIM(x); ++d) {
        if (d < dim) before *= PyArray_DIM(x, d);
        if (d > dim) after *= PyArray_DIM(x, d);
    }
    const long size = PyArray_DIM(x, static_cast<int>(dim));
    PyArrayObject* y = new_like(x);
    if (y == nullptr) return nullptr;
    const float* from = data_of<float>(x);
    float* to = data_of<float>(y);
    const Unlocked unlocked(PyArray_SIZE(x) > HEAVY);
    if (after == 1) {
        parallel_ranges(before, size < HEAVY ? HEAVY / size : 1, [&](long first, long last) {
            for (long i = first; i < last; ++i) {
                scanner().run_f32(from + i * size, to + i * size, size, reverse);
            }
        });
        return reinterpret_cast<PyObject*>(y);
    }
    const long width = after < COLUMNS ? after : COLUMNS, tiles = (after + width - 1) / width;
    const long work = size * width;
    parallel_ranges(before * tiles, work < HEAVY ? HEAVY / work : 1, [&](long first, long last) {
        for (long i = first; i < last; ++i) {
            const long column = i % tiles * width, at = i / tiles * size * after + column;
            const long columns = after - column < width ? after - column : width;
            scanner().columns_f32(from + at, to + at, size, columns, after, reverse);
        }
    });
    return reinterpret_cast<PyObject*>(y);
}

LAMPAS_KERNEL(cumsum, cumsum_entry);

}  // namespace
}  // namespace lampas
