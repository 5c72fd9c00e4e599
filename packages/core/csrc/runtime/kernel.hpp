// A kernel: what stands in an op's place and may leave the work to its reference.
#pragma once

#include "runtime/array.hpp"

namespace lampas {

// The name of a keyword parameter.
class Name {
public:
    constexpr explicit Name(const char* text) : text_(text) {}
    PyObject* object() const {
        if (object_ == nullptr) object_ = PyUnicode_InternFromString(text_);
        return object_;
    }

private:
    const char* text_;
    mutable PyObject* object_ = nullptr;
};

// The operands and parameters of one call: forward(xp, *arrays, **params) without xp.
struct Arguments {
    PyObject* const* values;
    Py_ssize_t count;    // of operands
    PyObject* keywords;  // a tuple of names, or nullptr

    PyObject* operator[](Py_ssize_t index) const { return values[index]; }
    // Whether there are just so many operands and no parameters.
    bool plain(Py_ssize_t operands) const { return count == operands && keywords == nullptr; }
    // Whether there are just so many operands and parameters; each must then be read.
    bool sized(Py_ssize_t operands, Py_ssize_t parameters) const {
        const Py_ssize_t given = keywords == nullptr ? 0 : PyTuple_GET_SIZE(keywords);
        return count == operands && given == parameters;
    }
    PyArrayObject* array(Py_ssize_t index) const { return as_array(values[index]); }

    // A parameter that is an array, or nullptr (no error is set).
    PyArrayObject* array(const Name& name) const {
        PyObject* object = keyword(name);
        return object == nullptr ? nullptr : as_array(object);
    }

    // A parameter (borrowed), or nullptr where the call gives none of that name.
    PyObject* keyword(const Name& name) const;

    // Read a parameter; false where it is absent or of another kind.
    bool integer(const Name& name, long* value) const;
    bool number(const Name& name, double* value) const;
    bool flag(const Name& name, bool* value) const;
    bool is_none(const Name& name) const;  // absent counts as None
    // A tuple of at most `most` integers, or one integer; returns how many, or -1.
    int integers(const Name& name, long* values, int most) const;
};

// Returns a new reference to the result; nullptr with an error set; or nullptr without,
// by which it declines and the reference is called.
using Entry = PyObject* (*)(const Arguments& arguments);

constexpr PyObject* DECLINED = nullptr;

// Put an entry in the table of kernels, under the name of the record.
struct Registration {
    Registration(const char* name, Entry entry);
};

#define LAMPAS_KERNEL(name, entry) \
    static const ::lampas::Registration registration_of_##name { #name, entry }

bool load_kernel_type();
PyObject* bind_kernel(const char* name, PyObject* reference);  // a new reference
PyObject* kernel_report();
void set_kernels_enabled(bool enabled);
bool kernels_enabled();

}  // namespace lampas
