#pragma once

#include "runtime/array.hpp"

namespace lampas {

// An operand, copied if it has gaps or repeats one number; nullptr where there is none.
class Dense {
public:
    explicit Dense(PyArrayObject* array) : array_(array) {
        if (array != nullptr) array_ = contiguous(array);
    }
    ~Dense() { Py_XDECREF(array_); }
    Dense(const Dense&) = delete;
    Dense& operator=(const Dense&) = delete;
    operator PyArrayObject*() const { return array_; }
    PyArrayObject* get() const { return array_; }

private:
    PyArrayObject* array_;
};

}  // namespace lampas
