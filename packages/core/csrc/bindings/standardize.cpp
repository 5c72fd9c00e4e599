// Normalisation: the records of ops/standardize.py on contiguous arrays of floats.
#include "kernels/standardize.hpp"

#include <cstring>

#include "bindings/layout.hpp"
#include "kernels/channels.hpp"
#include "runtime/kernel.hpp"
#include "runtime/scratch.hpp"

namespace lampas {
namespace {

const Name DIMS("dims"), SHAPE("shape"), EPS("eps"), CENTER("center");

constexpr long LONGEST_SHORT = 1024;  // runs of so many bytes are added up as columns, but
constexpr long SHORTEST_WHOLE = 128;  // for those of so many elements in whole vectors
constexpr long VECTOR = 64;           // in bytes
constexpr long SHORTEST_RUN = 8;      // shorter runs are served by nothing else
constexpr long FEWEST_COLUMNS = 16;
constexpr long COLUMNS = 512;         // of one chunk, at most about this many
constexpr long MOST_CHUNKS = 64;      // that have sums of their own

bool is_plain(PyArrayObject* array, Type type) {
    return array != nullptr && type_of(array) == type && is_contiguous(array);
}

// The dimensions of x, from the last to the first: those of a run are reduced, those of
// groups kept, those of parts reduced again.
struct Standard {
    Groups how;
    Type type;
    int ndim = 0;
    npy_intp kept[MOST_DIMS];  // the shape of mean and scale

    bool read(const Arguments& arguments, PyArrayObject* x) {
        long dims[MOST_DIMS];
        const int count = arguments.integers(DIMS, dims, MOST_DIMS);
        if (x == nullptr || !is_contiguous(x) || PyArray_SIZE(x) == 0 || count < 1) return false;
        type = type_of(x);
        if (type != Type::f32 && type != Type::f64) return false;
        ndim = PyArray_NDIM(x);
        if (ndim > MOST_DIMS || !arguments.flag(CENTER, &how.center)) return false;
        bool reduced[MOST_DIMS] = {};
        for (int i = 0; i < count; ++i) {
            if (dims[i] < 0 || dims[i] >= ndim) return false;
            reduced[dims[i]] = true;
        }
        how.run = how.groups = how.parts = 1;
        long* const counts[3] = {&how.run, &how.groups, &how.parts};
        int stage = 0;
        for (int d = ndim - 1; d >= 0; --d) {
            const long size = PyArray_DIM(x, d);
            kept[d] = reduced[d] ? 1 : size;
            stage_[d] = -1;
            if (size == 1) continue;
            while (stage < 3 && reduced[d] != (stage != 1)) ++stage;
            if (stage == 3) return false;
            stage_[d] = stage;
            *counts[stage] *= size;
        }
        how.weight_groups = how.weights = 1;
        how.weight_run = how.run;
        return true;
    }

    // Whether groups are columns of rows that lie in memory one after the other.
    bool short_runs(bool weighted) const {
        const long bytes = how.run * item_size(type);
        const bool even = !weighted || (how.weights == 1 && how.weight_groups == how.groups);
        const bool brief =
            bytes <= LONGEST_SHORT && (how.run < SHORTEST_WHOLE || bytes % VECTOR != 0);
        return even && brief && how.parts > 1 && how.groups * how.run >= FEWEST_COLUMNS;
    }
    bool served(bool weighted) const {
        return short_runs(weighted) || how.parts == 1 || how.run >= SHORTEST_RUN;
    }

    // How weights of `shape` lie over the groups: they may repeat at the end of a run and
    // over the first of the groups.
    bool read_weights(const Arguments& arguments, PyArrayObject* x, PyArrayObject* weight) {
        long shape[MOST_DIMS];
        const int length = arguments.integers(SHAPE, shape, MOST_DIMS);
        if (!is_plain(weight, type) || length < 1 || length > ndim) return false;
        bool begun = false, ended = false;
        how.weight_run = 1;
        long size = 1;
        for (int d = ndim - 1; d >= 0; --d) {
            const int own = d - (ndim - length);
            const long extent = own < 0 ? 1 : shape[own];
            size *= extent;
            if (stage_[d] < 0) continue;
            const bool present = extent == PyArray_DIM(x, d);
            if (!present && extent != 1) return false;
            if (stage_[d] == 0) {
                if (!present && begun) return false;
                begun = begun || present;
                (present ? how.weights : how.weight_run) *= PyArray_DIM(x, d);
            } else if (stage_[d] == 1) {
                if (present && ended) return false;
                ended = ended || !present;
                if (present) how.weight_groups *= extent;
            } else if (present) {
                return false;
            }
        }
        return size == PyArray_SIZE(weight) && size == how.all_weights();
    }

    bool read_eps(const Arguments& arguments) {
        double eps;
        if (!arguments.number(EPS, &eps)) return false;
        how.eps = type == Type::f32 ? static_cast<double>(static_cast<float>(eps)) : eps;
        return true;
    }

    // Groups of one chunk: about `elements`.
    long grain(long elements) const {
        return how.size() >= elements ? 1 : elements / how.size();
    }

    // Call body(work, first, last) for groups whose runs are short; false without memory.
    template <class T, class Body>
    bool run_columns(Body&& body) const {
        const long quarter = how.groups * how.run / 4;
        const long columns = quarter < COLUMNS / 4 ? COLUMNS / 4
                             : quarter < COLUMNS   ? quarter
                                                   : COLUMNS;
        const long fitting = columns < how.run ? 1 : columns / how.run;
        const long groups = (fitting + 7) / 8 * 8;  // whole vectors
        const long bytes = channels_of<T>().work_bytes(how, groups);
        return parallel_scratch(how.groups, groups, static_cast<std::size_t>(bytes),
                                [&](const Scratch& work, long first, long last) {
                                    body(work.as<char>(), first, last);
                                });
    }

private:
    int stage_[MOST_DIMS];
};

// y, mean and scale; weight and bias may be nullptr.
template <class T>
PyObject* normalised(const Standard& standard, PyArrayObject* x, PyArrayObject* weight,
                     PyArrayObject* bias) {
    PyArrayObject* y = new_like(x);
    PyArrayObject* mean = new_array(standard.type, standard.ndim, standard.kept);
    PyArrayObject* scale = new_array(standard.type, standard.ndim, standard.kept);
    bool done = y != nullptr && mean != nullptr && scale != nullptr;
    if (done) {
        const T* from = data_of<T>(x);
        const T* factors = weight == nullptr ? nullptr : data_of<T>(weight);
        const T* shifts = bias == nullptr ? nullptr : data_of<T>(bias);
        T *to = data_of<T>(y), *means = data_of<T>(mean), *scales = data_of<T>(scale);
        const Unlocked unlocked(PyArray_SIZE(x) > HEAVY);
        if (standard.short_runs(weight != nullptr)) {
            done = standard.run_columns<T>([&](char* work, long first, long last) {
                channels_of<T>().forward(standard.how, from, factors, shifts, to, means, scales,
                                         work, first, last);
            });
        } else {
            parallel_ranges(standard.how.groups, standard.grain(HEAVY),
                            [&](long first, long last) {
                                standardizer_of<T>().forward(standard.how, from, factors, shifts,
                                                             to, means, scales, first, last);
                            });
        }
    }
    if (done) return Py_BuildValue("(NNN)", y, mean, scale);
    Py_XDECREF(y);
    Py_XDECREF(mean);
    Py_XDECREF(scale);
    return PyErr_Occurred() ? nullptr : PyErr_NoMemory();
}

template <int OPERANDS>  // x, weight, bias
PyObject* forward_entry(const Arguments& arguments) {
    if (!arguments.sized(OPERANDS, 4)) return DECLINED;
    PyArrayObject* x = arguments.array(0);
    Standard standard;
    if (!standard.read(arguments, x) || !standard.read_eps(arguments)) return DECLINED;
    if (arguments.keyword(SHAPE) == nullptr) return DECLINED;
    PyArrayObject* affine[2] = {nullptr, nullptr};
    for (int i = 1; i < OPERANDS; ++i) {
        affine[i - 1] = arguments.array(i);
        Standard again = standard;
        if (!again.read_weights(arguments, x, affine[i - 1])) return DECLINED;
        if (i == OPERANDS - 1) standard = again;
    }
    if (!standard.served(OPERANDS > 1)) return DECLINED;
    return standard.type == Type::f32 ? normalised<float>(standard, x, affine[0], affine[1])
                                      : normalised<double>(standard, x, affine[0], affine[1]);
}

// The operands that both gradients take; false where they do not fit.
struct Slopes {
    Standard standard;
    PyArrayObject *g, *x, *mean, *scale;
    bool one = false;

    bool read(const Arguments& arguments, int mean_at) {
        g = arguments.array(0);
        x = arguments.array(1);
        mean = arguments.array(mean_at);
        scale = arguments.array(mean_at + 1);
        if (!standard.read(arguments, x)) return false;
        if (!is_plain(mean, standard.type) || !is_plain(scale, standard.type)) return false;
        const long groups = standard.how.groups;
        if (PyArray_SIZE(mean) != groups || PyArray_SIZE(scale) != groups) return false;
        if (g == nullptr || type_of(g) != standard.type || !same_shape(g, x)) return false;
        one = true;
        for (int d = 0; d < PyArray_NDIM(g); ++d) {
            if (PyArray_DIM(g, d) != 1 && PyArray_STRIDE(g, d) != 0) one = false;
        }
        return one || is_contiguous(g);
    }

    // The same where the runs of groups are short; false without memory.
    template <class T>
    bool run_columns(T* dx, const T* weight, T* dweight, T* dbias) const {
        return standard.run_columns<T>([&](char* work, long first, long last) {
            channels_of<T>().backward(standard.how, data_of<T>(g), one, data_of<T>(x), weight,
                                      data_of<T>(mean), data_of<T>(scale), dx, dweight, dbias,
                                      work, first, last);
        });
    }

    template <class T>
    void run(T* dx, const T* weight, double* sums, long first, long last) const {
        standardizer_of<T>().backward(standard.how, data_of<T>(g), one, data_of<T>(x), weight,
                                      data_of<T>(mean), data_of<T>(scale), dx, sums, first, last);
    }
};

// Fills dx; false without memory.
template <class T>
bool plain_backward(const Slopes& slopes, T* dx) {
    const Standard& standard = slopes.standard;
    if (standard.short_runs(false)) {
        return slopes.run_columns<T>(dx, nullptr, nullptr, nullptr);
    }
    parallel_ranges(standard.how.groups, standard.grain(HEAVY), [&](long first, long last) {
        slopes.run<T>(dx, nullptr, nullptr, first, last);
    });
    return true;
}

PyObject* backward_entry(const Arguments& arguments) {
    Slopes slopes;
    if (!arguments.sized(4, 2) || !slopes.read(arguments, 2)) return DECLINED;
    if (!slopes.standard.served(false)) return DECLINED;
    PyArrayObject* dx = new_like(slopes.x);
    if (dx == nullptr) return nullptr;
    bool done;
    {
        const Unlocked unlocked(PyArray_SIZE(slopes.x) > HEAVY);
        done = slopes.standard.type == Type::f32
                   ? plain_backward(slopes, data_of<float>(dx))
                   : plain_backward(slopes, data_of<double>(dx));
    }
    return finished(dx, done);
}

// Fills dx and the gradients of the weights; false without memory for the sums.
template <class T>
bool affine_backward(const Slopes& slopes, const T* weight, T* dx, T* dweight, T* dbias) {
    const Groups& how = slopes.standard.how;
    if (slopes.standard.short_runs(true)) return slopes.run_columns(dx, weight, dweight, dbias);
    const long weights = how.all_weights(), size = SUM_ROWS<T> * weights;
    long grain = slopes.standard.grain(HEAVY);
    // Where each group has weights of its own, all chunks may add to one set of sums.
    const bool apart = how.weight_groups != how.groups;
    if (apart && grain * MOST_CHUNKS < how.groups) {
        grain = (how.groups + MOST_CHUNKS - 1) / MOST_CHUNKS;
    }
    const long sets = apart ? (how.groups + grain - 1) / grain : 1;
    const std::size_t bytes = static_cast<std::size_t>(sets * size) * sizeof(double);
    const Scratch scratch(bytes);
    double* sums = scratch.as<double>();
    if (sums == nullptr) return false;
    std::memset(sums, 0, bytes);
    parallel_ranges(how.groups, grain, [&](long first, long last) {
        slopes.run(dx, weight, sums + (apart ? first / grain * size : 0), first, last);
    });
    for (long i = 0; i < 2 * weights; ++i) {
        double sum = 0.0, lost = 0.0;
        for (long set = 0; set < sets; ++set) {
            sum += sums[set * size + i];
            if (SUM_ROWS<T> == 4) lost += sums[set * size + 2 * weights + i];
        }
        T* to = i < weights ? dweight + i : dbias + i - weights;
        *to = static_cast<T>(lost - lost == 0.0 ? sum + lost : sum);
    }
    return true;
}

PyObject* affine_backward_entry(const Arguments& arguments) {
    Slopes slopes;
    if (!arguments.sized(5, 3) || !slopes.read(arguments, 3)) return DECLINED;
    PyArrayObject* weight = arguments.array(2);
    if (!slopes.standard.read_weights(arguments, slopes.x, weight)) return DECLINED;
    if (!slopes.standard.served(true)) return DECLINED;
    PyArrayObject* dx = new_like(slopes.x);
    PyArrayObject* dweight = new_like(weight);
    PyArrayObject* dbias = new_like(weight);
    bool done = dx != nullptr && dweight != nullptr && dbias != nullptr;
    if (done) {
        const auto run = [&]<class T>(const T* factors) {
            return affine_backward(slopes, factors, data_of<T>(dx), data_of<T>(dweight),
                                   data_of<T>(dbias));
        };
        const Unlocked unlocked(PyArray_SIZE(slopes.x) > HEAVY);
        done = slopes.standard.type == Type::f32 ? run(data_of<const float>(weight))
                                                 : run(data_of<const double>(weight));
    }
    if (!done) {
        Py_XDECREF(dx);
        Py_XDECREF(dweight);
        Py_XDECREF(dbias);
        return PyErr_NoMemory();
    }
    return Py_BuildValue("(NNN)", dx, dweight, dbias);
}

LAMPAS_KERNEL(standardize, forward_entry<1>);
LAMPAS_KERNEL(standardize_scaled, forward_entry<2>);
LAMPAS_KERNEL(standardize_affine, forward_entry<3>);
LAMPAS_KERNEL(standardize_backward, backward_entry);
LAMPAS_KERNEL(standardize_affine_backward, affine_backward_entry);

}  // namespace
}  // namespace lampas
