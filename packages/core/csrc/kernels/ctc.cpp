// The paths of one sequence through time, all states at once, on vectors of double.
#include "kernels/ctc.hpp"

#include "kernels/double.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

constexpr double NEVER = -1e30;  // as the reference weighs what can't be
constexpr double FAR = -700.0;   // the exponential of less is nothing beside 1
constexpr double MOST = 80.0;    // beyond it a share, which is 1 at most, is of other numbers
constexpr long W = lanes<double>;

// Single precision has no use for the last digits of double.
template <class T> LAMPAS_INLINE f64v exponential(f64v x) {
    if constexpr (sizeof(T) == 4) return exp_wide(x);
    else return exp_full(x);
}
template <class T> LAMPAS_INLINE f64v logarithm(f64v x) {
    if constexpr (sizeof(T) == 4) return log_wide(x);
    else return log_full(x);
}

// log(exp(a) + exp(b) + exp(c)); that of the largest is 1.
template <class T>
LAMPAS_INLINE f64v total(f64v a, f64v b, f64v c) {
    const f64v low = smaller(a, b), high = larger(a, b);
    const f64v top = larger(high, c), middle = larger(low, smaller(high, c));
    const f64v far = all(FAR);
    return top + logarithm<T>(exponential<T>(larger(far, middle - top)) +
                              exponential<T>(larger(far, smaller(low, c) - top)) + 1.0);
}

// States in memory: whole vectors, with one more of states that never are on either side.
LAMPAS_INLINE long padded(long states) { return (states + W - 1) / W * W; }
LAMPAS_INLINE long row(long states) { return padded(states) + 2 * W; }

LAMPAS_INLINE void never(double* from, long count) {
    for (long i = 0; i < count; ++i) from[i] = NEVER;
}

template <class T>
struct Rows {
    const CtcSequence<T>& sequence;
    double *score, *skip, *one, *other;
    double* shares;
    std::int64_t* slot;

    Rows(const CtcSequence<T>& sequence, double* work) : sequence(sequence) {
        const long size = row(sequence.states);
        double** const rows[] = {&score, &skip, &one, &other, &shares};
        for (double** at : rows) {
            *at = work + W;
            never(work, size);
            work += size;
        }
        slot = reinterpret_cast<std::int64_t*>(work);
        const std::int64_t* label = sequence.label;
        for (long s = 2; s < sequence.states; ++s) {
            if (label[s] != sequence.blank && label[s] != label[s - 2]) skip[s] = 0.0;
        }
    }

    // What each state's label scores; false where that is no number.
    bool read(long t) const {
        const T* x = sequence.x + t * sequence.step;
        bool fine = true;
        for (long s = 0; s < sequence.states; ++s) {
            const double value = static_cast<double>(x[sequence.label[s]]);
            fine &= value < INFINITY_D;
            score[s] = value < NEVER ? NEVER : value;
        }
        return fine;
    }

    // The likelihood of paths that have ended.
    double ended(double at_last, double before) const {
        const f64v both = total<T>(all(at_last), all(sequence.last > 0 ? before : NEVER),
                                   all(NEVER));
        return both[0];
    }
};

template <class T>
bool forward(const CtcSequence<T>& sequence, T* begun, long step, double* work, T* loss) {
    Rows<T> rows(sequence, work);
    double *state = rows.one, *next = rows.other;
    const long states = sequence.states, last = sequence.last;
    bool fine = true;
    state[0] = 0.0;
    for (long t = 0; t < sequence.times; ++t) {
        if (t < sequence.alive) {
            fine &= rows.read(t);
            if (t == 0) {
                for (long s = 0; s < states; ++s) {
                    next[s] = (s < 2 && s <= last ? 0.0 : NEVER) + rows.score[s];
                }
            } else {
                for (long s = 0; s < states; s += W) {
                    const f64v skipped = load(state + s - 2) + load(rows.skip + s);
                    store<double>(next + s, total<T>(load(state + s), load(state + s - 1),
                                                     skipped) + load(rows.score + s));
                }
            }
            double* const before = state;
            state = next;
            next = before;
        }
        T* to = begun + t * step;
        for (long s = 0; s < states; ++s) to[s] = static_cast<T>(state[s]);
    }
    const double likelihood = rows.ended(state[last], state[last - 1]);
    *loss = static_cast<T>(likelihood < NEVER / 2 ? INFINITY_D : -likelihood);
    return fine;
}

// Number the classes of the states, so that what comes to each adds up in a short row;
// `classes` tells which they are.
long number_classes(const std::int64_t* label, long states, std::int64_t* slot,
                    std::int64_t* classes) {
    long count = 0;
    for (long s = 0; s < states; ++s) {
        long i = 0;
        while (i < count && classes[i] != label[s]) ++i;
        if (i == count) classes[count++] = label[s];
        slot[s] = i;
    }
    return count;
}

// Classes that no state has may score anything, infinity too.
template <class T>
void probabilities(const T* x, long count, T* y) {
    constexpr int most = lanes<T>;
    for (long i = 0; i < count; i += most) {
        const int left = count - i < most ? static_cast<int>(count - i) : most;
        store_part<T>(y + i, exp(load_part(x + i, left)), left);
    }
}

// Steps that have no visits: zeros, or `lost`.
template <class T>
LAMPAS_INLINE void fill(T* y, long count, T value) {
    for (long i = 0; i < count; ++i) y[i] = value;
}

template <class T>
bool backward(const CtcSequence<T>& sequence, const T* begun, long step, T g, T lost,
              double* work, T* dx) {
    Rows<T> rows(sequence, work);
    const long states = sequence.states, last = sequence.last, classes = sequence.classes;
    const T* end = begun + (sequence.times - 1) * step;
    const double at_last = end[last], before = end[last > 0 ? last - 1 : 0];
    const double likelihood = rows.ended(at_last, before);
    const bool nowhere = likelihood < NEVER / 2;
    bool fine = true;  // the reference looks at all states of the end
    for (long s = 0; s < states; ++s) fine &= end[s] < static_cast<T>(INFINITY_D);
    std::int64_t* const taken = rows.slot + states;
    double* const sums = reinterpret_cast<double*>(taken + states);
    const long count = number_classes(sequence.label, states, rows.slot, taken);
    double *rest = rows.one, *onward = rows.other, *shares = rows.shares;
    rest[last] = 0.0;
    if (last > 0) rest[last - 1] = 0.0;
    for (long t = sequence.times - 1; t >= 0; --t) {
        T* to = dx + t * sequence.step;
        if (t >= sequence.alive || nowhere) {
            fill(to, classes, t < sequence.alive ? lost : T(0));
            continue;
        }
        fine &= rows.read(t);
        const T* from = begun + t * step;
        for (long s = 0; s < states; ++s) {
            fine &= from[s] < static_cast<T>(INFINITY_D);
            shares[s] = from[s];
        }
        f64v most = all(FAR);
        for (long s = 0; s < states; s += W) {
            const f64v power = larger(all(FAR), load(shares + s) + load(rest + s) - likelihood);
            most = larger(most, power);
            store<double>(shares + s, exponential<T>(smaller(all(-FAR), power)));
            store<double>(onward + s, load(rows.score + s) + load(rest + s));
        }
        fine &= max_of<double>(most) < MOST;
        never(onward + states, padded(states) - states);
        for (long i = 0; i < count; ++i) sums[i] = 0.0;
        for (long s = 0; s < states; ++s) sums[rows.slot[s]] += shares[s];
        probabilities(sequence.x + t * sequence.step, classes, to);
        for (long i = 0; i < count; ++i) to[taken[i]] -= static_cast<T>(sums[i]);
        for (long c = 0; c < classes; ++c) to[c] *= g;
        for (long s = 0; s < states; s += W) {
            const f64v skipped = load(onward + s + 2) + load(rows.skip + s + 2);
            store<double>(rest + s, total<T>(load(onward + s), load(onward + s + 1), skipped));
        }
    }
    return fine;
}

// The rows, and of each state its number, its class and what comes to it.
long room(long states) { return 5 * row(states) + 3 * states; }

}  // namespace
}  // namespace LAMPAS_PATH

using namespace LAMPAS_PATH;

#define LOOPS(T) {room, forward<T>, backward<T>}

const CtcKernels LAMPAS_PATH_OF(ctc) = {LOOPS(float), LOOPS(double)};

}  // namespace lampas
