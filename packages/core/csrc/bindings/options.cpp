#include "bindings/options.hpp"

namespace lampas {
namespace {

bool read_float(PyObject* object, double* value) {
    if (!PyFloat_Check(object)) return false;
    *value = PyFloat_AS_DOUBLE(object);
    return true;
}

bool append(PyObject* number, std::vector<double>* numbers) {
    numbers->push_back(PyFloat_AsDouble(number));
    if (numbers->back() != -1.0 || !PyErr_Occurred()) return true;
    PyErr_Clear();
    return false;
}

}  // namespace

bool read_options(const Arguments& arguments, std::initializer_list<Option> numbers,
                  std::initializer_list<Choice> flags, std::initializer_list<Pair> pairs) {
    const auto count = static_cast<Py_ssize_t>(numbers.size() + flags.size() + pairs.size());
    if (!arguments.sized(arguments.count, count)) return false;
    for (const Option& o : numbers) {
        if (!arguments.number(*o.name, o.value)) return false;
    }
    for (const Choice& c : flags) {
        if (!arguments.flag(*c.name, c.value)) return false;
    }
    for (const Pair& p : pairs) {
        PyObject* both = arguments.keyword(*p.name);
        if (both == nullptr || !PyTuple_Check(both) || PyTuple_GET_SIZE(both) != 2 ||
            !read_float(PyTuple_GET_ITEM(both, 0), p.first) ||
            !read_float(PyTuple_GET_ITEM(both, 1), p.second)) {
            return false;
        }
    }
    return true;
}

bool read_numbers(PyObject* list, std::size_t count, int width, std::vector<double>* numbers) {
    if (!PyList_Check(list) || PyList_GET_SIZE(list) != static_cast<Py_ssize_t>(count)) {
        return false;
    }
    for (std::size_t i = 0; i < count; ++i) {
        PyObject* item = PyList_GET_ITEM(list, static_cast<Py_ssize_t>(i));
        if (!PyTuple_Check(item)) {
            if (width != 1 || !append(item, numbers)) return false;
            continue;
        }
        if (PyTuple_GET_SIZE(item) != width) return false;
        for (int j = 0; j < width; ++j) {
            if (!append(PyTuple_GET_ITEM(item, j), numbers)) return false;
        }
    }
    return true;
}

}  // namespace lampas
