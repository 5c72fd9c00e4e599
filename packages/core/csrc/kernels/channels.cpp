#include "kernels/channels.hpp"

#include "kernels/map.hpp"
#include "kernels/totals.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

// Elements that stay in the nearest cache.
template <class T> constexpr long BLOCK = 8192 / static_cast<long>(sizeof(T));

// Groups [first, last) as columns: row r of x begins at x + r * pitch + start.
template <class T>
struct Columns {
    long parts, run, groups, pitch, start, width, room;

    Columns(const Groups& how, long first, long last)
        : parts(how.parts), run(how.run), groups(last - first), pitch(how.groups * how.run),
          start(first * how.run), width(groups * run),
          room((width + lanes<T> - 1) / lanes<T> * lanes<T>) {}
};

template <class T>
struct Whole {
    LAMPAS_INLINE vec<T> from(const T* x) const { return load(x); }
    LAMPAS_INLINE void to(T* y, vec<T> v) const { store<T>(y, v); }
};
template <class T>
struct Part {
    int count;
    LAMPAS_INLINE vec<T> from(const T* x) const { return load_part(x, count); }
    LAMPAS_INLINE void to(T* y, vec<T> v) const { store_part<T>(y, v, count); }
};

template <class T, class Body>
LAMPAS_INLINE void for_vectors(long width, Body body) {
    long i = 0;
    for (; i + lanes<T> <= width; i += lanes<T>) body(i, Whole<T>{});
    if (i < width) body(i, Part<T>{static_cast<int>(width - i)});
}

// sums[i] += what at(row, i) gives, summed over rows: several at once, then in double.
// Lanes past the width count nothing that is read.
template <int AT_ONCE, class T, class At>
LAMPAS_INLINE void add_rows(const Columns<T>& c, double* sums, At at) {
    double* lost = sums + c.room;
    long row = 0;
    for (; row + AT_ONCE <= c.parts; row += AT_ONCE) {
        for_vectors<T>(c.width, [&](long i, auto some) {
            vec<T> v[AT_ONCE];
            for (int k = 0; k < AT_ONCE; ++k) v[k] = at(row + k, i, some);
            for (int half = AT_ONCE / 2; half > 0; half /= 2) {
                for (int k = 0; k < half; ++k) v[k] += v[k + half];
            }
            add_wide(sums + i, lost + i, v[0]);
        });
    }
    for (; row < c.parts; ++row) {
        for_vectors<T>(c.width, [&](long i, auto some) {
            add_wide(sums + i, lost + i, at(row, i, some));
        });
    }
}

double sum_of_group(const Columns<float>& c, const double* sums, long group) {
    double sum = 0.0;
    for (long i = group * c.run; i < (group + 1) * c.run; ++i) sum += sums[i];
    return sum;
}
double sum_of_group(const Columns<double>& c, const double* sums, long group) {
    Total sum;
    double lost = 0.0;
    for (long i = group * c.run; i < (group + 1) * c.run; ++i) {
        sum.add(sums[i]);
        lost += sums[c.room + i];
    }
    return lost - lost == 0.0 ? sum.value() + lost : sum.value();
}

template <class T>
void repeat(const Columns<T>& c, T* row, long group, T value) {
    for (long i = group * c.run; i < (group + 1) * c.run; ++i) row[i] = value;
}

// Rows of sums and of values, as long as those of the columns. Sums of doubles are followed
// by what rounding took from them.
template <class T>
struct Rows {
    static constexpr std::size_t SUM = (sizeof(T) == sizeof(double) ? 2 : 1) * sizeof(double);

    char* next;
    long room;
    double* sums() { return static_cast<double*>(take(SUM)); }
    T* values() { return static_cast<T*>(take(sizeof(T))); }

private:
    void* take(std::size_t item) {
        void* row = next;
        next += static_cast<std::size_t>(room) * item;
        std::memset(row, 0, static_cast<std::size_t>(room) * item);
        return row;
    }
};

template <class T>
long work_bytes(const Groups& how, long groups) {
    return Columns<T>(how, 0, groups).room * static_cast<long>(2 * Rows<T>::SUM + 5 * sizeof(T));
}

template <class T>
void forward(const Groups& how, const T* x, const T* weight, const T* bias, T* y, T* mean,
             T* scale, char* work, long first, long last) {
    const Columns<T> c(how, first, last);
    Rows<T> rows{work, c.room};
    double *sums = rows.sums(), *squares = rows.sums();
    T *means = rows.values(), *factors = rows.values(), *shifts = rows.values();
    const double count = static_cast<double>(how.size());
    const T* from = x + c.start;
    if (how.center) {
        add_rows<8>(c, sums, [&](long row, long i, auto some) {
            return some.from(from + row * c.pitch + i);
        });
        for (long group = 0; group < c.groups; ++group) {
            mean[first + group] = static_cast<T>(sum_of_group(c, sums, group) / count);
            repeat(c, means, group, mean[first + group]);
        }
    } else {
        for (long group = first; group < last; ++group) mean[group] = T{};
    }
    add_rows<8>(c, squares, [&](long row, long i, auto some) {
        const vec<T> away = some.from(from + row * c.pitch + i) - load(means + i);
        return away * away;
    });
    for (long group = 0; group < c.groups; ++group) {
        const double square = sum_of_group(c, squares, group) / count;
        const T s = static_cast<T>(1.0 / __builtin_sqrt(square + how.eps));
        scale[first + group] = s;
        repeat(c, factors, group, weight == nullptr ? s : s * weight[first + group]);
        repeat(c, shifts, group, bias == nullptr ? T{} : bias[first + group]);
    }
    for (long row = 0; row < c.parts; ++row) {
        const T* at = from + row * c.pitch;
        T* to = y + c.start + row * c.pitch;
        for_vectors<T>(c.width, [&](long i, auto some) {
            some.to(to + i, (some.from(at + i) - load(means + i)) * load(factors + i) +
                                load(shifts + i));
        });
    }
}

// The cotangent's rows: its own, or one row for all.
template <class T>
struct Cotangent {
    const T* rows;
    long pitch;

    Cotangent(const Columns<T>& c, const T* g, bool one, T* row)
        : rows(one ? row : g + c.start), pitch(one ? 0 : c.pitch) {
        if (!one) return;
        for (long i = 0; i < c.width; ++i) row[i] = *g;
    }
    const T* row(long r) const { return rows + r * pitch; }
};

// sums = those of g, along = those of g (x - mean)
template <class T>
void add_slopes(const Columns<T>& c, const Cotangent<T>& g, const T* x, const T* means,
                double* sums, double* along) {
    add_rows<4>(c, sums, [&](long row, long i, auto some) { return some.from(g.row(row) + i); });
    add_rows<4>(c, along, [&](long row, long i, auto some) {
        return some.from(g.row(row) + i) *
               (some.from(x + c.start + row * c.pitch + i) - load(means + i));
    });
}

template <class T>
void backward(const Groups& how, const T* g, bool one, const T* x, const T* weight,
              const T* mean, const T* scale, T* dx, T* dweight, T* dbias, char* work, long first,
              long last) {
    const Columns<T> c(how, first, last);
    Rows<T> rows{work, c.room};
    double *sums = rows.sums(), *along = rows.sums();
    T *means = rows.values(), *of_g = rows.values(), *of_x = rows.values();
    T* rest = rows.values();
    const Cotangent<T> cotangent(c, g, one, rows.values());
    for (long group = 0; group < c.groups; ++group) repeat(c, means, group, mean[first + group]);
    add_slopes(c, cotangent, x, means, sums, along);
    const double count = static_cast<double>(how.size());
    for (long group = 0; group < c.groups; ++group) {
        const double sum = sum_of_group(c, sums, group);
        const double product = sum_of_group(c, along, group);
        const double s = scale[first + group];
        const double factor = weight == nullptr ? s : s * weight[first + group];
        // dx = (g w - average - standard inner) scale
        repeat(c, of_g, group, static_cast<T>(factor));
        repeat(c, of_x, group, static_cast<T>(-factor * s * s * product / count));
        repeat(c, rest, group, how.center ? static_cast<T>(-factor * sum / count) : T{});
        if (dweight != nullptr) dweight[first + group] = static_cast<T>(s * product);
        if (dbias != nullptr) dbias[first + group] = static_cast<T>(sum);
    }
    for (long row = 0; row < c.parts; ++row) {
        const T *at = x + c.start + row * c.pitch, *slope = cotangent.row(row);
        T* to = dx + c.start + row * c.pitch;
        for_vectors<T>(c.width, [&](long i, auto some) {
            const vec<T> away = some.from(at + i) - load(means + i);
            some.to(to + i, some.from(slope + i) * load(of_g + i) +
                                (away * load(of_x + i) + load(rest + i)));
        });
    }
}

// ---- by statistics that are given

template <class T>
long rows_bytes(const Groups& how) {
    if (how.run >= SHORT_RUN) return 1;
    return Columns<T>(how, 0, how.groups).room * static_cast<long>(2 * sizeof(T));
}

template <class T>
void prepare(const Groups& how, const T* factor, const T* shift, char* memory) {
    if (how.run >= SHORT_RUN) return;
    const Columns<T> c(how, 0, how.groups);
    Rows<T> rows{memory, c.room};
    T *factors = rows.values(), *shifts = rows.values();
    for (long group = 0; group < how.groups; ++group) {
        repeat(c, factors, group, factor[group]);
        repeat(c, shifts, group, shift[group]);
    }
}

template <class T>
void apply(const Groups& how, const T* x, const T* factor, const T* shift, T* y, const char* rows,
           long first, long last) {
    if (how.run >= SHORT_RUN) {
        for (long run = first; run < last; ++run) {
            const vec<T> f = all(factor[run % how.groups]), s = all(shift[run % how.groups]);
            map<T>(x + run * how.run, y + run * how.run, how.run,
                   [&](vec<T> v) { return v * f + s; });
        }
        return;
    }
    const Columns<T> c(how, 0, how.groups);
    const T* factors = reinterpret_cast<const T*>(rows);
    for (long part = first; part < last; ++part) {
        const T* from = x + part * c.pitch;
        T* to = y + part * c.pitch;
        for_vectors<T>(c.width, [&](long i, auto some) {
            some.to(to + i,
                    some.from(from + i) * load(factors + i) + load(factors + c.room + i));
        });
    }
}

template <class T, class G>
void add_run(G g, const T* x, long count, vec<T> factor, vec<T> mean, T* dx, Total& sum,
             Total& along) {
    for (long at = 0; at < count; at += BLOCK<T>) {
        const long length = count - at < BLOCK<T> ? count - at : BLOCK<T>;
        sum.add(total<T>(
            length, [&](long i) { return g.at(at + i); },
            [&](long i, int rest) { return g.part(at + i, rest); }));
        along.add(total<T>(
            length, [&](long i) { return g.at(at + i) * (load(x + at + i) - mean); },
            [&](long i, int rest) {
                return g.part(at + i, rest) * (load_part(x + at + i, rest) - mean);
            }));
        map2<T>(g.from(at), One<T>{factor}, dx + at, length,
                [](vec<T> d, vec<T> f) { return d * f; });
    }
}

template <class T>
void apply_backward(const Groups& how, const T* g, bool one, const T* x, const T* factor,
                    const T* mean, T* dx, double* sum, double* along, char* work, long first,
                    long last) {
    if (how.run >= SHORT_RUN) {
        for (long group = first; group < last; ++group) {
            const vec<T> f = all(factor[group]), m = all(mean[group]);
            Total plain, product;
            for (long part = 0; part < how.parts; ++part) {
                const long at = how.run_at(group, part);
                if (one) {
                    add_run(One<T>{all(*g)}, x + at, how.run, f, m, dx + at, plain, product);
                } else {
                    add_run(Many<T>{g + at}, x + at, how.run, f, m, dx + at, plain, product);
                }
            }
            sum[group] = plain.value();
            along[group] = product.value();
        }
        return;
    }
    const Columns<T> c(how, first, last);
    Rows<T> rows{work, c.room};
    double *sums = rows.sums(), *products = rows.sums();
    T *means = rows.values(), *factors = rows.values();
    const Cotangent<T> cotangent(c, g, one, rows.values());
    for (long group = 0; group < c.groups; ++group) {
        repeat(c, means, group, mean[first + group]);
        repeat(c, factors, group, factor[first + group]);
    }
    add_slopes(c, cotangent, x, means, sums, products);
    for (long group = 0; group < c.groups; ++group) {
        sum[first + group] = sum_of_group(c, sums, group);
        along[first + group] = sum_of_group(c, products, group);
    }
    for (long row = 0; row < c.parts; ++row) {
        const T* slope = cotangent.row(row);
        T* to = dx + c.start + row * c.pitch;
        for_vectors<T>(c.width, [&](long i, auto some) {
            some.to(to + i, some.from(slope + i) * load(factors + i));
        });
    }
}

}  // namespace
}  // namespace LAMPAS_PATH

using namespace LAMPAS_PATH;

#define LAMPAS_CHANNELS_OF(T)                                                \
    {forward<T>, backward<T>,   work_bytes<T>,    apply<T>,                  \
     prepare<T>, rows_bytes<T>, apply_backward<T>}

const ChannelKernels LAMPAS_PATH_OF(channels) = {
    LAMPAS_CHANNELS_OF(float),
    LAMPAS_CHANNELS_OF(double),
};

}  // namespace lampas
