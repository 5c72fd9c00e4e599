#pragma once

#include "bindings/along.hpp"
#include "kernels/running.hpp"

namespace lampas {

// A new array of running totals along the dimension.
PyObject* running_totals(const Along& along, Running loop, bool reverse);

}  // namespace lampas
