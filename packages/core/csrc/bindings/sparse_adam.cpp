// sparse_adam_step(rows, steps, *, options): Adam's steps for the rows of tables that sparse
// gradients list, all tables of a group in one call. The result is True.
//
// A row has a table, the places of some of its rows, (1, n), the gradient's parts for them,
// (n, ...), and the means of the gradient and of its square, which are like the table.
#include <cmath>

#include "bindings/options.hpp"
#include "bindings/stretches.hpp"
#include "kernels/optimize.hpp"

namespace lampas {
namespace {

const Name LR("lr"), BETAS("betas"), EPS("eps"), MAXIMIZE("maximize");

enum Column { TABLE, PLACES, PARTS, MEAN, SQUARE, COLUMNS };

struct Table {
    char* data[COLUMNS];
    long bytes[COLUMNS];
    long count;  // of the rows that are listed
    long width;  // elements of each

    const std::int64_t* places() const {
        return reinterpret_cast<const std::int64_t*>(data[PLACES]);
    }
};

// Whether places increase, from 0 or more to less than `limit`: none stands there twice.
bool increase(const std::int64_t* places, long count, long limit) {
    if (count == 0) return true;
    bool rising = places[0] >= 0 && places[count - 1] < limit;
    for (long i = 1; i < count; ++i) rising &= places[i - 1] < places[i];
    return rising;
}

bool read_table(PyObject* const* items, Type type, Table* table) {
    PyArrayObject* arrays[COLUMNS];
    for (int j = 0; j < COLUMNS; ++j) {
        arrays[j] = as_array(items[j]);
        if (arrays[j] == nullptr || !is_contiguous(arrays[j])) return false;
        if (type_of(arrays[j]) != (j == PLACES ? Type::i64 : type)) return false;
        table->data[j] = data_of<char>(arrays[j]);
        table->bytes[j] = PyArray_NBYTES(arrays[j]);
    }
    for (const Column j : {TABLE, MEAN, SQUARE}) {
        if (!PyArray_ISWRITEABLE(arrays[j]) || !same_shape(arrays[j], arrays[TABLE])) return false;
    }
    const int ndim = PyArray_NDIM(arrays[TABLE]);
    if (ndim == 0 || PyArray_NDIM(arrays[PARTS]) != ndim || PyArray_NDIM(arrays[PLACES]) != 2 ||
        PyArray_DIM(arrays[PLACES], 0) != 1) {
        return false;
    }
    table->count = PyArray_DIM(arrays[PLACES], 1);
    table->width = 1;
    for (int d = 1; d < ndim; ++d) {
        if (PyArray_DIM(arrays[PARTS], d) != PyArray_DIM(arrays[TABLE], d)) return false;
        table->width *= PyArray_DIM(arrays[TABLE], d);
    }
    return PyArray_DIM(arrays[PARTS], 0) == table->count &&
           increase(table->places(), table->count, PyArray_DIM(arrays[TABLE], 0));
}

bool read_tables(PyObject* list, Type type, std::vector<Table>* tables) {
    const Py_ssize_t length = PyList_GET_SIZE(list);
    std::vector<Range> ranges;
    tables->resize(static_cast<std::size_t>(length));
    for (Py_ssize_t i = 0; i < length; ++i) {
        PyObject* item = PyList_GET_ITEM(list, i);
        Table& table = (*tables)[static_cast<std::size_t>(i)];
        if (!PyList_Check(item) || PyList_GET_SIZE(item) != COLUMNS ||
            !read_table(PySequence_Fast_ITEMS(item), type, &table)) {
            return false;
        }
        for (int j = 0; j < COLUMNS; ++j) {
            const char* data = table.data[j];
            if (table.bytes[j] > 0) ranges.push_back({data, data + table.bytes[j]});
        }
    }
    // Threads write some and read others at once.
    return !share_memory(&ranges);
}

// step(table, first, last) over the listed rows of all tables, in pieces that the sizes of
// tables alone decide; other Python threads may run meanwhile.
template <class Step>
void for_each_piece(const std::vector<Table>& tables, Step&& step) {
    std::vector<Stretch> pieces;
    long total = 0;
    for (std::size_t i = 0; i < tables.size(); ++i) {
        const long count = tables[i].count, width = tables[i].width;
        if (width == 0) continue;
        total += count * width;
        const long rows = std::max(1L, STRETCH / width);
        for (long first = 0; first < count; first += rows) {
            pieces.push_back({i, first, std::min(first + rows, count)});
        }
    }
    const Unlocked unlocked(total > STRETCH);
    const auto run = [&](long chunk) {
        const Stretch& piece = pieces[static_cast<std::size_t>(chunk)];
        step(piece.row, piece.first, piece.last);
    };
    const long count = static_cast<long>(pieces.size());
    if (total > 2 * STRETCH) {
        parallel_chunks(count, run);
    } else {
        for (long chunk = 0; chunk < count; ++chunk) run(chunk);
    }
}

struct Options {
    double lr, beta1, beta2, eps;
    bool maximize;

    template <class T>
    SparseAdamFactors<T> factors(double t) const {
        const double scale = std::sqrt(1.0 - std::pow(beta2, t)) / (1.0 - std::pow(beta1, t));
        return {T(maximize ? -1 : 1), T(1.0 - beta1), T(1.0 - beta2), T(eps), T(lr * scale)};
    }
};

template <class T>
PyObject* step_all(const std::vector<Table>& tables, const std::vector<double>& steps,
                   const Options& options, const OptimizeLoops<T>& loops) {
    for_each_piece(tables, [&](std::size_t i, long first, long last) {
        const Table& table = tables[i];
        const auto at = [&](Column j) { return reinterpret_cast<T*>(table.data[j]); };
        const ListedRows<T> rows{.table = at(TABLE), .mean = at(MEAN), .square = at(SQUARE),
                                 .parts = at(PARTS), .places = table.places(),
                                 .width = table.width};
        loops.sparse_adam(rows, first, last, options.factors<T>(steps[i]));
    });
    Py_RETURN_TRUE;
}

PyObject* entry(const Arguments& arguments) {
    Options o;
    if (arguments.count != 2 ||
        !read_options(arguments, {{&LR, &o.lr}, {&EPS, &o.eps}}, {{&MAXIMIZE, &o.maximize}},
                      {{&BETAS, &o.beta1, &o.beta2}})) {
        return DECLINED;
    }
    const Type type = type_of_rows(arguments[0]);
    std::vector<Table> tables;
    std::vector<double> steps;
    if ((type != Type::f32 && type != Type::f64) || !read_tables(arguments[0], type, &tables) ||
        !read_numbers(arguments[1], tables.size(), 1, &steps)) {
        return DECLINED;
    }
    return type == Type::f32 ? step_all(tables, steps, o, optimize().f32)
                             : step_all(tables, steps, o, optimize().f64);
}

LAMPAS_KERNEL(sparse_adam_step, entry);

}  // namespace
}  // namespace lampas
