// Normalisation: the records of ops/standardize.py on contiguous float32 arrays.
#include "kernels/standardize.hpp"

#include <cstring>

#include "bindings/layout.hpp"
#include "kernels/channels.hpp"
#include "runtime/kernel.hpp"
#include "runtime/scratch.hpp"

namespace lampas {
namespace {

const Name DIMS("dims"), SHAPE("shape"), EPS("eps"), CENTER("center");

constexpr long LONGEST_SHORT = 256;  // runs up to here are added up as columns, but for
constexpr long SHORTEST_WHOLE = 128; // those of whole vectors, of which there are many
constexpr long VECTOR = 16;
constexpr long SHORTEST_RUN = 8;     // shorter runs are served by nothing else
constexpr long FEWEST_COLUMNS = 16;
constexpr long COLUMNS = 512;        // of one chunk, at most about this many
constexpr long MOST_CHUNKS = 64;  // that have sums of their own

bool is_plain(PyArrayObject* array) {
    return array != nullptr && type_of(array) == Type::f32 && is_contiguous(array);
}

// The dimensions of x, from the last to the first: those of a run are reduced, those of
// groups kept, those of parts reduced again.
struct Standard {
    Groups how;
    int ndim = 0;
    npy_intp kept[MOST_DIMS];  // the shape of mean and scale

    bool read(const Arguments& arguments, PyArrayObject* x) {
        long dims[MOST_DIMS];
        const int count = arguments.integers(DIMS, dims, MOST_DIMS);
        if (!is_plain(x) || PyArray_SIZE(x) == 0 || count < 1) return false;
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
        const bool even = !weighted || (how.weights == 1 && how.weight_groups == how.groups);
        const bool brief = how.run <= LONGEST_SHORT &&
                           (how.run < SHORTEST_WHOLE || how.run % VECTOR != 0);
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
        if (!is_plain(weight) || length < 1 || length > ndim) return false;
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
        return size == PyArray_SIZE(weight) &&
               size == how.weight_groups * how.weights;
    }

    bool read_eps(const Arguments& arguments) {
        double eps;
        if (!arguments.number(EPS, &eps)) return false;
        how.eps = static_cast<float>(eps);
        return true;
    }

    // Groups of one chunk: about `elements`.
    long grain(long elements) const {
        return how.size() >= elements ? 1 : elements / how.size();
    }

    // Call body(work, first, last) for groups whose runs are short; false without memory.
    template <class Body>
    bool run_columns(Body&& body) const {
        const long quarter = how.groups * how.run / 4;
        const long columns = quarter < COLUMNS / 4 ? COLUMNS / 4
                             : quarter < COLUMNS   ? quarter
                                                   : COLUMNS;
        const long fitting = columns < how.run ? 1 : columns / how.run;
        const long groups = (fitting + 7) / 8 * 8;  // whole vectors
        const std::size_t bytes = static_cast<std::size_t>(channels().work_bytes(how, groups));
        return parallel_scratch(how.groups, groups, bytes,
                                [&](const Scratch& work, long first, long last) {
                                    body(work.as<char>(), first, last);
                                });
    }

private:
    int stage_[MOST_DIMS];
};

template <int OPERANDS>  // x, weight, bias
PyObject* forward_entry(const Arguments& arguments) {
    if (!arguments.sized(OPERANDS, 4)) return DECLINED;
    PyArrayObject* x = arguments.array(0);
    Standard standard;
    if (!standard.read(arguments, x) || !standard.read_eps(arguments)) return DECLINED;
    if (arguments.keyword(SHAPE) == nullptr) return DECLINED;
    const float* affine[2] = {nullptr, nullptr};
    for (int i = 1; i < OPERANDS; ++i) {
        PyArrayObject* array = arguments.array(i);
        Standard again = standard;
        if (!again.read_weights(arguments, x, array)) return DECLINED;
        affine[i - 1] = data_of<float>(array);
        if (i == OPERANDS - 1) standard = again;
    }
    const bool columns = standard.short_runs(OPERANDS > 1);
    if (!standard.served(OPERANDS > 1)) return DECLINED;
    PyArrayObject* y = new_like(x);
    PyArrayObject* mean = new_array(Type::f32, standard.ndim, standard.kept);
    PyArrayObject* scale = new_array(Type::f32, standard.ndim, standard.kept);
    bool done = y != nullptr && mean != nullptr && scale != nullptr;
    if (done) {
        const float* from = data_of<float>(x);
        float *to = data_of<float>(y), *means = data_of<float>(mean);
        float* scales = data_of<float>(scale);
        const Unlocked unlocked(PyArray_SIZE(x) > HEAVY);
        if (columns) {
            done = standard.run_columns([&](char* work, long first, long last) {
                channels().forward(standard.how, from, affine[0], affine[1], to, means, scales,
                                   work, first, last);
            });
        } else {
            parallel_ranges(standard.how.groups, standard.grain(HEAVY),
                            [&](long first, long last) {
                                standardizer().forward(standard.how, from, affine[0], affine[1],
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
        if (!standard.read(arguments, x) || !is_plain(mean) || !is_plain(scale)) return false;
        const long groups = standard.how.groups;
        if (PyArray_SIZE(mean) != groups || PyArray_SIZE(scale) != groups) return false;
        if (g == nullptr || type_of(g) != Type::f32 || !same_shape(g, x)) return false;
        one = true;
        for (int d = 0; d < PyArray_NDIM(g); ++d) {
            if (PyArray_DIM(g, d) != 1 && PyArray_STRIDE(g, d) != 0) one = false;
        }
        return one || is_contiguous(g);
    }

    // The same where the runs of groups are short; false without memory.
    bool run_columns(float* dx, const float* weight, float* dweight, float* dbias) const {
        return standard.run_columns([&](char* work, long first, long last) {
            channels().backward(standard.how, data_of<float>(g), one, data_of<float>(x), weight,
                                data_of<float>(mean), data_of<float>(scale), dx, dweight, dbias,
                                work, first, last);
        });
    }

    void run(float* dx, const float* weight, double* dweight, double* dbias, long first,
             long last) const {
        standardizer().backward(standard.how, data_of<float>(g), one, data_of<float>(x), weight,
                                data_of<float>(mean), data_of<float>(scale), dx, dweight, dbias,
                                first, last);
    }
};

PyObject* backward_entry(const Arguments& arguments) {
    Slopes slopes;
    if (!arguments.sized(4, 2) || !slopes.read(arguments, 2)) return DECLINED;
    const Standard& standard = slopes.standard;
    if (!standard.served(false)) return DECLINED;
    PyArrayObject* dx = new_like(slopes.x);
    if (dx == nullptr) return nullptr;
    float* to = data_of<float>(dx);
    bool done = true;
    {
        const Unlocked unlocked(PyArray_SIZE(slopes.x) > HEAVY);
        if (standard.short_runs(false)) {
            done = slopes.run_columns(to, nullptr, nullptr, nullptr);
        } else {
            parallel_ranges(standard.how.groups, standard.grain(HEAVY),
                            [&](long first, long last) {
                                slopes.run(to, nullptr, nullptr, nullptr, first, last);
                            });
        }
    }
    return finished(dx, done);
}

// Fills dx and the gradients of the weights; false without memory for the sums.
bool affine_backward(const Slopes& slopes, const float* weight, float* dx, float* dweight,
                     float* dbias) {
    const Groups& how = slopes.standard.how;
    if (slopes.standard.short_runs(true)) return slopes.run_columns(dx, weight, dweight, dbias);
    const long weights = how.weight_groups * how.weights;
    long grain = slopes.standard.grain(HEAVY);
    // Where each group has weights of its own, all chunks may add to one set of sums.
    const bool apart = how.weight_groups != how.groups;
    if (apart && grain * MOST_CHUNKS < how.groups) {
        grain = (how.groups + MOST_CHUNKS - 1) / MOST_CHUNKS;
    }
    const long sets = apart ? (how.groups + grain - 1) / grain : 1;
    const std::size_t bytes = static_cast<std::size_t>(sets * weights) * 2 * sizeof(double);
    const Scratch scratch(bytes);
    double* sums = scratch.as<double>();
    if (sums == nullptr) return false;
    std::memset(sums, 0, bytes);
    parallel_ranges(how.groups, grain, [&](long first, long last) {
        double* own = sums + (apart ? first / grain * weights * 2 : 0);
        slopes.run(dx, weight, own, own + weights, first, last);
    });
    for (long i = 0; i < weights; ++i) {
        double of_weight = 0.0, of_bias = 0.0;
        for (long set = 0; set < sets; ++set) {
            of_weight += sums[set * weights * 2 + i];
            of_bias += sums[set * weights * 2 + weights + i];
        }
        dweight[i] = static_cast<float>(of_weight);
        dbias[i] = static_cast<float>(of_bias);
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
        const Unlocked unlocked(PyArray_SIZE(slopes.x) > HEAVY);
        done = affine_backward(slopes, data_of<float>(weight), data_of<float>(dx),
                               data_of<float>(dweight), data_of<float>(dbias));
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
