// The threads of the OpenMP runtime that another library of this process has loaded, lent
// to the pool: beside a second team on the same cores each would wait for the other.
//
// All of it is called by one thread at a time: by who has the pool.
#pragma once

namespace lampas {

// Run function(context) on `count` of those threads, the caller one of them, and wait for
// all. False, and nothing is run, where there is no such runtime, where the caller is not
// the main thread, whose team the other library uses, and while the threads are late.
bool run_on_openmp(int count, void (*function)(void* context), void* context);

// The file of the runtime, or null.
const char* openmp_runtime();

// From now on the runtime is left alone: by wish, or in the child of a fork, which has
// none of its threads.
void leave_openmp();

}  // namespace lampas
