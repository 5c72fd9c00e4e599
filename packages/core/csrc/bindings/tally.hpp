#pragma once

#include "bindings/pattern.hpp"

namespace lampas {

// A new array of a tally, of type `to`: integers, floats, or bool for `has` and `lacks`.
// Declines what is not tallied so.
PyObject* tallied(const Pattern& pattern, Tally how, bool keep, Type to);

}  // namespace lampas
