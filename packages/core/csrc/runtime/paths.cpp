#include "runtime/paths.hpp"

#include <initializer_list>

namespace lampas {
namespace {

Path best() {
    for (const Path path : {Path::avx512, Path::avx2, Path::neon}) {
        if (runs(path)) return path;
    }
    return Path::baseline;
}

Path chosen = best();

}  // namespace

Path current_path() { return chosen; }

const char* path_name(Path path) {
    switch (path) {
        case Path::avx512: return "avx512";
        case Path::avx2: return "avx2";
        case Path::neon: return "neon";
        default: return "baseline";
    }
}

bool runs(Path path) {
    switch (path) {
#if defined(LAMPAS_HAS_NEON)
        case Path::neon: return true;
        default: return false;
#else
        case Path::baseline: return true;
#if defined(LAMPAS_HAS_AVX2)
        case Path::avx2:
            __builtin_cpu_init();
            return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                   __builtin_cpu_supports("f16c") && __builtin_cpu_supports("bmi2");
#endif
#if defined(LAMPAS_HAS_AVX512)
        case Path::avx512:
            __builtin_cpu_init();
            return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                   __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
#endif
        default: return false;
#endif
    }
}

bool set_path(Path path) {
    if (!runs(path)) return false;
    chosen = path;
    return true;
}

}  // namespace lampas
