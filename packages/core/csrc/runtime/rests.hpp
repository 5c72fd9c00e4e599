// When to leave threads alone that came late.
#pragma once

#include <algorithm>
#include <chrono>

namespace lampas {

// Beside another process that computes each try ends late: rests double, until the threads
// have come in time for long enough. Only jobs are evidence of that, so what passes without
// any does not count: a program may turn to another library for as long as it likes.
class Rests {
public:
    using Clock = std::chrono::steady_clock;
    using Time = Clock::time_point;
    using Span = std::chrono::milliseconds;

    static constexpr Span SHORTEST{50}, LONGEST{1000};
    static constexpr Span ENOUGH{200};  // in time so long, lateness is forgotten
    static constexpr Span GAP{10};      // between jobs, of which more tells nothing

    bool resting(Time now) const { return now < until_; }

    // A job begins, now that no rest is on.
    void begin(Time now) {
        in_time_ += std::min<Clock::duration>(now - last_, GAP);
        last_ = now;
    }

    // In the job that began last a thread came late.
    void late(Time now) {
        rest_ = in_time_ < ENOUGH ? std::min(2 * rest_, LONGEST) : SHORTEST;
        until_ = last_ = now + rest_;
        in_time_ = Clock::duration::zero();
    }

private:
    Time until_{}, last_{};
    Clock::duration in_time_ = ENOUGH;
    Span rest_ = SHORTEST;
};

}  // namespace lampas
