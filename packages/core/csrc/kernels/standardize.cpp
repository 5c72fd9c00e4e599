#include "kernels/standardize.hpp"

#include "kernels/map.hpp"
#include "kernels/math.hpp"
#include "kernels/totals.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

// y[i] = (x[i] - mean) scale weight[i] + bias[i] for one run, as far as there are both.
template <class T>
void write_run(const Groups& how, const T* x, const T* weight, const T* bias, T mean, T scale,
               T* y) {
    const vec<T> m = all(mean), s = all(scale);
    if (weight == nullptr) {
        map<T>(x, y, how.run, [&](vec<T> v) { return (v - m) * s; });
    } else if (how.weight_run == 1) {
        map2<T>(Many<T>{x}, Many<T>{weight}, y, how.run,
                [&](vec<T> v, vec<T> w) { return (v - m) * s * w; });
        if (bias != nullptr) {
            map2<T>(Many<T>{y}, Many<T>{bias}, y, how.run,
                    [](vec<T> v, vec<T> b) { return v + b; });
        }
    } else {
        for (long k = 0; k * how.weight_run < how.run; ++k) {
            const vec<T> w = all(weight[k]), b = all(bias == nullptr ? T{} : bias[k]);
            const long at = k * how.weight_run;
            map<T>(x + at, y + at, how.weight_run,
                   [&](vec<T> v) { return (v - m) * s * w + b; });
        }
    }
}

template <class T>
T mean_of(const Groups& how, const T* x, long group) {
    Total sum;
    for (long part = 0; part < how.parts; ++part) {
        const T* from = x + how.run_at(group, part);
        sum.add(total<T>(
            how.run, [&](long i) { return load(from + i); },
            [&](long i, int rest) { return load_part(from + i, rest); }));
    }
    return static_cast<T>(sum.value() / static_cast<double>(how.size()));
}

template <class T>
double mean_square(const Groups& how, const T* x, long group, T mean) {
    const vec<T> m = all(mean);
    const auto square = [&](vec<T> v) { return (v - m) * (v - m); };
    Total sum;
    for (long part = 0; part < how.parts; ++part) {
        const T* from = x + how.run_at(group, part);
        sum.add(total<T>(
            how.run, [&](long i) { return square(load(from + i)); },
            [&](long i, int rest) { return square(load_part(from + i, rest)); }));
    }
    return sum.value() / static_cast<double>(how.size());
}

template <class T>
void forward(const Groups& how, const T* x, const T* weight, const T* bias, T* y, T* mean,
             T* scale, long first, long last) {
    for (long group = first; group < last; ++group) {
        mean[group] = how.center ? mean_of(how, x, group) : T{};
        const double square = mean_square(how, x, group, mean[group]);
        scale[group] = static_cast<T>(1.0 / __builtin_sqrt(square + how.eps));
        const long of = group % how.weight_groups * how.weights;
        for (long part = 0; part < how.parts; ++part) {
            const long at = how.run_at(group, part);
            write_run(how, x + at, weight == nullptr ? nullptr : weight + of,
                      bias == nullptr ? nullptr : bias + of, mean[group], scale[group], y + at);
        }
    }
}

// Sums of one run: of g w and of g w standard; and of the gradients of the weights.
template <class T, class G>
void add_up(const Groups& how, G g, const T* x, const T* weight, T mean, T scale, Total& plain,
            Total& along, double* dweight) {
    const vec<T> m = all(mean), s = all(scale);
    const long next = how.all_weights(), lost = 2 * next;
    double* dbias = dweight + next;
    if (weight != nullptr && how.weight_run == 1) {
        plain.add(total<T>(
            how.run, [&](long i) { return g.at(i) * load(weight + i); },
            [&](long i, int rest) { return g.part(i, rest) * load_part(weight + i, rest); }));
        along.add(total<T>(
            how.run,
            [&](long i) { return g.at(i) * load(weight + i) * ((load(x + i) - m) * s); },
            [&](long i, int rest) {
                return g.part(i, rest) * load_part(weight + i, rest) *
                       ((load_part(x + i, rest) - m) * s);
            }));
        if (dweight == nullptr) return;
        long i = 0;
        for (; i + lanes<T> <= how.run; i += lanes<T>) {
            const vec<T> d = g.at(i);
            add_wide(dweight + i, dweight + lost + i, d * ((load(x + i) - m) * s));
            add_wide(dbias + i, dbias + lost + i, d);
        }
        for (; i < how.run; ++i) {
            const vec<T> d = g.part(i, 1);
            add_one<T>(dweight + i, dweight + lost + i, d[0] * ((x[i] - mean) * scale));
            add_one<T>(dbias + i, dbias + lost + i, d[0]);
        }
        return;
    }
    for (long k = 0; k * how.weight_run < how.run; ++k) {
        const long at = k * how.weight_run;
        const double sum = total<T>(
            how.weight_run, [&](long i) { return g.at(at + i); },
            [&](long i, int rest) { return g.part(at + i, rest); });
        const double product = total<T>(
            how.weight_run, [&](long i) { return g.at(at + i) * ((load(x + at + i) - m) * s); },
            [&](long i, int rest) {
                return g.part(at + i, rest) * ((load_part(x + at + i, rest) - m) * s);
            });
        const double w = weight == nullptr ? 1.0 : static_cast<double>(weight[k]);
        plain.add(sum * w);
        along.add(product * w);
        if (dweight != nullptr) {
            add_one<T>(dweight + k, dweight + lost + k, product);
            add_one<T>(dbias + k, dbias + lost + k, sum);
        }
    }
}

// dx = (g w - average - standard inner) scale for one run
template <class T, class G>
void write_slope(const Groups& how, G g, const T* x, const T* weight, T mean, T scale, T average,
                 T inner, T* dx) {
    const vec<T> m = all(mean), s = all(scale), a = all(average), c = all(inner);
    const auto slope = [&](vec<T> d, vec<T> v) { return (d - (v - m) * s * c - a) * s; };
    if (weight == nullptr) {
        map2<T>(g, Many<T>{x}, dx, how.run, slope);
    } else if (how.weight_run == 1) {
        map2<T>(g, Many<T>{weight}, dx, how.run, [](vec<T> d, vec<T> w) { return d * w; });
        map2<T>(Many<T>{dx}, Many<T>{x}, dx, how.run, slope);
    } else {
        for (long k = 0; k * how.weight_run < how.run; ++k) {
            const long at = k * how.weight_run;
            const vec<T> w = all(weight[k]);
            map2<T>(g.from(at), Many<T>{x + at}, dx + at, how.weight_run,
                    [&](vec<T> d, vec<T> v) { return slope(d * w, v); });
        }
    }
}

template <class T, class G>
void backward_by(const Groups& how, G g, const T* x, const T* weight, const T* mean,
                 const T* scale, T* dx, double* sums, long first, long last) {
    const double count = static_cast<double>(how.size());
    for (long group = first; group < last; ++group) {
        const long of = group % how.weight_groups * how.weights;
        const T* w = weight == nullptr ? nullptr : weight + of;
        Total plain, along;
        for (long part = 0; part < how.parts; ++part) {
            const long at = how.run_at(group, part);
            add_up(how, g.from(at), x + at, w, mean[group], scale[group], plain, along,
                   sums == nullptr ? nullptr : sums + of);
        }
        const T average = how.center ? static_cast<T>(plain.value() / count) : T{};
        const T inner = static_cast<T>(along.value() / count);
        for (long part = 0; part < how.parts; ++part) {
            const long at = how.run_at(group, part);
            write_slope(how, g.from(at), x + at, w, mean[group], scale[group], average, inner,
                        dx + at);
        }
    }
}

template <class T>
void backward(const Groups& how, const T* g, bool one, const T* x, const T* weight,
              const T* mean, const T* scale, T* dx, double* sums, long first, long last) {
    if (one) {
        backward_by(how, One<T>{all(*g)}, x, weight, mean, scale, dx, sums, first, last);
    } else {
        backward_by(how, Many<T>{g}, x, weight, mean, scale, dx, sums, first, last);
    }
}

}  // namespace
}  // namespace LAMPAS_PATH

using namespace LAMPAS_PATH;

const StandardizeKernels LAMPAS_PATH_OF(standardizer) = {
    {forward<float>, backward<float>},
    {forward<double>, backward<double>},
};

}  // namespace lampas
