// Numbers divided, and rounded, upwards.
#pragma once

namespace lampas {

inline long over(long value, long step) { return (value + step - 1) / step; }
inline long up_to(long value, long step) { return over(value, step) * step; }

}  // namespace lampas
