// Depthwise convolutions along rows. A plane (or a box of one that is large) is
// packed with zeros around it and its columns divided by the stride, so that every vector
// of the result is a sum of whole vectors of the packed one, times the weights.
//
// The input's gradient is such a convolution of the cotangent, one for each remainder of a
// position modulo the stride; the weight's gradient multiplies vectors of both.
#include "bindings/frame.hpp"
#include "runtime/scratch.hpp"

namespace lampas {
namespace {

constexpr long MOST_PARTS = 16;  // of the boxes that one channel's weight meets
constexpr long CHAIN = 512;      // vectors that are added up in T before it goes on in double

long remainder(long a, long b) { return ((a % b) + b) % b; }

// The frame of the forward pass and of the weight's gradient.
Frame frame_of_image(const Convolution& c) {
    Frame f;
    for (int d = 0; d < 3; ++d) {
        f.size[d] = c.size[d];
        f.grid[d] = c.out[d];
        f.step[d] = c.out[d] > 1 ? c.stride[d] : 1;
        f.span[d] = (c.kernel[d] - 1) * c.dilation[d] + 1;
        f.low[d] = c.low[d];
    }
    f.lay_out();
    return f;
}

std::int32_t* set_offsets(const Convolution& c, const Frame& f, std::int32_t* offset) {
    for (long i = 0; i < c.kernel[0]; ++i) {
        for (long j = 0; j < c.kernel[1]; ++j) {
            for (long k = 0; k < c.kernel[2]; ++k) {
                const long shift[3] = {i * c.dilation[0], j * c.dilation[1], k * c.dilation[2]};
                *offset++ = static_cast<std::int32_t>(f.offset_of(shift));
            }
        }
    }
    return offset;
}

// How many rows of `taps` shifts there are, each below the other, if boxes are of one slice
// and kernels go along such rows; otherwise 0.
int rows_of_taps(const Frame& f, const std::int32_t* offsets, long count, long taps) {
    const long rows = count / taps;
    if (f.grid[0] > 1 || count % taps != 0) return 0;
    if (rows != 5 && rows != 7 && (rows != 3 || taps != 3)) return 0;
    for (long i = taps; i < count; ++i) {
        if (offsets[i] - offsets[i - taps] != f.step[1] * f.row) return 0;
    }
    return static_cast<int>(rows);
}

Rows rows_of(const Frame& f, long box, const std::int32_t* offsets, long taps, int rows) {
    return {f.thick_of(box), f.grid[2], f.step[1] * f.row, f.grid[2],
            offsets,         static_cast<int>(taps), rows};
}

// Boxes are numbered plane by plane. Several small planes are packed before the first of
// them is read: what was just written cannot be read in other pieces without a delay.
long planes_ahead(const Frame& f) {
    return f.boxes > 1 ? 1 : std::max(1L, std::min(16L, AHEAD / f.elements));
}

// All that one call of `forward` makes once.
template <class T>
struct ForwardPlan {
    Frame frame;
    const T *weight, *bias;
    const Spot* spots;
    const std::int32_t* offsets;
    long spots_of_cut;
    int taps_rows;  // or 0
};

// One box of an output, made from the packed one of its channel.
template <class T>
void forward_box(const ForwardPlan<T>& plan, long taps, long out, long box, const T* packed, T* y,
                 long room) {
    const DepthwiseOf<T>& kernel = depthwise_of<T>();
    const T* weights = plan.weight + out * taps;
    const T shift = plan.bias == nullptr ? T(0) : plan.bias[out];
    if (plan.taps_rows > 0) {
        const long in_row = taps / plan.taps_rows;
        const Rows rows = rows_of(plan.frame, box, plan.offsets, in_row, plan.taps_rows);
        kernel.combine_rows(rows, weights, shift, packed, y, room);
        return;
    }
    const long spots = plan.frame.thick_of(box) * plan.spots_of_cut;
    kernel.combine({plan.offsets, weights, taps}, shift, plan.spots, spots, packed, y, room);
}

template <class T>
bool run_forward(const ForwardPlan<T>& plan, const Convolution& c, Cube<T> x, T* y) {
    const Frame& f = plan.frame;
    const long taps = c.taps(), each = c.outs_of_group(), out = c.out_size();
    const long unit = out / f.grid[f.cut], ahead = planes_ahead(f);
    const long units = c.images * c.channels * f.boxes;
    const long work = f.box_size() * taps * each;
    const auto some = [&](const Scratch& memory, long first, long last) {
        Packer<T> packer(f, x, memory.as<T>(), ahead);
        const T* end = y + last / f.boxes * each * out;
        for (long group = first; group < last; group += ahead) {
            const long count = std::min(ahead, last - group);
            for (long n = 0; n < count; ++n) {
                const long plane = (group + n) / f.boxes;
                packer.pack(plane / c.channels, plane % c.channels, (group + n) % f.boxes, n);
            }
            for (long n = 0; n < count * each; ++n) {
                const long at = group + n / each, plane = at / f.boxes, box = at % f.boxes;
                const long number = plane % c.channels * each + n % each;
                T* to = y + (plane * each + n % each) * out + f.first_of(box) * unit;
                forward_box(plan, taps, number, box, packer.place(n / each), to,
                            f.boxes == 1 ? end - to : f.thick_of(box) * unit);
            }
        }
    };
    return parallel_scratch(units, units_of_chunk(work), packed_bytes<T>(f, ahead), some);
}

template <class T>
bool forward(const Convolution& c, Cube<T> x, const T* weight, const T* bias, T* y) {
    const int lanes = depthwise_of<T>().lanes;
    const Frame f = frame_of_image(c);
    if (!is_within_reach(f, 1)) return false;
    const long taps = c.taps(), vectors = vectors_of_row(f, lanes);
    const long spots_of_cut = f.fronts() * f.rows() / f.thick * vectors;
    const Scratch tables(static_cast<std::size_t>(spots_of_cut * f.thick) * sizeof(Spot) +
                         static_cast<std::size_t>(taps) * sizeof(std::int32_t));
    if (tables.get() == nullptr) return false;
    auto* spots = tables.as<Spot>();
    auto* offsets = reinterpret_cast<std::int32_t*>(
        set_spots(f, lanes, f.grid[1] * f.grid[2], f.grid[2], 0, vectors, spots));
    set_offsets(c, f, offsets);
    const int taps_rows = rows_of_taps(f, offsets, taps, c.kernel[2]);
    return run_forward<T>({f, weight, bias, spots, offsets, spots_of_cut, taps_rows}, c, x, y);
}

// The shift of the cotangent by which a tap reaches the positions that it reaches: those of
// the remainder `phase_of` modulo the stride.
long reach_of(const Convolution& c, int d, long tap) { return tap * c.dilation[d] - c.low[d]; }
long phase_of(const Convolution& c, int d, long tap) {
    return remainder(reach_of(c, d, tap), c.stride[d]);
}
long shift_of(const Convolution& c, int d, long tap) {
    return (phase_of(c, d, tap) - reach_of(c, d, tap)) / c.stride[d];
}

Frame frame_of_cotangent(const Convolution& c) {
    Frame f;
    for (int d = 0; d < 3; ++d) {
        long least = shift_of(c, d, 0), most = least;
        for (long tap = 1; tap < c.kernel[d]; ++tap) {
            least = std::min(least, shift_of(c, d, tap));
            most = std::max(most, shift_of(c, d, tap));
        }
        f.size[d] = c.out[d];
        f.grid[d] = over(c.size[d], c.stride[d]);
        f.step[d] = 1;
        f.span[d] = most - least + 1;
        f.low[d] = -least;
    }
    f.lay_out();
    return f;
}

// Where a box of the input's gradient is made if any stride is not 1: whole rows of each
// remainder modulo the last stride, one after the other.
struct Stage {
    long phases[3];
    long segment, row, slice, elements;

    Stage(const Convolution& c, const Frame& f, int lanes) {
        for (int d = 0; d < 3; ++d) phases[d] = std::min(c.stride[d], c.size[d]);
        segment = over(f.grid[2], lanes) * lanes;
        row = segment * phases[2];
        slice = row * f.rows() * phases[1];
        elements = slice * f.fronts() * phases[0];
    }
    long count() const { return phases[0] * phases[1] * phases[2]; }
    bool used() const { return count() > 1; }
};

// Positions of one remainder for each dimension: where their results lie in the stage, and
// which of all shifts they are made by.
struct Phase {
    long to, first, count;
};

// Fills phases, and the offset and the tap (numbered over a channel's outputs) of shifts.
void set_phases(const Convolution& c, const Frame& f, const Stage& stage, Phase* phase,
                std::int32_t* offsets, std::int32_t* order) {
    long filled = 0;
    for (long p = 0; p < stage.count(); ++p) {
        const long at[3] = {p / stage.phases[2] / stage.phases[1],
                            p / stage.phases[2] % stage.phases[1], p % stage.phases[2]};
        const long first = filled;
        for (long t = c.outs_of_group() * c.taps() - 1; t >= 0; --t) {  // offsets ascend
            const long k = t % c.taps();
            const long tap[3] = {k / c.kernel[2] / c.kernel[1], k / c.kernel[2] % c.kernel[1],
                                 k % c.kernel[2]};
            long shift[3];
            bool met = true;
            for (int d = 0; d < 3; ++d) {
                shift[d] = shift_of(c, d, tap[d]) + f.low[d];
                met = met && phase_of(c, d, tap[d]) == at[d];
            }
            if (!met) continue;
            const long offset = t / c.taps() * f.elements + f.offset_of(shift);
            offsets[filled] = static_cast<std::int32_t>(offset);
            order[filled++] = static_cast<std::int32_t>(t);
        }
        *phase++ = {at[0] * stage.slice + at[1] * stage.row + at[2] * stage.segment, first,
                    filled - first};
    }
}

// All that one call of `input` makes once.
struct InputPlan {
    Frame frame;
    Stage stage;
    const Phase* phases;
    const Spot* spots;
    const std::int32_t *offsets, *order;
    long spots_of_cut, shifts;
    int taps_rows;  // or 0
};

// From the stage to the result.
template <class T>
void unstage(const InputPlan& plan, const Convolution& c, long box, const T* stage, T* dx) {
    const Frame& f = plan.frame;
    Packing p{};
    for (int d = 0; d < 3; ++d) {
        const long first = d == f.cut ? f.first_of(box) : 0;
        const long count = d == f.cut ? f.thick_of(box) : f.grid[d];
        p.count[d] = std::min(c.size[d] - first * c.stride[d], count * plan.stage.phases[d]);
    }
    p.steps[0] = c.size[1] * c.size[2];
    p.steps[1] = c.size[2];
    p.slice = plan.stage.slice;
    p.row = plan.stage.row;
    p.phases = plan.stage.phases[2];
    p.segment = plan.stage.segment;
    depthwise_of<T>().unpack(p, stage, dx);
}

// One box, of which the cotangent is packed at `packed`; `room` is that of dx.
template <class T>
void input_box(const InputPlan& plan, const Convolution& c, long box, const T* packed,
               const T* weights, T* stage, T* dx, long room) {
    const long count = plan.frame.thick_of(box) * plan.spots_of_cut;
    if (plan.taps_rows > 0) {
        const long in_row = plan.shifts / plan.taps_rows;
        const Rows rows = rows_of(plan.frame, box, plan.offsets, in_row, plan.taps_rows);
        depthwise_of<T>().combine_rows(rows, weights, T(0), packed, dx, room);
        return;
    }
    if (!plan.stage.used()) {
        const Shifts<T> shifts{plan.offsets, weights, plan.shifts};
        depthwise_of<T>().combine(shifts, T(0), plan.spots, count, packed, dx, room);
        return;
    }
    for (long p = 0; p < plan.stage.count(); ++p) {
        const Phase& phase = plan.phases[p];
        const Shifts<T> shifts{plan.offsets + phase.first, weights + phase.first, phase.count};
        depthwise_of<T>().combine(shifts, T(0), plan.spots, count, packed, stage + phase.to,
                             plan.stage.elements - phase.to);
    }
    unstage(plan, c, box, stage, dx);
}

// So that what follows in one block begins on a line of the cache.
std::size_t up_to_line(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

template <class T>
bool run_input(const InputPlan& plan, const Convolution& c, Cube<T> g, const T* weight, T* dx) {
    const Frame& f = plan.frame;
    const long each = c.outs_of_group(), shifts = each * c.taps(), size = c.image_size();
    const long ahead = planes_ahead(f), unit = size / c.size[f.cut] * c.stride[f.cut];
    const long units = c.images * c.channels * f.boxes;
    const std::size_t packed = up_to_line(packed_bytes<T>(f, ahead * each));
    const std::size_t rest = static_cast<std::size_t>(shifts + plan.stage.elements) * sizeof(T);
    const auto some = [&](const Scratch& memory, long first, long last) {
        Packer<T> packer(f, g, memory.as<T>(), ahead * each);
        T* weights = memory.as<T>() + packed / sizeof(T);
        const T* end = dx + last / f.boxes * size;
        for (long group = first; group < last; group += ahead) {
            const long count = std::min(ahead, last - group);
            for (long n = 0; n < count * each; ++n) {
                const long at = group + n / each, plane = at / f.boxes;
                packer.pack(plane / c.channels, plane % c.channels * each + n % each,
                            at % f.boxes, n);
            }
            for (long n = 0; n < count; ++n) {
                const long plane = (group + n) / f.boxes, box = (group + n) % f.boxes;
                const T* own = weight + plane % c.channels * shifts;
                for (long s = 0; s < plan.shifts; ++s) weights[s] = own[plan.order[s]];
                T* to = dx + plane * size + f.first_of(box) * unit;
                input_box(plan, c, box, packer.place(n * each), weights, weights + shifts, to,
                          f.boxes == 1 ? end - to : f.thick_of(box) * unit);
            }
        }
    };
    return parallel_scratch(units, units_of_chunk(f.box_size() * shifts), packed + rest, some);
}

template <class T>
bool input(const Convolution& c, Cube<T> g, const T* weight, T* dx) {
    const int lanes = depthwise_of<T>().lanes;
    const Frame f = frame_of_cotangent(c);
    const Stage stage(c, f, lanes);
    const long each = c.outs_of_group(), taps = each * c.taps();
    if (!is_within_reach(f, each) || stage.elements > REACH) return false;
    const long vectors = vectors_of_row(f, lanes);
    const long spots_of_cut = f.fronts() * f.rows() / f.thick * vectors;
    const Scratch tables(static_cast<std::size_t>(stage.count()) * sizeof(Phase) +
                         static_cast<std::size_t>(spots_of_cut * f.thick) * sizeof(Spot) +
                         static_cast<std::size_t>(taps) * 2 * sizeof(std::int32_t));
    if (tables.get() == nullptr) return false;
    auto* phases = tables.as<Phase>();
    auto* spots = reinterpret_cast<Spot*>(phases + stage.count());
    // Positions next to each other in the grid are a stride apart in the stage.
    const long slice = stage.used() ? stage.slice * stage.phases[0] : c.size[1] * c.size[2];
    const long row = stage.used() ? stage.row * stage.phases[1] : c.size[2];
    auto* offsets =
        reinterpret_cast<std::int32_t*>(set_spots(f, lanes, slice, row, 0, vectors, spots));
    set_phases(c, f, stage, phases, offsets, offsets + taps);
    const long shifts = phases[stage.count() - 1].first + phases[stage.count() - 1].count;
    const int taps_rows = stage.used() ? 0 : rows_of_taps(f, offsets, shifts, c.kernel[2]);
    const InputPlan plan{f,       stage,          phases,       spots,
                         offsets, offsets + taps, spots_of_cut, shifts, taps_rows};
    return run_input(plan, c, g, weight, dx);
}

// How the weight's gradient is added up: for each range of channels, `parts` of the boxes
// of all images on their own.
struct WeightPlan {
    Frame frame;
    const Spot *whole, *rest;  // vectors that count in whole, and those of which some lanes do
    long whole_of_cut, rest_of_cut;
    Lanes counted;
    const std::int32_t* offsets;
    bool of_three;
    long parts, items;
};

template <class T>
class WeightSums {
public:
    // `memory` has room for the cotangent of a box, and for a vector for each sum.
    WeightSums(const WeightPlan& plan, const Convolution& c, Cube<T> g, T* memory)
        : plan_(plan), c_(c), g_(g), dense_(is_dense(g, c.out)), sums_(memory) {
        count_ = c.outs_of_group() * c.taps();
        packed_ = sums_ + count_ * lanes_;
        end_ = g.data + (c.images - 1) * g.image + (c.outs - 1) * g.channel + c.out_size();
        std::memset(sums_, 0, static_cast<std::size_t>(packed_ - sums_) * sizeof(T));
    }
    static std::size_t bytes(const Convolution& c, const Frame& f) {
        const long vectors = c.outs_of_group() * c.taps() + 1;
        const long elements = vectors * depthwise_of<T>().lanes + f.box_size();
        return static_cast<std::size_t>(elements) * sizeof(T);
    }

    void add(const T* image, long number, long channel, long box, double* totals) {
        const Frame& f = plan_.frame;
        for (long m = 0; m < c_.outs_of_group(); ++m) {
            const T* g = cotangent(number, channel * c_.outs_of_group() + m, box);
            T* sums = sums_ + m * c_.taps() * lanes_;
            if (plan_.of_three) {
                const Rows rows = rows_of(f, box, plan_.offsets, 3, 3);
                depthwise_of<T>().correlate_3x3(rows, image, g, sums);
                count_vectors(rows.count * vectors_of_row(f, lanes_), totals);
                continue;
            }
            const long thick = f.thick_of(box);
            add_spots(image, g, {0, lanes_}, plan_.whole, thick * plan_.whole_of_cut, sums, totals);
            add_spots(image, g, plan_.counted, plan_.rest, thick * plan_.rest_of_cut, sums, totals);
        }
    }

    // Goes on in double.
    void flush(double* totals) {
        for (long i = 0; i < count_ * lanes_; ++i) {
            totals[i / lanes_] += static_cast<double>(sums_[i]);
        }
        std::memset(sums_, 0, static_cast<std::size_t>(count_ * lanes_) * sizeof(T));
        held_ = 0;
    }

private:
    void add_spots(const T* image, const T* g, Lanes counted, const Spot* spots, long count,
                   T* sums, double* totals) {
        const Shifts<T> shifts{plan_.offsets, nullptr, c_.taps()};
        for (long i = 0; i < count; i += CHAIN) {
            const long some = std::min(CHAIN, count - i);
            depthwise_of<T>().correlate(shifts, counted, spots + i, some, image, g, sums);
            count_vectors(some, totals);
        }
    }

    void count_vectors(long added, double* totals) {
        held_ += added;
        if (held_ >= CHAIN * c_.outs_of_group()) flush(totals);
    }

    // The cotangent of a box, where whole vectors may be read from each of its rows.
    const T* cotangent(long number, long out, long box) {
        const Frame& f = plan_.frame;
        const long first = f.first_of(box), thick = f.thick_of(box);
        const T* from = g_.data + number * g_.image + out * g_.channel + first * g_.at[f.cut];
        const long unit = c_.out_size() / f.grid[f.cut];
        const long over = std::max(0L, lanes_ - f.grid[2]);
        if (dense_ && (over == 0 || from + thick * unit + over <= end_)) return from;
        Packing p{};
        for (int d = 0; d < 3; ++d) {
            p.count[d] = d == f.cut ? thick : f.grid[d];
            p.steps[d] = g_.at[d];
        }
        p.slice = f.grid[1] * f.grid[2];
        p.row = p.segment = f.grid[2];
        p.phases = 1;
        depthwise_of<T>().pack(p, from, packed_);
        return packed_;
    }

    const WeightPlan& plan_;
    const Convolution& c_;
    Cube<T> g_;
    bool dense_;
    int lanes_ = depthwise_of<T>().lanes;
    long count_;
    T *sums_, *packed_;
    const T* end_;
    long held_ = 0;
};

template <class T>
bool run_weight(const WeightPlan& plan, const Convolution& c, Cube<T> x, Cube<T> g,
                long channels, double* totals) {
    const Frame& f = plan.frame;
    const long ahead = planes_ahead(f), sums = c.outs_of_group() * c.taps();
    const std::size_t packed = up_to_line(packed_bytes<T>(f, ahead));
    const auto some = [&](const Scratch& memory, long chunk, long) {
        const long part = chunk % plan.parts, channel = chunk / plan.parts * channels;
        Packer<T> packer(f, x, memory.as<T>(), ahead);
        WeightSums<T> adder(plan, c, g, memory.as<T>() + packed / sizeof(T));
        const long first = part * plan.items / plan.parts;
        const long last = (part + 1) * plan.items / plan.parts;
        for (long own = channel; own < std::min(channel + channels, c.channels); ++own) {
            double* to = totals + (own * plan.parts + part) * sums;
            for (long group = first; group < last; group += ahead) {
                const long count = std::min(ahead, last - group);
                for (long n = 0; n < count; ++n) {
                    packer.pack((group + n) / f.boxes, own, (group + n) % f.boxes, n);
                }
                for (long n = 0; n < count; ++n) {
                    adder.add(packer.place(n), (group + n) / f.boxes, own,
                              (group + n) % f.boxes, to);
                }
            }
            adder.flush(to);
        }
    };
    return parallel_scratch(over(c.channels, channels) * plan.parts, 1,
                            packed + WeightSums<T>::bytes(c, f), some);
}

template <class T>
bool weight(const Convolution& c, Cube<T> x, Cube<T> g, T* dw) {
    const int lanes = depthwise_of<T>().lanes;
    const Frame f = frame_of_image(c);
    if (!is_within_reach(f, 1)) return false;
    WeightPlan plan{.frame = f};
    const long taps = c.taps(), sums = c.outs_of_group() * taps, whole = f.grid[2] / lanes;
    const long rows_of_cut = f.fronts() * f.rows() / f.thick;
    const int over = static_cast<int>(f.grid[2] % lanes);
    plan.whole_of_cut = rows_of_cut * whole;
    plan.rest_of_cut = over > 0 ? rows_of_cut : 0;
    plan.counted = whole > 0 ? Lanes{lanes - over, lanes} : Lanes{0, over};
    plan.items = c.images * f.boxes;
    const long work = plan.items * f.box_size() * sums;  // of a channel
    plan.parts = std::max(1L, std::min({plan.items, work / CHUNK_WORK, MOST_PARTS}));
    const long channels = std::min(c.channels, units_of_chunk(work));
    const long spots = f.thick * (plan.whole_of_cut + plan.rest_of_cut);
    const long totals = c.channels * plan.parts * sums;
    const Scratch tables(static_cast<std::size_t>(totals) * sizeof(double) +
                         static_cast<std::size_t>(spots) * sizeof(Spot) +
                         static_cast<std::size_t>(taps) * sizeof(std::int32_t));
    if (tables.get() == nullptr) return false;
    auto* total = tables.as<double>();
    std::memset(total, 0, static_cast<std::size_t>(totals) * sizeof(double));
    auto* first = reinterpret_cast<Spot*>(total + totals);
    const long slice = f.grid[1] * f.grid[2];
    Spot* rest = set_spots(f, lanes, slice, f.grid[2], 0, whole, first);
    Spot* end = over > 0 ? set_spots(f, lanes, slice, f.grid[2], whole, whole + 1, rest) : rest;
    plan.whole = first;
    plan.rest = rest;
    plan.offsets = reinterpret_cast<std::int32_t*>(end);
    set_offsets(c, f, reinterpret_cast<std::int32_t*>(end));
    plan.of_three = rows_of_taps(f, plan.offsets, taps, c.kernel[2]) == 3;
    if (!run_weight(plan, c, x, g, channels, total)) return false;
    for (long s = 0; s < c.channels * sums; ++s) {
        const double* part = total + s / sums * plan.parts * sums + s % sums;
        double sum = 0;
        for (long p = 0; p < plan.parts; ++p) sum += part[p * sums];
        dw[s] = static_cast<T>(sum);
    }
    return true;
}

}  // namespace

template <class T>
const ConvolutionForms<T>& depthwise_by_planes() {
    static constexpr ConvolutionForms<T> forms{forward<T>, input<T>, weight<T>};
    return forms;
}
template const ConvolutionForms<float>& depthwise_by_planes<float>();
template const ConvolutionForms<double>& depthwise_by_planes<double>();

}  // namespace lampas
