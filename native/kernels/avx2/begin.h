// No #pragma once: opens the target region of this folder, until end.h. Include it after every system header: what is
// defined in the region is compiled for AVX2 and may only be reached through a table that was found supported.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#elif defined(__GNUC__)
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c")
#endif
