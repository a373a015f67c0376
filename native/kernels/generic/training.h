#pragma once
// The passes of a training step, for V = F32 of an ISA's simd.h. Include it inside the region.

#include "native/kernels/generic/adam.h"
#include "native/kernels/generic/gelu.h"
#include "native/kernels/generic/norm.h"
#include "native/kernels/generic/softmax.h"
#include "native/kernels/generic/zip.h"

namespace gradsift::generic {

template <class V>
inline constexpr TrainingKernels kTraining = {zip<V>,           softmax<V>,       softmax_gradient<V>,
                                              cross_entropy<V>, norm<V>,          norm_gradient<V>,
                                              gelu<V>,          gelu_gradient<V>, adam<V>};

}  // namespace gradsift::generic
