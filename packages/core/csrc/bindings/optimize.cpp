// Steps of optimizers: all parameters of a group in one call.
//
// Each entry is NAME_step(rows, factors, *, options): a row has a parameter, its gradient
// and its state; factors have what the optimizer computed for it, which is the number of
// the step unless said otherwise. SGD has none. All arrays are of float, or all of double.
// The result is True.
#include "kernels/optimize.hpp"

#include <cmath>

#include "bindings/options.hpp"
#include "bindings/stretches.hpp"

namespace lampas {
namespace {

const Name LR("lr"), BETAS("betas"), EPS("eps"), DECAY("weight_decay"),
    DECOUPLED("decoupled_weight_decay"), AMSGRAD("amsgrad"), MOMENTUM("momentum"),
    DAMPENING("dampening"), NESTEROV("nesterov"), MAXIMIZE("maximize"), ALPHA("alpha"),
    CENTERED("centered"), RHO("rho"), LR_DECAY("lr_decay"), ETAS("etas"),
    STEP_SIZES("step_sizes"), LAMBD("lambd");

// The rows, factors and options of a call.
class Call {
public:
    explicit Call(const Arguments& arguments) : arguments_(arguments) {}

    // Whether it has just these options.
    bool options(std::initializer_list<Option> numbers, std::initializer_list<Choice> flags,
                 std::initializer_list<Pair> pairs = {}) {
        return read_options(arguments_, numbers, flags, pairs);
    }

    // Whether rows have a parameter, its gradient, which is only read, and so many states.
    bool read(int states, int factors) {
        columns_ = 2 + states;
        width_ = factors;
        if (arguments_.count != (factors > 0 ? 2 : 1)) return false;
        type_ = type_of_rows(arguments_[0]);
        return (type_ == Type::f32 || type_ == Type::f64) &&
               read_rows(arguments_[0], columns_, ~2u, type_, &rows_) &&
               (factors == 0 || read_numbers(arguments_[1], rows_.size(), factors, &factors_));
    }

    double factor(std::size_t row, int index = 0) const {
        return factors_[row * static_cast<std::size_t>(width_) + static_cast<std::size_t>(index)];
    }

    // step(loops), with the loops for what the rows are made of.
    template <class Step>
    PyObject* typed(Step&& step) const {
        return type_ == Type::f32 ? step(optimize().f32) : step(optimize().f64);
    }

    // Step all rows, each with the factors that make(row) gives.
    template <class T, class Factors, class Make>
    PyObject* run(StepOf<T, Factors> step, Make&& make) const {
        std::vector<Factors> made(rows_.size());
        for (std::size_t i = 0; i < rows_.size(); ++i) made[i] = make(i);
        for_each_stretch(rows_, [&](std::size_t i, long first, long last) {
            T* at[MOST_COLUMNS];
            for (int j = 0; j < columns_; ++j) {
                at[j] = reinterpret_cast<T*>(rows_[i].arrays[j]) + first;
            }
            step(at, last - first, made[i]);
        });
        Py_RETURN_TRUE;
    }

private:
    const Arguments& arguments_;
    Type type_ = Type::other;
    int columns_ = 0;  // of a row
    int width_ = 0;    // of the factors of one
    std::vector<Row> rows_;
    std::vector<double> factors_;
};

template <class T>
Mean<T> mean_of(double old) {
    return {T(old), T(1.0 - old)};
}

// A decoupled decay has the rate for its factor, the other is added to the gradient.
template <class T>
Slope<T> slope_of(bool maximize, double decay, bool decoupled = false, double lr = 0.0) {
    return {T(maximize ? -1 : 1), T(decoupled ? 0.0 : decay),
            T(decoupled ? 1.0 - lr * decay : 1.0)};
}

// What all forms of Adam have.
struct AdamOptions {
    double lr, beta1, beta2, eps, decay;
    bool decoupled = false, maximize;

    bool read(Call& call, std::initializer_list<Choice> flags) {
        return call.options({{&LR, &lr}, {&EPS, &eps}, {&DECAY, &decay}}, flags,
                            {{&BETAS, &beta1, &beta2}});
    }

    template <class T>
    Slope<T> slope() const {
        return slope_of<T>(maximize, decay, decoupled, lr);
    }
};

PyObject* adam_entry(const Arguments& arguments) {
    AdamOptions o;
    bool amsgrad;
    Call call(arguments);
    if (!o.read(call, {{&DECOUPLED, &o.decoupled},
                       {&AMSGRAD, &amsgrad},
                       {&MAXIMIZE, &o.maximize}}) ||
        !call.read(amsgrad ? 3 : 2, 1)) {
        return DECLINED;
    }
    return call.typed([&]<class T>(const OptimizeLoops<T>& loops) {
        const auto step = amsgrad ? loops.amsgrad : loops.adam;
        return call.run(step, [&](std::size_t i) -> AdamFactors<T> {
            const double t = call.factor(i);
            return {o.slope<T>(), mean_of<T>(o.beta1), mean_of<T>(o.beta2), T(o.eps),
                    T(1.0 / std::sqrt(1.0 - std::pow(o.beta2, t))),
                    T(o.lr / (1.0 - std::pow(o.beta1, t)))};
        });
    });
}

PyObject* sgd_entry(const Arguments& arguments) {
    double lr, decay, momentum, dampening;
    bool nesterov, maximize;
    Call call(arguments);
    if (!call.options({{&LR, &lr}, {&DECAY, &decay}, {&MOMENTUM, &momentum},
                       {&DAMPENING, &dampening}},
                      {{&NESTEROV, &nesterov}, {&MAXIMIZE, &maximize}}) ||
        !call.read(momentum != 0.0 ? 1 : 0, 0)) {
        return DECLINED;
    }
    return call.typed([&]<class T>(const OptimizeLoops<T>& loops) {
        const SgdFactors<T> factors{slope_of<T>(maximize, decay), T(lr), T(momentum),
                                    T(1.0 - dampening), nesterov};
        return call.run(momentum != 0.0 ? loops.heavy_sgd : loops.sgd,
                        [&](std::size_t) { return factors; });
    });
}

PyObject* rmsprop_entry(const Arguments& arguments) {
    double lr, alpha, eps, decay, momentum;
    bool centered, maximize;
    Call call(arguments);
    if (!call.options({{&LR, &lr}, {&ALPHA, &alpha}, {&EPS, &eps}, {&DECAY, &decay},
                       {&MOMENTUM, &momentum}},
                      {{&CENTERED, &centered}, {&MAXIMIZE, &maximize}}) ||
        !call.read(1 + (momentum != 0.0) + centered, 1)) {
        return DECLINED;
    }
    return call.typed([&]<class T>(const OptimizeLoops<T>& loops) {
        const auto plain = centered ? loops.centered_rms : loops.rms;
        const auto heavy = centered ? loops.heavy_centered_rms : loops.heavy_rms;
        const RmsFactors<T> factors{slope_of<T>(maximize, decay), mean_of<T>(alpha), T(eps), T(lr),
                                    T(momentum)};
        return call.run(momentum != 0.0 ? heavy : plain, [&](std::size_t) { return factors; });
    });
}

PyObject* adagrad_entry(const Arguments& arguments) {
    double lr, eps, decay, lr_decay;
    bool maximize;
    Call call(arguments);
    if (!call.options({{&LR, &lr}, {&EPS, &eps}, {&DECAY, &decay}, {&LR_DECAY, &lr_decay}},
                      {{&MAXIMIZE, &maximize}}) ||
        !call.read(1, 1)) {
        return DECLINED;
    }
    return call.typed([&]<class T>(const OptimizeLoops<T>& loops) {
        return call.run(loops.adagrad, [&](std::size_t i) -> AdagradFactors<T> {
            return {slope_of<T>(maximize, decay), T(eps),
                    T(lr / (1.0 + (call.factor(i) - 1.0) * lr_decay))};
        });
    });
}

PyObject* adadelta_entry(const Arguments& arguments) {
    double lr, rho, eps, decay;
    bool maximize;
    Call call(arguments);
    if (!call.options({{&LR, &lr}, {&RHO, &rho}, {&EPS, &eps}, {&DECAY, &decay}},
                      {{&MAXIMIZE, &maximize}}) ||
        !call.read(2, 1)) {
        return DECLINED;
    }
    return call.typed([&]<class T>(const OptimizeLoops<T>& loops) {
        const AdadeltaFactors<T> factors{slope_of<T>(maximize, decay), mean_of<T>(rho), T(eps),
                                         T(lr)};
        return call.run(loops.adadelta, [&](std::size_t) { return factors; });
    });
}

PyObject* adamax_entry(const Arguments& arguments) {
    AdamOptions o;
    Call call(arguments);
    if (!o.read(call, {{&MAXIMIZE, &o.maximize}}) ||
        !call.read(2, 1)) {
        return DECLINED;
    }
    return call.typed([&]<class T>(const OptimizeLoops<T>& loops) {
        return call.run(loops.adamax, [&](std::size_t i) -> AdamaxFactors<T> {
            return {o.slope<T>(), mean_of<T>(o.beta1), T(o.beta2), T(o.eps),
                    T(o.lr / (1.0 - std::pow(o.beta1, call.factor(i))))};
        });
    });
}

// factors: the weights of the gradient and of the mean, and the step's number.
PyObject* nadam_entry(const Arguments& arguments) {
    AdamOptions o;
    Call call(arguments);
    if (!o.read(call, {{&DECOUPLED, &o.decoupled}, {&MAXIMIZE, &o.maximize}}) ||
        !call.read(2, 3)) {
        return DECLINED;
    }
    return call.typed([&]<class T>(const OptimizeLoops<T>& loops) {
        return call.run(loops.nadam, [&](std::size_t i) -> NadamFactors<T> {
            return {o.slope<T>(), mean_of<T>(o.beta1), mean_of<T>(o.beta2), T(o.eps),
                    T(1.0 - std::pow(o.beta2, call.factor(i, 2))),
                    T(o.lr * call.factor(i, 0)), T(o.lr * call.factor(i, 1))};
        });
    });
}

// factors: of the mean, and the rectified one.
PyObject* radam_entry(const Arguments& arguments) {
    AdamOptions o;
    Call call(arguments);
    if (!o.read(call, {{&DECOUPLED, &o.decoupled}, {&MAXIMIZE, &o.maximize}}) ||
        !call.read(2, 2)) {
        return DECLINED;
    }
    return call.typed([&]<class T>(const OptimizeLoops<T>& loops) {
        return call.run(loops.radam, [&](std::size_t i) -> RadamFactors<T> {
            return {o.slope<T>(), mean_of<T>(o.beta1), mean_of<T>(o.beta2), T(o.eps),
                    T(call.factor(i, 0)), T(call.factor(i, 1))};
        });
    });
}

PyObject* rprop_entry(const Arguments& arguments) {
    double shrink, grow, smallest, largest;
    bool maximize;
    Call call(arguments);
    if (!call.options({}, {{&MAXIMIZE, &maximize}},
                      {{&ETAS, &shrink, &grow}, {&STEP_SIZES, &smallest, &largest}}) ||
        !call.read(2, 1)) {
        return DECLINED;
    }
    return call.typed([&]<class T>(const OptimizeLoops<T>& loops) {
        const RpropFactors<T> factors{shrink, grow, T(maximize ? -1 : 1), T(smallest), T(largest)};
        return call.run(loops.rprop, [&](std::size_t) { return factors; });
    });
}

// factors: the rate, and the weight of the new parameters in their average.
PyObject* asgd_entry(const Arguments& arguments) {
    double lambd, decay;
    bool maximize;
    Call call(arguments);
    if (!call.options({{&LAMBD, &lambd}, {&DECAY, &decay}}, {{&MAXIMIZE, &maximize}}) ||
        !call.read(1, 2)) {
        return DECLINED;
    }
    return call.typed([&]<class T>(const OptimizeLoops<T>& loops) {
        return call.run(loops.asgd, [&](std::size_t i) -> AsgdFactors<T> {
            const double eta = call.factor(i, 0);
            Slope<T> slope = slope_of<T>(maximize, decay);
            slope.shrink = T(1.0 - lambd * eta);
            return {slope, T(eta), T(call.factor(i, 1))};
        });
    });
}

LAMPAS_KERNEL(adam_step, adam_entry);
LAMPAS_KERNEL(sgd_step, sgd_entry);
LAMPAS_KERNEL(rmsprop_step, rmsprop_entry);
LAMPAS_KERNEL(adagrad_step, adagrad_entry);
LAMPAS_KERNEL(adadelta_step, adadelta_entry);
LAMPAS_KERNEL(adamax_step, adamax_entry);
LAMPAS_KERNEL(nadam_step, nadam_entry);
LAMPAS_KERNEL(radam_step, radam_entry);
LAMPAS_KERNEL(rprop_step, rprop_entry);
LAMPAS_KERNEL(asgd_step, asgd_entry);

}  // namespace
}  // namespace lampas
