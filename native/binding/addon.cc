// The addon: what JavaScript can call. lib/native/binding.ts has the same list with types; a test compares the two.

#include <dlfcn.h>
#include <napi.h>

#include <algorithm>
#include <new>
#include <string>

#include "native/binding/async_call.h"
#include "native/binding/operation.h"
#include "native/binding/operations.h"
#include "native/core/status.h"
#include "native/core/thread_pool.h"
#include "native/device/cuda_library.h"
#include "native/kernels/table.h"

namespace gradsift::binding {

namespace {

constexpr unsigned kMaxThreads = 1024;

struct Instance {
  std::shared_ptr<Port> port;
};

Port& port_of(Napi::Env env) { return *env.GetInstanceData<Instance>()->port; }

[[noreturn]] void throw_memory_error(Napi::Env env) {
  Napi::Error error = Napi::Error::New(env, "out of memory");
  error.Set("code", Napi::String::New(env, "GRADSIFT_MEMORY"));
  throw error;
}

unsigned threads_of(const Napi::CallbackInfo& info) {
  const double threads = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : 1;
  return threads >= 1 ? static_cast<unsigned>(std::min<double>(threads, kMaxThreads)) : 1;
}

Napi::Value call(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto& exported = *static_cast<const Export*>(info.Data());
  try {
    std::unique_ptr<Operation> operation = exported.prepare(Arguments(info));
    if (!info[1].IsFunction()) {
      const Execution execution{threads_of(info), Priority::sync, nullptr, nullptr};
      return Napi::Number::New(env, static_cast<int>(operation->run(execution)));
    }
    Napi::Array arguments = Napi::Array::New(env, info.Length());
    for (std::size_t i = 0; i < info.Length(); ++i) arguments.Set(static_cast<std::uint32_t>(i), info[i]);
    const Napi::Function callback = info[1].As<Napi::Function>();
    return Napi::Number::New(env, port_of(env).start(env, std::move(operation), threads_of(info), callback, arguments));
  } catch (const std::bad_alloc&) {
    throw_memory_error(env);
  }
}

Napi::Value cancel(const Napi::CallbackInfo& info) {
  port_of(info.Env()).cancel(info[0].As<Napi::Number>().Uint32Value());
  return info.Env().Undefined();
}

Napi::Value progress(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), port_of(info.Env()).progress(info[0].As<Napi::Number>().Uint32Value()));
}

Napi::Array status_names(Napi::Env env) {
  Napi::Array names = Napi::Array::New(env);
  std::uint32_t i = 0;
  for (const char* name : kStatusNames) names.Set(i++, Napi::String::New(env, name));
  return names;
}

// {name: supported by this machine} for every instruction set of this build, best first.
Napi::Object instruction_sets(Napi::Env env) {
  Napi::Object sets = Napi::Object::New(env);
  for (const KernelTable* table : all_kernels()) sets.Set(table->name, Napi::Boolean::New(env, table->supported()));
  return sets;
}

Napi::Value isa(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), kernels().name); }

Napi::Value select(const Napi::CallbackInfo& info) {
  const std::string name = info[0].IsString() ? info[0].As<Napi::String>().Utf8Value() : std::string();
  return Napi::Boolean::New(info.Env(), select_isa(name.c_str()));
}

Napi::Object describe(Napi::Env env, const cuda::Device& device) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("name", Napi::String::New(env, device.name));
  out.Set("capability", Napi::String::New(env, std::to_string(device.major) + "." + std::to_string(device.minor)));
  out.Set("multiprocessors", Napi::Number::New(env, device.multiprocessors));
  out.Set("memoryBytes", Napi::Number::New(env, static_cast<double>(device.memory_bytes)));
  out.Set("freeBytes", Napi::Number::New(env, static_cast<double>(device.free_bytes)));
  out.Set("reason", Napi::String::New(env, device.reason));
  return out;
}

// {library, builtFor, reason, devices}: the CUDA library, opened now if it was not yet.
Napi::Value cuda_status(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const CudaLibrary& library = cuda_library();
  const bool open = library.plugin != nullptr;
  cuda::Device found[kMostDevices];
  const int count = open ? std::min(library.plugin->devices(found, kMostDevices), kMostDevices) : 0;
  Napi::Array devices = Napi::Array::New(env);
  for (int i = 0; i < count; ++i) devices.Set(static_cast<std::uint32_t>(i), describe(env, found[i]));
  Napi::Object status = Napi::Object::New(env);
  status.Set("library", open ? Napi::Value(Napi::String::New(env, library.path)) : env.Null());
  status.Set("builtFor", open ? Napi::Value(Napi::String::New(env, library.plugin->built_for)) : env.Null());
  status.Set("reason", Napi::String::New(env, library.reason));
  status.Set("devices", devices);
  return status;
}

Napi::Value cuda_error(const Napi::CallbackInfo& info) {
  char words[512];
  last_cuda_error(words, sizeof words);
  return Napi::String::New(info.Env(), words);
}

// Node closes the library with the last environment that opened it, which may be a worker; the pool's threads outlive
// every environment and would be left without code. Opened once more, with NODELETE, it stays.
void stay_loaded() noexcept {
  Dl_info self{};
  if (dladdr(reinterpret_cast<void*>(&stay_loaded), &self) != 0) dlopen(self.dli_fname, RTLD_NOW | RTLD_NODELETE);
}

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  stay_loaded();
  env.SetInstanceData(new Instance{Port::open(env)});
  exports.Set("statusNames", status_names(env));
  exports.Set("hardwareThreads", Napi::Number::New(env, ThreadPool::hardware_threads()));
  exports.Set("instructionSets", instruction_sets(env));
  exports.Set("isa", Napi::Function::New(env, isa, "isa"));
  exports.Set("selectIsa", Napi::Function::New(env, select, "selectIsa"));
  exports.Set("cuda", Napi::Function::New(env, cuda_status, "cuda"));
  exports.Set("cudaError", Napi::Function::New(env, cuda_error, "cudaError"));
  exports.Set("cancel", Napi::Function::New(env, cancel, "cancel"));
  exports.Set("progress", Napi::Function::New(env, progress, "progress"));
  for (const Export& exported : kOperations) {
    exports.Set(exported.name, Napi::Function::New(env, call, exported.name, const_cast<Export*>(&exported)));
  }
  return exports;
}

}  // namespace

}  // namespace gradsift::binding

static Napi::Object initialise_addon(Napi::Env env, Napi::Object exports) {
  return gradsift::binding::initialise(env, exports);
}

NODE_API_MODULE(gradsift, initialise_addon)
