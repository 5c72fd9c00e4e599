// Places in an array that an index names, for ops that read them or write to them.
#pragma once

#include "bindings/layout.hpp"
#include "kernels/places.hpp"
#include "runtime/kernel.hpp"

namespace lampas {

// The dimensions of an indexed result with strides, in elements, of the index, of the array
// that is read or written and of the values. The place of an element is what its index times
// `unit` and its own position times `at` come to.
class Places {
public:
    ~Places() { Py_XDECREF(offsets_); }
    Places() = default;
    Places(const Places&) = delete;
    Places& operator=(const Places&) = delete;

    // The array that the index speaks of: its own strides, or those of a new one.
    bool of(PyArrayObject* array);
    bool of_shape(int ndim, const npy_intp* shape);

    // An index as long as the array in every dimension, or shorter, but for `dim`.
    bool along(PyArrayObject* index, long dim);
    // A tuple of full slices and, side by side, integer arrays that broadcast.
    bool by_tuple(PyObject* index);
    // An index of any shape into the first dimension.
    bool by_first(PyArrayObject* index);

    int ndim() const { return ndim_; }
    const npy_intp* shape() const { return shape_; }
    long count() const { return count_; }
    // Whether more than so many values seem to come to one place, told by some of the
    // indices. Asked before the work is joined.
    bool is_crowded(long many) const;

    // The values are a new array's, or broadcast to the places; then the work is joined.
    void values_in_order();
    bool values_of(PyArrayObject* values);

    // False where an index is outside; the values or the array are then of no use.
    bool pick(Pick pick, int item, const void* x, void* values) const;
    // `item` and `valued` are the bytes of an element of the array and of the values.
    bool put(Put put, int item, int valued, void* x, const void* values) const;
    // The same where it adds, to an array of this type; one of c128 has elements of Pair.
    bool add(Put put, Type type, int valued, void* x, const void* values) const;

private:
    struct Part;

    bool listed(PyArrayObject* const* arrays, int count, int first);
    bool flat_offsets(PyArrayObject* const* arrays, int count, int first, int wide,
                      const npy_intp* picked);
    void join();
    Plane plane_of(long rows, long columns) const;
    bool each_plane(const Part& part, Put put, int item, int valued, char* x,
                    const char* values) const;
    template <class T>
    bool add_in_pieces(Put put, int valued, T* x, const void* values) const;

    int dims_ = 0;  // of the array
    long size_[MOST_DIMS], stride_[MOST_DIMS];

    int ndim_ = 0;
    npy_intp shape_[MOST_DIMS];
    long index_stride_[MOST_DIMS], at_[MOST_DIMS], value_[MOST_DIMS];
    int joined_ = 0;  // dimensions after those of size 1 and neighbours are joined
    long extent_[MOST_DIMS];
    const std::int64_t* index_ = nullptr;
    PyArrayObject* offsets_ = nullptr;  // places of several index arrays
    long unit_ = 0, limit_ = 0, count_ = 0;
};

// 0 to 4 for elements of 1, 2, 4, 8 and 16 bytes.
inline int logarithm_of(int item) { return __builtin_ctz(static_cast<unsigned>(item)); }

}  // namespace lampas
