#include "bindings/stretches.hpp"

namespace lampas {
namespace {

bool read_row(PyObject* const* items, int width, unsigned written, Type type, Row* row) {
    PyArrayObject* arrays[MOST_COLUMNS];
    for (int j = 0; j < width; ++j) {
        arrays[j] = as_array(items[j]);
        if (arrays[j] == nullptr || type_of(arrays[j]) != type) return false;
        if ((written >> j & 1) != 0 && !PyArray_ISWRITEABLE(arrays[j])) return false;
        row->arrays[j] = data_of<char>(arrays[j]);
    }
    row->count = PyArray_SIZE(arrays[0]);
    if (row->count > 0) return lie_alike(arrays, width);
    for (int j = 1; j < width; ++j) {
        if (!same_shape(arrays[0], arrays[j])) return false;
    }
    return true;
}

}  // namespace

bool share_memory(std::vector<Range>* ranges) {
    std::sort(ranges->begin(), ranges->end(),
              [](const Range& a, const Range& b) { return a.first < b.first; });
    const char *end = nullptr, *written = nullptr;  // of those before
    for (const Range& range : *ranges) {
        if (range.first == range.last) continue;
        if (range.first < (range.written ? end : written)) return true;
        end = std::max(end, range.last);
        if (range.written) written = std::max(written, range.last);
    }
    return false;
}

Type type_of_rows(PyObject* list) {
    if (!PyList_Check(list) || PyList_GET_SIZE(list) == 0) return Type::other;
    PyObject* first = PyList_GET_ITEM(list, 0);
    if (PyList_Check(first) && PyList_GET_SIZE(first) > 0) first = PyList_GET_ITEM(first, 0);
    PyArrayObject* array = as_array(first);
    return array == nullptr ? Type::other : type_of(array);
}

namespace {

bool share_memory(const std::vector<Row>& rows, int width, unsigned written, Type type) {
    std::vector<Range> ranges;
    ranges.reserve(rows.size() * static_cast<std::size_t>(width));
    for (const Row& row : rows) {
        for (int j = 0; j < width; ++j) {
            const char* first = row.arrays[j];
            const char* last = first + row.count * item_size(type);
            ranges.push_back({first, last, (written >> j & 1) != 0});
        }
    }
    return share_memory(&ranges);
}

}  // namespace

bool read_rows(PyObject* list, int width, unsigned written, Type type, std::vector<Row>* rows) {
    if (!PyList_Check(list)) return false;
    const Py_ssize_t length = PyList_GET_SIZE(list);
    rows->resize(static_cast<std::size_t>(length));
    for (Py_ssize_t i = 0; i < length; ++i) {
        PyObject* item = PyList_GET_ITEM(list, i);
        PyObject* const* items = &item;
        if (PyList_Check(item)) {
            if (PyList_GET_SIZE(item) != width) return false;
            items = PySequence_Fast_ITEMS(item);
        } else if (width != 1) {
            return false;
        }
        if (!read_row(items, width, written, type, &(*rows)[static_cast<std::size_t>(i)])) {
            return false;
        }
    }
    return written == 0 || !share_memory(*rows, width, written, type);
}

std::vector<Stretch> stretches_of(const std::vector<Row>& rows) {
    std::vector<Stretch> stretches;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        for (long first = 0; first < rows[i].count; first += STRETCH) {
            stretches.push_back({i, first, std::min(first + STRETCH, rows[i].count)});
        }
    }
    return stretches;
}

}  // namespace lampas
