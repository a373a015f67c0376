#pragma once

#include "native/kernels/table.h"

#ifdef GRADSIFT_X86
namespace gradsift {

extern const KernelTable kAvx2;

}  // namespace gradsift
#endif
