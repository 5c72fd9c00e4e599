// The module lampas._native: the table of kernels, the pool of threads, the block cache.
#include <cstring>

#include "runtime/array.hpp"
#include "runtime/blocks.hpp"
#include "runtime/kernel.hpp"
#include "runtime/paths.hpp"
#include "runtime/pool.hpp"

namespace {

using namespace lampas;

PyObject* bind(PyObject*, PyObject* args) {
    const char* name;
    PyObject* reference;
    if (!PyArg_ParseTuple(args, "sO", &name, &reference)) return nullptr;
    return bind_kernel(name, reference);
}

PyObject* report(PyObject*, PyObject*) { return kernel_report(); }

PyObject* set_enabled(PyObject*, PyObject* value) {
    const int truth = PyObject_IsTrue(value);
    if (truth < 0) return nullptr;
    const bool before = kernels_enabled();
    set_kernels_enabled(truth != 0);
    return PyBool_FromLong(before);
}

PyObject* get_threads(PyObject*, PyObject*) { return PyLong_FromLong(threads()); }

PyObject* change_threads(PyObject*, PyObject* value) {
    const long count = PyLong_AsLong(value);
    if (count == -1 && PyErr_Occurred()) return nullptr;
    if (count < 1 || count > 1024) {
        PyErr_Format(PyExc_ValueError, "set_threads: expected 1 to 1024, got %ld", count);
        return nullptr;
    }
    {
        const Unlocked unlocked;
        set_threads(static_cast<int>(count));
    }
    Py_RETURN_NONE;
}

PyObject* stop(PyObject*, PyObject*) {
    {
        const Unlocked unlocked;
        stop_threads();
    }
    Py_RETURN_NONE;
}

PyObject* get_openmp(PyObject*, PyObject*) {
    const char* file;
    {
        const Unlocked unlocked;
        file = lending_runtime();
    }
    if (file == nullptr) Py_RETURN_NONE;
    return PyUnicode_DecodeFSDefault(file);
}

PyObject* leave_openmp(PyObject*, PyObject*) {
    {
        const Unlocked unlocked;
        borrow_no_threads();
    }
    Py_RETURN_NONE;
}

PyObject* memory_stats(PyObject*, PyObject*) {
    const BlockStatistics now = block_statistics();
    return Py_BuildValue("{sLsLsLsLsL}", "live_bytes", (long long)now.live_bytes,
                         "peak_bytes", (long long)now.peak_bytes, "cached_bytes",
                         (long long)now.cached_bytes, "taken", (long long)now.taken,
                         "reused", (long long)now.reused);
}

PyObject* trim(PyObject*, PyObject*) { return PyLong_FromLongLong(trim_blocks()); }

PyObject* reset_peak(PyObject*, PyObject*) {
    reset_peak_bytes();
    Py_RETURN_NONE;
}

constexpr Path PATHS[] = {Path::baseline, Path::avx2, Path::avx512, Path::neon};

PyObject* get_paths(PyObject*, PyObject*) {
    PyObject* names = PyList_New(0);
    for (const Path path : PATHS) {
        if (names == nullptr || !runs(path)) continue;
        PyObject* name = PyUnicode_FromString(path_name(path));
        if (name == nullptr || PyList_Append(names, name) < 0) Py_CLEAR(names);
        Py_XDECREF(name);
    }
    return names;
}

PyObject* get_path(PyObject*, PyObject*) {
    return PyUnicode_FromString(path_name(current_path()));
}

PyObject* change_path(PyObject*, PyObject* value) {
    const char* wanted = PyUnicode_AsUTF8(value);
    if (wanted == nullptr) return nullptr;
    for (const Path path : PATHS) {
        if (std::strcmp(wanted, path_name(path)) == 0 && set_path(path)) Py_RETURN_NONE;
    }
    PyErr_Format(PyExc_ValueError, "set_path: this CPU or build has no path '%s'", wanted);
    return nullptr;
}

PyObject* set_bfloat16_dtype(PyObject*, PyObject* dtype) {
    if (!PyArray_DescrCheck(dtype)) {
        PyErr_SetString(PyExc_TypeError, "set_bfloat16: expected a numpy.dtype");
        return nullptr;
    }
    set_bfloat16(reinterpret_cast<PyArray_Descr*>(dtype));
    Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"bind", bind, METH_VARARGS,
     "bind(name, reference): the kernel of that name over its reference, or the reference"},
    {"report", report, METH_NOARGS, "report(): {name: (accepted, declined)}"},
    {"set_enabled", set_enabled, METH_O, "set_enabled(flag): use kernels; returns the setting before"},
    {"threads", get_threads, METH_NOARGS, "threads(): how many take part"},
    {"set_threads", change_threads, METH_O, "set_threads(count)"},
    {"stop", stop, METH_NOARGS, "stop(): end the threads; they start again when needed"},
    {"openmp", get_openmp, METH_NOARGS,
     "openmp(): the file of the OpenMP runtime whose threads take part, or None"},
    {"leave_openmp", leave_openmp, METH_NOARGS, "leave_openmp(): use threads of our own"},
    {"memory_stats", memory_stats, METH_NOARGS, "memory_stats(): what the block cache holds"},
    {"reset_peak", reset_peak, METH_NOARGS, "reset_peak(): the peak is what is live now"},
    {"trim", trim, METH_NOARGS, "trim(): give cached blocks back; returns their bytes"},
    {"paths", get_paths, METH_NOARGS, "paths(): instruction sets that were built and run here"},
    {"path", get_path, METH_NOARGS, "path(): the instruction set in use"},
    {"set_path", change_path, METH_O, "set_path(name)"},
    {"set_bfloat16", set_bfloat16_dtype, METH_O, "set_bfloat16(dtype)"},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "lampas._native",
    .m_doc = "Native kernels for the CPU; see lampas.kernels.",
    .m_size = -1,
    .m_methods = methods,
};

}  // namespace

PyMODINIT_FUNC PyInit__native() {
    if (!load_array_support() || !load_kernel_type()) return nullptr;
    install_fork_handlers();
    install_block_fork_handlers();
    PyObject* module = PyModule_Create(&definition);
    if (module == nullptr) return nullptr;
    PyObject* block = reinterpret_cast<PyObject*>(block_type());
    if (PyModule_AddObjectRef(module, "Block", block) < 0) Py_CLEAR(module);
    return module;
}
