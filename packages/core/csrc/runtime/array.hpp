// Arrays as kernels see them: what they are made of, and how results are made.
#pragma once

#include <cstdint>

#include "runtime/python.hpp"

namespace lampas {

enum class Type : unsigned char {
    f32, f64, f16, bf16, i64, i32, i16, i8, u8, boolean, c64, c128, other
};

// What ml_dtypes registered with NumPy for bfloat16; set when the module is loaded.
void set_bfloat16(PyArray_Descr* descriptor);

bool load_array_support();  // imports NumPy; false with an error set

Type type_numbered(int number);  // by NumPy's number
inline Type type_of(PyArrayObject* array) { return type_numbered(PyArray_TYPE(array)); }
int item_size(Type type);

// The object as an exact ndarray that is aligned and in this machine's byte order, or
// nullptr (no error is set: the caller declines).
inline PyArrayObject* as_array(PyObject* object) {
    if (!PyArray_CheckExact(object)) return nullptr;
    auto* array = reinterpret_cast<PyArrayObject*>(object);
    return PyArray_ISBEHAVED_RO(array) ? array : nullptr;
}

inline bool is_contiguous(PyArrayObject* array) { return PyArray_IS_C_CONTIGUOUS(array); }

// A new reference: to the array if it is contiguous, or to a copy that is.
inline PyArrayObject* contiguous(PyArrayObject* array) {
    if (!is_contiguous(array)) {
        return reinterpret_cast<PyArrayObject*>(PyArray_NewCopy(array, NPY_CORDER));
    }
    Py_INCREF(array);
    return array;
}

// An operand, copied if it has gaps or repeats one number; nullptr without an array, and
// with an error set where there is no memory.
class Dense {
public:
    explicit Dense(PyArrayObject* array) : array_(array) {
        if (array != nullptr) array_ = contiguous(array);
    }
    ~Dense() { Py_XDECREF(array_); }
    Dense(const Dense&) = delete;
    Dense& operator=(const Dense&) = delete;
    operator PyArrayObject*() const { return array_; }

private:
    PyArrayObject* array_;
};

inline bool same_shape(PyArrayObject* a, PyArrayObject* b) {
    return PyArray_NDIM(a) == PyArray_NDIM(b) &&
           PyArray_CompareLists(PyArray_SHAPE(a), PyArray_SHAPE(b), PyArray_NDIM(a));
}

template <class T>
inline T* data_of(PyArrayObject* array) {
    return static_cast<T*>(PyArray_DATA(array));
}

// A new C-contiguous array; large ones lie in a block of the cache, which is their base.
// nullptr with MemoryError set where there is no memory. The memory is not cleared.
PyArrayObject* new_array(Type type, int ndim, const npy_intp* shape);

// A new array of the shape of one without gaps, with its order of dimensions in memory.
PyArrayObject* new_laid_out(Type type, PyArrayObject* like);

// A new array whose dimensions lie in memory in the order of `model`'s (of as many
// dimensions), but for the last, which is innermost.
PyArrayObject* new_array_ordered(Type type, int ndim, const npy_intp* shape,
                                 PyArrayObject* model);

inline PyArrayObject* new_like(PyArrayObject* array) {
    return new_array(type_of(array), PyArray_NDIM(array), PyArray_SHAPE(array));
}

// The result of work that is complete; else it is given back, and an error is set if there
// is none: there was no memory. It may then be nullptr.
PyObject* finished(PyArrayObject* result, bool complete);

// Scratch memory from the cache, given back at the end of the scope.
class Scratch {
public:
    explicit Scratch(std::size_t bytes);
    explicit Scratch(char* lent) : block_(lent) {}  // not given back
    ~Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    void* get() const { return block_; }  // nullptr where there is no memory
    template <class T>
    T* as() const { return static_cast<T*>(block_); }

private:
    std::size_t capacity_ = 0;  // before the block, which is taken and sets it
    void* block_;
};

// Lets other Python threads run while it lives, if the work is worth it.
class Unlocked {
public:
    explicit Unlocked(bool worth_it = true) : state_(worth_it ? PyEval_SaveThread() : nullptr) {}
    ~Unlocked() {
        if (state_ != nullptr) PyEval_RestoreThread(state_);
    }
    Unlocked(const Unlocked&) = delete;
    Unlocked& operator=(const Unlocked&) = delete;

private:
    PyThreadState* state_;
};

PyTypeObject* block_type();  // the type of the bases of large results

}  // namespace lampas
