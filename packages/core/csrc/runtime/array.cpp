#define LAMPAS_IMPORTS_NUMPY
#include "runtime/array.hpp"

#include "runtime/blocks.hpp"

namespace lampas {
namespace {

// Under this, malloc keeps pages of its own and is faster.
constexpr std::size_t SMALLEST_BLOCK = 128 * 1024;
// Where tracemalloc counts the memory of NumPy's arrays.
constexpr unsigned int NUMPY_DOMAIN = 389047;
constexpr int MOST_LAID_OUT = 16;

PyArray_Descr* bfloat16 = nullptr;
int bfloat16_number = -1;

struct Block {
    PyObject_HEAD
    void* memory;
    std::size_t capacity;
};

void free_block(PyObject* self) {
    auto* block = reinterpret_cast<Block*>(self);
    if (block->memory != nullptr) {
        PyTraceMalloc_Untrack(NUMPY_DOMAIN, reinterpret_cast<std::uintptr_t>(block->memory));
        give_block(block->memory, block->capacity);
    }
    PyObject_Free(self);
}

PyTypeObject BlockType = {
    .ob_base = PyVarObject_HEAD_INIT(nullptr, 0)
    .tp_name = "lampas._native.Block",
    .tp_basicsize = sizeof(Block),
    .tp_dealloc = free_block,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_doc = "The memory behind one large result.",
};

PyArray_Descr* descriptor_of(Type type) {
    switch (type) {
        case Type::f32: return PyArray_DescrFromType(NPY_FLOAT32);
        case Type::f64: return PyArray_DescrFromType(NPY_FLOAT64);
        case Type::f16: return PyArray_DescrFromType(NPY_FLOAT16);
        case Type::i64: return PyArray_DescrFromType(NPY_INT64);
        case Type::i32: return PyArray_DescrFromType(NPY_INT32);
        case Type::i16: return PyArray_DescrFromType(NPY_INT16);
        case Type::i8: return PyArray_DescrFromType(NPY_INT8);
        case Type::u8: return PyArray_DescrFromType(NPY_UINT8);
        case Type::boolean: return PyArray_DescrFromType(NPY_BOOL);
        case Type::c64: return PyArray_DescrFromType(NPY_COMPLEX64);
        case Type::c128: return PyArray_DescrFromType(NPY_COMPLEX128);
        case Type::bf16: Py_INCREF(bfloat16); return bfloat16;
        default: return nullptr;
    }
}

// `strides` may be nullptr, which means row-major order.
PyArrayObject* in_block(PyArray_Descr* descriptor, int ndim, const npy_intp* shape,
                        const npy_intp* strides, std::size_t bytes) {
    auto* block = PyObject_New(Block, &BlockType);
    if (block == nullptr) {
        Py_DECREF(descriptor);
        return nullptr;
    }
    block->memory = take_block(bytes, &block->capacity);
    if (block->memory == nullptr) {
        Py_DECREF(block);
        // NumPy's own memory may suffice; if not, its error tells what was asked for.
        return reinterpret_cast<PyArrayObject*>(PyArray_NewFromDescr(
            &PyArray_Type, descriptor, ndim, shape, strides, nullptr, 0, nullptr));
    }
    PyTraceMalloc_Track(NUMPY_DOMAIN, reinterpret_cast<std::uintptr_t>(block->memory), bytes);
    auto* array = reinterpret_cast<PyArrayObject*>(PyArray_NewFromDescr(
        &PyArray_Type, descriptor, ndim, shape, strides, block->memory,
        strides == nullptr ? NPY_ARRAY_CARRAY : NPY_ARRAY_BEHAVED, nullptr));
    if (array == nullptr) {
        Py_DECREF(block);
        return nullptr;
    }
    PyArray_SetBaseObject(array, reinterpret_cast<PyObject*>(block));
    return array;
}

PyArrayObject* make_array(Type type, int ndim, const npy_intp* shape,
                          const npy_intp* strides) {
    PyArray_Descr* descriptor = descriptor_of(type);
    if (descriptor == nullptr) {
        PyErr_SetString(PyExc_SystemError, "new_array: no such type");
        return nullptr;
    }
    std::size_t bytes = static_cast<std::size_t>(item_size(type));
    for (int d = 0; d < ndim; ++d) {
        if (__builtin_mul_overflow(bytes, static_cast<std::size_t>(shape[d]), &bytes)) {
            Py_DECREF(descriptor);
            PyErr_NoMemory();
            return nullptr;
        }
    }
    if (bytes >= SMALLEST_BLOCK) return in_block(descriptor, ndim, shape, strides, bytes);
    return reinterpret_cast<PyArrayObject*>(PyArray_NewFromDescr(
        &PyArray_Type, descriptor, ndim, shape, strides, nullptr, 0, nullptr));
}

}  // namespace

PyTypeObject* block_type() { return &BlockType; }

bool load_array_support() {
    if (_import_array() < 0) return false;
    return PyType_Ready(&BlockType) == 0;
}

void set_bfloat16(PyArray_Descr* descriptor) {
    Py_INCREF(descriptor);
    bfloat16 = descriptor;
    bfloat16_number = descriptor->type_num;
}

Type type_numbered(int number) {
    switch (number) {
        case NPY_FLOAT32: return Type::f32;
        case NPY_FLOAT64: return Type::f64;
        case NPY_FLOAT16: return Type::f16;
        case NPY_BOOL: return Type::boolean;
        case NPY_INT8: return Type::i8;
        case NPY_UINT8: return Type::u8;
        case NPY_INT16: return Type::i16;
        case NPY_INT32: return Type::i32;
        case NPY_LONG: return sizeof(long) == 8 ? Type::i64 : Type::i32;
        case NPY_LONGLONG: return Type::i64;
        case NPY_COMPLEX64: return Type::c64;
        case NPY_COMPLEX128: return Type::c128;
        default: return number == bfloat16_number ? Type::bf16 : Type::other;
    }
}

int item_size(Type type) {
    switch (type) {
        case Type::i8: case Type::u8: case Type::boolean: return 1;
        case Type::f16: case Type::bf16: case Type::i16: return 2;
        case Type::f32: case Type::i32: return 4;
        case Type::f64: case Type::i64: case Type::c64: return 8;
        case Type::c128: return 16;
        default: return 0;
    }
}

PyArrayObject* new_array(Type type, int ndim, const npy_intp* shape) {
    return make_array(type, ndim, shape, nullptr);
}

PyArrayObject* new_array_ordered(Type type, int ndim, const npy_intp* shape,
                                 PyArrayObject* model) {
    const npy_intp* steps = PyArray_STRIDES(model);
    int order[NPY_MAXDIMS];  // from the outermost to the innermost
    for (int d = 0; d < ndim; ++d) {
        if (steps[d] <= 0) return new_array(type, ndim, shape);
        int at = d;
        while (d < ndim - 1 && at > 0 && steps[order[at - 1]] < steps[d]) {
            order[at] = order[at - 1];
            --at;
        }
        order[at] = d;
    }
    npy_intp strides[NPY_MAXDIMS];
    npy_intp step = item_size(type);
    for (int i = ndim - 1; i >= 0; --i) {
        strides[order[i]] = step;
        step *= shape[order[i]];
    }
    return make_array(type, ndim, shape, strides);
}

PyArrayObject* new_laid_out(Type type, PyArrayObject* like) {
    PyArray_Descr* descriptor = descriptor_of(type);
    const std::size_t bytes = static_cast<std::size_t>(PyArray_SIZE(like)) *
                              static_cast<std::size_t>(item_size(type));
    if (bytes < SMALLEST_BLOCK || PyArray_NDIM(like) > MOST_LAID_OUT) {
        return reinterpret_cast<PyArrayObject*>(
            PyArray_NewLikeArray(like, NPY_KEEPORDER, descriptor, 0));
    }
    npy_intp strides[MOST_LAID_OUT];
    const npy_intp items = PyArray_ITEMSIZE(like);
    for (int d = 0; d < PyArray_NDIM(like); ++d) {
        strides[d] = PyArray_STRIDE(like, d) / items * item_size(type);
    }
    return in_block(descriptor, PyArray_NDIM(like), PyArray_SHAPE(like), strides, bytes);
}

PyObject* finished(PyArrayObject* result, bool complete) {
    if (complete) return reinterpret_cast<PyObject*>(result);
    Py_XDECREF(result);
    return PyErr_Occurred() ? nullptr : PyErr_NoMemory();
}

Scratch::Scratch(std::size_t bytes) : block_(take_block(bytes, &capacity_)) {}

Scratch::~Scratch() {
    if (block_ != nullptr && capacity_ > 0) give_block(block_, capacity_);
}

}  // namespace lampas
