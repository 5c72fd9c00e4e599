// The likelihood of labels over all alignments: the records of ops/ctc.py.
#include "kernels/ctc.hpp"

#include "runtime/kernel.hpp"
#include "runtime/scratch.hpp"

namespace lampas {
namespace {

const Name STATES("states"), INPUTS("inputs"), LENGTHS("lengths"), BLANK("blank");
const Name LOST("lost");

bool is_integers(PyArrayObject* array, int ndim) {
    return array != nullptr && type_of(array) == Type::i64 && PyArray_NDIM(array) == ndim &&
           is_contiguous(array);
}

// x (T, N, C) in a contiguous array and what the parameters say of its sequences.
struct Batch {
    PyArrayObject* x = nullptr;
    Type type = Type::other;
    long times = 0, count = 0, classes = 0, states = 0, blank = 0;
    double lost = 0.0;
    const std::int64_t *labels = nullptr, *inputs = nullptr, *lengths = nullptr;

    bool read(const Arguments& arguments, PyArrayObject* scores) {
        x = scores;
        type = x == nullptr ? Type::other : type_of(x);
        if ((type != Type::f32 && type != Type::f64) || PyArray_NDIM(x) != 3) return false;
        times = PyArray_DIM(x, 0);
        count = PyArray_DIM(x, 1);
        classes = PyArray_DIM(x, 2);
        PyArrayObject *label = arguments.array(STATES), *input = arguments.array(INPUTS);
        PyArrayObject* length = arguments.array(LENGTHS);
        if (!is_integers(label, 2) || !is_integers(input, 1) || !is_integers(length, 1) ||
            !arguments.integer(BLANK, &blank) || !arguments.number(LOST, &lost) ||
            PyArray_DIM(label, 0) != count || PyArray_DIM(input, 0) != count ||
            PyArray_DIM(length, 0) != count || PyArray_SIZE(x) == 0) {
            return false;
        }
        states = PyArray_DIM(label, 1);
        labels = data_of<std::int64_t>(label);
        inputs = data_of<std::int64_t>(input);
        lengths = data_of<std::int64_t>(length);
        return fits();
    }
    bool fits() const {
        bool fine = states > 0;
        for (long n = 0; n < count; ++n) {
            fine &= inputs[n] >= 0 && inputs[n] <= times;
            fine &= lengths[n] >= 0 && 2 * lengths[n] < states;
        }
        for (long i = 0; i < count * states; ++i) fine &= labels[i] >= 0 && labels[i] < classes;
        return fine;
    }

    template <class T>
    CtcSequence<T> sequence(long n) const {
        return {data_of<T>(x) + n * classes, count * classes, times,         inputs[n], classes,
                labels + n * states,         states,          2 * lengths[n], blank};
    }

    // Call body(n, memory) for all sequences until one is refused; false without memory.
    template <class Body>
    bool for_sequences(long room, bool* fine, Body&& body) const {
        const Unlocked unlocked;
        const std::size_t bytes = static_cast<std::size_t>(room) * sizeof(double);
        return parallel_scratch(count, 1, bytes, [&](const Scratch& memory, long n, long last) {
            for (; n < last; ++n) {
                if (!body(n, memory.as<double>())) __atomic_store_n(fine, false, __ATOMIC_RELAXED);
            }
        });
    }
};

template <class T>
bool run_forward(const Batch& batch, const CtcLoops<T>& loops, PyArrayObject* losses,
                 PyArrayObject* begun, bool* fine) {
    const long states = batch.states;
    return batch.for_sequences(loops.room(states), fine, [&](long n, double* memory) {
        T* loss = data_of<T>(losses) + n;
        const bool served = loops.forward(batch.sequence<T>(n), data_of<T>(begun) + n * states,
                                          batch.count * states, memory, loss);
        if (*loss == static_cast<T>(__builtin_inf())) *loss = static_cast<T>(batch.lost);
        return served;
    });
}

// ctc(x, states=, inputs=, lengths=, blank=, lost=): the losses, and beginnings of paths
PyObject* forward_entry(const Arguments& arguments) {
    if (!arguments.sized(1, 5)) return DECLINED;
    const Dense x(arguments.array(0));
    Batch batch;
    if (!batch.read(arguments, x)) return DECLINED;
    const npy_intp shape[] = {batch.times, batch.count, batch.states};
    PyArrayObject* losses = new_array(batch.type, 1, shape + 1);
    PyArrayObject* begun = losses == nullptr ? nullptr : new_array(batch.type, 3, shape);
    if (begun == nullptr) return finished(losses, false);
    bool fine = true;
    const bool done = batch.type == Type::f32
                          ? run_forward<float>(batch, ctc().f32, losses, begun, &fine)
                          : run_forward<double>(batch, ctc().f64, losses, begun, &fine);
    PyObject* both = done && fine ? PyTuple_Pack(2, losses, begun) : nullptr;
    Py_DECREF(losses);
    Py_DECREF(begun);
    return done ? both : PyErr_NoMemory();
}

template <class T>
bool run_backward(const Batch& batch, const CtcLoops<T>& loops, PyArrayObject* g,
                  PyArrayObject* begun, PyArrayObject* dx, bool* fine) {
    const long states = batch.states;
    const T lost = static_cast<T>(batch.lost == 0.0 ? 0.0 : __builtin_nan(""));
    return batch.for_sequences(loops.room(states), fine, [&](long n, double* memory) {
        return loops.backward(batch.sequence<T>(n), data_of<T>(begun) + n * states,
                              batch.count * states, data_of<T>(g)[n], lost, memory,
                              data_of<T>(dx) + n * batch.classes);
    });
}

// ctc_backward(g, x, begun, states=, inputs=, lengths=, blank=, lost=)
PyObject* backward_entry(const Arguments& arguments) {
    if (!arguments.sized(3, 5)) return DECLINED;
    const Dense slope(arguments.array(0)), x(arguments.array(1)), kept(arguments.array(2));
    PyArrayObject *g = slope, *begun = kept;
    Batch batch;
    if (!batch.read(arguments, x)) return DECLINED;
    if (g == nullptr || begun == nullptr || type_of(g) != batch.type ||
        type_of(begun) != batch.type || PyArray_NDIM(g) != 1 || PyArray_NDIM(begun) != 3 ||
        PyArray_DIM(g, 0) != batch.count || PyArray_DIM(begun, 0) != batch.times ||
        PyArray_DIM(begun, 1) != batch.count || PyArray_DIM(begun, 2) != batch.states) {
        return DECLINED;
    }
    PyArrayObject* dx = new_array(batch.type, 3, PyArray_SHAPE(x));
    if (dx == nullptr) return nullptr;
    bool fine = true;
    const bool done = batch.type == Type::f32
                          ? run_backward<float>(batch, ctc().f32, g, begun, dx, &fine)
                          : run_backward<double>(batch, ctc().f64, g, begun, dx, &fine);
    if (fine || !done) return finished(dx, done);
    Py_DECREF(dx);
    return DECLINED;
}

LAMPAS_KERNEL(ctc, forward_entry);
LAMPAS_KERNEL(ctc_backward, backward_entry);

}  // namespace
}  // namespace lampas
