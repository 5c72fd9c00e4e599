#include "bindings/places.hpp"

#include <algorithm>

namespace lampas {
namespace {

constexpr long PIECE = 16 * 1024;  // elements of one chunk
constexpr long MOST_PARTS = 32;
constexpr long LINE = 16;  // columns that one chunk has at least
constexpr long MANY = 8;   // values for each place, of which pieces have sums of their own

bool is_full_slice(PyObject* item) {
    if (!PySlice_Check(item)) return false;
    const auto* slice = reinterpret_cast<PySliceObject*>(item);
    return slice->start == Py_None && slice->stop == Py_None && slice->step == Py_None;
}

bool is_index(PyArrayObject* array) {
    return array != nullptr && type_of(array) == Type::i64 && PyArray_SIZE(array) > 0;
}

long index_stride(PyArrayObject* array, int d) {
    return PyArray_DIM(array, d) == 1 ? 0 : PyArray_STRIDE(array, d) / 8;
}

}  // namespace

bool Places::of(PyArrayObject* array) {
    const long item = PyArray_ITEMSIZE(array);
    if (PyArray_NDIM(array) > MOST_DIMS || PyArray_SIZE(array) == 0) return false;
    dims_ = PyArray_NDIM(array);
    for (int d = 0; d < dims_; ++d) {
        size_[d] = PyArray_DIM(array, d);
        const long bytes = size_[d] == 1 ? 0 : PyArray_STRIDE(array, d);
        if (bytes < 0 || bytes % item != 0) return false;
        stride_[d] = bytes / item;
    }
    return true;
}

bool Places::of_shape(int ndim, const npy_intp* shape) {
    if (ndim > MOST_DIMS) return false;
    dims_ = ndim;
    long step = 1;
    for (int d = ndim - 1; d >= 0; --d) {
        if (shape[d] <= 0) return false;
        size_[d] = shape[d];
        stride_[d] = step;
        step *= shape[d];
    }
    return true;
}

bool Places::along(PyArrayObject* index, long dim) {
    if (!is_index(index) || PyArray_NDIM(index) != dims_ || dim < 0 || dim >= dims_) return false;
    ndim_ = dims_;
    count_ = PyArray_SIZE(index);
    for (int d = 0; d < dims_; ++d) {
        shape_[d] = PyArray_DIM(index, d);
        if (d != dim && shape_[d] > size_[d]) return false;
        index_stride_[d] = index_stride(index, d);
        at_[d] = d == dim ? 0 : stride_[d];
    }
    index_ = data_of<std::int64_t>(index);
    unit_ = stride_[dim];
    limit_ = size_[dim];
    return true;
}

bool Places::by_first(PyArrayObject* index) { return listed(&index, 1, 0); }

bool Places::by_tuple(PyObject* index) {
    if (index == nullptr || !PyTuple_Check(index)) return false;
    PyArrayObject* arrays[MOST_DIMS];
    int count = 0, first = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(index); ++i) {
        PyObject* item = PyTuple_GET_ITEM(index, i);
        if (is_full_slice(item)) continue;
        if (count == 0) first = static_cast<int>(i);
        if (count == MOST_DIMS || i != first + count) return false;
        arrays[count++] = as_array(item);
    }
    return count > 0 && PyTuple_GET_SIZE(index) <= dims_ && listed(arrays, count, first);
}

// Index arrays in place of the dimensions from `first` on.
bool Places::listed(PyArrayObject* const* arrays, int count, int first) {
    int wide = 0;
    if (first + count > dims_) return false;
    for (int i = 0; i < count; ++i) {
        if (!is_index(arrays[i])) return false;
        wide = std::max(wide, PyArray_NDIM(arrays[i]));
    }
    ndim_ = dims_ - count + wide;
    if (ndim_ > MOST_DIMS) return false;
    count_ = 1;
    for (int d = 0; d < ndim_; ++d) {
        const bool before = d < first, behind = d >= first + wide;
        const int own = before ? d : d - wide + count;
        shape_[d] = before || behind ? size_[own] : 1;
        at_[d] = before || behind ? stride_[own] : 0;
        index_stride_[d] = 0;
        for (int i = 0; i < count && !before && !behind; ++i) {
            const int mine = d - first - wide + PyArray_NDIM(arrays[i]);
            const npy_intp size = mine < 0 ? 1 : PyArray_DIM(arrays[i], mine);
            if (size == 1) continue;
            if (shape_[d] != 1 && shape_[d] != size) return false;
            shape_[d] = size;
        }
        count_ *= shape_[d];
    }
    if (count > 1) return flat_offsets(arrays, count, first, wide, shape_ + first);
    for (int d = 0; d < wide; ++d) index_stride_[first + d] = index_stride(arrays[0], d);
    index_ = data_of<std::int64_t>(arrays[0]);
    unit_ = stride_[first];
    limit_ = size_[first];
    return true;
}

// Several arrays are one of offsets; where an index is outside, there are none.
bool Places::flat_offsets(PyArrayObject* const* arrays, int count, int first, int wide,
                          const npy_intp* picked) {
    offsets_ = new_array(Type::i64, wide, picked);
    if (offsets_ == nullptr) {
        PyErr_Clear();
        return false;
    }
    auto* to = data_of<std::int64_t>(offsets_);
    const long total = PyArray_SIZE(offsets_);
    limit_ = 1;
    for (int i = 0; i < count; ++i) {
        const long size = size_[first + i], stride = stride_[first + i];
        limit_ += (size - 1) * stride;
        long steps[MOST_DIMS];
        for (int d = 0; d < wide; ++d) {
            const int mine = d - wide + PyArray_NDIM(arrays[i]);
            steps[d] = mine < 0 ? 0 : index_stride(arrays[i], mine);
        }
        const auto* from = data_of<std::int64_t>(arrays[i]);
        const long columns = wide == 0 ? 1 : picked[wide - 1], step = wide ? steps[wide - 1] : 0;
        const auto rows = [&](long begin, long end) {
            bool good = true;
            for (long r = begin; r < end; ++r) {
                long number = r, at = 0;
                for (int d = wide - 2; d >= 0; --d) {
                    at += number % picked[d] * steps[d];
                    number /= picked[d];
                }
                for (long c = 0; c < columns; ++c) {
                    const std::int64_t one = from[at + c * step];
                    good &= one >= 0 && one < size;
                    to[r * columns + c] = (i == 0 ? 0 : to[r * columns + c]) + one * stride;
                }
            }
            return good;
        };
        if (!rows(0, total / columns)) return false;
    }
    long step = 1;
    for (int d = wide - 1; d >= 0; --d) {
        index_stride_[first + d] = picked[d] == 1 ? 0 : step;
        step *= picked[d];
    }
    index_ = to;
    unit_ = 1;
    return true;
}

// The numbers of the looked-at indices of each place, counted by a hash of the place: where
// indices are drawn evenly, hardly ever do OFTEN of them share a number.
bool Places::is_crowded(long many) const {
    constexpr long LOOKED_AT = 2048, OFTEN = 6;
    constexpr int BITS = 14;
    constexpr std::uint64_t GOLDEN = 0x9E3779B97F4A7C15u;
    std::uint16_t counts[1 << BITS] = {};
    long all = 1;
    for (int d = 0; d < ndim_; ++d) all *= index_stride_[d] == 0 ? 1 : shape_[d];
    const long some = std::min(all, LOOKED_AT), step = all / some;
    const double enough = static_cast<double>(many) * static_cast<double>(some) /
                          static_cast<double>(all);
    for (long i = 0; i < some; ++i) {
        const std::uint64_t draw = static_cast<std::uint64_t>(i) * GOLDEN >> 32;
        long number = i * step + static_cast<long>(draw % static_cast<std::uint64_t>(step));
        std::uint64_t place = 0;
        long indexed = 0;
        for (int d = ndim_ - 1; d >= 0; --d) {
            if (index_stride_[d] == 0) continue;
            const long own = number % shape_[d];
            number /= shape_[d];
            place += static_cast<std::uint64_t>(own * at_[d]);
            indexed += own * index_stride_[d];
        }
        place += static_cast<std::uint64_t>(index_[indexed]) * static_cast<std::uint64_t>(unit_);
        const long count = ++counts[place * GOLDEN >> (64 - BITS)];
        if (count >= OFTEN && static_cast<double>(count) > enough) return true;
    }
    return false;
}

void Places::values_in_order() {
    long step = 1;
    for (int d = ndim_ - 1; d >= 0; --d) {
        value_[d] = step;
        step *= shape_[d];
    }
    join();
}

bool Places::values_of(PyArrayObject* values) {
    const int missing = ndim_ - PyArray_NDIM(values);
    const long item = PyArray_ITEMSIZE(values);
    if (missing < 0) return false;
    for (int d = 0; d < ndim_; ++d) {
        const int own = d - missing;
        value_[d] = 0;
        if (own < 0 || PyArray_DIM(values, own) == 1) continue;
        if (PyArray_DIM(values, own) != shape_[d]) return false;
        if (PyArray_STRIDE(values, own) % item != 0) return false;
        value_[d] = PyArray_STRIDE(values, own) / item;
    }
    join();
    return true;
}

// Leave dimensions of one element out and join neighbours that are one to all strides.
void Places::join() {
    joined_ = 0;
    for (int d = 0; d < ndim_; ++d) {
        const long size = shape_[d];
        if (size == 1) continue;
        const int last = joined_ - 1;
        if (joined_ > 0 && index_stride_[last] == index_stride_[d] * size &&
            at_[last] == at_[d] * size && value_[last] == value_[d] * size) {
            extent_[last] *= size;
        } else {
            extent_[joined_++] = size;
        }
        const int to = joined_ - 1;
        index_stride_[to] = index_stride_[d];
        at_[to] = at_[d];
        value_[to] = value_[d];
    }
    while (joined_ < 2) {  // a plane has two dimensions, the outer ones may be of one element
        for (int d = joined_; d > 0; --d) {
            extent_[d] = extent_[d - 1];
            index_stride_[d] = index_stride_[d - 1];
            at_[d] = at_[d - 1];
            value_[d] = value_[d - 1];
        }
        extent_[0] = 1;
        index_stride_[0] = at_[0] = value_[0] = 0;
        ++joined_;
    }
}

// What one thread does: some of dimension `dim`, or of the indices.
struct Places::Part {
    int dim = 0;
    long first = 0, last = 0;
    long from = 0, to = 0;
};

// The last two dimensions, of so many rows and columns.
Plane Places::plane_of(long rows, long columns) const {
    const int r = joined_ - 2, c = joined_ - 1;
    Plane plane;
    plane.rows = rows;
    plane.columns = columns;
    plane.index_row = index_stride_[r];
    plane.index_column = index_stride_[c];
    plane.at_row = at_[r];
    plane.at_column = at_[c];
    plane.value_row = value_[r];
    plane.value_column = value_[c];
    plane.unit = unit_;
    plane.limit = limit_;
    return plane;
}

bool Places::pick(Pick pick, int item, const void* x, void* values) const {
    const int r = joined_ - 2, c = joined_ - 1;
    const Plane plane = plane_of(0, 0);
    const long width = std::min(extent_[c], PIECE);
    const long height = std::min(extent_[r], std::max(1L, PIECE / width));
    const long across = (extent_[c] + width - 1) / width, down = (extent_[r] + height - 1) / height;
    long planes = 1;
    for (int d = 0; d < r; ++d) planes *= extent_[d];
    bool good = true;
    const Unlocked unlocked(count_ > PIECE);
    const long grain = std::max(1L, PIECE / (width * height));
    parallel_ranges(planes * down * across, grain, [&](long begin, long end) {
        for (long i = begin; i < end; ++i) {
            const long column = i % across * width, row = i / across % down * height;
            long number = i / (across * down);
            long place = row * at_[r] + column * at_[c];
            long indexed = row * index_stride_[r] + column * index_stride_[c];
            long valued = row * value_[r] + column * value_[c];
            for (int d = r - 1; d >= 0; --d) {
                const long own = number % extent_[d];
                number /= extent_[d];
                place += own * at_[d];
                indexed += own * index_stride_[d];
                valued += own * value_[d];
            }
            Plane one = plane;
            one.rows = std::min(height, extent_[r] - row);
            one.columns = std::min(width, extent_[c] - column);
            if (!pick(one, index_ + indexed, static_cast<const char*>(x) + place * item,
                      static_cast<char*>(values) + valued * item)) {
                __atomic_store_n(&good, false, __ATOMIC_RELAXED);
                return;
            }
        }
    });
    return good;
}

bool Places::each_plane(const Part& part, Put put, int item, int value_item, char* x,
                        const char* values) const {
    const int r = joined_ - 2, c = joined_ - 1;
    long extent[MOST_DIMS], position[MOST_DIMS] = {};
    for (int d = 0; d < joined_; ++d) extent[d] = extent_[d];
    extent[part.dim] = part.last - part.first;
    const Plane plane = plane_of(extent[r], extent[c]);
    const std::int64_t* index = index_ + part.first * index_stride_[part.dim];
    long place = part.first * at_[part.dim], valued = part.first * value_[part.dim];
    for (;;) {
        if (!put(plane, index, x + place * item, values + valued * value_item, part.from,
                 part.to)) {
            return false;
        }
        int d = r - 1;
        for (; d >= 0; --d) {
            place += at_[d];
            index += index_stride_[d];
            valued += value_[d];
            if (++position[d] < extent[d]) break;
            place -= extent[d] * at_[d];
            index -= extent[d] * index_stride_[d];
            valued -= extent[d] * value_[d];
            position[d] = 0;
        }
        if (d < 0) return true;
    }
}

// Threads write to parts of the array that are apart: by a dimension of its own, or by where
// the index points. The order of what comes to one place is the index's in either case.
bool Places::put(Put put, int item, int valued, void* x, const void* values) const {
    const int c = joined_ - 1;
    Part whole;
    whole.dim = 0;
    whole.last = extent_[0];
    whole.to = limit_;
    auto* to = static_cast<char*>(x);
    const auto* from = static_cast<const char*>(values);
    if (count_ <= PIECE) return each_plane(whole, put, item, valued, to, from);
    const Unlocked unlocked;
    int dim = -1;
    long least = 8;
    for (int d = 0; d < joined_; ++d) {
        const long size = d == c ? extent_[d] / LINE : extent_[d];
        if (at_[d] != 0 && !(d == c && index_stride_[d] == 0) && size >= least) {
            dim = d;
            least = size + 1;
        }
    }
    bool good = true;
    const long unit = dim == c ? LINE : 1;
    const long size = dim < 0 ? limit_ : (extent_[dim] + unit - 1) / unit;
    const long most = dim < 0 ? static_cast<long>(threads()) : MOST_PARTS;
    const long grain = (size + most - 1) / most;
    parallel_ranges(size, grain, [&](long first, long last) {
        Part part = whole;
        if (dim < 0) {
            part.from = first;
            part.to = last;
        } else {
            part.dim = dim;
            part.first = first * unit;
            part.last = std::min(last * unit, extent_[dim]);
        }
        if (!each_plane(part, put, item, valued, to, from)) {
            __atomic_store_n(&good, false, __ATOMIC_RELAXED);
        }
    });
    return good;
}

// Sums at few places: those of each piece by themselves, then joined in the order of pieces.
template <class T>
bool Places::add_in_pieces(Put put, int valued, T* x, const void* values) const {
    const int dim = static_cast<int>(std::max_element(extent_, extent_ + joined_) - extent_);
    const long wanted = count_ / std::max(PIECE, 4 * limit_) / 2 * 2;  // for two threads alike
    const long grain = (extent_[dim] + wanted - 1) / wanted;
    const long pieces = (extent_[dim] + grain - 1) / grain;
    const Scratch scratch(static_cast<std::size_t>(pieces * limit_) * sizeof(T));
    T* const sums = scratch.as<T>();
    if (sums == nullptr) return this->put(put, sizeof(T), valued, x, values);
    bool good = true;
    const Unlocked unlocked;
    parallel_ranges(extent_[dim], grain, [&](long first, long last) {
        T* own = sums + first / grain * limit_;
        std::fill(own, own + limit_, static_cast<T>(-0.0));  // to which all adds up as it is
        Part part;
        part.dim = dim;
        part.first = first;
        part.last = last;
        part.to = limit_;
        if (!each_plane(part, put, sizeof(T), valued, reinterpret_cast<char*>(own),
                        static_cast<const char*>(values))) {
            __atomic_store_n(&good, false, __ATOMIC_RELAXED);
        }
    });
    if (!good) return false;
    parallel_ranges(limit_, LIGHT / pieces, [&](long first, long last) {
        for (long piece = 0; piece < pieces; ++piece) {
            const T* own = sums + piece * limit_;
            for (long i = first; i < last; ++i) x[i] += own[i];
        }
    });
    return true;
}

bool Places::add(Put put, Type type, int valued, void* x, const void* values) const {
    bool alone = unit_ == 1 && count_ > 2 * PIECE && count_ >= MANY * limit_;
    for (int d = 0; d < joined_; ++d) alone = alone && at_[d] == 0;
    if (alone && type == Type::f32) {
        return add_in_pieces(put, valued, static_cast<float*>(x), values);
    }
    if (alone && type == Type::f64) {
        return add_in_pieces(put, valued, static_cast<double*>(x), values);
    }
    if (alone && type == Type::c128) {
        return add_in_pieces(put, valued, static_cast<Pair*>(x), values);
    }
    if (alone && type == Type::i64) {  // which wraps around
        return add_in_pieces(put, valued, static_cast<std::uint64_t*>(x), values);
    }
    return this->put(put, item_size(type), valued, x, values);
}

}  // namespace lampas
