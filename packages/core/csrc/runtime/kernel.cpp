#include "runtime/kernel.hpp"

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <structmember.h>

namespace lampas {
namespace {

struct Counts {
    Entry entry = nullptr;
    long long accepted = 0;
    long long declined = 0;
};

std::map<std::string, Counts>& table() {
    static auto* entries = new std::map<std::string, Counts>;
    return *entries;
}

bool enabled = true;

struct Kernel {
    PyObject_HEAD
    vectorcallfunc call;
    Counts* counts;
    PyObject* reference;
    const char* name;
};

PyObject* call_kernel(PyObject* self, PyObject* const* values, std::size_t flags,
                      PyObject* keywords) {
    auto* kernel = reinterpret_cast<Kernel*>(self);
    if (enabled) {
        const Arguments arguments{values, PyVectorcall_NARGS(flags), keywords};
        PyObject* result = kernel->counts->entry(arguments);
        if (result != nullptr) {
            ++kernel->counts->accepted;
            return result;
        }
        if (PyErr_Occurred()) return nullptr;
        ++kernel->counts->declined;
    }
    return PyObject_Vectorcall(kernel->reference, values, flags, keywords);
}

int visit_kernel(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(reinterpret_cast<Kernel*>(self)->reference);
    return 0;
}

int clear_kernel(PyObject* self) {
    Py_CLEAR(reinterpret_cast<Kernel*>(self)->reference);
    return 0;
}

void free_kernel(PyObject* self) {
    PyObject_GC_UnTrack(self);
    clear_kernel(self);
    PyObject_GC_Del(self);
}

PyObject* kernel_repr(PyObject* self) {
    return PyUnicode_FromFormat("<native kernel %s>", reinterpret_cast<Kernel*>(self)->name);
}

PyObject* reduce_kernel(PyObject*, PyObject*) {
    PyErr_SetString(PyExc_TypeError, "a native kernel cannot be pickled");
    return nullptr;
}

PyMethodDef kernel_methods[] = {
    {"__reduce__", reduce_kernel, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyMemberDef kernel_members[] = {
    {"reference", T_OBJECT, offsetof(Kernel, reference), READONLY, "what it stands for"},
    {"__name__", T_STRING, offsetof(Kernel, name), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyTypeObject KernelType = {
    .ob_base = PyVarObject_HEAD_INIT(nullptr, 0)
    .tp_name = "lampas._native.Kernel",
    .tp_basicsize = sizeof(Kernel),
    .tp_dealloc = free_kernel,
    .tp_vectorcall_offset = offsetof(Kernel, call),
    .tp_repr = kernel_repr,
    .tp_call = PyVectorcall_Call,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_HAVE_GC |
                Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_doc = "An op's native form; calls that it declines go to the reference.",
    .tp_traverse = visit_kernel,
    .tp_clear = clear_kernel,
    .tp_methods = kernel_methods,
    .tp_members = kernel_members,
};

}  // namespace

Registration::Registration(const char* name, Entry entry) { table()[name].entry = entry; }

PyObject* Arguments::keyword(const Name& name) const {
    if (keywords == nullptr) return nullptr;
    PyObject* wanted = name.object();
    const Py_ssize_t length = PyTuple_GET_SIZE(keywords);
    for (Py_ssize_t i = 0; i < length; ++i) {
        if (PyTuple_GET_ITEM(keywords, i) == wanted) return values[count + i];
    }
    for (Py_ssize_t i = 0; i < length; ++i) {  // a name that was not interned
        if (PyUnicode_Compare(PyTuple_GET_ITEM(keywords, i), wanted) == 0) return values[count + i];
    }
    return nullptr;
}

bool Arguments::integer(const Name& name, long* value) const {
    PyObject* object = keyword(name);
    if (object == nullptr || !PyLong_Check(object)) return false;
    *value = PyLong_AsLong(object);
    if (*value == -1 && PyErr_Occurred()) {
        PyErr_Clear();
        return false;
    }
    return true;
}

bool Arguments::number(const Name& name, double* value) const {
    PyObject* object = keyword(name);
    if (object == nullptr) return false;
    if (PyFloat_Check(object)) {
        *value = PyFloat_AS_DOUBLE(object);
        return true;
    }
    if (!PyLong_Check(object)) return false;
    *value = PyLong_AsDouble(object);
    if (*value == -1.0 && PyErr_Occurred()) {
        PyErr_Clear();
        return false;
    }
    return true;
}

bool Arguments::flag(const Name& name, bool* value) const {
    PyObject* object = keyword(name);
    if (object != Py_True && object != Py_False) return false;
    *value = object == Py_True;
    return true;
}

bool Arguments::is_none(const Name& name) const {
    PyObject* object = keyword(name);
    return object == nullptr || object == Py_None;
}

int Arguments::integers(const Name& name, long* result, int most) const {
    PyObject* object = keyword(name);
    if (object == nullptr) return -1;
    if (PyLong_Check(object)) return most >= 1 && integer(name, result) ? 1 : -1;
    if (!PyTuple_Check(object) || PyTuple_GET_SIZE(object) > most) return -1;
    const int length = static_cast<int>(PyTuple_GET_SIZE(object));
    for (int i = 0; i < length; ++i) {
        PyObject* item = PyTuple_GET_ITEM(object, i);
        if (!PyLong_Check(item)) return -1;
        result[i] = PyLong_AsLong(item);
        if (result[i] == -1 && PyErr_Occurred()) {
            PyErr_Clear();
            return -1;
        }
    }
    return length;
}

bool load_kernel_type() { return PyType_Ready(&KernelType) == 0; }

PyObject* bind_kernel(const char* name, PyObject* reference) {
    const auto found = table().find(name);
    if (found == table().end()) {
        Py_INCREF(reference);
        return reference;
    }
    auto* kernel = PyObject_GC_New(Kernel, &KernelType);
    if (kernel == nullptr) return nullptr;
    kernel->call = call_kernel;
    kernel->counts = &found->second;
    kernel->name = found->first.c_str();
    Py_INCREF(reference);
    kernel->reference = reference;
    PyObject_GC_Track(kernel);
    return reinterpret_cast<PyObject*>(kernel);
}

PyObject* kernel_report() {
    PyObject* report = PyDict_New();
    if (report == nullptr) return nullptr;
    for (const auto& [name, counts] : table()) {
        PyObject* pair = Py_BuildValue("(LL)", counts.accepted, counts.declined);
        if (pair == nullptr || PyDict_SetItemString(report, name.c_str(), pair) < 0) {
            Py_XDECREF(pair);
            Py_DECREF(report);
            return nullptr;
        }
        Py_DECREF(pair);
    }
    return report;
}

void set_kernels_enabled(bool value) { enabled = value; }
bool kernels_enabled() { return enabled; }

}  // namespace lampas
