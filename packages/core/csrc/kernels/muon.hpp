// What a step of Muon does to each element; its products are those of all matrices.
#pragma once

#include "runtime/paths.hpp"

namespace lampas {

template <class T>
struct Momentum {
    T kept, rest;   // of the momentum; rest is 1 - kept before it is rounded
    bool nesterov;  // the update looks ahead by it
};

template <class T>
struct MuonLoops {
    // Moves the momentum towards the gradient, and makes the update of both.
    void (*begin)(const T* g, T* mean, float* update, long count, const Momentum<T>& momentum);
    void (*end)(T* p, const float* update, long count, T shrink, float rate);
};

struct MuonKernels {
    MuonLoops<float> f32;
    MuonLoops<double> f64;
    void (*divide)(float* x, long count, float by);
    void (*scale)(const float* x, long count, float by, float* y);
};
LAMPAS_FAMILY(MuonKernels, muon)

template <class T> inline const MuonLoops<T>& muon_of();
template <> inline const MuonLoops<float>& muon_of() { return muon().f32; }
template <> inline const MuonLoops<double>& muon_of() { return muon().f64; }

}  // namespace lampas
