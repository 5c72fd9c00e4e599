// Convolutions with one group for each channel, and which of their two ways is the faster.
#include "bindings/depthwise.hpp"

namespace lampas {
namespace {

// Under so many images, less of a bundle's work is done for several at once.
constexpr long FEW_IMAGES = 4;
constexpr long FEW_CHANNELS = 4;

// Positions, of the image and of the result together, up to which bundles were faster.
constexpr long FOR_FEW_IMAGES = 100, FOR_MANY = 400, FOR_STRIDES = 1280, FOR_WEIGHTS = 320;

bool suits_bundles(const Convolution& c, long most) {
    if (c.images < FEW_IMAGES) most = FOR_FEW_IMAGES;
    return c.outs == c.channels && c.channels >= FEW_CHANNELS &&
           c.image_size() + c.out_size() <= most && c.out_size() * c.taps() <= MOST_PAIRS;
}

// Rows that are packed for a stride are read in pieces that bundles need not make.
long most_of(const Convolution& c) {
    return c.stride[0] * c.stride[1] * c.stride[2] > 1 ? FOR_STRIDES : FOR_MANY;
}

template <class T>
bool forward(const Convolution& c, Cube<T> x, const T* weight, const T* bias, T* y) {
    const bool small = suits_bundles(c, most_of(c));
    const auto& forms = small ? depthwise_by_bundles<T>() : depthwise_by_planes<T>();
    return forms.forward(c, x, weight, bias, y);
}

template <class T>
bool input(const Convolution& c, Cube<T> g, const T* weight, T* dx) {
    const bool small = suits_bundles(c, most_of(c));
    const auto& forms = small ? depthwise_by_bundles<T>() : depthwise_by_planes<T>();
    return forms.input(c, g, weight, dx);
}

template <class T>
bool weight(const Convolution& c, Cube<T> x, Cube<T> g, T* dw) {
    const bool small = suits_bundles(c, FOR_WEIGHTS);
    const auto& forms = small ? depthwise_by_bundles<T>() : depthwise_by_planes<T>();
    return forms.weight(c, x, g, dw);
}

}  // namespace

template <class T>
const ConvolutionForms<T>& depthwise() {
    static constexpr ConvolutionForms<T> forms{forward<T>, input<T>, weight<T>};
    return forms;
}
template const ConvolutionForms<float>& depthwise<float>();
template const ConvolutionForms<double>& depthwise<double>();

}  // namespace lampas
