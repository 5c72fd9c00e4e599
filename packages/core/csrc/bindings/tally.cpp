// Sums of integers and bools, and what asks which elements are zero.
#include "bindings/tally.hpp"

namespace lampas {
namespace {

template <class T, class F>
void write(const std::int64_t* from, void* to, long count, F f) {
    T* result = static_cast<T*>(to);
    parallel_ranges(count, LIGHT, [&](long first, long last) {
        for (long i = first; i < last; ++i) result[i] = static_cast<T>(f(from[i]));
    });
}

void write_as(Type type, Tally how, const std::int64_t* from, void* to, long count) {
    const auto same = [](std::int64_t v) { return v; };
    const bool none = how == Tally::lacks;
    switch (type) {
        case Type::f32: return write<float>(from, to, count, same);
        case Type::f64: return write<double>(from, to, count, same);
        case Type::i32: return write<std::int32_t>(from, to, count, same);
        case Type::u8: return write<std::uint8_t>(from, to, count, same);
        default:
            write<bool>(from, to, count, [none](std::int64_t v) { return (v != 0) != none; });
    }
}

template <Tally HOW, Type TO>
PyObject* tally_entry(const Arguments& arguments) {
    Pattern pattern;
    bool keep;
    if (!read_reduction(arguments, 2, &pattern, &keep)) return DECLINED;
    return tallied(pattern, HOW, keep, TO);
}

}  // namespace

PyObject* tallied(const Pattern& pattern, Tally how, bool keep, Type to) {
    if (!tallies_of(pattern.type, how)) return DECLINED;
    npy_intp shape[MOST_DIMS];
    const int ndim = pattern.shape(keep, shape);
    PyArrayObject* y = new_array(to, ndim, shape);
    if (y == nullptr) return nullptr;
    bool done;
    {
        const Unlocked unlocked(worth_unlocking(pattern));
        if (to == Type::i64) {
            done = tally(pattern, how, data_of<std::int64_t>(y));
        } else {
            Results<std::int64_t> results(pattern.outputs());
            done = results.get() != nullptr && tally(pattern, how, results.get());
            if (done) write_as(to, how, results.get(), data_of<void>(y), pattern.outputs());
        }
    }
    return finished(y, done);
}

LAMPAS_KERNEL(tally, (tally_entry<Tally::sum, Type::i64>));
LAMPAS_KERNEL(count_nonzero, (tally_entry<Tally::nonzero, Type::i64>));
LAMPAS_KERNEL(any, (tally_entry<Tally::has, Type::boolean>));
LAMPAS_KERNEL(all, (tally_entry<Tally::lacks, Type::boolean>));

}  // namespace lampas
