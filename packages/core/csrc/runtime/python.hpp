// What every file with Python in it includes: CPython's and NumPy's API, once.
#pragma once

#include <cstddef>
#include <cstdint>

// CPython 3.11 declares these without a linkage of C, which the first declaration decides.
extern "C" {
int PyTraceMalloc_Track(unsigned int domain, std::uintptr_t memory, std::size_t size);
int PyTraceMalloc_Untrack(unsigned int domain, std::uintptr_t memory);
}

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_2_0_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL lampas_numpy_api
#ifndef LAMPAS_IMPORTS_NUMPY
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>
