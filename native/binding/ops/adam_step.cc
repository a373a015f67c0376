#include "native/binding/operations.h"
#include "native/linalg/adam_step.h"

namespace gradsift::binding {

// 0 p, 1 g, 2 m, 3 v, 4 count, 5 beta1, 6 1 - beta1, 7 beta2, 8 1 - beta2, 9 correction of m, 10 of v, 11 rate, 12
// epsilon, 13 decay
std::unique_ptr<Operation> prepare_adam_step(const Arguments& arguments) {
  const auto number = [&](std::size_t index) { return static_cast<float>(arguments.number(index)); };
  Adam step;
  step.count = arguments.size(4);
  step.beta1 = number(5);
  step.rest1 = number(6);
  step.beta2 = number(7);
  step.rest2 = number(8);
  step.first = number(9);
  step.second = number(10);
  step.rate = number(11);
  step.epsilon = number(12);
  step.decay = number(13);
  step.p = arguments.array<float>(0, step.count).data;
  step.g = arguments.array<float>(1, step.count).data;
  step.m = arguments.array<float>(2, step.count).data;
  step.v = arguments.array<float>(3, step.count).data;
  return operation([step](const Execution& execution) noexcept { return adam_step(execution, step); });
}

}  // namespace gradsift::binding
