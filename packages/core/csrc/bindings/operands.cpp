#include "bindings/operands.hpp"

namespace lampas {

constexpr double EXACT = 9007199254740992.0;  // integers up to 2^53 are doubles

bool read_number(PyObject* object, Type type, Scalar* number) {
    double value;
    if (PyFloat_CheckExact(object)) {
        if (type == Type::i64) return false;
        value = PyFloat_AS_DOUBLE(object);
    } else if (PyLong_CheckExact(object)) {
        int overflow;
        const long integer = PyLong_AsLongAndOverflow(object, &overflow);
        if (overflow != 0) return false;
        if (type == Type::i64) {
            number->i64 = integer;
            return true;
        }
        value = static_cast<double>(integer);
        // A float must not be rounded twice.
        if (type == Type::f32 && (value > EXACT || value < -EXACT)) return false;
    } else {
        return false;
    }
    if (type == Type::f32) {
        number->f32 = static_cast<float>(value);
    } else {
        number->f64 = value;
    }
    return true;
}

}  // namespace lampas
