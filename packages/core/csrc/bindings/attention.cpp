// Attention over any number of heads: the records `attention` and `attention_backward`.
#include "kernels/attention.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "runtime/kernel.hpp"
#include "runtime/scratch.hpp"

namespace lampas {
namespace {

constexpr long FEW_HEADS = 8;     // under this, one head's work is split as well
constexpr long STRETCH = ATTENTION_STRETCH;  // queries of one chunk of the forward pass
constexpr long PART = 512;        // queries or keys of one chunk of a split backward pass
constexpr long SMALL_WORK = 1 << 15;  // multiplications for which the GIL is kept

const Name CAUSAL("causal"), FACTOR("factor");

// An operand of (..., rows, columns): float32, its columns side by side. One that lies
// otherwise, as the gradient of a sum does, is copied.
struct Matrices {
    PyArrayObject* array = nullptr;
    long rows = 0, columns = 0, row = 0;  // the stride of a row, in elements

    Matrices() = default;
    Matrices(const Matrices&) = delete;
    Matrices& operator=(const Matrices&) = delete;
    ~Matrices() { Py_XDECREF(array); }

    bool read(PyArrayObject* from, int ndim) {
        if (from == nullptr || PyArray_NDIM(from) != ndim || type_of(from) != Type::f32) {
            return false;
        }
        rows = PyArray_DIM(from, ndim - 2);
        columns = PyArray_DIM(from, ndim - 1);
        if (columns == 1 || PyArray_STRIDE(from, ndim - 1) == 4) {
            Py_INCREF(from);
            array = from;
        } else {
            array = PyArray_GETCONTIGUOUS(from);
            if (array == nullptr) return false;
        }
        row = PyArray_STRIDE(array, ndim - 2) / 4;
        return true;
    }
    float* data() const { return data_of<float>(array); }
};

// Where each head starts in an array whose dimensions in front are those of `front`, or
// broadcast to them; in elements.
std::vector<long> starts(PyArrayObject* array, int front, const npy_intp* shape) {
    const int missing = front - (PyArray_NDIM(array) - 2);
    const long item = PyArray_ITEMSIZE(array);
    std::vector<long> found{0};
    for (int d = 0; d < front; ++d) {
        const int own = d - missing;
        const bool moves = own >= 0 && PyArray_DIM(array, own) != 1;
        const long step = moves ? PyArray_STRIDE(array, own) / item : 0;
        std::vector<long> next;
        next.reserve(found.size() * static_cast<std::size_t>(shape[d]));
        for (const long start : found) {
            for (npy_intp i = 0; i < shape[d]; ++i) next.push_back(start + i * step);
        }
        found = std::move(next);
    }
    return found;
}

struct Problem {
    int ndim = 0, front = 0;
    const npy_intp* shape = nullptr;  // of the query
    Matrices query, key, value;
    PyArrayObject* mask = nullptr;  // or nullptr, where every key is seen
    Head head{};                    // what all heads have in common
    std::vector<long> query_starts, key_starts, value_starts, mask_starts;

    long heads() const { return static_cast<long>(query_starts.size()); }
    long work() const { return heads() * head.queries * head.keys * (head.width + head.depth); }

    Head at(long h) const {
        const std::size_t i = static_cast<std::size_t>(h);
        Head one = head;
        one.query = query.data() + query_starts[i];
        one.key = key.data() + key_starts[i];
        one.value = value.data() + value_starts[i];
        if (mask != nullptr) {
            if (type_of(mask) == Type::f32) one.added = data_of<float>(mask) + mask_starts[i];
            else one.seen = data_of<unsigned char>(mask) + mask_starts[i];
        }
        return one;
    }
};

bool same_front(const Problem& p, PyArrayObject* other) {
    return PyArray_NDIM(other) == p.ndim &&
           PyArray_CompareLists(p.shape, PyArray_SHAPE(other), p.front);
}

bool read_mask(PyArrayObject* mask, Problem* p) {
    if (mask == nullptr) return false;
    const Type type = type_of(mask);
    const int ndim = PyArray_NDIM(mask);
    if (type == Type::boolean && ndim == 0) return *data_of<unsigned char>(mask) != 0;
    if ((type != Type::boolean && type != Type::f32) || ndim < 2 || ndim > p->ndim) return false;
    const long item = PyArray_ITEMSIZE(mask);
    const long wanted[2] = {p->head.queries, p->head.keys};
    long steps[2];
    for (int i = 0; i < 2; ++i) {
        const npy_intp size = PyArray_DIM(mask, ndim - 2 + i);
        if (size != 1 && size != wanted[i]) return false;
        steps[i] = size == 1 ? 0 : PyArray_STRIDE(mask, ndim - 2 + i) / item;
    }
    for (int d = 0; d < ndim - 2; ++d) {
        const npy_intp size = PyArray_DIM(mask, d);
        if (size != 1 && size != p->shape[d + p->ndim - ndim]) return false;
    }
    p->mask = mask;
    p->head.mask_row = steps[0];
    p->head.mask_column = steps[1];
    p->mask_starts = starts(mask, p->front, p->shape);
    return true;
}

// Operands from `at` on: query, key, value, mask.
bool read_problem(const Arguments& arguments, int at, Problem* p) {
    double factor;
    if (!arguments.flag(CAUSAL, &p->head.causal) || !arguments.number(FACTOR, &factor)) {
        return false;
    }
    p->head.factor = static_cast<float>(factor);
    PyArrayObject* query = arguments.array(at);
    if (query == nullptr || PyArray_NDIM(query) < 2) return false;
    p->ndim = PyArray_NDIM(query);
    p->front = p->ndim - 2;
    p->shape = PyArray_SHAPE(query);
    if (!p->query.read(query, p->ndim) || !p->key.read(arguments.array(at + 1), p->ndim) ||
        !p->value.read(arguments.array(at + 2), p->ndim)) {
        return false;
    }
    if (!same_front(*p, p->key.array) || !same_front(*p, p->value.array) ||
        p->key.columns != p->query.columns || p->key.rows != p->value.rows) {
        return false;
    }
    Head& head = p->head;
    head.queries = p->query.rows;
    head.keys = p->key.rows;
    head.width = p->query.columns;
    head.depth = p->value.columns;
    head.query_row = p->query.row;
    head.key_row = p->key.row;
    head.value_row = p->value.row;
    if (PyArray_SIZE(query) == 0 || PyArray_SIZE(p->key.array) == 0 || head.depth == 0) {
        return false;
    }
    p->query_starts = starts(p->query.array, p->front, p->shape);
    p->key_starts = starts(p->key.array, p->front, p->shape);
    p->value_starts = starts(p->value.array, p->front, p->shape);
    return read_mask(arguments.array(at + 3), p);
}

PyObject* pair_of(PyArrayObject* a, PyArrayObject* b) {
    PyObject* pair = a != nullptr && b != nullptr ? PyTuple_Pack(2, a, b) : nullptr;
    Py_XDECREF(a);
    Py_XDECREF(b);
    return pair;
}

PyObject* attention_entry(const Arguments& arguments) {
    Problem p;
    if (!arguments.sized(4, 2) || !read_problem(arguments, 0, &p)) return DECLINED;
    npy_intp shape[NPY_MAXDIMS];
    std::copy(p.shape, p.shape + p.ndim, shape);
    shape[p.ndim - 1] = p.head.depth;
    PyArrayObject* y = new_array_ordered(Type::f32, p.ndim, shape, p.query.array);
    shape[p.ndim - 1] = 1;
    PyArrayObject* log_sum = y != nullptr ? new_array(Type::f32, p.ndim, shape) : nullptr;
    bool out_of_memory = false;
    if (log_sum != nullptr) {
        const std::vector<long> y_starts = starts(y, p.front, p.shape);
        const long y_row = PyArray_STRIDE(y, p.ndim - 2) / 4;
        const long parts = (p.head.queries + STRETCH - 1) / STRETCH;
        const std::size_t scratch = static_cast<std::size_t>(attention().forward_scratch(p.head)) * 4;
        const Unlocked unlocked(p.work() > SMALL_WORK);
        const auto some = [&](const Scratch& memory, long chunk, long) {
            // The last queries of a causal head see the most keys: they come first.
            const long h = chunk / parts, part = parts - 1 - chunk % parts;
            const long first = part * STRETCH;
            attention().forward(p.at(h), first, std::min(first + STRETCH, p.head.queries),
                                data_of<float>(y) + y_starts[static_cast<std::size_t>(h)], y_row,
                                data_of<float>(log_sum) + h * p.head.queries,
                                memory.as<float>());
        };
        out_of_memory = !parallel_scratch(p.heads() * parts, 1, scratch, some);
    }
    if (out_of_memory) {
        Py_DECREF(y);
        Py_DECREF(log_sum);
        return PyErr_NoMemory();
    }
    return pair_of(y, log_sum);
}

// ---- backward

struct Gradients {
    PyArrayObject* arrays[3] = {nullptr, nullptr, nullptr};  // of query, key, value
    std::vector<long> starts_of[3];

    bool make(const Problem& p) {
        const Matrices* models[3] = {&p.query, &p.key, &p.value};
        for (int i = 0; i < 3; ++i) {
            PyArrayObject* model = models[i]->array;
            arrays[i] = new_array_ordered(Type::f32, p.ndim, PyArray_SHAPE(model), model);
            if (arrays[i] == nullptr) return false;
            starts_of[i] = starts(arrays[i], p.front, p.shape);
        }
        return true;
    }
    float* at(int i, long h) const {
        return data_of<float>(arrays[i]) + starts_of[i][static_cast<std::size_t>(h)];
    }
    long row(int i) const {
        return PyArray_STRIDE(arrays[i], PyArray_NDIM(arrays[i]) - 2) / 4;
    }
    PyObject* tuple() {
        PyObject* all = PyTuple_Pack(3, arrays[0], arrays[1], arrays[2]);
        release();
        return all;
    }
    void release() {
        for (PyArrayObject*& array : arrays) Py_CLEAR(array);
    }
};

void clear_rows(float* from, long row, long first, long last, long width) {
    for (long i = first; i < last; ++i) {
        std::memset(from + i * row, 0, static_cast<std::size_t>(width) * 4);
    }
}

// What chunk number `chunk` of a head does: all of it; or, of a head that is split, the
// gradients of some keys and values, or those of some queries.
struct Share {
    long first, last, first_key, last_key;
    bool query, key;
};

Share share_of(const Head& head, long chunk, long key_parts, long query_parts) {
    if (key_parts + query_parts == 0) return {0, head.queries, 0, head.keys, true, true};
    if (chunk < key_parts) {
        const long first = chunk * PART;
        // Queries before these keys don't see them.
        const long start = head.causal ? std::min(first, head.queries) : 0;
        return {start, head.queries, first, std::min(first + PART, head.keys), false, true};
    }
    const long first = (chunk - key_parts) * PART;
    return {first, std::min(first + PART, head.queries), 0, head.keys, true, false};
}

PyObject* attention_backward_entry(const Arguments& arguments) {
    Problem p;
    if (!arguments.sized(7, 2) || !read_problem(arguments, 1, &p)) return DECLINED;
    Matrices g, y;
    PyArrayObject* log_sum = arguments.array(6);
    if (!g.read(arguments.array(0), p.ndim) || !y.read(arguments.array(5), p.ndim) ||
        log_sum == nullptr || type_of(log_sum) != Type::f32 || !is_contiguous(log_sum)) {
        return DECLINED;
    }
    if (!same_front(p, g.array) || !same_front(p, y.array) || g.rows != p.head.queries ||
        y.rows != p.head.queries || g.columns != p.head.depth || y.columns != p.head.depth ||
        PyArray_SIZE(log_sum) != p.heads() * p.head.queries) {
        return DECLINED;
    }
    Gradients to;
    if (!to.make(p)) {
        to.release();
        return nullptr;
    }
    const std::vector<long> g_starts = starts(g.array, p.front, p.shape);
    const std::vector<long> y_starts = starts(y.array, p.front, p.shape);
    const bool split = p.heads() < FEW_HEADS;
    const long key_parts = split ? (p.head.keys + PART - 1) / PART : 0;
    const long query_parts = split ? (p.head.queries + PART - 1) / PART : 0;
    const long parts = split ? key_parts + query_parts : 1;
    const std::size_t scratch = static_cast<std::size_t>(attention().backward_scratch(p.head)) * 4;
    bool out_of_memory = false;
    {
        const Unlocked unlocked(p.work() > SMALL_WORK);
        const auto some = [&](const Scratch& memory, long chunk, long) {
            const long h = chunk / parts;
            const std::size_t i = static_cast<std::size_t>(h);
            const Share share = share_of(p.head, chunk % parts, key_parts, query_parts);
            HeadGradient one{};
            one.g = g.data() + g_starts[i];
            one.g_row = g.row;
            one.y = y.data() + y_starts[i];
            one.y_row = y.row;
            one.log_sum = data_of<float>(log_sum) + h * p.head.queries;
            if (share.query) {
                one.query = to.at(0, h);
                one.query_row = to.row(0);
            }
            if (share.key) {
                one.key = to.at(1, h);
                one.key_row = to.row(1);
                one.value = to.at(2, h);
                one.value_row = to.row(2);
                clear_rows(one.key, one.key_row, share.first_key, share.last_key, p.head.width);
                clear_rows(one.value, one.value_row, share.first_key, share.last_key,
                           p.head.depth);
            }
            attention().backward(p.at(h), one, share.first, share.last, share.first_key,
                                 share.last_key, memory.as<float>());
        };
        out_of_memory = !parallel_scratch(p.heads() * parts, 1, scratch, some);
    }
    if (out_of_memory) {
        to.release();
        return PyErr_NoMemory();
    }
    return to.tuple();
}

LAMPAS_KERNEL(attention, attention_entry);
LAMPAS_KERNEL(attention_backward, attention_backward_entry);

}  // namespace
}  // namespace lampas
