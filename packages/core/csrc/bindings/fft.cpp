// Fourier transforms along dimensions one after the other. Single lines of some length, or
// of one with a prime factor over 13, are left to the reference; so are lines of double with
// one, and those of float in which it is small beside the length.
#include "kernels/fft.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>
#include <vector>

#include "bindings/layout.hpp"
#include "runtime/kernel.hpp"
#include "runtime/scratch.hpp"

namespace lampas {
namespace {

constexpr std::size_t MOST_PLANS = 64;
constexpr long LONE = 4096;  // up to here a line alone is quick, the other lanes empty
constexpr long MOST_CONVOLVED = 16 * 1024;  // numbers of lines with large prime factors
constexpr long NUMBERS = 4096;  // of all lines of one chunk
constexpr double TURN = 6.283185307179586476925;

struct OwnedPlan {
    FftPlan plan{};
    std::vector<double> tables, turns, chirp, spectrum;
    std::vector<long> order;
    std::unique_ptr<OwnedPlan> longer;
};

// exp(-2 pi i k / n) for k < count, from angles of at most an eighth of a turn.
std::vector<double> circle(long n, long count) {
    std::vector<double> values(static_cast<std::size_t>(2 * count));
    for (long k = 0; k < count; ++k) {
        const long eighths = 8 * k / n;  // which eighth of the circle it is in
        const long quarter = (eighths + 1) / 2;
        const double angle = TURN * (static_cast<double>(4 * k - quarter * n) / 4.0) /
                             static_cast<double>(n);
        const double c = std::cos(angle), s = std::sin(angle);
        const double re[4] = {c, -s, -c, s}, im[4] = {s, c, -s, -c};
        values[static_cast<std::size_t>(2 * k)] = re[quarter % 4];
        values[static_cast<std::size_t>(2 * k + 1)] = -im[quarter % 4];
    }
    return values;
}

// As few stages as there can be: of 8 where that is a radix, but rather two of 4 than of 8
// and 2.
bool find_stages(FftPlan* plan) {
    long left = plan->length;
    plan->stages = 0;
    const auto add = [&](int radix) {
        plan->radix[plan->stages++] = radix;
        left /= radix;
    };
    if (fft().largest_power == 8 && left % 4 == 0) {
        const int twos = __builtin_ctzl(static_cast<unsigned long>(left));
        for (int eights = twos - (twos + 2) / 3 * 2; eights > 0; --eights) add(8);
    }
    for (const int radix : {4, 2, 3, 5, 7, 11, 13}) {
        while (left % radix == 0 && plan->stages < MOST_STAGES) add(radix);
    }
    return left == 1;
}

void make_tables(OwnedPlan* owned) {
    FftPlan& plan = owned->plan;
    const std::vector<double> roots = circle(plan.length, plan.length);
    std::vector<double>& tables = owned->tables;
    std::vector<std::size_t> begins;
    const auto add_root = [&](long k) {
        const auto at = roots.begin() + 2 * k;
        tables.insert(tables.end(), at, at + 2);
    };
    long blocks = 1;
    for (int i = 0; i < plan.stages; ++i) {
        const long radix = plan.radix[i], part = plan.length / blocks / radix;
        begins.push_back(tables.size());
        for (long k = 0; k < radix; ++k) add_root(plan.length / radix * k);
        for (long p = 0; p < part; ++p) {
            for (long k = 1; k < radix; ++k) add_root(p * k * blocks);
        }
        blocks *= radix;
    }
    for (int i = 0; i < plan.stages; ++i) {
        plan.tables[i] = tables.data() + begins[static_cast<std::size_t>(i)];
    }
    // Each stage sorts by the remainder of the frequency, divided by its radix.
    for (long f = 0; f < plan.length; ++f) {
        long rest = f, part = plan.length, place = 0;
        for (int i = 0; i < plan.stages; ++i) {
            part /= plan.radix[i];
            place += rest % plan.radix[i] * part;
            rest /= plan.radix[i];
        }
        owned->order.push_back(place);
    }
    plan.order = owned->order.data();
}

// The least length that holds a convolution of n numbers and has small factors only.
long longer_than(long n) {
    for (long m = (2 * n + 2) / 4 * 4;; m += 4) {
        long left = m;
        for (const long factor : {2, 3, 5}) {
            while (left % factor == 0) left /= factor;
        }
        if (left == 1) return m;
    }
}

// The plan of a convolution; false where there is no memory.
bool make_longer(OwnedPlan* owned) {
    FftPlan& plan = owned->plan;
    const long n = plan.length, m = longer_than(n);
    owned->longer = std::make_unique<OwnedPlan>();
    FftPlan& longer = owned->longer->plan;
    longer.n = longer.length = m;
    find_stages(&longer);
    make_tables(owned->longer.get());
    const std::vector<double> roots = circle(2 * n, 2 * n);
    owned->chirp.resize(static_cast<std::size_t>(2 * n));
    owned->spectrum.assign(static_cast<std::size_t>(2 * m), 0.0);
    for (long k = 0; k < n; ++k) {
        const auto root = static_cast<std::size_t>(2 * (k * k % (2 * n)));
        const double re = roots[root], im = roots[root + 1];
        owned->chirp[static_cast<std::size_t>(2 * k)] = re;
        owned->chirp[static_cast<std::size_t>(2 * k + 1)] = im;
        for (const long at : {k, k == 0 ? 0 : m - k}) {
            owned->spectrum[static_cast<std::size_t>(2 * at)] = re;
            owned->spectrum[static_cast<std::size_t>(2 * at + 1)] = -im;
        }
        owned->order.push_back(k);
    }
    const Scratch work(static_cast<std::size_t>(longer.room(fft().width)) * sizeof(double));
    if (work.get() == nullptr) return false;
    const long begin = 0, step = 2 * sizeof(double);
    auto* line = reinterpret_cast<char*>(owned->spectrum.data());
    fft().run64(longer,
                {line, line, &begin, &begin, step, step, 1, Transform::complex, false,
                 1.0 / static_cast<double>(m)},
                work.as<double>());
    plan.stages = 0;
    plan.order = owned->order.data();
    plan.longer = &longer;
    plan.chirp = owned->chirp.data();
    plan.spectrum = owned->spectrum.data();
    return true;
}

using Plan = std::shared_ptr<const OwnedPlan>;
using Plans = std::map<std::tuple<long, bool, int>, Plan>;

// Real lines of even length are complex ones of half of it.
long complex_length(long n, bool real) { return real && n % 2 == 0 ? n / 2 : n; }

// The plan for lines of n, with one end real or not; nullptr where there is none.
Plan plan_for(long n, bool real) {
    static auto* plans = new Plans;
    static auto* mutex = new std::mutex;
    const std::lock_guard<std::mutex> lock(*mutex);
    const std::tuple<long, bool, int> key(n, real, fft().largest_power);
    const auto found = plans->find(key);
    if (found != plans->end()) return found->second;
    auto made = std::make_shared<OwnedPlan>();
    FftPlan& plan = made->plan;
    plan.n = n;
    plan.length = complex_length(n, real);
    if (find_stages(&plan)) make_tables(made.get());
    else if (!make_longer(made.get())) return nullptr;
    if (plan.length != n) made->turns = circle(n, plan.length + 1);
    plan.turns = plan.length != n ? made->turns.data() : nullptr;
    if (plans->size() >= MOST_PLANS) plans->clear();
    plans->emplace(key, made);
    return made;
}

// What is done along one dimension.
struct Pass {
    PyArrayObject* from;
    PyArrayObject* to;
    int dim;
    Transform kind;
    bool inverse;
    double factor;
};

long lines_of(PyArrayObject* array, int dim) {
    long lines = 1;
    for (int d = 0; d < PyArray_NDIM(array); ++d) {
        if (d != dim) lines *= PyArray_DIM(array, d);
    }
    return lines;
}

// Where a line begins in both arrays: their other dimensions are the same.
void place(const Pass& pass, long line, long* from, long* to) {
    *from = *to = 0;
    for (int d = PyArray_NDIM(pass.from) - 1; d >= 0; --d) {
        if (d == pass.dim) continue;
        const long size = PyArray_DIM(pass.from, d), index = line % size;
        line /= size;
        *from += index * PyArray_STRIDE(pass.from, d);
        *to += index * PyArray_STRIDE(pass.to, d);
    }
}

// False where there is no memory.
bool run(const Pass& pass, const FftPlan& plan) {
    const long count = lines_of(pass.from, pass.dim), width = fft().width;
    const Type end = type_of(pass.kind == Transform::to_half ? pass.to : pass.from);
    const auto transform = end == Type::c64 ? fft().run32 : fft().run64;
    const long groups = (count + width - 1) / width;
    const long grain = std::max(1L, NUMBERS / (plan.n * width));
    const std::size_t room = static_cast<std::size_t>(plan.room(fft().width)) * sizeof(double);
    return parallel_scratch(groups, grain, room, [&](const Scratch& work, long first, long last) {
        long from_at[64], to_at[64];
        for (long group = first; group < last; ++group) {
            const long begin = group * width, lines = std::min(width, count - begin);
            for (long j = 0; j < lines; ++j) place(pass, begin + j, &from_at[j], &to_at[j]);
            transform(plan,
                      {data_of<const char>(pass.from), data_of<char>(pass.to), from_at, to_at,
                       PyArray_STRIDE(pass.from, pass.dim), PyArray_STRIDE(pass.to, pass.dim),
                       static_cast<int>(lines), pass.kind, pass.inverse, pass.factor},
                      work.as<double>());
        }
    });
}

const Name DIMS("dims"), INVERSE("inverse"), NORM("norm"), N("n");

enum class Scaling { backward, ortho, forward };

bool read_scaling(const Arguments& arguments, Scaling* scaling) {
    PyObject* name = arguments.keyword(NORM);
    if (name == nullptr || !PyUnicode_Check(name)) return false;
    if (PyUnicode_CompareWithASCIIString(name, "backward") == 0) *scaling = Scaling::backward;
    else if (PyUnicode_CompareWithASCIIString(name, "ortho") == 0) *scaling = Scaling::ortho;
    else if (PyUnicode_CompareWithASCIIString(name, "forward") == 0) *scaling = Scaling::forward;
    else return false;
    return true;
}

double factor_of(Scaling scaling, bool inverse, long n) {
    if (scaling == Scaling::ortho) return 1.0 / std::sqrt(static_cast<double>(n));
    return (scaling == Scaling::forward) == inverse ? 1.0 : 1.0 / static_cast<double>(n);
}

// What the three transforms have in common.
struct Request {
    PyArrayObject* x = nullptr;
    long dims[MOST_DIMS];
    int count = 0;
    Scaling scaling = Scaling::backward;

    bool read(const Arguments& arguments, Py_ssize_t parameters) {
        x = arguments.sized(1, parameters) ? arguments.array(0) : nullptr;
        if (x == nullptr || PyArray_SIZE(x) == 0 || PyArray_NDIM(x) > MOST_DIMS) return false;
        PyObject* named = arguments.keyword(DIMS);
        if (named == nullptr || !PyTuple_Check(named)) return false;
        count = arguments.integers(DIMS, dims, MOST_DIMS);
        for (int i = 0; i < count; ++i) {
            if (dims[i] < 0 || dims[i] >= PyArray_NDIM(x)) return false;
        }
        return count > 0 && read_scaling(arguments, &scaling);
    }
    int last() const { return static_cast<int>(dims[count - 1]); }
    long size(int i) const { return PyArray_DIM(x, static_cast<int>(dims[i])); }
};

long largest_factor(long n) {
    long largest = 1;
    for (long factor = 2; factor * factor <= n; ++factor) {
        for (; n % factor == 0; n /= factor) largest = factor;
    }
    return std::max(n, largest);
}

// Whether lines are better convolved than added up for their large prime factor, which of
// long lines takes fewer steps.
bool is_convolved(long length) {
    const long factor = largest_factor(length);
    return length <= MOST_CONVOLVED && factor * factor >= 2 * length;
}

// Adds the plan for so many lines of n, unless most lanes would be empty over lines that are
// not quick. Lines of double whose length has a prime factor over 13 are more accurate by
// the reference's sums; of float it is rounding them that counts.
bool add_plan(const Request& request, long n, bool real, long lines, std::vector<Plan>* plans) {
    const Type type = type_of(request.x);
    FftPlan trial{};
    trial.length = complex_length(n, real);
    const bool small = find_stages(&trial);
    const bool single = type == Type::f32 || type == Type::c64;
    if (!small && !(single && is_convolved(trial.length))) return false;
    if ((n > LONE || !small) && 2 * lines < fft().width) return false;
    plans->push_back(plan_for(n, real));
    return plans->back() != nullptr;
}

// Whether a pass along each of the first `count` dimensions is worth while.
bool find_plans(const Request& request, int count, std::vector<Plan>* plans) {
    for (int i = 0; i < count; ++i) {
        const long n = request.size(i);
        if (!add_plan(request, n, false, PyArray_SIZE(request.x) / n, plans)) return false;
    }
    return true;
}

bool run_all(const std::vector<Pass>& passes, const std::vector<Plan>& plans) {
    const Unlocked unlocked(PyArray_SIZE(passes[0].from) > HEAVY);
    for (std::size_t i = 0; i < passes.size(); ++i) {
        if (!run(passes[i], plans[i]->plan)) return false;
    }
    return true;
}

PyObject* complex_of(const Request& request, Type type, bool inverse) {
    std::vector<Plan> plans;
    if (!find_plans(request, request.count, &plans)) return DECLINED;
    PyArrayObject* y = new_array(type, PyArray_NDIM(request.x), PyArray_SHAPE(request.x));
    if (y == nullptr) return nullptr;
    std::vector<Pass> passes;
    for (int i = 0; i < request.count; ++i) {
        passes.push_back({i == 0 ? request.x : y, y, static_cast<int>(request.dims[i]),
                          Transform::complex, inverse,
                          factor_of(request.scaling, inverse, request.size(i))});
    }
    return finished(y, run_all(passes, plans));
}

PyObject* to_half_of(const Request& request, Type type) {
    const int last = request.last();
    const long n = PyArray_DIM(request.x, last);
    std::vector<Plan> plans;
    if (!add_plan(request, n, true, PyArray_SIZE(request.x) / n, &plans) ||
        !find_plans(request, request.count - 1, &plans)) {
        return DECLINED;
    }
    npy_intp shape[MOST_DIMS];
    std::copy_n(PyArray_SHAPE(request.x), PyArray_NDIM(request.x), shape);
    shape[last] = n / 2 + 1;
    PyArrayObject* y = new_array(type, PyArray_NDIM(request.x), shape);
    if (y == nullptr) return nullptr;
    std::vector<Pass> passes{{request.x, y, last, Transform::to_half, false,
                              factor_of(request.scaling, false, n)}};
    for (int i = 0; i + 1 < request.count; ++i) {
        passes.push_back({y, y, static_cast<int>(request.dims[i]), Transform::complex, false,
                          factor_of(request.scaling, false, request.size(i))});
    }
    return finished(y, run_all(passes, plans));
}

PyObject* from_half_of(const Request& request, long n, Type own, Type type) {
    const int last = request.last();
    const long halves = PyArray_DIM(request.x, last);
    if (n < 1 || halves != n / 2 + 1) return DECLINED;
    std::vector<Plan> plans;
    if (!find_plans(request, request.count - 1, &plans) ||
        !add_plan(request, n, true, PyArray_SIZE(request.x) / halves, &plans)) {
        return DECLINED;
    }
    // The other dimensions come first, in an array of their own.
    PyArrayObject* middle = request.x;
    std::vector<Pass> passes;
    for (int i = 0; i + 1 < request.count; ++i) {
        if (i == 0) middle = new_array(own, PyArray_NDIM(request.x), PyArray_SHAPE(request.x));
        if (middle == nullptr) return nullptr;
        passes.push_back({i == 0 ? request.x : middle, middle, static_cast<int>(request.dims[i]),
                          Transform::complex, true,
                          factor_of(request.scaling, true, request.size(i))});
    }
    npy_intp shape[MOST_DIMS];
    std::copy_n(PyArray_SHAPE(request.x), PyArray_NDIM(request.x), shape);
    shape[last] = n;
    PyArrayObject* y = new_array(type, PyArray_NDIM(request.x), shape);
    bool done = false;
    if (y != nullptr) {
        passes.push_back({middle, y, last, Transform::from_half, true,
                          factor_of(request.scaling, true, n)});
        done = run_all(passes, plans);
    }
    if (middle != request.x) Py_DECREF(middle);
    return y == nullptr ? nullptr : finished(y, done);
}

// fft_c2c(x, *, dims, inverse, norm)
PyObject* complex_entry(const Arguments& arguments) {
    Request request;
    bool inverse;
    if (!request.read(arguments, 3) || !arguments.flag(INVERSE, &inverse)) return DECLINED;
    const Type type = type_of(request.x);
    const bool known = type == Type::c64 || type == Type::c128;
    return known ? complex_of(request, type, inverse) : DECLINED;
}

// fft_r2c(x, *, dims, norm)
PyObject* to_half_entry(const Arguments& arguments) {
    Request request;
    if (!request.read(arguments, 2)) return DECLINED;
    const Type type = type_of(request.x);
    if (type == Type::f32) return to_half_of(request, Type::c64);
    return type == Type::f64 ? to_half_of(request, Type::c128) : DECLINED;
}

// fft_c2r(x, *, n, dims, norm)
PyObject* from_half_entry(const Arguments& arguments) {
    Request request;
    long n;
    if (!request.read(arguments, 3) || !arguments.integer(N, &n)) return DECLINED;
    const Type type = type_of(request.x);
    if (type == Type::c64) return from_half_of(request, n, type, Type::f32);
    return type == Type::c128 ? from_half_of(request, n, type, Type::f64) : DECLINED;
}

LAMPAS_KERNEL(fft_c2c, complex_entry);
LAMPAS_KERNEL(fft_r2c, to_half_entry);
LAMPAS_KERNEL(fft_c2r, from_half_entry);

}  // namespace
}  // namespace lampas
