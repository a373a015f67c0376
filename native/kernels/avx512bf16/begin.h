// No #pragma once: opens the target region of this folder, until end.h. Include it after every system header: what is
// defined in the region is compiled for AVX-512 with BF16 and may only be reached through a table that was found
// supported.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,avx512bf16"))), \
                             apply_to = function)
#elif defined(__GNUC__)
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,avx512bf16")
// GCC 12's own AVX-512 headers write `__m512 y = y;` for "undefined" and are then warned about (GCC bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
