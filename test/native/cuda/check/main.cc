// The op x backend matrix of the CUDA library, over its C interface: `check LIBRARY [lost]`. On a machine with a GPU
// the library is the real one, elsewhere the one that test/native/cuda/emulator makes of the same sources. `lost`: the
// emulator was told to lose its device. Prints what fails, then a total; status 2 and the reason where no device can be
// used.

#include <dlfcn.h>

#include "test/native/cuda/check/under_test.h"

namespace gradsift::cuda::check {

namespace {

void check_all() {
  check_products();
  check_grams();
  check_rows();
  check_assign();
  check_small_systems();
  check_routines();
  check_failures();
}

int run(const char* path, bool lost) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    std::printf("cuda: %s\n", dlerror());
    return 2;
  }
  const auto entry = reinterpret_cast<EntryPoint>(dlsym(library, kEntryPoint));
  if (entry == nullptr || entry()->abi_version != kAbiVersion) {
    std::printf("cuda: %s is not a library of ABI %u\n", path, kAbiVersion);
    return 2;
  }
  under_test.plugin = entry();
  if (under_test.plugin->score() == 0) {
    std::printf("cuda: skipped: %s\n", under_test.plugin->reason());
    return 2;
  }
  expect_ok(under_test.plugin->open(0, 0, &under_test.session), "open");
  if (lost) {
    check_lost_device();
  } else {
    check_all();
  }
  under_test.plugin->close(under_test.session);
  const auto live = reinterpret_cast<std::size_t (*)()>(dlsym(library, "gradsift_emulator_live_bytes"));
  if (live != nullptr) expect(live() == 0, "memory that was not freed", live());
  std::printf("cuda: %d comparisons, %d failed\n", outcome.compared, outcome.failed);
  return outcome.failed == 0 ? 0 : 1;
}

}  // namespace

}  // namespace gradsift::cuda::check

int main(int count, char** arguments) {
  if (count < 2) return 2;
  return gradsift::cuda::check::run(arguments[1], count > 2 && std::strcmp(arguments[2], "lost") == 0);
}
