// Work on lists of arrays, such as all the parameters of a group, in one call.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "bindings/layout.hpp"
#include "runtime/kernel.hpp"

namespace lampas {

constexpr int MOST_COLUMNS = 5;
constexpr long STRETCH = 32 * 1024;  // elements of one chunk

// Arrays of one shape that lie alike: a parameter, its gradient and its state.
struct Row {
    char* arrays[MOST_COLUMNS];
    long count;
};

// Read a list of arrays, or of lists of `width` of them, of one type throughout. Those in
// columns whose bit is set in `written` must be writeable and share memory with no other:
// threads write it while others are read. False where something is otherwise.
bool read_rows(PyObject* list, int width, unsigned written, Type type, std::vector<Row>* rows);

// Where an array lies: its first byte and the one after its last.
struct Range {
    const char *first, *last;
    bool written = true;
};

// Whether two of them share memory that is written; they are put in order.
bool share_memory(std::vector<Range>* ranges);

// The type of the first array in such a list, or Type::other.
Type type_of_rows(PyObject* list);

struct Stretch {
    std::size_t row;
    long first, last;
};

// Chunks of rows, which their sizes alone decide.
std::vector<Stretch> stretches_of(const std::vector<Row>& rows);

inline long elements_of(const std::vector<Row>& rows) {
    long total = 0;
    for (const Row& row : rows) total += row.count;
    return total;
}

// step(row, first, last) over all rows; other Python threads may run meanwhile.
template <class Step>
void for_each_stretch(const std::vector<Row>& rows, Step&& step) {
    const long total = elements_of(rows);
    const Unlocked unlocked(total > STRETCH);
    if (total <= 2 * STRETCH) {
        for (std::size_t i = 0; i < rows.size(); ++i) step(i, 0L, rows[i].count);
        return;
    }
    const std::vector<Stretch> stretches = stretches_of(rows);
    parallel_chunks(static_cast<long>(stretches.size()), [&](long chunk) {
        const Stretch& s = stretches[static_cast<std::size_t>(chunk)];
        step(s.row, s.first, s.last);
    });
}

}  // namespace lampas
