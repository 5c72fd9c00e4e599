// Normalisation by given statistics: the records of ops/given_stats.py.
#include "kernels/channels.hpp"

#include "bindings/layout.hpp"
#include "runtime/kernel.hpp"
#include "runtime/scratch.hpp"

namespace lampas {
namespace {

const Name EPS("eps");

constexpr long COLUMNS = 512;  // of one chunk, where runs are short

// x of (N, C, ...) with C of each statistic, all contiguous and of one type.
struct Given {
    Groups how{};
    Type type;
    PyArrayObject *x = nullptr, *mean, *var, *weight;
    double eps;

    bool read(const Arguments& arguments, Py_ssize_t at) {
        x = arguments.array(at);
        if (x == nullptr || !is_contiguous(x)) return false;
        type = type_of(x);
        if (type != Type::f32 && type != Type::f64) return false;
        if (PyArray_NDIM(x) < 2 || PyArray_SIZE(x) == 0) return false;
        how.parts = PyArray_DIM(x, 0);
        how.groups = PyArray_DIM(x, 1);
        how.run = PyArray_SIZE(x) / (how.parts * how.groups);
        mean = vector(arguments.array(at + 1));
        var = vector(arguments.array(at + 2));
        weight = vector(arguments.array(at + 3));
        return mean != nullptr && var != nullptr && weight != nullptr &&
               arguments.number(EPS, &eps);
    }

    PyArrayObject* vector(PyArrayObject* array) const {
        const bool served = array != nullptr && type_of(array) == type && is_contiguous(array) &&
                            PyArray_NDIM(array) == 1 && PyArray_DIM(array, 0) == how.groups;
        return served ? array : nullptr;
    }

    template <class T>
    double root(long group) const {
        const T shifted = data_of<T>(var)[group] + static_cast<T>(eps);
        return 1.0 / __builtin_sqrt(static_cast<double>(shifted));
    }
    template <class T>
    double factor(long group) const {
        return static_cast<double>(data_of<T>(weight)[group]) * root<T>(group);
    }
};

template <class T>
PyObject* applied(const Given& given, PyArrayObject* bias) {
    const Groups& how = given.how;
    const ChannelsOf<T>& loops = channels_of<T>();
    const Scratch memory(static_cast<std::size_t>(2 * how.groups) * sizeof(T));
    const Scratch rows(static_cast<std::size_t>(loops.rows_bytes(how)));
    if (memory.get() == nullptr || rows.get() == nullptr) return PyErr_NoMemory();
    PyArrayObject* y = new_like(given.x);
    if (y == nullptr) return nullptr;
    const T *from = data_of<T>(given.x), *means = data_of<T>(given.mean);
    T *to = data_of<T>(y), *factors = memory.as<T>(), *shifts = factors + how.groups;
    for (long group = 0; group < how.groups; ++group) {
        factors[group] = static_cast<T>(given.factor<T>(group));
        // By the factor that x meets, or what rounding took from it would count at the mean.
        shifts[group] = static_cast<T>(static_cast<double>(data_of<T>(bias)[group]) -
                                       static_cast<double>(means[group]) *
                                           static_cast<double>(factors[group]));
    }
    loops.prepare(how, factors, shifts, rows.as<char>());
    // Runs that are short make one row of each part.
    const long row = how.run < SHORT_RUN ? how.groups * how.run : how.run;
    const Unlocked unlocked(PyArray_SIZE(given.x) > LIGHT);
    parallel_ranges(PyArray_SIZE(given.x) / row, LIGHT / row, [&](long first, long last) {
        loops.apply(how, from, factors, shifts, to, rows.as<char>(), first, last);
    });
    return reinterpret_cast<PyObject*>(y);
}

PyObject* given_entry(const Arguments& arguments) {
    Given given;
    if (!arguments.sized(5, 1) || !given.read(arguments, 0)) return DECLINED;
    PyArrayObject* bias = given.vector(arguments.array(4));
    if (bias == nullptr) return DECLINED;
    return given.type == Type::f32 ? applied<float>(given, bias) : applied<double>(given, bias);
}

// The cotangent: contiguous, or one number for all.
bool read_cotangent(PyArrayObject* g, PyArrayObject* x, bool* one) {
    if (g == nullptr || type_of(g) != type_of(x) || !same_shape(g, x)) return false;
    *one = true;
    for (int d = 0; d < PyArray_NDIM(g); ++d) {
        if (PyArray_DIM(g, d) != 1 && PyArray_STRIDE(g, d) != 0) *one = false;
    }
    return *one || is_contiguous(g);
}

// Fills dx and the gradients of the weights; false without memory.
template <class T>
bool run_backward(const Given& given, const T* g, bool one, T* dx, T* dweight, T* dbias) {
    const Groups& how = given.how;
    const bool brief = how.run < SHORT_RUN;
    const long by_size = HEAVY / how.size();
    const long grain = brief ? COLUMNS / how.run : by_size < 1 ? 1 : by_size;
    const std::size_t bytes =
        static_cast<std::size_t>(brief ? channels_of<T>().work_bytes(how, grain) : 1);
    const std::size_t numbers = static_cast<std::size_t>(how.groups) * 3 * sizeof(double);
    const Scratch memory(numbers);
    if (memory.get() == nullptr) return false;
    double *sums = memory.as<double>(), *along = sums + how.groups;
    T* factors = reinterpret_cast<T*>(along + how.groups);
    for (long group = 0; group < how.groups; ++group) {
        factors[group] = static_cast<T>(given.factor<T>(group));
    }
    const auto apply = [&](const Scratch& work, long first, long last) {
        channels_of<T>().apply_backward(how, g, one, data_of<T>(given.x), factors,
                                        data_of<T>(given.mean), dx, sums, along, work.as<char>(),
                                        first, last);
    };
    const bool complete = parallel_scratch(how.groups, grain, bytes, apply);
    for (long group = 0; group < how.groups; ++group) {
        dweight[group] = static_cast<T>(along[group] * given.root<T>(group));
        dbias[group] = static_cast<T>(sums[group]);
    }
    return complete;
}

PyObject* given_backward_entry(const Arguments& arguments) {
    Given given;
    bool one;
    if (!arguments.sized(5, 1) || !given.read(arguments, 1)) return DECLINED;
    PyArrayObject* g = arguments.array(0);
    if (!read_cotangent(g, given.x, &one)) return DECLINED;
    PyArrayObject* dx = new_like(given.x);
    PyArrayObject* dweight = new_like(given.weight);
    PyArrayObject* dbias = new_like(given.weight);
    bool done = dx != nullptr && dweight != nullptr && dbias != nullptr;
    if (done) {
        const auto run = [&]<class T>(const T* slope) {
            return run_backward(given, slope, one, data_of<T>(dx), data_of<T>(dweight),
                                data_of<T>(dbias));
        };
        const Unlocked unlocked(PyArray_SIZE(given.x) > HEAVY);
        done = given.type == Type::f32 ? run(data_of<const float>(g))
                                       : run(data_of<const double>(g));
    }
    if (done) return Py_BuildValue("(NNN)", dx, dweight, dbias);
    Py_XDECREF(dx);
    Py_XDECREF(dweight);
    Py_XDECREF(dbias);
    return PyErr_Occurred() ? nullptr : PyErr_NoMemory();
}

LAMPAS_KERNEL(standardize_given, given_entry);
LAMPAS_KERNEL(standardize_given_backward, given_backward_entry);

}  // namespace
}  // namespace lampas
