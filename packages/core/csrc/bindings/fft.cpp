// Fourier transforms along dimensions one after the other. Lengths with a prime factor over
// 13, and single lines of some length, are left to the reference.
#include "kernels/fft.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "bindings/layout.hpp"
#include "runtime/kernel.hpp"
#include "runtime/scratch.hpp"

namespace lampas {
namespace {

constexpr std::size_t MOST_PLANS = 64;
constexpr long LONE = 4096;  // up to here a line alone is quick, the other lanes empty
constexpr double TURN = 6.283185307179586476925;

template <class T>
struct OwnedPlan {
    FftPlan<T> plan;
    std::vector<T> roots, turns;
};

// exp(-2 pi i k / n) for k < count, from angles of at most an eighth of a turn.
template <class T>
std::vector<T> circle(long n, long count) {
    std::vector<T> values(static_cast<std::size_t>(2 * count));
    for (long k = 0; k < count; ++k) {
        const long eighths = 8 * k / n;  // which eighth of the circle it is in
        const long quarter = (eighths + 1) / 2;
        const double angle = TURN * (static_cast<double>(4 * k - quarter * n) / 4.0) /
                             static_cast<double>(n);
        const double c = std::cos(angle), s = std::sin(angle);
        const double re[4] = {c, -s, -c, s}, im[4] = {s, c, -s, -c};
        values[static_cast<std::size_t>(2 * k)] = static_cast<T>(re[quarter % 4]);
        values[static_cast<std::size_t>(2 * k + 1)] = static_cast<T>(-im[quarter % 4]);
    }
    return values;
}

template <class T>
bool find_stages(FftPlan<T>* plan) {
    long left = plan->length;
    plan->stages = 0;
    for (const int radix : {4, 2, 3, 5, 7, 11, 13}) {
        while (left % radix == 0 && plan->stages < MOST_STAGES) {
            plan->radix[plan->stages++] = radix;
            left /= radix;
        }
    }
    return left == 1;
}

template <class T>
using Plans = std::map<std::pair<long, bool>, std::shared_ptr<const OwnedPlan<T>>>;

// The plan for lines of n, with one end real or not; nullptr where there is none.
template <class T>
std::shared_ptr<const OwnedPlan<T>> plan_for(long n, bool real) {
    static auto* plans = new Plans<T>;
    static auto* mutex = new std::mutex;
    const std::lock_guard<std::mutex> lock(*mutex);
    const auto found = plans->find({n, real});
    if (found != plans->end()) return found->second;
    auto made = std::make_shared<OwnedPlan<T>>();
    FftPlan<T>& plan = made->plan;
    const bool halved = real && n % 2 == 0;
    plan.n = n;
    plan.length = halved ? n / 2 : n;
    if (!find_stages(&plan)) return nullptr;
    made->roots = circle<T>(plan.length, plan.length);
    if (halved) made->turns = circle<T>(n, plan.length + 1);
    plan.roots = made->roots.data();
    plan.turns = halved ? made->turns.data() : nullptr;
    if (plans->size() >= MOST_PLANS) plans->clear();
    plans->emplace(std::pair<long, bool>(n, real), made);
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
template <class T>
bool run(const Pass& pass, const FftPlan<T>& plan, const FftLoops<T>& loops) {
    const long count = lines_of(pass.from, pass.dim), width = loops.width;
    const long groups = (count + width - 1) / width;
    const long grain = std::max<long>(1, HEAVY / (plan.n * width));
    const std::size_t room = static_cast<std::size_t>(4 * width * (plan.length + 1)) * sizeof(T);
    return parallel_scratch(groups, grain, room, [&](const Scratch& work, long first, long last) {
        long from_at[64], to_at[64];
        for (long group = first; group < last; ++group) {
            const long begin = group * width, lines = std::min(width, count - begin);
            for (long j = 0; j < lines; ++j) place(pass, begin + j, &from_at[j], &to_at[j]);
            loops.run(plan,
                      {data_of<const char>(pass.from), data_of<char>(pass.to), from_at, to_at,
                       PyArray_STRIDE(pass.from, pass.dim), PyArray_STRIDE(pass.to, pass.dim),
                       static_cast<int>(lines), pass.kind, pass.inverse, pass.factor},
                      work.template as<T>());
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

template <class T>
using Plan = std::shared_ptr<const OwnedPlan<T>>;

// Whether a pass along each of the first `count` dimensions is worth while.
template <class T>
bool find_plans(const Request& request, int count, int width, std::vector<Plan<T>>* plans) {
    for (int i = 0; i < count; ++i) {
        const long n = request.size(i);
        const long lines = PyArray_SIZE(request.x) / n;
        if (n > LONE && 2 * lines < width) return false;
        plans->push_back(plan_for<T>(n, false));
        if (plans->back() == nullptr) return false;
    }
    return true;
}

template <class T>
bool run_all(const std::vector<Pass>& passes, const std::vector<Plan<T>>& plans,
             const FftLoops<T>& loops) {
    const Unlocked unlocked(PyArray_SIZE(passes[0].from) > HEAVY);
    for (std::size_t i = 0; i < passes.size(); ++i) {
        if (!run(passes[i], plans[i]->plan, loops)) return false;
    }
    return true;
}

template <class T>
PyObject* complex_of(const Request& request, Type type, bool inverse, const FftLoops<T>& loops) {
    std::vector<Plan<T>> plans;
    if (!find_plans(request, request.count, loops.width, &plans)) return DECLINED;
    PyArrayObject* y = new_array(type, PyArray_NDIM(request.x), PyArray_SHAPE(request.x));
    if (y == nullptr) return nullptr;
    std::vector<Pass> passes;
    for (int i = 0; i < request.count; ++i) {
        passes.push_back({i == 0 ? request.x : y, y, static_cast<int>(request.dims[i]),
                          Transform::complex, inverse,
                          factor_of(request.scaling, inverse, request.size(i))});
    }
    return finished(y, run_all(passes, plans, loops));
}

template <class T>
PyObject* to_half_of(const Request& request, Type type, const FftLoops<T>& loops) {
    const int last = request.last();
    const long n = PyArray_DIM(request.x, last);
    if (n > LONE && 2 * (PyArray_SIZE(request.x) / n) < loops.width) return DECLINED;
    std::vector<Plan<T>> plans{plan_for<T>(n, true)};
    if (plans[0] == nullptr || !find_plans(request, request.count - 1, loops.width, &plans)) {
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
    return finished(y, run_all(passes, plans, loops));
}

template <class T>
PyObject* from_half_of(const Request& request, long n, Type own, Type type,
                       const FftLoops<T>& loops) {
    const int last = request.last();
    const long halves = PyArray_DIM(request.x, last);
    if (n < 1 || halves != n / 2 + 1) return DECLINED;
    if (n > LONE && 2 * (PyArray_SIZE(request.x) / halves) < loops.width) return DECLINED;
    std::vector<Plan<T>> plans;
    if (!find_plans(request, request.count - 1, loops.width, &plans)) return DECLINED;
    plans.push_back(plan_for<T>(n, true));
    if (plans.back() == nullptr) return DECLINED;
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
        done = run_all(passes, plans, loops);
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
    if (type == Type::c64) return complex_of(request, type, inverse, fft().f32);
    return type == Type::c128 ? complex_of(request, type, inverse, fft().f64) : DECLINED;
}

// fft_r2c(x, *, dims, norm)
PyObject* to_half_entry(const Arguments& arguments) {
    Request request;
    if (!request.read(arguments, 2)) return DECLINED;
    const Type type = type_of(request.x);
    if (type == Type::f32) return to_half_of(request, Type::c64, fft().f32);
    return type == Type::f64 ? to_half_of(request, Type::c128, fft().f64) : DECLINED;
}

// fft_c2r(x, *, n, dims, norm)
PyObject* from_half_entry(const Arguments& arguments) {
    Request request;
    long n;
    if (!request.read(arguments, 3) || !arguments.integer(N, &n)) return DECLINED;
    const Type type = type_of(request.x);
    if (type == Type::c64) return from_half_of(request, n, type, Type::f32, fft().f32);
    return type == Type::c128 ? from_half_of(request, n, type, Type::f64, fft().f64) : DECLINED;
}

LAMPAS_KERNEL(fft_c2c, complex_entry);
LAMPAS_KERNEL(fft_r2c, to_half_entry);
LAMPAS_KERNEL(fft_c2r, from_half_entry);

}  // namespace
}  // namespace lampas
