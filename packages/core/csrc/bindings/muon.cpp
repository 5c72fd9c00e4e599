// Muon's step: all matrices of a group in one call.
//
// muon_step(rows, rates, *, options): a row has a parameter, its gradient and its momentum;
// rates have what each multiplies its update by. The result is True.
//
// The update x, of m rows and at least as many columns, or its transpose, goes ns_steps
// times through x = a x + (b G + c G G) x with G = x x^T, in float32. That is three
// products: G, H = (c G + b) G and (H + a) x, of which the first two are symmetric.
#include "kernels/muon.hpp"

#include <cmath>

#include "bindings/options.hpp"
#include "bindings/product.hpp"
#include "bindings/rounding.hpp"
#include "bindings/stretches.hpp"
#include "kernels/gradients.hpp"
#include "runtime/parts.hpp"

namespace lampas {
namespace {

const Name LR("lr"), DECAY("weight_decay"), MOMENTUM("momentum"), NESTEROV("nesterov"),
    COEFFICIENTS("ns_coefficients"), EPS("eps"), STEPS("ns_steps");

// From so many multiplications in a product on, it is split over threads; smaller matrices
// are shared out among them, and where there are many, so are larger ones.
constexpr long LARGE = 4 * 1024 * 1024, LARGER = 1024 * 1024 * 1024;
constexpr std::size_t MANY = 16;
constexpr long GRAIN = 256 * 1024;  // multiplications of a chunk of small ones
// Of a symmetric product, so many rows are made at a time, from the diagonal on; all of
// them where there are few more.
constexpr long BAND = 96, FEW = 144;

struct Options {
    double lr, decay, momentum, eps, coefficients[3];
    long steps;
    bool nesterov;

    bool read(const Arguments& arguments) {
        PyObject* three = arguments.keyword(COEFFICIENTS);
        if (three == nullptr || !PyTuple_Check(three) || PyTuple_GET_SIZE(three) != 3) {
            return false;
        }
        for (int i = 0; i < 3; ++i) {
            PyObject* one = PyTuple_GET_ITEM(three, i);
            if (!PyFloat_Check(one)) return false;
            coefficients[i] = PyFloat_AS_DOUBLE(one);
        }
        return arguments.number(LR, &lr) && arguments.number(DECAY, &decay) &&
               arguments.number(MOMENTUM, &momentum) && arguments.number(EPS, &eps) &&
               arguments.integer(STEPS, &steps) && arguments.flag(NESTEROV, &nesterov);
    }
};

// A parameter as it lies in memory: of a matrix in columns, that is its transpose.
struct Shape {
    long rows, columns;
    double rate;

    long small() const { return std::min(rows, columns); }
    long work() const { return rows * columns * small(); }
    long scratch() const { return 2 * rows * columns + 3 * small() * small(); }
};

bool read_shapes(PyObject* rows, PyObject* rates, std::vector<Shape>* shapes) {
    const Py_ssize_t count = PyList_GET_SIZE(rows);
    std::vector<double> numbers;
    if (!read_numbers(rates, static_cast<std::size_t>(count), 1, &numbers)) return false;
    for (Py_ssize_t i = 0; i < count; ++i) {
        PyArrayObject* p = as_array(PyList_GET_ITEM(PyList_GET_ITEM(rows, i), 0));
        if (PyArray_NDIM(p) != 2) return false;
        Shape shape{PyArray_DIM(p, 0), PyArray_DIM(p, 1), numbers[static_cast<std::size_t>(i)]};
        if (!is_contiguous(p)) std::swap(shape.rows, shape.columns);
        shapes->push_back(shape);
    }
    return true;
}

// ---- the orthogonal matrix next to an update

// C (m x n) of A (m x k) and B (k x n). Where there is no memory to pack them in, each row
// is made by itself, which needs none: a step that has begun is completed.
void multiply(long m, long n, long k, Matrix<float> a, Matrix<float> b, Result<float> c) {
    if (product<float>(m, n, k, a, b, c)) return;
    for (long i = 0; i < m; ++i) {
        const Matrix<float> row{a.data + i * a.row, a.row, a.column};
        (void)product<float>(1, n, k, row, b, {c.data + i * c.row, c.row});
    }
}

// G (m x m) of A (m x k) and B (k x m), where it is symmetric: what is below the diagonal
// is not computed again.
void symmetric_product(long m, long k, Matrix<float> a, Matrix<float> b, float* g) {
    const long band = m <= FEW ? m : BAND;
    for (long top = 0; top < m; top += band) {
        const long rows = std::min(band, m - top), bottom = top + rows;
        const Matrix<float> some{a.data + top * a.row, a.row, a.column};
        const Matrix<float> rest{b.data + top * b.column, b.row, b.column};
        float* to = g + top * m + top;
        multiply(rows, m - top, k, some, rest, {to, m});
        if (bottom < m) copier().turn4(to + rows, m, g + bottom * m + top, m, rows, m - bottom);
    }
}

void add_to_diagonal(float* x, long m, double value) {
    for (long i = 0; i < m; ++i) x[i * m + i] += static_cast<float>(value);
}

// Iterate on x; where the result is, in x or in the memory behind it.
float* orthogonal(float* x, const Shape& shape, const Options& o) {
    const long rows = shape.rows, columns = shape.columns, m = shape.small();
    float *y = x + rows * columns, *g = y + rows * columns, *k = g + m * m, *h = k + m * m;
    const double a = o.coefficients[0], b = o.coefficients[1], c = o.coefficients[2];
    const bool tall = rows > columns;
    const Matrix<float> left{k, m, 1}, right{g, m, 1}, by{h, m, 1};
    for (long step = 0; step < o.steps; ++step) {
        const Matrix<float> own{x, columns, 1}, turned = own.transposed();
        symmetric_product(m, tall ? rows : columns, tall ? turned : own, tall ? own : turned, g);
        parallel_ranges(m * m, STRETCH, [&](long first, long last) {
            muon().scale(g + first, last - first, static_cast<float>(c), k + first);
        });
        add_to_diagonal(k, m, b);
        symmetric_product(m, m, left, right, h);
        add_to_diagonal(h, m, a);
        if (tall) multiply(rows, m, m, own, by, {y, columns});
        else multiply(m, columns, m, by, own, {y, columns});
        std::swap(x, y);
    }
    return x;
}

// ---- the step

template <class T>
void step_matrix(const Row& row, const Shape& shape, const Options& o, float* x) {
    T* p = reinterpret_cast<T*>(row.arrays[0]);
    const T* g = reinterpret_cast<const T*>(row.arrays[1]);
    T* mean = reinterpret_cast<T*>(row.arrays[2]);
    const Momentum<T> momentum{static_cast<T>(o.momentum), static_cast<T>(1.0 - o.momentum),
                               o.nesterov};
    std::vector<double> parts(static_cast<std::size_t>((row.count + STRETCH - 1) / STRETCH));
    parallel_ranges(row.count, STRETCH, [&](long first, long last) {
        muon_of<T>().begin(g + first, mean + first, x + first, last - first, momentum);
        parts[static_cast<std::size_t>(first / STRETCH)] =
            gradients_of<float>().squares(x + first, last - first);
    });
    double norm = 0.0;
    for (const double part : parts) norm += part;
    norm = std::sqrt(norm);
    norm = o.eps > norm ? o.eps : norm;
    parallel_ranges(row.count, STRETCH, [&](long first, long last) {
        muon().divide(x + first, last - first, static_cast<float>(norm));
    });
    const float* update = orthogonal(x, shape, o);
    const T shrink = static_cast<T>(1.0 - o.lr * o.decay);
    parallel_ranges(row.count, STRETCH, [&](long first, long last) {
        muon_of<T>().end(p + first, update + first, last - first, shrink,
                         static_cast<float>(shape.rate));
    });
}

// Which matrices are taken one after the other, each by all threads, and the chunks of the
// others: their borders in the list of all.
struct Division {
    std::vector<std::size_t> large, small, borders{0};
    long of_large = 0, of_small = 0;  // scratch for one of them, in floats

    Division(const std::vector<Row>& rows, const std::vector<Shape>& shapes) {
        const long limit = rows.size() < MANY ? LARGE : LARGER;
        long work = 0;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            if (rows[i].count == 0) continue;
            const bool is_large = shapes[i].work() >= limit;
            long* scratch = is_large ? &of_large : &of_small;
            *scratch = std::max(*scratch, shapes[i].scratch());
            (is_large ? large : small).push_back(i);
            if (is_large) continue;
            work += shapes[i].work();
            if (work < GRAIN) continue;
            borders.push_back(small.size());
            work = 0;
        }
        if (borders.back() < small.size()) borders.push_back(small.size());
    }
    long chunks() const { return static_cast<long>(borders.size()) - 1; }
};

// False where there is no memory; nothing is changed then.
template <class T>
bool step(const std::vector<Row>& rows, const std::vector<Shape>& shapes, const Options& o) {
    const Division division(rows, shapes);
    const Unlocked unlocked(elements_of(rows) > 1024);
    // All memory before anything is changed: for one large matrix, and one of each thread.
    const auto bytes_of = [](long floats) {
        return static_cast<std::size_t>(floats) * sizeof(float);
    };
    const Scratch large(bytes_of(division.of_large));
    Parts small(division.chunks(), bytes_of(division.of_small));
    if (large.get() == nullptr || !small.complete()) return false;
    for (const std::size_t i : division.large) {
        step_matrix<T>(rows[i], shapes[i], o, large.as<float>());
    }
    parallel_chunks(division.chunks(), [&](long chunk) {
        const auto c = static_cast<std::size_t>(chunk);
        small.lend([&](char* part) {
            for (std::size_t at = division.borders[c]; at < division.borders[c + 1]; ++at) {
                const std::size_t i = division.small[at];
                step_matrix<T>(rows[i], shapes[i], o, reinterpret_cast<float*>(part));
            }
        });
    });
    return true;
}

PyObject* muon_entry(const Arguments& arguments) {
    Options options;
    if (!arguments.sized(2, 7) || !options.read(arguments)) return DECLINED;
    const Type type = type_of_rows(arguments[0]);
    std::vector<Row> rows;
    std::vector<Shape> shapes;
    if ((type != Type::f32 && type != Type::f64) ||
        !read_rows(arguments[0], 3, ~2u, type, &rows) ||
        !read_shapes(arguments[0], arguments[1], &shapes)) {
        return DECLINED;
    }
    const bool complete = type == Type::f32 ? step<float>(rows, shapes, options)
                                            : step<double>(rows, shapes, options);
    if (!complete) return PyErr_NoMemory();
    Py_RETURN_TRUE;
}

LAMPAS_KERNEL(muon_step, muon_entry);

}  // namespace
}  // namespace lampas
