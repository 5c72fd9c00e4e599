#include "kernels/exponential.hpp"
#include "runtime/kernel.hpp"
#include "runtime/pool.hpp"

namespace lampas {
namespace {

constexpr long GRAIN = 16 * 1024;  // elements of one chunk

PyObject* exp_entry(const Arguments& arguments) {
    PyArrayObject* x = arguments.plain(1) ? arguments.array(0) : nullptr;
    if (x == nullptr || type_of(x) != Type::f32 || !is_contiguous(x)) return DECLINED;
    PyArrayObject* y = new_like(x);
    if (y == nullptr) return nullptr;
    const long count = PyArray_SIZE(x);
    const float* from = data_of<float>(x);
    float* to = data_of<float>(y);
    const Unlocked unlocked(count > GRAIN);
    parallel_ranges(count, GRAIN, [&](long first, long last) {
        exponential().exp(from + first, to + first, last - first);
    });
    return reinterpret_cast<PyObject*>(y);
}

LAMPAS_KERNEL(exp, exp_entry);

}  // namespace
}  // namespace lampas
