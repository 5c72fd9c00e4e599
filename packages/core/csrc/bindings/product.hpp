// Whole matrix products on the pool, for the bindings of every op that needs one.
#pragma once

namespace lampas {

// An operand: entry (i, j) lies at data[i * row + j * column].
template <class T>
struct Matrix {
    const T* data;
    long row, column;

    Matrix transposed() const { return {data, column, row}; }
};

// What to do with the product: C (+)= A @ B (+ bias along each row).
template <class T>
struct Result {
    T* data;
    long row;  // from one row to the next; columns lie side by side
    const T* bias = nullptr;
    bool add = false;
};

// C (m x n) of A (m x k) and B (k x n). Work is split by the sizes alone, so results do
// not depend on the number of threads; inside a chunk it runs on that thread. False where
// there is no memory for the packed operands.
template <class T>
[[nodiscard]] bool product(long m, long n, long k, Matrix<T> a, Matrix<T> b, Result<T> c);

}  // namespace lampas
