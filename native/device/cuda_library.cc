#include "native/device/cuda_library.h"

#include <dlfcn.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <new>

namespace gradsift {

namespace {

constexpr char kFileName[] = "libgradsift_cuda.so";

// Text of a constant size; what does not fit is cut.
struct Text {
  char* begin;
  std::size_t room;

  Text& set(const char* words) noexcept {
    begin[0] = 0;
    return add(words);
  }
  Text& add(const char* words) noexcept {
    const std::size_t length = std::strlen(begin), count = std::min(std::strlen(words), room - 1 - length);
    std::memcpy(begin + length, words, count);
    begin[length + count] = 0;
    return *this;
  }
  Text& add(unsigned number) noexcept {
    char digits[16] = {};
    std::to_chars(digits, digits + sizeof digits - 1, number);
    return add(digits);
  }
};

// The folder of the file that this function is in.
void find_beside(Text path) noexcept {
  Dl_info self{};
  if (dladdr(reinterpret_cast<void*>(&find_beside), &self) == 0 || self.dli_fname == nullptr) return;
  path.set(self.dli_fname);
  char* slash = std::strrchr(path.begin, '/');
  if (slash != nullptr) slash[1] = 0;
  path.add(kFileName);
}

CudaLibrary open_library() noexcept {
  CudaLibrary library;
  Text path{library.path, sizeof library.path}, reason{library.reason, sizeof library.reason};
  const char* forced = std::getenv("GRADSIFT_CUDA_LIB");
  if (forced != nullptr && forced[0] != 0) {
    path.set(forced);
  } else {
    find_beside(path);
  }
  void* handle = dlopen(library.path, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* words = dlerror();
    reason.set("the CUDA library cannot be opened: ").add(words == nullptr ? library.path : words);
    return library;
  }
  const auto entry = reinterpret_cast<cuda::EntryPoint>(dlsym(handle, cuda::kEntryPoint));
  const cuda::Plugin* plugin = entry == nullptr ? nullptr : entry();
  if (plugin == nullptr) {
    reason.set(library.path).add(" is not a gradsift CUDA library");
    return library;
  }
  if (plugin->abi_version != cuda::kAbiVersion || plugin->bytes != sizeof(cuda::Plugin)) {
    reason.set(library.path).add(" has interface ").add(plugin->abi_version).add(", this addon wants interface ");
    reason.add(cuda::kAbiVersion).add(": build both from one version");
    return library;
  }
  library.plugin = plugin;
  reason.set(plugin->reason());
  return library;
}

struct Seat {
  std::mutex turn;
  cuda::Session* session = nullptr;  // opened when first wanted
};

Seat& seat_of(int device) noexcept {
  static Seat seats[kMostDevices];
  return seats[device];
}

struct LastError {
  std::mutex lock;
  char words[512] = {};
};

LastError& last_error() noexcept {
  static LastError error;
  return error;
}

}  // namespace

const CudaLibrary& cuda_library() noexcept {
  static const CudaLibrary library = open_library();
  return library;
}

CudaLease::CudaLease(int device) noexcept {
  const CudaLibrary& library = cuda_library();
  if (library.reason[0] != 0 || device < 0 || device >= kMostDevices) {
    note_cuda_error(library.reason[0] != 0 ? library.reason : "no such device");
    return;
  }
  Seat& seat = seat_of(device);
  turn_ = std::unique_lock(seat.turn);
  if (seat.session == nullptr) {
    status_ = library.plugin->open(device, 0, &seat.session);
    if (status_ != Status::ok) {
      note_cuda_error(library.plugin->error(seat.session));
      library.plugin->close(seat.session);
      seat.session = nullptr;
      return;
    }
  }
  session_ = seat.session;
  status_ = Status::ok;
}

void note_cuda_error(const char* words) noexcept {
  const std::lock_guard guard(last_error().lock);
  Text{last_error().words, sizeof last_error().words}.set(words);
}

void last_cuda_error(char* words, std::size_t room) noexcept {
  const std::lock_guard guard(last_error().lock);
  Text{words, room}.set(last_error().words);
  last_error().words[0] = 0;
}

}  // namespace gradsift
