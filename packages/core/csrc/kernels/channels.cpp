#include "kernels/channels.hpp"

#include "kernels/map.hpp"
#include "kernels/totals.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

constexpr long BLOCK = 2048;  // elements that stay in the nearest cache

// Groups [first, last) as columns: row r of x begins at x + r * pitch + start.
struct Columns {
    long parts, run, groups, pitch, start, width, room;

    Columns(const Groups& how, long first, long last)
        : parts(how.parts), run(how.run), groups(last - first), pitch(how.groups * how.run),
          start(first * how.run), width(groups * run),
          room((width + LANES - 1) / LANES * LANES) {}
};

struct Whole {
    LAMPAS_INLINE f32v from(const float* x) const { return load(x); }
    LAMPAS_INLINE void to(float* y, f32v v) const { store<float>(y, v); }
};
struct Part {
    int count;
    LAMPAS_INLINE f32v from(const float* x) const { return load_part(x, count); }
    LAMPAS_INLINE void to(float* y, f32v v) const { store_part<float>(y, v, count); }
};

template <class Body>
LAMPAS_INLINE void for_vectors(long width, Body body) {
    long i = 0;
    for (; i + LANES <= width; i += LANES) body(i, Whole{});
    if (i < width) body(i, Part{static_cast<int>(width - i)});
}

// sums[i] += what at(row, i) gives, summed over rows: several at once, then in double.
// Lanes past the width count nothing that is read.
template <int AT_ONCE, class At>
LAMPAS_INLINE void add_rows(const Columns& c, double* sums, At at) {
    long row = 0;
    for (; row + AT_ONCE <= c.parts; row += AT_ONCE) {
        for_vectors(c.width, [&](long i, auto some) {
            f32v v[AT_ONCE];
            for (int k = 0; k < AT_ONCE; ++k) v[k] = at(row + k, i, some);
            for (int half = AT_ONCE / 2; half > 0; half /= 2) {
                for (int k = 0; k < half; ++k) v[k] += v[k + half];
            }
            add_wide(sums + i, v[0]);
        });
    }
    for (; row < c.parts; ++row) {
        for_vectors(c.width, [&](long i, auto some) { add_wide(sums + i, at(row, i, some)); });
    }
}

double sum_of_group(const Columns& c, const double* sums, long group) {
    double sum = 0.0;
    for (long i = group * c.run; i < (group + 1) * c.run; ++i) sum += sums[i];
    return sum;
}

void repeat(const Columns& c, float* row, long group, float value) {
    for (long i = group * c.run; i < (group + 1) * c.run; ++i) row[i] = value;
}

// Rows of doubles and of floats, as long as those of the columns.
struct Rows {
    char* next;
    long room;
    double* sums() { return static_cast<double*>(take(sizeof(double))); }
    float* values() { return static_cast<float*>(take(sizeof(float))); }

private:
    void* take(std::size_t item) {
        void* row = next;
        next += static_cast<std::size_t>(room) * item;
        std::memset(row, 0, static_cast<std::size_t>(room) * item);
        return row;
    }
};

long work_bytes(const Groups& how, long groups) {
    return Columns(how, 0, groups).room *
           static_cast<long>(2 * sizeof(double) + 5 * sizeof(float));
}

void forward(const Groups& how, const float* x, const float* weight, const float* bias, float* y,
             float* mean, float* scale, char* work, long first, long last) {
    const Columns c(how, first, last);
    Rows rows{work, c.room};
    double *sums = rows.sums(), *squares = rows.sums();
    float *means = rows.values(), *factors = rows.values(), *shifts = rows.values();
    const double count = static_cast<double>(how.size());
    const float* from = x + c.start;
    if (how.center) {
        add_rows<8>(c, sums, [&](long row, long i, auto some) {
            return some.from(from + row * c.pitch + i);
        });
        for (long group = 0; group < c.groups; ++group) {
            mean[first + group] = static_cast<float>(sum_of_group(c, sums, group) / count);
            repeat(c, means, group, mean[first + group]);
        }
    } else {
        for (long group = first; group < last; ++group) mean[group] = 0.0f;
    }
    add_rows<8>(c, squares, [&](long row, long i, auto some) {
        const f32v away = some.from(from + row * c.pitch + i) - load(means + i);
        return away * away;
    });
    for (long group = 0; group < c.groups; ++group) {
        const double square = sum_of_group(c, squares, group) / count;
        const float s = static_cast<float>(1.0 / __builtin_sqrt(square + how.eps));
        scale[first + group] = s;
        repeat(c, factors, group, weight == nullptr ? s : s * weight[first + group]);
        repeat(c, shifts, group, bias == nullptr ? 0.0f : bias[first + group]);
    }
    for (long row = 0; row < c.parts; ++row) {
        const float* at = from + row * c.pitch;
        float* to = y + c.start + row * c.pitch;
        for_vectors(c.width, [&](long i, auto some) {
            some.to(to + i, (some.from(at + i) - load(means + i)) * load(factors + i) +
                                load(shifts + i));
        });
    }
}

// The cotangent's rows: its own, or one row for all.
struct Cotangent {
    const float* rows;
    long pitch;

    Cotangent(const Columns& c, const float* g, bool one, float* row)
        : rows(one ? row : g + c.start), pitch(one ? 0 : c.pitch) {
        if (!one) return;
        for (long i = 0; i < c.width; ++i) row[i] = *g;
    }
    const float* row(long r) const { return rows + r * pitch; }
};

// sums = those of g, along = those of g (x - mean)
void add_slopes(const Columns& c, const Cotangent& g, const float* x, const float* means,
                double* sums, double* along) {
    add_rows<4>(c, sums, [&](long row, long i, auto some) { return some.from(g.row(row) + i); });
    add_rows<4>(c, along, [&](long row, long i, auto some) {
        return some.from(g.row(row) + i) *
               (some.from(x + c.start + row * c.pitch + i) - load(means + i));
    });
}

void backward(const Groups& how, const float* g, bool one, const float* x, const float* weight,
              const float* mean, const float* scale, float* dx, float* dweight, float* dbias,
              char* work, long first, long last) {
    const Columns c(how, first, last);
    Rows rows{work, c.room};
    double *sums = rows.sums(), *along = rows.sums();
    float *means = rows.values(), *of_g = rows.values(), *of_x = rows.values();
    float* rest = rows.values();
    const Cotangent cotangent(c, g, one, rows.values());
    for (long group = 0; group < c.groups; ++group) repeat(c, means, group, mean[first + group]);
    add_slopes(c, cotangent, x, means, sums, along);
    const double count = static_cast<double>(how.size());
    for (long group = 0; group < c.groups; ++group) {
        const double sum = sum_of_group(c, sums, group);
        const double product = sum_of_group(c, along, group);
        const double s = scale[first + group];
        const double factor = weight == nullptr ? s : s * weight[first + group];
        // dx = (g w - average - standard inner) scale
        repeat(c, of_g, group, static_cast<float>(factor));
        repeat(c, of_x, group, static_cast<float>(-factor * s * s * product / count));
        repeat(c, rest, group, how.center ? static_cast<float>(-factor * sum / count) : 0.0f);
        if (dweight != nullptr) dweight[first + group] = static_cast<float>(s * product);
        if (dbias != nullptr) dbias[first + group] = static_cast<float>(sum);
    }
    for (long row = 0; row < c.parts; ++row) {
        const float *at = x + c.start + row * c.pitch, *slope = cotangent.row(row);
        float* to = dx + c.start + row * c.pitch;
        for_vectors(c.width, [&](long i, auto some) {
            const f32v away = some.from(at + i) - load(means + i);
            some.to(to + i, some.from(slope + i) * load(of_g + i) +
                                (away * load(of_x + i) + load(rest + i)));
        });
    }
}

// ---- by statistics that are given

long rows_bytes(const Groups& how) {
    if (how.run >= SHORT_RUN) return 1;
    return Columns(how, 0, how.groups).room * static_cast<long>(2 * sizeof(float));
}

void prepare(const Groups& how, const float* factor, const float* shift, char* memory) {
    if (how.run >= SHORT_RUN) return;
    const Columns c(how, 0, how.groups);
    Rows rows{memory, c.room};
    float *factors = rows.values(), *shifts = rows.values();
    for (long group = 0; group < how.groups; ++group) {
        repeat(c, factors, group, factor[group]);
        repeat(c, shifts, group, shift[group]);
    }
}

void apply(const Groups& how, const float* x, const float* factor, const float* shift, float* y,
           const char* rows, long first, long last) {
    if (how.run >= SHORT_RUN) {
        for (long run = first; run < last; ++run) {
            const f32v f = all(factor[run % how.groups]), s = all(shift[run % how.groups]);
            map<float>(x + run * how.run, y + run * how.run, how.run,
                       [&](f32v v) { return v * f + s; });
        }
        return;
    }
    const Columns c(how, 0, how.groups);
    const float* factors = reinterpret_cast<const float*>(rows);
    for (long part = first; part < last; ++part) {
        const float* from = x + part * c.pitch;
        float* to = y + part * c.pitch;
        for_vectors(c.width, [&](long i, auto some) {
            some.to(to + i,
                    some.from(from + i) * load(factors + i) + load(factors + c.room + i));
        });
    }
}

template <class G>
void add_run(G g, const float* x, long count, f32v factor, f32v mean, float* dx, Total& sum,
             Total& along) {
    for (long at = 0; at < count; at += BLOCK) {
        const long length = count - at < BLOCK ? count - at : BLOCK;
        sum.add(total<float>(
            length, [&](long i) { return g.at(at + i); },
            [&](long i, int rest) { return g.part(at + i, rest); }));
        along.add(total<float>(
            length, [&](long i) { return g.at(at + i) * (load(x + at + i) - mean); },
            [&](long i, int rest) {
                return g.part(at + i, rest) * (load_part(x + at + i, rest) - mean);
            }));
        map2<float>(g.from(at), One<float>{factor}, dx + at, length,
                    [](f32v d, f32v f) { return d * f; });
    }
}

void apply_backward(const Groups& how, const float* g, bool one, const float* x,
                    const float* factor, const float* mean, float* dx, double* sum, double* along,
                    char* work, long first, long last) {
    if (how.run >= SHORT_RUN) {
        for (long group = first; group < last; ++group) {
            const f32v f = all(factor[group]), m = all(mean[group]);
            Total plain, product;
            for (long part = 0; part < how.parts; ++part) {
                const long at = how.run_at(group, part);
                if (one) {
                    add_run(One<float>{all(*g)}, x + at, how.run, f, m, dx + at, plain, product);
                } else {
                    add_run(Many<float>{g + at}, x + at, how.run, f, m, dx + at, plain, product);
                }
            }
            sum[group] = plain.value();
            along[group] = product.value();
        }
        return;
    }
    const Columns c(how, first, last);
    Rows rows{work, c.room};
    double *sums = rows.sums(), *products = rows.sums();
    float *means = rows.values(), *factors = rows.values();
    const Cotangent cotangent(c, g, one, rows.values());
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
        const float* slope = cotangent.row(row);
        float* to = dx + c.start + row * c.pitch;
        for_vectors(c.width, [&](long i, auto some) {
            some.to(to + i, some.from(slope + i) * load(factors + i));
        });
    }
}

}  // namespace
}  // namespace LAMPAS_PATH

using namespace LAMPAS_PATH;

const ChannelKernels LAMPAS_PATH_OF(channels) = {forward, backward,   work_bytes,    apply,
                                                 prepare, rows_bytes, apply_backward};

}  // namespace lampas
