// The sizes of caches as Linux writes them, and the blocks that follow from them (test/native/caches.test.ts).

#include <cstdio>
#include <initializer_list>

#include "native/core/caches.h"

namespace {

unsigned checks = 0, failed = 0;

void equal(const char* what, std::size_t actual, std::size_t expected) {
  ++checks;
  if (actual == expected) return;
  ++failed;
  std::printf("%s: expected %zu, got %zu\n", what, expected, actual);
}

constexpr std::size_t KiB(std::size_t count) { return count << 10; }

}  // namespace

int main() {
  using gradsift::add_cache;
  using gradsift::cache_size;
  using gradsift::Caches;
  using gradsift::caches;
  using gradsift::product_blocks;
  using gradsift::ProductBlocks;
  equal("kilobytes", cache_size("48K"), KiB(48));
  equal("line end", cache_size("1024K\n"), KiB(1024));
  equal("megabytes", cache_size("32M\n"), KiB(32 << 10));
  equal("bytes", cache_size("512"), 512);
  for (const char* wrong : {"", "\n", "K", "x", "48 K", "48KB", "-1K", "4096M", "99999999999999999999K"}) {
    equal(wrong, cache_size(wrong), 0);
  }

  Caches found;
  add_cache(found, 1, KiB(48));
  add_cache(found, 2, 0);
  equal("second level without a size", found.second, Caches{}.second);
  add_cache(found, 2, KiB(1024));
  add_cache(found, 3, KiB(32 << 10));
  equal("second level", found.second, KiB(1024));
  equal("last level", found.last, KiB(32 << 10));

  const ProductBlocks blocks = product_blocks(found);
  equal("packed A", blocks.a, KiB(256));
  equal("packed B", blocks.b, KiB(4096));
  equal("B in place", blocks.in_place, KiB(1024));
  const ProductBlocks least = product_blocks({1, 1}), most = product_blocks({KiB(1 << 20), KiB(1 << 20)});
  equal("least packed A", least.a, KiB(64));  // still 16 rows of doubles: two register tiles
  equal("least packed B", least.b, KiB(1024));
  equal("least B in place", least.in_place, KiB(128));
  equal("most packed A", most.a, KiB(512));
  equal("most packed B", most.b, KiB(16384));
  equal("most B in place", most.in_place, KiB(2048));

  const Caches& here = caches();
  equal("of this machine, read once", &here == &caches() && here.second > 0 && here.last > 0, 1);
  std::printf("caches: %u checks, %u failed\n", checks, failed);
}
