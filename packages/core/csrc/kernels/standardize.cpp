#include "kernels/standardize.hpp"

#include "kernels/map.hpp"
#include "kernels/math.hpp"
#include "kernels/totals.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

// y[i] = (x[i] - mean) scale weight[i] + bias[i] for one run, as far as there are both.
void write_run(const Groups& how, const float* x, const float* weight, const float* bias,
               float mean, float scale, float* y) {
    const f32v m = all(mean), s = all(scale);
    if (weight == nullptr) {
        map<float>(x, y, how.run, [&](f32v v) { return (v - m) * s; });
    } else if (how.weight_run == 1) {
        map2<float>(Many<float>{x}, Many<float>{weight}, y, how.run,
                    [&](f32v v, f32v w) { return (v - m) * s * w; });
        if (bias != nullptr) {
            map2<float>(Many<float>{y}, Many<float>{bias}, y, how.run,
                        [](f32v v, f32v b) { return v + b; });
        }
    } else {
        for (long k = 0; k * how.weight_run < how.run; ++k) {
            const f32v w = all(weight[k]), b = all(bias == nullptr ? 0.0f : bias[k]);
            const long at = k * how.weight_run;
            map<float>(x + at, y + at, how.weight_run,
                       [&](f32v v) { return (v - m) * s * w + b; });
        }
    }
}

float mean_of(const Groups& how, const float* x, long group) {
    Total sum;
    for (long part = 0; part < how.parts; ++part) {
        const float* from = x + how.run_at(group, part);
        sum.add(total<float>(
            how.run, [&](long i) { return load(from + i); },
            [&](long i, int rest) { return load_part(from + i, rest); }));
    }
    return static_cast<float>(sum.value() / static_cast<double>(how.size()));
}

double mean_square(const Groups& how, const float* x, long group, float mean) {
    const f32v m = all(mean);
    const auto square = [&](f32v v) { return (v - m) * (v - m); };
    Total sum;
    for (long part = 0; part < how.parts; ++part) {
        const float* from = x + how.run_at(group, part);
        sum.add(total<float>(
            how.run, [&](long i) { return square(load(from + i)); },
            [&](long i, int rest) { return square(load_part(from + i, rest)); }));
    }
    return sum.value() / static_cast<double>(how.size());
}

void forward(const Groups& how, const float* x, const float* weight, const float* bias, float* y,
             float* mean, float* scale, long first, long last) {
    for (long group = first; group < last; ++group) {
        mean[group] = how.center ? mean_of(how, x, group) : 0.0f;
        const double square = mean_square(how, x, group, mean[group]);
        scale[group] = static_cast<float>(1.0 / __builtin_sqrt(square + how.eps));
        const long of = group % how.weight_groups * how.weights;
        for (long part = 0; part < how.parts; ++part) {
            const long at = how.run_at(group, part);
            write_run(how, x + at, weight == nullptr ? nullptr : weight + of,
                      bias == nullptr ? nullptr : bias + of, mean[group], scale[group], y + at);
        }
    }
}

// Sums of one run: of g w and of g w standard; and of the gradients of the weights.
template <class G>
void add_up(const Groups& how, G g, const float* x, const float* weight, float mean, float scale,
            Total& plain, Total& along, double* dweight, double* dbias) {
    const f32v m = all(mean), s = all(scale);
    if (weight != nullptr && how.weight_run == 1) {
        plain.add(total<float>(
            how.run, [&](long i) { return g.at(i) * load(weight + i); },
            [&](long i, int rest) { return g.part(i, rest) * load_part(weight + i, rest); }));
        along.add(total<float>(
            how.run,
            [&](long i) { return g.at(i) * load(weight + i) * ((load(x + i) - m) * s); },
            [&](long i, int rest) {
                return g.part(i, rest) * load_part(weight + i, rest) *
                       ((load_part(x + i, rest) - m) * s);
            }));
        if (dweight == nullptr) return;
        long i = 0;
        for (; i + LANES <= how.run; i += LANES) {
            const f32v d = g.at(i);
            add_wide(dweight + i, d * ((load(x + i) - m) * s));
            add_wide(dbias + i, d);
        }
        for (; i < how.run; ++i) {
            const f32v d = g.part(i, 1);
            dweight[i] += static_cast<double>(d[0] * ((x[i] - mean) * scale));
            dbias[i] += static_cast<double>(d[0]);
        }
        return;
    }
    for (long k = 0; k * how.weight_run < how.run; ++k) {
        const long at = k * how.weight_run;
        const double sum = total<float>(
            how.weight_run, [&](long i) { return g.at(at + i); },
            [&](long i, int rest) { return g.part(at + i, rest); });
        const double product = total<float>(
            how.weight_run, [&](long i) { return g.at(at + i) * ((load(x + at + i) - m) * s); },
            [&](long i, int rest) {
                return g.part(at + i, rest) * ((load_part(x + at + i, rest) - m) * s);
            });
        const double w = weight == nullptr ? 1.0 : static_cast<double>(weight[k]);
        plain.add(sum * w);
        along.add(product * w);
        if (dweight != nullptr) {
            dweight[k] += product;
            dbias[k] += sum;
        }
    }
}

// dx = (g w - average - standard inner) scale for one run
template <class G>
void write_slope(const Groups& how, G g, const float* x, const float* weight, float mean,
                 float scale, float average, float inner, float* dx) {
    const f32v m = all(mean), s = all(scale), a = all(average), c = all(inner);
    const auto slope = [&](f32v d, f32v v) { return (d - (v - m) * s * c - a) * s; };
    if (weight == nullptr) {
        map2<float>(g, Many<float>{x}, dx, how.run, slope);
    } else if (how.weight_run == 1) {
        map2<float>(g, Many<float>{weight}, dx, how.run, [](f32v d, f32v w) { return d * w; });
        map2<float>(Many<float>{dx}, Many<float>{x}, dx, how.run, slope);
    } else {
        for (long k = 0; k * how.weight_run < how.run; ++k) {
            const long at = k * how.weight_run;
            const f32v w = all(weight[k]);
            map2<float>(g.from(at), Many<float>{x + at}, dx + at, how.weight_run,
                        [&](f32v d, f32v v) { return slope(d * w, v); });
        }
    }
}

template <class G>
void backward_by(const Groups& how, G g, const float* x, const float* weight, const float* mean,
                 const float* scale, float* dx, double* dweight, double* dbias, long first,
                 long last) {
    const double count = static_cast<double>(how.size());
    for (long group = first; group < last; ++group) {
        const long of = group % how.weight_groups * how.weights;
        const float* w = weight == nullptr ? nullptr : weight + of;
        Total plain, along;
        for (long part = 0; part < how.parts; ++part) {
            const long at = how.run_at(group, part);
            add_up(how, g.from(at), x + at, w, mean[group], scale[group], plain, along,
                   dweight == nullptr ? nullptr : dweight + of,
                   dbias == nullptr ? nullptr : dbias + of);
        }
        const float average = how.center ? static_cast<float>(plain.value() / count) : 0.0f;
        const float inner = static_cast<float>(along.value() / count);
        for (long part = 0; part < how.parts; ++part) {
            const long at = how.run_at(group, part);
            write_slope(how, g.from(at), x + at, w, mean[group], scale[group], average, inner,
                        dx + at);
        }
    }
}

void backward(const Groups& how, const float* g, bool one, const float* x, const float* weight,
              const float* mean, const float* scale, float* dx, double* dweight, double* dbias,
              long first, long last) {
    if (one) {
        backward_by(how, One<float>{all(*g)}, x, weight, mean, scale, dx, dweight, dbias, first,
                    last);
    } else {
        backward_by(how, Many<float>{g}, x, weight, mean, scale, dx, dweight, dbias, first, last);
    }
}

}  // namespace
}  // namespace LAMPAS_PATH

const StandardizeKernels LAMPAS_PATH_OF(standardizer) = {LAMPAS_PATH::forward,
                                                         LAMPAS_PATH::backward};

}  // namespace lampas
