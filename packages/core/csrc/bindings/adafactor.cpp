// Adafactor's step: all parameters of a group in one call.
//
// adafactor_step(rows, counts, *, options): a row has a parameter, its gradient, and the
// means of the gradient's squares: one array like the parameter, or for two and more
// dimensions the means of rows and those of columns. counts are the numbers of the steps.
// The result is True.
#include "kernels/adafactor.hpp"

#include <cmath>

#include "bindings/options.hpp"
#include "bindings/rounding.hpp"
#include "bindings/stretches.hpp"
#include "kernels/gradients.hpp"

namespace lampas {
namespace {

const Name LR("lr"), BETA2_DECAY("beta2_decay"), EPS("eps"), D("d"), DECAY("weight_decay"),
    MAXIMIZE("maximize");

// Larger matrices are cut into tiles of so many elements, and so many columns at most.
constexpr long WHOLE = 64 * 1024, WIDEST = 16 * 1024;

// How a parameter is gone through: matrices of at most SMALL rows and columns many at once,
// larger ones by themselves, and those that are too large in tiles.
enum class Form { vector, smalls, matrices, tiles };

struct Parameter {
    char *data, *g, *state[2];
    long matrices, rows, columns;  // a vector is one row
    double count;                  // the number of the step
    Form form;

    long each() const { return rows * columns; }
    long elements() const { return matrices * each(); }
};

template <class T> T* data(const Parameter& p) { return reinterpret_cast<T*>(p.data); }
template <class T> const T* gradient(const Parameter& p) {
    return reinterpret_cast<const T*>(p.g);
}
template <class T> T* mean(const Parameter& p, int which) {
    return reinterpret_cast<T*>(p.state[which]);
}

struct Options {
    double lr, beta2_decay, least, smallest, d, decay;
    bool maximize;

    bool read(const Arguments& arguments) {
        return read_options(arguments,
                            {{&LR, &lr}, {&BETA2_DECAY, &beta2_decay}, {&D, &d}, {&DECAY, &decay}},
                            {{&MAXIMIZE, &maximize}}, {{&EPS, &least, &smallest}});
    }
};

// ---- reading the rows

Form form_of(const Parameter& p, bool vector) {
    if (vector) return Form::vector;
    if (p.rows <= SMALL && p.columns <= SMALL) return Form::smalls;
    return p.each() <= WHOLE ? Form::matrices : Form::tiles;
}

bool is_mean_of(PyArrayObject* state, PyArrayObject* data, int reduced) {
    const int ndim = PyArray_NDIM(data);
    if (PyArray_NDIM(state) != ndim || !is_contiguous(state)) return false;
    for (int d = 0; d < ndim; ++d) {
        if (PyArray_DIM(state, d) != (d == reduced ? 1 : PyArray_DIM(data, d))) return false;
    }
    return true;
}

bool read_row(PyObject* row, Type type, Parameter* to) {
    if (!PyList_Check(row) || PyList_GET_SIZE(row) < 3 || PyList_GET_SIZE(row) > 4) return false;
    const int width = static_cast<int>(PyList_GET_SIZE(row));
    PyArrayObject* arrays[4];
    for (int i = 0; i < width; ++i) {
        arrays[i] = as_array(PyList_GET_ITEM(row, i));
        if (arrays[i] == nullptr || type_of(arrays[i]) != type) return false;
        if (i != 1 && !PyArray_ISWRITEABLE(arrays[i])) return false;
    }
    PyArrayObject* data = arrays[0];
    const int ndim = PyArray_NDIM(data);
    const bool vector = ndim < 2;
    if (width != (vector ? 3 : 4) || PyArray_SIZE(data) == 0) return false;
    if (vector) {
        if (!lie_alike(arrays, 3)) return false;
    } else if (!same_shape(data, arrays[1]) || !is_contiguous(data) ||
               !is_contiguous(arrays[1]) || !is_mean_of(arrays[2], data, ndim - 1) ||
               !is_mean_of(arrays[3], data, ndim - 2)) {
        return false;
    }
    to->data = data_of<char>(data);
    to->g = data_of<char>(arrays[1]);
    to->state[0] = data_of<char>(arrays[2]);
    to->state[1] = vector ? nullptr : data_of<char>(arrays[3]);
    to->rows = vector ? 1 : PyArray_DIM(data, ndim - 2);
    to->columns = vector ? PyArray_SIZE(data) : PyArray_DIM(data, ndim - 1);
    to->matrices = PyArray_SIZE(data) / to->each();
    to->form = form_of(*to, vector);
    return true;
}

bool share_memory(const std::vector<Parameter>& parameters, long size) {
    std::vector<Range> ranges;
    const auto add = [&](const char* first, long count, bool written) {
        ranges.push_back({first, first + count * size, written});
    };
    for (const Parameter& p : parameters) {
        add(p.data, p.elements(), true);
        add(p.g, p.elements(), false);
        add(p.state[0], p.form == Form::vector ? p.elements() : p.matrices * p.rows, true);
        if (p.form != Form::vector) add(p.state[1], p.matrices * p.columns, true);
    }
    return share_memory(&ranges);
}

bool read_parameters(PyObject* rows, PyObject* counts, Type type, std::vector<Parameter>* to) {
    if (!PyList_Check(rows)) return false;
    std::vector<double> numbers;
    to->resize(static_cast<std::size_t>(PyList_GET_SIZE(rows)));
    if (!read_numbers(counts, to->size(), 1, &numbers)) return false;
    for (std::size_t i = 0; i < to->size(); ++i) {
        Parameter& p = (*to)[i];
        if (!read_row(PyList_GET_ITEM(rows, static_cast<Py_ssize_t>(i)), type, &p)) return false;
        p.count = numbers[i];
    }
    return !share_memory(*to, item_size(type));
}

// ---- the step

// A matrix too large for one chunk. Each of its tiles adds up its own rows and columns.
template <class T>
struct Large {
    std::size_t parameter;
    long first;             // of its elements
    T *of_rows, *of_columns;  // their mean squares
    long height, width;     // of a tile
    long down, across;      // how many tiles
    long sums, roots;       // where memory for them begins
};

// A chunk of work: elements of a vector, some matrices, or a tile of a large one.
struct Chunk {
    std::size_t parameter;
    long first, last;    // elements or matrices
    long sums, roots;    // where memory for a matrix begins
    std::size_t large;   // which matrix a tile is of,
    long i, j;           // and which tile of it
    double size = 0.0;   // the sum of squares of the parameter,
    double update = 0.0; // and of the update
};

template <class T>
class Step {
public:
    Step(const std::vector<Parameter>& parameters, const Options& options)
        : parameters_(parameters), options_(options), sizes_(parameters.size()),
          updates_(parameters.size()), moves_(parameters.size()),
          least_(static_cast<T>(options.least)),
          floor_(static_cast<T>(options.least * options.least)),
          most_(static_cast<T>(1) / std::sqrt(floor_)), loops_(adafactor_of<T>()) {
        for (std::size_t i = 0; i < parameters.size(); ++i) cut(i);
    }

    // False where there is no memory; nothing is changed then.
    bool run() {
        const Unlocked unlocked(elements_ > STRETCH);
        const Scratch sums(static_cast<std::size_t>(sums_size_ + 1) * sizeof(double));
        const Scratch roots(static_cast<std::size_t>(roots_size_ + 1) * sizeof(T));
        if (sums.get() == nullptr || roots.get() == nullptr) return false;
        sums_ = sums.as<double>();
        roots_ = roots.as<T>();
        for_each(chunks_, [&](Chunk& c) { begin(c); });
        for_each(large_, [&](const Large<T>& m) { meet(m); });
        if (!large_.empty()) for_each(chunks_, [&](Chunk& c) { measure(c); });
        decide();
        for_each(chunks_, [&](const Chunk& c) { end(c); });
        return true;
    }

private:
    // ---- chunks, which the shapes alone decide

    void cut(std::size_t index) {
        const Parameter& p = parameters_[index];
        elements_ += p.elements();
        if (p.form == Form::tiles) {
            for (long m = 0; m < p.matrices; ++m) cut_matrix(index, m);
            return;
        }
        const bool vector = p.form == Form::vector, whole = p.form == Form::matrices;
        const long all = vector ? p.columns : p.matrices;
        // Small matrices are taken as many at a time as a vector has lanes.
        const long step = vector ? STRETCH : up_to(over(STRETCH, p.each()), whole ? 1 : 16);
        for (long first = 0; first < all; first += step) {
            chunks_.push_back({index, first, std::min(first + step, all), sums_size_, roots_size_});
            if (whole) reserve(p.rows + p.columns, p.rows + p.columns);
        }
    }

    void cut_matrix(std::size_t index, long number) {
        const Parameter& p = parameters_[index];
        Large<T> m{index, number * p.each(), mean<T>(p, 0) + number * p.rows,
                   mean<T>(p, 1) + number * p.columns};
        m.width = up_to(over(p.columns, over(p.columns, WIDEST)), 16);
        m.height = up_to(over(WHOLE, m.width), 4);
        m.down = over(p.rows, m.height);
        m.across = over(p.columns, m.width);
        m.sums = sums_size_;
        m.roots = roots_size_;
        reserve(m.across * p.rows + m.down * p.columns, p.rows + p.columns);
        for (long i = 0; i < m.down; ++i) {
            for (long j = 0; j < m.across; ++j) {
                chunks_.push_back({index, 0, 0, 0, 0, large_.size(), i, j});
            }
        }
        large_.push_back(m);
    }

    void reserve(long sums, long roots) {
        sums_size_ += sums;
        roots_size_ += roots;
    }

    // ---- passes: means of squares, sums of squares of updates, and the new parameters

    void begin(Chunk& c) {
        const Parameter& p = parameters_[c.parameter];
        const T weight = weight_of(p);
        if (p.form == Form::tiles) {
            const Large<T>& m = large_[c.large];
            const Gradients<T> g = tile_of(m, c);
            loops_.squares(g, rows_of(m, c.j) + c.i * m.height,
                           columns_of(m, c.i) + c.j * m.width);
            for (long i = 0; i < g.rows; ++i) {
                c.size += squares(data<T>(p) + (g.data - gradient<T>(p)) + i * g.pitch, g.columns);
            }
            return;
        }
        c.size = squares(data<T>(p) + c.first * unit(p), (c.last - c.first) * unit(p));
        if (p.form == Form::vector) {
            c.update = loops_.mix_size(mean<T>(p, 0) + c.first, gradient<T>(p) + c.first,
                                       c.last - c.first, weight, floor_);
        } else if (p.form == Form::smalls) {
            c.update = loops_.mix_size_smalls(smalls_of(p, c), weight, most_);
        } else {
            for (long m = c.first; m < c.last; ++m) {
                double *of_rows = sums_ + c.sums, *of_columns = of_rows + p.rows;
                loops_.squares(matrix_of(p, m), of_rows, of_columns);
                loops_.mix(mean<T>(p, 0) + m * p.rows, of_rows, p.rows,
                           static_cast<double>(p.columns), weight);
                loops_.mix(mean<T>(p, 1) + m * p.columns, of_columns, p.columns,
                           static_cast<double>(p.rows), weight);
                const T* a = find_roots(p, m, c);
                c.update += loops_.size(matrix_of(p, m), a, a + p.rows, most_);
            }
        }
    }

    // What all tiles of a large matrix need of each other.
    void meet(const Large<T>& m) {
        const Parameter& p = parameters_[m.parameter];
        const T weight = weight_of(p);
        double *of_rows = rows_of(m, 0), *of_columns = columns_of(m, 0);
        for (long j = 1; j < m.across; ++j) add(rows_of(m, j), of_rows, p.rows);
        for (long i = 1; i < m.down; ++i) add(columns_of(m, i), of_columns, p.columns);
        loops_.mix(m.of_rows, of_rows, p.rows, static_cast<double>(p.columns), weight);
        loops_.mix(m.of_columns, of_columns, p.columns, static_cast<double>(p.rows), weight);
        find_roots(p, m.of_rows, m.of_columns, roots_ + m.roots);
    }

    void measure(Chunk& c) {
        const Parameter& p = parameters_[c.parameter];
        if (p.form != Form::tiles) return;
        const Large<T>& m = large_[c.large];
        const T *a = roots_ + m.roots, *b = a + p.rows;
        c.update = loops_.size(tile_of(m, c), a + c.i * m.height, b + c.j * m.width, most_);
    }

    // How far each parameter moves; a size that is no number counts as the least.
    void decide() {
        for (const Chunk& c : chunks_) {
            sizes_[c.parameter] += c.size;
            updates_[c.parameter] += c.update;
        }
        const double sign = options_.maximize ? 1.0 : -1.0;
        for (std::size_t i = 0; i < parameters_.size(); ++i) {
            const double count = static_cast<double>(parameters_[i].elements());
            const double size = std::sqrt(sizes_[i] / count);
            const double update = std::sqrt(updates_[i] / count) / options_.d;
            const double rate = std::min(options_.lr, std::pow(parameters_[i].count, -0.5));
            const double scale = (size > options_.smallest ? size : options_.smallest) * rate;
            moves_[i] = {static_cast<T>(sign * scale / (update > 1.0 ? update : 1.0)),
                         static_cast<T>(1.0 - options_.lr * options_.decay)};
        }
    }

    void end(const Chunk& c) {
        const Parameter& p = parameters_[c.parameter];
        const Move<T> by = moves_[c.parameter];
        T* to = data<T>(p) + c.first * unit(p);
        if (p.form == Form::vector) {
            loops_.move_vector(to, gradient<T>(p) + c.first, mean<T>(p, 0) + c.first,
                               c.last - c.first, floor_, by);
        } else if (p.form == Form::smalls) {
            loops_.move_smalls(to, smalls_of(p, c), most_, by);
        } else if (p.form == Form::matrices) {
            for (long m = c.first; m < c.last; ++m) {
                const T* a = find_roots(p, m, c);
                loops_.move(data<T>(p) + m * p.each(), matrix_of(p, m), a, a + p.rows, most_, by);
            }
        } else {
            const Large<T>& m = large_[c.large];
            const Gradients<T> g = tile_of(m, c);
            const T *a = roots_ + m.roots, *b = a + p.rows;
            loops_.move(data<T>(p) + (g.data - gradient<T>(p)), g, a + c.i * m.height,
                        b + c.j * m.width, most_, by);
        }
    }

    // ---- parts of parameters

    static long unit(const Parameter& p) { return p.form == Form::vector ? 1 : p.each(); }

    T weight_of(const Parameter& p) const {
        return static_cast<T>(std::pow(p.count, options_.beta2_decay));
    }

    Gradients<T> matrix_of(const Parameter& p, long number) const {
        return {gradient<T>(p) + number * p.each(), p.rows, p.columns, p.columns};
    }

    Gradients<T> tile_of(const Large<T>& m, const Chunk& c) const {
        const Parameter& p = parameters_[m.parameter];
        const long top = c.i * m.height, left = c.j * m.width;
        return {gradient<T>(p) + m.first + top * p.columns + left,
                std::min(m.height, p.rows - top), std::min(m.width, p.columns - left), p.columns};
    }

    Smalls<T> smalls_of(const Parameter& p, const Chunk& c) const {
        return {gradient<T>(p) + c.first * p.each(), mean<T>(p, 0) + c.first * p.rows,
                mean<T>(p, 1) + c.first * p.columns, c.last - c.first,
                static_cast<int>(p.rows), static_cast<int>(p.columns), least_};
    }

    double* rows_of(const Large<T>& m, long j) const {
        return sums_ + m.sums + j * parameters_[m.parameter].rows;
    }
    double* columns_of(const Large<T>& m, long i) const {
        return rows_of(m, m.across) + i * parameters_[m.parameter].columns;
    }

    // a of all rows of a matrix, and b of its columns after them.
    const T* find_roots(const Parameter& p, long number, const Chunk& c) const {
        return find_roots(p, mean<T>(p, 0) + number * p.rows, mean<T>(p, 1) + number * p.columns,
                          roots_ + c.roots);
    }
    const T* find_roots(const Parameter& p, const T* of_rows, const T* of_columns, T* to) const {
        const T mean = static_cast<T>(loops_.sum(of_rows, p.rows) / static_cast<double>(p.rows));
        // NaN stays.
        loops_.roots(of_columns, p.columns, mean < least_ ? least_ : mean, to + p.rows);
        loops_.roots(of_rows, p.rows, static_cast<T>(1), to);
        return to;
    }

    static double squares(const T* x, long count) { return gradients_of<T>().squares(x, count); }

    static void add(const double* from, double* to, long count) {
        gradients_of<double>().add(to, from, count);
    }

    template <class Items, class Body>
    void for_each(Items& items, Body&& body) const {
        if (elements_ <= 2 * STRETCH) {
            for (auto& item : items) body(item);
            return;
        }
        parallel_chunks(static_cast<long>(items.size()),
                        [&](long i) { body(items[static_cast<std::size_t>(i)]); });
    }

    const std::vector<Parameter>& parameters_;
    const Options& options_;
    std::vector<double> sizes_, updates_;  // of each parameter: sums of squares
    std::vector<Move<T>> moves_;
    const T least_, floor_, most_;
    const AdafactorLoops<T>& loops_;
    std::vector<Chunk> chunks_;
    std::vector<Large<T>> large_;
    long elements_ = 0, sums_size_ = 0, roots_size_ = 0;
    double* sums_ = nullptr;
    T* roots_ = nullptr;
};

template <class T>
PyObject* step(const std::vector<Parameter>& parameters, const Options& options) {
    if (!Step<T>(parameters, options).run()) return PyErr_NoMemory();
    Py_RETURN_TRUE;
}

PyObject* adafactor_entry(const Arguments& arguments) {
    Options options;
    if (arguments.count != 2 || !options.read(arguments)) return DECLINED;
    const Type type = type_of_rows(arguments[0]);
    std::vector<Parameter> parameters;
    if ((type != Type::f32 && type != Type::f64) ||
        !read_parameters(arguments[0], arguments[1], type, &parameters)) {
        return DECLINED;
    }
    return type == Type::f32 ? step<float>(parameters, options) : step<double>(parameters, options);
}

LAMPAS_KERNEL(adafactor_step, adafactor_entry);

}  // namespace
}  // namespace lampas
