// The records of ops/conv.py: conv, conv_input (its gradient by the input, which is the
// transposed convolution) and conv_weight.
#include "bindings/convolution.hpp"

#include <algorithm>
#include <atomic>

#include "runtime/pool.hpp"

namespace lampas {
namespace {

constexpr Name STRIDE("stride"), PADDING("padding"), DILATION("dilation"), GROUPS("groups"),
    SIZE("size"), KERNEL("kernel");

// Multiplications from which other Python threads may run meanwhile.
constexpr long WORTH_UNLOCKING = 64 * 1024;

constexpr long LOOKED_THROUGH = 64 * 1024;  // weights, by one thread

// An operand as a cube; a copy of it where `dense` is asked and it is not.
template <class T>
class Operand {
public:
    Operand() = default;
    Operand(const Operand&) = delete;
    Operand& operator=(const Operand&) = delete;
    ~Operand() { Py_XDECREF(copy_); }

    // False with an error set where there is no memory for the copy.
    bool read(PyArrayObject* x, bool dense) {
        if (dense && !is_contiguous(x)) {
            copy_ = reinterpret_cast<PyArrayObject*>(PyArray_NewCopy(x, NPY_CORDER));
            if (copy_ == nullptr) return false;
            x = copy_;
        }
        const auto stride = [&](int d) {
            return PyArray_STRIDE(x, d) / static_cast<long>(sizeof(T));
        };
        const int rank = PyArray_NDIM(x) - 2;
        cube = {data_of<const T>(x), stride(0), stride(1), {0, 0, 0}};
        for (int d = 0; d < rank; ++d) cube.at[3 - rank + d] = stride(2 + d);
        return true;
    }

    Cube<T> cube{};

private:
    PyArrayObject* copy_ = nullptr;
};

// A tuple's integer; false where it is anything else.
bool integer_at(PyObject* tuple, int index, long* value) {
    PyObject* item = PyTuple_GET_ITEM(tuple, index);
    if (!PyLong_Check(item)) return false;
    *value = PyLong_AsLong(item);
    if (*value != -1 || !PyErr_Occurred()) return true;
    PyErr_Clear();
    return false;
}

// ((low, high), ...) of the last `rank` dimensions.
bool paddings(PyObject* pairs, int rank, long* low, long* high) {
    if (pairs == nullptr || !PyTuple_Check(pairs) || PyTuple_GET_SIZE(pairs) != rank) return false;
    for (int d = 0; d < rank; ++d) {
        PyObject* pair = PyTuple_GET_ITEM(pairs, d);
        if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2) return false;
        const int at = 3 - rank + d;
        if (!integer_at(pair, 0, low + at) || !integer_at(pair, 1, high + at)) return false;
    }
    return true;
}

// The last `rank` of three, from a parameter.
bool spatial(const Arguments& arguments, const Name& name, int rank, long* values) {
    return arguments.integers(name, values + 3 - rank, rank) == rank;
}

// Sizes from an array's dimensions after the first two.
void take_shape(PyArrayObject* x, int rank, long* values) {
    for (int d = 0; d < rank; ++d) values[3 - rank + d] = PyArray_DIM(x, 2 + d);
}

// The parameters that all three records have.
bool read(const Arguments& arguments, int rank, Convolution* of, long* high) {
    if (rank < 1 || rank > 3) return false;
    *of = {};
    of->rank = rank;
    for (int d = 0; d < 3; ++d) {
        of->size[d] = of->kernel[d] = of->stride[d] = of->dilation[d] = of->out[d] = 1;
        high[d] = 0;
    }
    return spatial(arguments, STRIDE, rank, of->stride) &&
           spatial(arguments, DILATION, rank, of->dilation) &&
           paddings(arguments.keyword(PADDING), rank, of->low, high) &&
           arguments.integer(GROUPS, &of->groups) && of->groups > 0;
}

// What is left of a dimension for the taps to move in; may be negative.
long room(const Convolution& of, int d, long high) {
    return of.size[d] + of.low[d] + high - of.dilation[d] * (of.kernel[d] - 1) - 1;
}

// Nothing is empty, channels are divided evenly, and the sizes belong together.
bool is_served(const Convolution& of, const long* high, long weight_outs,
               long weight_channels) {
    for (int d = 0; d < 3; ++d) {
        if (of.size[d] < 1 || of.kernel[d] < 1 || of.stride[d] < 1 || of.dilation[d] < 1 ||
            room(of, d, high[d]) < 0 || of.out[d] != room(of, d, high[d]) / of.stride[d] + 1) {
            return false;
        }
    }
    return of.images > 0 && of.channels > 0 && of.outs > 0 && of.channels % of.groups == 0 &&
           of.outs % of.groups == 0 && of.outs == weight_outs &&
           of.channels_of_group() == weight_channels;
}

template <class T>
const ConvolutionForms<T>& forms_for(const Convolution& of) {
    if (of.groups > 1 && of.channels == of.groups) return depthwise<T>();
    static constexpr ConvolutionForms<T> products{convolve<T>, convolve_back<T>, correlate<T>};
    static constexpr ConvolutionForms<T> winograd{winograd_forward<T>, winograd_input<T>,
                                                  correlate<T>};
    return suits_winograd(of) ? winograd : products;
}

template <class T>
constexpr Type TYPE = sizeof(T) == 4 ? Type::f32 : Type::f64;

// A new array of (lead[0], lead[1], *the last `rank` of sizes), filled by `fill`.
template <class T, class Fill>
PyObject* result_of(const Convolution& of, long first, long second, const long* sizes,
                    Fill&& fill) {
    npy_intp shape[5] = {first, second};
    for (int d = 0; d < of.rank; ++d) shape[2 + d] = sizes[3 - of.rank + d];
    PyArrayObject* result = new_array(TYPE<T>, of.rank + 2, shape);
    if (result == nullptr) return nullptr;
    bool complete;
    {
        const Unlocked unlocked(of.multiplications() > WORTH_UNLOCKING);
        complete = fill(data_of<T>(result));
    }
    return finished(result, complete);
}

template <class T>
PyObject* forward(const Arguments& arguments, PyArrayObject* x, PyArrayObject* weight) {
    const int rank = PyArray_NDIM(x) - 2;
    Convolution of;
    long high[3];
    if (PyArray_NDIM(weight) != rank + 2 || !read(arguments, rank, &of, high)) return DECLINED;
    of.images = PyArray_DIM(x, 0);
    of.channels = PyArray_DIM(x, 1);
    of.outs = PyArray_DIM(weight, 0);
    take_shape(x, rank, of.size);
    take_shape(weight, rank, of.kernel);
    for (int d = 0; d < 3; ++d) of.out[d] = room(of, d, high[d]) / std::max(of.stride[d], 1L) + 1;
    if (!is_served(of, high, of.outs, PyArray_DIM(weight, 1))) return DECLINED;
    PyArrayObject* bias = arguments.count == 3 ? arguments.array(2) : nullptr;
    if (bias != nullptr && (PyArray_NDIM(bias) != 1 || PyArray_DIM(bias, 0) != of.outs ||
                            !is_contiguous(bias))) {
        return DECLINED;
    }
    Operand<T> image, w;
    if (!image.read(x, false) || !w.read(weight, true)) return nullptr;
    const T* shift = bias == nullptr ? nullptr : data_of<const T>(bias);
    return result_of<T>(of, of.images, of.outs, of.out, [&](T* y) {
        return forms_for<T>(of).forward(of, image.cube, w.cube.data, shift, y);
    });
}

// Kernels have zeros around the cotangents, which make NaN of a weight that is not finite
// and meets nothing there. The reference has them only where it convolves with the mirrored
// weight: with strides of 1, and channels that are not apart.
template <class T>
bool wants_reference(const Convolution& of, const T* weight) {
    const long* s = of.stride;
    const bool apart = of.groups > 1 && of.channels == of.groups;
    if (!apart && s[0] == 1 && s[1] == 1 && s[2] == 1) return false;
    std::atomic<bool> odd{false};
    const long count = of.outs * of.channels_of_group() * of.taps();
    parallel_ranges(count, LOOKED_THROUGH, [&](long i, long last) {
        int any = 0;
        for (; i < last; ++i) any |= weight[i] - weight[i] != T(0);
        if (any != 0) odd = true;
    });
    return odd;
}

template <class T>
PyObject* input(const Arguments& arguments, PyArrayObject* g, PyArrayObject* weight) {
    const int rank = PyArray_NDIM(g) - 2;
    Convolution of;
    long high[3];
    if (PyArray_NDIM(weight) != rank + 2 || !read(arguments, rank, &of, high)) return DECLINED;
    of.images = PyArray_DIM(g, 0);
    of.outs = PyArray_DIM(g, 1);
    of.channels = PyArray_DIM(weight, 1) * of.groups;
    take_shape(g, rank, of.out);
    take_shape(weight, rank, of.kernel);
    if (!spatial(arguments, SIZE, rank, of.size)) return DECLINED;
    if (!is_served(of, high, PyArray_DIM(weight, 0), PyArray_DIM(weight, 1))) return DECLINED;
    Operand<T> cotangents, w;
    if (!cotangents.read(g, false) || !w.read(weight, true)) return nullptr;
    if (wants_reference(of, w.cube.data)) return DECLINED;
    return result_of<T>(of, of.images, of.channels, of.size, [&](T* dx) {
        return forms_for<T>(of).input(of, cotangents.cube, w.cube.data, dx);
    });
}

template <class T>
PyObject* weight(const Arguments& arguments, PyArrayObject* x, PyArrayObject* g) {
    const int rank = PyArray_NDIM(x) - 2;
    Convolution of;
    long high[3];
    if (PyArray_NDIM(g) != rank + 2 || !read(arguments, rank, &of, high)) return DECLINED;
    of.images = PyArray_DIM(x, 0);
    of.channels = PyArray_DIM(x, 1);
    of.outs = PyArray_DIM(g, 1);
    take_shape(x, rank, of.size);
    take_shape(g, rank, of.out);
    if (!spatial(arguments, KERNEL, rank, of.kernel)) return DECLINED;
    if (PyArray_DIM(g, 0) != of.images || of.channels % of.groups != 0 ||
        !is_served(of, high, of.outs, of.channels / of.groups)) {
        return DECLINED;
    }
    Operand<T> image, cotangents;
    if (!image.read(x, false) || !cotangents.read(g, true)) return nullptr;
    return result_of<T>(of, of.outs, of.channels_of_group(), of.kernel, [&](T* dw) {
        return forms_for<T>(of).weight(of, image.cube, cotangents.cube, dw);
    });
}

// Two operands of one floating type (a third of it too), and all parameters.
Type type_of_all(const Arguments& arguments, Py_ssize_t parameters) {
    if (!arguments.sized(arguments.count, parameters)) return Type::other;
    if (arguments.count < 2 || arguments.count > 3) return Type::other;
    Type type = Type::other;
    for (Py_ssize_t i = 0; i < arguments.count; ++i) {
        PyArrayObject* x = arguments.array(i);
        if (x == nullptr || (i > 0 && type_of(x) != type)) return Type::other;
        type = type_of(x);
    }
    return type;
}

#define LAMPAS_CONVOLUTION(function, most, parameters)                                 \
    [](const Arguments& arguments) -> PyObject* {                                      \
        if (arguments.count > most) return DECLINED;                                   \
        const Type type = type_of_all(arguments, parameters);                          \
        if (type != Type::f32 && type != Type::f64) return DECLINED;                   \
        PyArrayObject *a = arguments.array(0), *b = arguments.array(1);                \
        return type == Type::f32 ? function<float>(arguments, a, b)                    \
                                 : function<double>(arguments, a, b);                  \
    }

LAMPAS_KERNEL(conv, LAMPAS_CONVOLUTION(forward, 3, 4));
LAMPAS_KERNEL(conv_input, LAMPAS_CONVOLUTION(input, 2, 5));
LAMPAS_KERNEL(conv_weight, LAMPAS_CONVOLUTION(weight, 2, 5));

}  // namespace
}  // namespace lampas
