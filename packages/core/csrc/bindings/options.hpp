// The options of an optimizer and the numbers that it computed, as a call gives them.
#pragma once

#include <initializer_list>
#include <vector>

#include "runtime/kernel.hpp"

namespace lampas {

struct Option {
    const Name* name;
    double* value;
};
struct Pair {
    const Name* name;
    double *first, *second;
};
struct Choice {
    const Name* name;
    bool* value;
};

// Read the parameters of a call; false where it has not just these.
bool read_options(const Arguments& arguments, std::initializer_list<Option> numbers,
                  std::initializer_list<Choice> flags, std::initializer_list<Pair> pairs);

// Append the numbers in a list of `count` tuples of `width` of them, or of single ones;
// false where it is no such list.
bool read_numbers(PyObject* list, std::size_t count, int width, std::vector<double>* numbers);

}  // namespace lampas
