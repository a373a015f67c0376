#include "native/kernels/table.h"

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>

namespace gradsift {

namespace {

constexpr std::array kTables = {
#ifdef GRADSIFT_X86
    &kAvx512Bf16, &kAvx512, &kAvx2,
#endif
#ifdef GRADSIFT_ARM64
    &kNeon,
#endif
    &kPortable,
};

// A copy of the table with each null entry taken from the first table below it that has one.
KernelTable resolve(const KernelTable& table) noexcept {
  KernelTable complete = table;
  const auto fill = [&complete](auto member) {
    for (const KernelTable* source = complete.below; complete.*member == nullptr; source = source->below) {
      complete.*member = source->*member;
    }
  };
  std::apply([&fill](auto... members) { (fill(members), ...); }, kEntries);
  return complete;
}

const std::array<KernelTable, kTables.size()>& resolved() noexcept {
  static const auto tables = [] {
    std::array<KernelTable, kTables.size()> complete{};
    for (std::size_t i = 0; i < kTables.size(); ++i) complete[i] = resolve(*kTables[i]);
    return complete;
  }();
  return tables;
}

const KernelTable* find(const char* name) noexcept {
  for (const KernelTable& table : resolved()) {
    if (std::strcmp(table.name, name) == 0 && table.supported()) return &table;
  }
  return nullptr;
}

const KernelTable* choose() noexcept {
  if (const char* name = requested_isa()) {
    if (const KernelTable* table = find(name)) return table;
  }
  for (const KernelTable& table : resolved()) {
    if (table.supported()) return &table;
  }
  return &resolved().back();
}

std::atomic<const KernelTable*>& active() noexcept {
  static std::atomic<const KernelTable*> table{choose()};
  return table;
}

}  // namespace

const KernelTable& kernels() noexcept { return *active().load(std::memory_order_acquire); }

bool select_isa(const char* name) noexcept {
  const KernelTable* table = find(name);
  if (table == nullptr) return false;
  active().store(table, std::memory_order_release);
  return true;
}

std::span<const KernelTable* const> all_kernels() noexcept { return kTables; }

const char* requested_isa() noexcept {
  const char* name = std::getenv("GRADSIFT_ISA");
  return name != nullptr && *name != '\0' ? name : nullptr;
}

}  // namespace gradsift
