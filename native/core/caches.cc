#include "native/core/caches.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string_view>

#if defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>
#endif

namespace gradsift {

namespace {

#if defined(__linux__)

bool read_line(unsigned index, const char* name, char (&line)[32]) noexcept {
  const std::string_view folder = "/sys/devices/system/cpu/cpu0/cache/index";
  char path[64] = {};
  char* end = std::copy(folder.begin(), folder.end(), path);
  *end++ = static_cast<char>('0' + index);
  *end++ = '/';
  std::copy_n(name, std::strlen(name), end);
  std::FILE* file = std::fopen(path, "re");
  if (file == nullptr) return false;
  const bool read = std::fgets(line, sizeof(line), file) != nullptr;
  std::fclose(file);
  return read;
}

Caches detect() noexcept {
  Caches found;
  char type[32], level[32], size[32];
  for (unsigned index = 0; index < 10 && read_line(index, "type", type); ++index) {
    if (type[0] == 'I') continue;  // instructions
    if (!read_line(index, "level", level) || !read_line(index, "size", size)) continue;
    add_cache(found, static_cast<unsigned>(level[0] - '0'), cache_size(size));
  }
  return found;
}

#elif defined(__APPLE__)

std::size_t named(const char* name) noexcept {
  std::uint64_t value = 0;
  std::size_t bytes = sizeof(value);
  return sysctlbyname(name, &value, &bytes, nullptr, 0) == 0 ? static_cast<std::size_t>(value) : 0;
}

// perflevel0: the fast cores of Apple silicon, where four or more share the second level.
Caches detect() noexcept {
  Caches found;
  add_cache(found, 2, named("hw.l2cachesize"));
  const std::size_t sharers = std::max<std::size_t>(1, named("hw.perflevel0.cpusperl2"));
  add_cache(found, 2, named("hw.perflevel0.l2cachesize") / sharers);
  add_cache(found, 3, std::max(named("hw.l3cachesize"), named("hw.perflevel0.l2cachesize")));
  return found;
}

#elif defined(_WIN32)

Caches detect() noexcept {
  Caches found;
  SYSTEM_LOGICAL_PROCESSOR_INFORMATION all[512];
  DWORD bytes = sizeof(all);
  if (!GetLogicalProcessorInformation(all, &bytes)) return found;
  for (DWORD i = 0; i < bytes / sizeof(all[0]); ++i) {
    const CACHE_DESCRIPTOR& cache = all[i].Cache;
    if (all[i].Relationship == RelationCache && cache.Type != CacheInstruction) {
      add_cache(found, cache.Level, cache.Size);
    }
  }
  return found;
}

#else

Caches detect() noexcept { return {}; }

#endif

}  // namespace

const Caches& caches() noexcept {
  static const Caches found = detect();
  return found;
}

std::size_t cache_size(const char* text) noexcept {
  std::size_t value = 0;
  for (; *text >= '0' && *text <= '9'; ++text) {
    if (value > (std::size_t{1} << 30)) return 0;
    value = 10 * value + static_cast<std::size_t>(*text - '0');
  }
  unsigned shift = 0;
  if (*text == 'K') shift = 10;
  if (*text == 'M') shift = 20;
  if (shift != 0) ++text;
  return (*text == '\0' || *text == '\n') && value < (std::size_t{1} << 31 >> shift) ? value << shift : 0;
}

void add_cache(Caches& caches, unsigned level, std::size_t bytes) noexcept {
  if (bytes == 0) return;
  if (level == 2) caches.second = bytes;
  if (level >= 3) caches.last = bytes;
}

ProductBlocks product_blocks(const Caches& caches) noexcept {
  const auto between = [](std::size_t low, std::size_t value, std::size_t high) {
    return std::clamp(value, low << 10, high << 10);
  };
  return {between(64, caches.second / 4, 512), between(1024, caches.last / 8, 16384),
          between(128, caches.second, 2048)};
}

}  // namespace gradsift
