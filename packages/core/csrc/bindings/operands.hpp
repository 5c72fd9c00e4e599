// Operands of one type, of which some may be numbers, and parameters that are numbers.
#pragma once

#include "bindings/layout.hpp"
#include "runtime/kernel.hpp"

namespace lampas {

union Scalar {
    float f32;
    double f64;
    std::int64_t i64;
};

// A Python number as an element of an array's type, as the reference makes it.
bool read_number(PyObject* object, Type type, Scalar* number);

// Read the numbers of these names, in this order; comparisons with NaN would be lost.
template <const Name&... NAMES>
bool read_numbers(const Arguments& arguments, double* numbers) {
    [[maybe_unused]] int i = 0;
    [[maybe_unused]] const auto read = [&](const Name& name) {
        double* number = &numbers[i++];
        return arguments.number(name, number) && *number == *number;
    };
    return (read(NAMES) && ...);
}

template <int COUNT>
struct Operands {
    PyArrayObject* arrays[COUNT] = {};
    Scalar values[COUNT];
    Type type = Type::other;

    // The first `given` operands of a call.
    bool read(const Arguments& arguments, int given = COUNT) {
        for (int o = 0; o < given; ++o) {
            if (!PyArray_CheckExact(arguments[o])) continue;
            arrays[o] = as_array(arguments[o]);
            if (arrays[o] == nullptr) return false;
            const Type own = type_of(arrays[o]);
            if (type != Type::other && own != type) return false;
            type = own;
        }
        if (type != Type::f32 && type != Type::f64 && type != Type::i64) return false;
        for (int o = 0; o < given; ++o) {
            if (arrays[o] == nullptr && !read_number(arguments[o], type, &values[o])) return false;
        }
        return true;
    }

    // Make the result by body(pointers, result, length, which are one element), and by
    // past(the same) where fill_result asks for it.
    template <class Body, class Past = NoneSo>
    PyObject* run(Type result, long grain, Body&& body, Past&& past = Past()) const {
        const void* numbers[COUNT];
        for (int o = 0; o < COUNT; ++o) numbers[o] = &values[o];
        Layout layout;
        if (!lay_out(layout, arrays, numbers, COUNT)) return DECLINED;
        const auto with_forms = [&layout](auto& f) {
            return [&](const char* const* at, char* y, long length) {
                return f(at, y, length, layout.one);
            };
        };
        return fill_result(layout, result, grain, with_forms(body), with_forms(past));
    }
};

}  // namespace lampas
