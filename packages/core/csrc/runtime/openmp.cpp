#include "runtime/openmp.hpp"

#if defined(__linux__)
#include <dlfcn.h>
#include <link.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>

#include "runtime/rests.hpp"

namespace lampas {
namespace {

using Clock = Rests::Clock;
using std::chrono::microseconds;

// GCC's runtime and, by the same entry, LLVM's and Intel's.
constexpr const char* RUNTIMES[] = {"libgomp", "libomp.", "libomp-", "libiomp5"};
using Parallel = void (*)(void (*)(void*), void*, unsigned, unsigned);

// A thread that sleeps is there after some 50 us. One that comes later had to wait for a
// core: the end of each job would wait for it, while the pool's own threads need not come.
constexpr microseconds LATE{300};

struct Job {
    void (*function)(void*);
    void* context;
    Clock::time_point start;
    std::atomic<bool> late{false};
};

void take_part(void* argument) {
    Job& job = *static_cast<Job*>(argument);
    if (Clock::now() - job.start > LATE) job.late.store(true, std::memory_order_relaxed);
    job.function(job.context);
}

int count_loads(dl_phdr_info* info, std::size_t, void* count) {
    *static_cast<unsigned long long*>(count) = info->dlpi_adds;
    return 1;  // every library tells the same
}

int is_runtime(dl_phdr_info* info, std::size_t, void* found) {
    const char* slash = std::strrchr(info->dlpi_name, '/');
    const char* name = slash == nullptr ? info->dlpi_name : slash + 1;
    for (const char* runtime : RUNTIMES) {
        if (std::strncmp(name, runtime, std::strlen(runtime)) != 0) continue;
        *static_cast<const char**>(found) = info->dlpi_name;
        return 1;
    }
    return 0;
}

class OpenMP {
public:
    // The name lives as long as the library, which is never closed.
    const char* file() {
        if (file_ == nullptr && !left_) look();
        return file_;
    }

    void leave() {
        left_ = true;
        file_ = nullptr;
    }

    bool run(int count, void (*function)(void*), void* context) {
        if (file() == nullptr || !in_main_thread()) return false;
        Job job{function, context, Clock::now()};
        if (rests_.resting(job.start)) return false;
        rests_.begin(job.start);
        parallel_(take_part, &job, static_cast<unsigned>(count), 0);
        if (job.late.load(std::memory_order_relaxed)) rests_.late(Clock::now());
        return true;
    }

private:
    static bool in_main_thread() {
        thread_local const bool main = getpid() == syscall(SYS_gettid);
        return main;
    }

    // Libraries come with imports: look again when any have.
    void look() {
        unsigned long long loads = 0;
        dl_iterate_phdr(count_loads, &loads);
        if (loads == loads_) return;
        loads_ = loads;
        const char* file = nullptr;
        if (dl_iterate_phdr(is_runtime, &file) == 0) return;
        void* library = dlopen(file, RTLD_LAZY | RTLD_NOLOAD);
        if (library == nullptr) return;
        parallel_ = reinterpret_cast<Parallel>(dlsym(library, "GOMP_parallel"));
        if (parallel_ != nullptr) file_ = file;
    }

    Parallel parallel_ = nullptr;
    const char* file_ = nullptr;
    unsigned long long loads_ = 0;
    bool left_ = false;
    Rests rests_;
};

OpenMP openmp;

}  // namespace

bool run_on_openmp(int count, void (*function)(void*), void* context) {
    return openmp.run(count, function, context);
}

const char* openmp_runtime() { return openmp.file(); }

void leave_openmp() { openmp.leave(); }

}  // namespace lampas

#else

namespace lampas {

bool run_on_openmp(int, void (*)(void*), void*) { return false; }
const char* openmp_runtime() { return nullptr; }
void leave_openmp() {}

}  // namespace lampas

#endif
