// Whole sequences of recurrent layers: rows of the batch go through all steps by
// themselves, with weights that are packed once.
#include "kernels/recurrent.hpp"

#include <algorithm>
#include <cstring>

#include "kernels/gemm.hpp"
#include "runtime/kernel.hpp"
#include "runtime/pool.hpp"

namespace lampas {
namespace {

enum class Mode { lstm, gru, tanh, relu };

constexpr long NEAR = 96 * 1024;  // entries

constexpr Name MODE("mode"), REVERSE("reverse");

struct Sizes {
    Mode mode;
    bool reverse, projected;
    long steps, batch, size, width;  // of the cell, and of the output

    long sides() const { return mode == Mode::lstm ? 4 : mode == Mode::gru ? 3 : 1; }
    long kept() const { return mode == Mode::lstm || mode == Mode::gru ? 4 * size : 0; }
    // The place of the step that is taken as the `order`-th.
    long at(long order) const { return reverse ? steps - 1 - order : order; }
    // Rows of the batch that one thread takes through the sequence: more where the weights
    // don't stay in the second-level cache and come through it again for each chunk.
    long rows() const {
        const bool near = sides() * size * width <= NEAR;
        return near || batch < 32 ? 8 : 16;
    }
    long row_chunks() const { return (batch + rows() - 1) / rows(); }
};

// A weight, packed for products from the left: (rows, k) @ (k, n).
class Packed {
public:
    Packed(const float* from, long row, long column, long k, long n)
        : gemm_(wide_gemm_of<float>()), k_(k), n_(n),
          memory_(static_cast<std::size_t>(k + 1) * (n + gemm_.columns) * sizeof(float)) {
        if (ready()) gemm_.pack_b(from, column, row, n, k, memory_.as<float>());
    }

    bool ready() const { return memory_.get() != nullptr; }

    void multiply(long rows, const float* a, float* c, bool add, const float* bias) const {
        const long mr = gemm_.rows, nr = gemm_.columns;
        gemm_.tile({rows, n_, k_, {a, mr * k_, k_, 1}, {memory_.as<float>(), k_ * nr, 1, nr},
                    c, n_, bias, add});
    }

private:
    const GemmOf<float>& gemm_;
    long k_, n_;
    Scratch memory_;
};

void copy(const float* from, long count, float* to) {
    std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(float));
}

// (steps, batch, last): the entries side by side, the other strides as they are.
struct Sequence {
    const float* data = nullptr;  // nullptr where there is none
    long step = 0, row = 0;

    void add_to(float* sum, long t, long first, long rows, long count) const {
        if (data == nullptr) return;
        for (long r = 0; r < rows; ++r) {
            const float* from = data + t * step + (first + r) * row;
            for (long j = 0; j < count; ++j) sum[r * count + j] += from[j];
        }
    }
};

struct Forward : Sizes {
    const Packed *hidden, *projection;
    const float *gx, *h0, *c0, *bias;
    float *y, *h, *c, *gates, *cells;
    float* scratch;  // (batch, gates of the step at most)

    void run(long chunk) const {
        const long first = chunk * Sizes::rows();
        const long count = std::min(Sizes::rows(), batch - first);
        for (long order = 0; order < steps; ++order) step(order, first, count);
        copy(y + (at(steps - 1) * batch + first) * width, count * width, h + first * width);
    }

    void step(long order, long first, long count) const {
        const long place = at(order) * batch + first;
        const float* state = order == 0 ? h0 + first * width
                                        : y + (at(order - 1) * batch + first) * width;
        float* output = y + place * width;
        if (mode == Mode::lstm) {
            lstm(order, first, count, place, state, output);
        } else if (mode == Mode::gru) {
            float* product = scratch + first * 3 * size;
            hidden->multiply(count, state, product, false, bias);
            recurrent().gru_step({count, size, gx + place * 3 * size, product, state,
                                  gates + place * 4 * size, output});
        } else {
            copy(gx + place * size, count * size, output);
            hidden->multiply(count, state, output, true, bias);
            const auto activate = mode == Mode::tanh ? recurrent().tanh : recurrent().relu;
            activate(output, count * size);
        }
    }

    void lstm(long order, long first, long count, long place, const float* state,
              float* output) const {
        float* gate = gates + place * 4 * size;
        float* cell = cells + place * size;
        float* next = order == steps - 1 ? c + first * size
                                         : cells + (at(order + 1) * batch + first) * size;
        if (order == 0) copy(c0 + first * size, count * size, cell);
        hidden->multiply(count, state, gate, false, bias);
        float* unprojected = projected ? scratch + first * size : output;
        recurrent().lstm_step(
            {count, size, gx + place * 4 * size, gate, cell, next, unprojected, size});
        if (projected) projection->multiply(count, unprojected, output, false, nullptr);
    }
};

struct Backward : Sizes {
    const Packed *hidden, *projection;
    Sequence gy, gcells;
    const float *h0, *y, *gates, *cells;
    float *dx, *dproduct, *dh, *dc, *dprojected, *unprojected;
    float* scratch;  // (batch, size)

    void run(long chunk) const {
        const long first = chunk * Sizes::rows();
        const long count = std::min(Sizes::rows(), batch - first);
        for (long order = steps - 1; order >= 0; --order) {
            gy.add_to(dh + first * width, at(order), first, count, width);
            step(order, first, count);
        }
    }

    void step(long order, long first, long count) const {
        const long place = at(order) * batch + first;
        float* d_state = dh + first * width;
        if (mode == Mode::lstm) {
            lstm(order, first, count, place, d_state);
        } else if (mode == Mode::gru) {
            const float* state = order == 0 ? h0 + first * width
                                            : y + (at(order - 1) * batch + first) * width;
            float* d_product = dproduct + place * 3 * size;
            recurrent().gru_back({count, size, gates + place * 4 * size, state, d_state,
                                  dx + place * 3 * size, d_product});
            hidden->multiply(count, d_product, d_state, true, nullptr);
        } else {
            const auto back =
                mode == Mode::tanh ? recurrent().tanh_back : recurrent().relu_back;
            back(y + place * size, d_state, dx + place * size, count * size);
            hidden->multiply(count, dx + place * size, d_state, false, nullptr);
        }
    }

    void lstm(long order, long first, long count, long place, float* d_state) const {
        const float* d_output = d_state;
        if (projected) {
            copy(d_state, count * width, dprojected + place * width);
            projection->multiply(count, d_state, scratch + first * size, false, nullptr);
            d_output = scratch + first * size;
        }
        float* d_gates = dx + place * 4 * size;
        recurrent().lstm_back({count, size, gates + place * 4 * size, cells + place * size,
                               d_output, size, dc + first * size, d_gates,
                               projected ? unprojected + place * size : nullptr});
        gcells.add_to(dc + first * size, at(order), first, count, size);
        hidden->multiply(count, d_gates, d_state, false, nullptr);
    }
};

bool read_mode(const Arguments& arguments, Sizes* sizes) {
    PyObject* mode = arguments.keyword(MODE);
    if (mode == nullptr || !PyUnicode_Check(mode)) return false;
    const auto is = [&](const char* name) {
        return PyUnicode_CompareWithASCIIString(mode, name) == 0;
    };
    if (is("LSTM")) sizes->mode = Mode::lstm;
    else if (is("GRU")) sizes->mode = Mode::gru;
    else if (is("RNN_TANH")) sizes->mode = Mode::tanh;
    else if (is("RNN_RELU")) sizes->mode = Mode::relu;
    else return false;
    return arguments.flag(REVERSE, &sizes->reverse);
}

bool is_float(PyArrayObject* x, int ndim) {
    return x != nullptr && type_of(x) == Type::f32 && PyArray_NDIM(x) == ndim;
}

const float* matrix(PyArrayObject* x, long rows, long columns) {
    if (!is_float(x, 2) || !is_contiguous(x) || PyArray_DIM(x, 0) != rows ||
        PyArray_DIM(x, 1) != columns) {
        return nullptr;
    }
    return data_of<const float>(x);
}

const float* sequence(PyArrayObject* x, const Sizes& s, long steps, long last) {
    if (!is_float(x, 3) || !is_contiguous(x) || PyArray_DIM(x, 0) != steps ||
        PyArray_DIM(x, 1) != s.batch || PyArray_DIM(x, 2) != last) {
        return nullptr;
    }
    return data_of<const float>(x);
}

// The sizes that the weights and an array (steps, batch, any) have; false where they
// don't agree or one is 0.
bool read_sizes(PyArrayObject* like, PyArrayObject* w_hh, PyArrayObject* w_hr, Sizes* s) {
    if (!is_float(like, 3) || !is_float(w_hh, 2) || !is_float(w_hr, 2)) return false;
    s->steps = PyArray_DIM(like, 0);
    s->batch = PyArray_DIM(like, 1);
    s->size = PyArray_DIM(w_hh, 0) / s->sides();
    s->width = PyArray_DIM(w_hh, 1);
    s->projected = PyArray_SIZE(w_hr) > 0;
    if (PyArray_DIM(w_hh, 0) != s->sides() * s->size) return false;
    if (s->projected) {
        if (s->mode != Mode::lstm || PyArray_DIM(w_hr, 0) != s->width ||
            PyArray_DIM(w_hr, 1) != s->size) {
            return false;
        }
    } else if (s->width != s->size) {
        return false;
    }
    return s->steps > 0 && s->batch > 0 && s->size > 0 && s->width > 0;
}

// New arrays, all of which go where one can't be made.
struct Results {
    PyObject* tuple;
    explicit Results(Py_ssize_t count) : tuple(PyTuple_New(count)) {}

    float* make(Py_ssize_t index, int ndim, const npy_intp* shape) {
        if (tuple == nullptr) return nullptr;
        PyArrayObject* array = new_array(Type::f32, ndim, shape);
        if (array == nullptr) {
            Py_CLEAR(tuple);
            return nullptr;
        }
        PyTuple_SET_ITEM(tuple, index, reinterpret_cast<PyObject*>(array));
        return data_of<float>(array);
    }
    float* make(Py_ssize_t index, long a, long b) {
        const npy_intp shape[] = {a, b};
        return make(index, 2, shape);
    }
    float* make(Py_ssize_t index, long a, long b, long c) {
        const npy_intp shape[] = {a, b, c};
        return make(index, 3, shape);
    }
    PyObject* no_memory() {
        Py_CLEAR(tuple);
        return PyErr_NoMemory();
    }
};

// w as the right operand: transposed, or as it is.
Packed packed(PyArrayObject* w, bool transposed) {
    constexpr long bytes = sizeof(float);
    const long rows = PyArray_DIM(w, 0), columns = PyArray_DIM(w, 1);
    const long row = PyArray_STRIDE(w, 0) / bytes, column = PyArray_STRIDE(w, 1) / bytes;
    const auto* data = data_of<const float>(w);
    if (transposed) return Packed(data, column, row, columns, rows);
    return Packed(data, row, column, rows, columns);
}

PyObject* scan_entry(const Arguments& arguments) {
    Forward f{};
    if (!arguments.sized(6, 2) || !read_mode(arguments, &f)) return DECLINED;
    PyArrayObject *w_hh = arguments.array(3), *w_hr = arguments.array(5);
    if (!read_sizes(arguments.array(0), w_hh, w_hr, &f)) return DECLINED;
    const long all = f.sides() * f.size;
    PyArrayObject *cell = arguments.array(2), *bias = arguments.array(4);
    f.gx = sequence(arguments.array(0), f, f.steps, all);
    f.h0 = matrix(arguments.array(1), f.batch, f.width);
    f.c0 = matrix(cell, f.batch, f.size);
    if (f.gx == nullptr || f.h0 == nullptr || f.c0 == nullptr || !is_float(bias, 1) ||
        !is_contiguous(bias) || PyArray_DIM(bias, 0) != all) {
        return DECLINED;
    }
    f.bias = data_of<const float>(bias);
    Results results(5);
    f.y = results.make(0, f.steps, f.batch, f.width);
    f.h = results.make(1, f.batch, f.width);
    f.c = results.make(2, f.batch, f.size);
    f.gates = results.make(3, f.steps, f.batch, f.kept());
    f.cells = results.make(4, f.mode == Mode::lstm ? f.steps : 0, f.batch, f.size);
    if (results.tuple == nullptr) return nullptr;
    bool complete;
    {
        const Unlocked unlocked;
        const Packed hidden = packed(w_hh, true), projection = packed(w_hr, true);
        const Scratch scratch(static_cast<std::size_t>(f.batch * all) * sizeof(float));
        complete = hidden.ready() && projection.ready() && scratch.get() != nullptr;
        f.hidden = &hidden;
        f.projection = &projection;
        f.scratch = scratch.as<float>();
        if (f.mode != Mode::lstm) copy(f.c0, f.batch * f.size, f.c);
        if (complete) parallel_chunks(f.row_chunks(), [&](long chunk) { f.run(chunk); });
    }
    return complete ? results.tuple : results.no_memory();
}

// A cotangent that may be None; false where it is neither that nor such a sequence.
bool read_cotangent(const Arguments& arguments, int index, const Sizes& s, long last,
                    Sequence* sequence) {
    if (arguments[index] == Py_None) return true;
    PyArrayObject* x = arguments.array(index);
    constexpr long bytes = sizeof(float);
    if (!is_float(x, 3) || PyArray_DIM(x, 0) != s.steps || PyArray_DIM(x, 1) != s.batch ||
        PyArray_DIM(x, 2) != last || (last > 1 && PyArray_STRIDE(x, 2) != bytes)) {
        return false;
    }
    *sequence = {data_of<const float>(x), PyArray_STRIDE(x, 0) / bytes,
                 PyArray_STRIDE(x, 1) / bytes};
    return true;
}

// Cotangents of the last state: copied into the sum, or zeros; false where of another form.
bool read_last(const Arguments& arguments, int index, const Sizes& s, long last,
               const float** from) {
    *from = nullptr;
    if (arguments[index] == Py_None) return true;
    *from = matrix(arguments.array(index), s.batch, last);
    return *from != nullptr;
}

void start(const float* from, long count, float* to) {
    if (from != nullptr) copy(from, count, to);
    else std::memset(to, 0, static_cast<std::size_t>(count) * sizeof(float));
}

PyObject* scan_backward_entry(const Arguments& arguments) {
    Backward b{};
    if (!arguments.sized(11, 2) || !read_mode(arguments, &b)) return DECLINED;
    PyArrayObject *w_hh = arguments.array(6), *w_hr = arguments.array(7);
    if (!read_sizes(arguments.array(8), w_hh, w_hr, &b)) return DECLINED;
    const float *gh, *gc;
    const bool lstm = b.mode == Mode::lstm;
    b.h0 = matrix(arguments.array(4), b.batch, b.width);
    b.y = sequence(arguments.array(8), b, b.steps, b.width);
    b.gates = sequence(arguments.array(9), b, b.steps, b.kept());
    b.cells = sequence(arguments.array(10), b, lstm ? b.steps : 0, b.size);
    if (b.h0 == nullptr || b.y == nullptr || b.gates == nullptr || b.cells == nullptr ||
        !read_cotangent(arguments, 0, b, b.width, &b.gy) ||
        !read_last(arguments, 1, b, b.width, &gh) ||
        !read_last(arguments, 2, b, b.size, &gc) ||
        !read_cotangent(arguments, 3, b, b.size, &b.gcells) ||
        (!lstm && b.gcells.data != nullptr)) {
        return DECLINED;
    }
    Results results(6);
    const long all = b.sides() * b.size;
    b.dx = results.make(0, b.steps, b.batch, all);
    if (b.mode == Mode::gru) {
        b.dproduct = results.make(1, b.steps, b.batch, all);
    } else if (results.tuple != nullptr) {
        PyTuple_SET_ITEM(results.tuple, 1, Py_NewRef(PyTuple_GET_ITEM(results.tuple, 0)));
    }
    b.dh = results.make(2, b.batch, b.width);
    b.dc = results.make(3, b.batch, b.size);
    if (b.projected) {
        b.dprojected = results.make(4, b.steps, b.batch, b.width);
        b.unprojected = results.make(5, b.steps, b.batch, b.size);
    } else if (results.tuple != nullptr) {
        PyTuple_SET_ITEM(results.tuple, 4, Py_NewRef(Py_None));
        PyTuple_SET_ITEM(results.tuple, 5, Py_NewRef(Py_None));
    }
    if (results.tuple == nullptr) return nullptr;
    bool complete;
    {
        const Unlocked unlocked;
        const Packed hidden = packed(w_hh, false), projection = packed(w_hr, false);
        const Scratch scratch(static_cast<std::size_t>(b.batch * b.size) * sizeof(float));
        complete = hidden.ready() && projection.ready() && scratch.get() != nullptr;
        b.hidden = &hidden;
        b.projection = &projection;
        b.scratch = scratch.as<float>();
        start(gh, b.batch * b.width, b.dh);
        start(gc, b.batch * b.size, b.dc);
        if (complete) parallel_chunks(b.row_chunks(), [&](long chunk) { b.run(chunk); });
    }
    return complete ? results.tuple : results.no_memory();
}

LAMPAS_KERNEL(rnn_scan, scan_entry);
LAMPAS_KERNEL(rnn_scan_backward, scan_backward_entry);

}  // namespace
}  // namespace lampas
