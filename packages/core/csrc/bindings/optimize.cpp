// Steps of optimizers: all parameters of a group in one call.
#include "kernels/optimize.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "runtime/kernel.hpp"
#include "runtime/pool.hpp"

namespace lampas {
namespace {

constexpr long GRAIN = 32 * 1024;  // elements of one chunk

// What belongs to one parameter: its values, its gradient and its state.
struct Row {
    float* arrays[5];
    long count;
};

// Rows of float32 arrays of one shape each, of which all but the gradient (the second) are
// written; false where one is something else.
bool read_rows(PyObject* list, int width, std::vector<Row>* rows) {
    if (!PyList_Check(list)) return false;
    const Py_ssize_t length = PyList_GET_SIZE(list);
    rows->resize(static_cast<std::size_t>(length));
    for (Py_ssize_t i = 0; i < length; ++i) {
        PyObject* row = PyList_GET_ITEM(list, i);
        if (!PyList_Check(row) || PyList_GET_SIZE(row) != width) return false;
        PyArrayObject* first = nullptr;
        for (int j = 0; j < width; ++j) {
            PyArrayObject* array = as_array(PyList_GET_ITEM(row, j));
            if (array == nullptr || type_of(array) != Type::f32 || !is_contiguous(array)) {
                return false;
            }
            if (j != 1 && !PyArray_ISWRITEABLE(array)) return false;
            if (j == 0) first = array;
            else if (!same_shape(first, array)) return false;
            (*rows)[static_cast<std::size_t>(i)].arrays[j] = data_of<float>(array);
        }
        (*rows)[static_cast<std::size_t>(i)].count = PyArray_SIZE(first);
    }
    return true;
}

// step(row, first, last) over all rows, in chunks that the rows' sizes alone decide.
template <class Step>
void for_each_stretch(const std::vector<Row>& rows, Step&& step) {
    struct Stretch {
        std::size_t row;
        long first, last;
    };
    long total = 0;
    for (const Row& row : rows) total += row.count;
    const Unlocked unlocked(total > GRAIN);
    if (total <= 2 * GRAIN) {
        for (std::size_t i = 0; i < rows.size(); ++i) step(i, 0L, rows[i].count);
        return;
    }
    std::vector<Stretch> stretches;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        for (long first = 0; first < rows[i].count; first += GRAIN) {
            stretches.push_back({i, first, std::min(first + GRAIN, rows[i].count)});
        }
    }
    parallel_chunks(static_cast<long>(stretches.size()), [&](long chunk) {
        const Stretch& s = stretches[static_cast<std::size_t>(chunk)];
        step(s.row, s.first, s.last);
    });
}

const Name LR("lr"), BETA1("beta1"), BETA2("beta2"), EPS("eps"), DECAY("decay"),
    DECOUPLED("decoupled"), AMSGRAD("amsgrad"), MOMENTUM("momentum"),
    DAMPENING("dampening"), NESTEROV("nesterov");

// adam_step(rows, steps, *, lr, beta1, beta2, eps, decay, decoupled, amsgrad): True
PyObject* adam_entry(const Arguments& arguments) {
    double lr, beta1, beta2, eps, decay;
    bool decoupled, amsgrad;
    if (!arguments.sized(2, 7) || !arguments.number(LR, &lr) ||
        !arguments.number(BETA1, &beta1) || !arguments.number(BETA2, &beta2) ||
        !arguments.number(EPS, &eps) || !arguments.number(DECAY, &decay) ||
        !arguments.flag(DECOUPLED, &decoupled) || !arguments.flag(AMSGRAD, &amsgrad)) {
        return DECLINED;
    }
    std::vector<Row> rows;
    if (!read_rows(arguments[0], amsgrad ? 5 : 4, &rows)) return DECLINED;
    PyObject* steps = arguments[1];
    if (!PyList_Check(steps) || PyList_GET_SIZE(steps) != static_cast<Py_ssize_t>(rows.size())) {
        return DECLINED;
    }
    std::vector<AdamFactors> factors(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const double t = PyLong_AsDouble(PyList_GET_ITEM(steps, static_cast<Py_ssize_t>(i)));
        if (t == -1.0 && PyErr_Occurred()) return nullptr;
        AdamFactors& f = factors[i];
        f.decay = static_cast<float>(decoupled ? 0.0 : decay);
        f.shrink = static_cast<float>(decoupled ? 1.0 - lr * decay : 1.0);
        f.beta1 = static_cast<float>(beta1);
        f.beta2 = static_cast<float>(beta2);
        f.rest1 = static_cast<float>(1.0 - beta1);
        f.rest2 = static_cast<float>(1.0 - beta2);
        f.eps = static_cast<float>(eps);
        f.scale = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(beta2, t)));
        f.size = static_cast<float>(lr / (1.0 - std::pow(beta1, t)));
    }
    for_each_stretch(rows, [&](std::size_t i, long first, long last) {
        float* const* a = rows[i].arrays;
        optimize().adam(a[0] + first, a[1] + first, a[2] + first, a[3] + first,
                        amsgrad ? a[4] + first : nullptr, last - first, factors[i]);
    });
    Py_RETURN_TRUE;
}

// sgd_step(rows, *, lr, decay, momentum, dampening, nesterov): True
PyObject* sgd_entry(const Arguments& arguments) {
    double lr, decay, momentum, dampening;
    bool nesterov;
    if (!arguments.sized(1, 5) || !arguments.number(LR, &lr) ||
        !arguments.number(DECAY, &decay) || !arguments.number(MOMENTUM, &momentum) ||
        !arguments.number(DAMPENING, &dampening) || !arguments.flag(NESTEROV, &nesterov)) {
        return DECLINED;
    }
    std::vector<Row> rows;
    if (!read_rows(arguments[0], momentum != 0.0 ? 3 : 2, &rows)) return DECLINED;
    const SgdFactors factors{static_cast<float>(lr), static_cast<float>(decay),
                             static_cast<float>(momentum),
                             static_cast<float>(1.0 - dampening), nesterov};
    for_each_stretch(rows, [&](std::size_t i, long first, long last) {
        float* const* a = rows[i].arrays;
        optimize().sgd(a[0] + first, a[1] + first,
                       momentum != 0.0 ? a[2] + first : nullptr, last - first, factors);
    });
    Py_RETURN_TRUE;
}

LAMPAS_KERNEL(adam_step, adam_entry);
LAMPAS_KERNEL(sgd_step, sgd_entry);

}  // namespace
}  // namespace lampas
