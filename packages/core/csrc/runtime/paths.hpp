// One source, several instruction sets: each file in kernels/ is compiled once for each
// path, and the best path that this CPU can run is chosen when the module is loaded.
//
// A family declares its functions in kernels/NAME.hpp as a struct of pointers, followed by
// LAMPAS_FAMILY(NameKernels, name); kernels/NAME.cpp fills it by
// const NameKernels LAMPAS_PATH_OF(name) = {...}. Bindings call name().function(...).
//
// Files in kernels/ use no templates or inline functions of the standard library that may
// stay as functions: the linker would merge the copies of different paths.
#pragma once

namespace lampas {

enum class Path { baseline, avx2, avx512, neon };

Path current_path();
const char* path_name(Path path);
bool runs(Path path);      // whether this build has it and this CPU runs it
bool set_path(Path path);  // false if not

}  // namespace lampas

// The build says which paths there are: LAMPAS_HAS_AVX2, ... ; one is always there.
#if defined(LAMPAS_HAS_NEON)
#define LAMPAS_FAMILY(Type, name)  \
    extern const Type name##_neon; \
    inline const Type& name() { return name##_neon; }
#else
#if defined(LAMPAS_HAS_AVX512)
#define LAMPAS_AVX512(Type, name) extern const Type name##_avx512;
#define LAMPAS_PICK_AVX512(name) \
    if (current_path() == Path::avx512) return name##_avx512;
#else
#define LAMPAS_AVX512(Type, name)
#define LAMPAS_PICK_AVX512(name)
#endif
#if defined(LAMPAS_HAS_AVX2)
#define LAMPAS_AVX2(Type, name) extern const Type name##_avx2;
#define LAMPAS_PICK_AVX2(name) \
    if (current_path() == Path::avx2) return name##_avx2;
#else
#define LAMPAS_AVX2(Type, name)
#define LAMPAS_PICK_AVX2(name)
#endif
#define LAMPAS_FAMILY(Type, name)      \
    extern const Type name##_baseline; \
    LAMPAS_AVX2(Type, name)            \
    LAMPAS_AVX512(Type, name)          \
    inline const Type& name() {        \
        LAMPAS_PICK_AVX512(name)       \
        LAMPAS_PICK_AVX2(name)         \
        return name##_baseline;        \
    }
#endif

// LAMPAS_PATH is set by the build for files in kernels/: baseline, avx2, avx512 or neon.
#define LAMPAS_JOIN_(a, b) a##_##b
#define LAMPAS_JOIN(a, b) LAMPAS_JOIN_(a, b)
#define LAMPAS_PATH_OF(name) LAMPAS_JOIN(name, LAMPAS_PATH)
