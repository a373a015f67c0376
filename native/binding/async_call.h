#pragma once
// Asynchronous calls: run on our pool, answered on the JavaScript thread, and gone before their environment is.

#include <napi.h>

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "native/binding/operation.h"

namespace gradsift::binding {

class AsyncCall;

// One per environment (main thread or worker): the way back to its JavaScript thread.
class Port : public std::enable_shared_from_this<Port> {
 public:
  // Creates the environment's port and the hook that empties it when the environment ends.
  static std::shared_ptr<Port> open(Napi::Env env);

  // Queues the operation; returns its id. Keeps `arguments` alive and unmoved until the callback was called.
  std::uint32_t start(Napi::Env env, std::unique_ptr<Operation> operation, unsigned threads, Napi::Function callback,
                      Napi::Array arguments);
  void cancel(std::uint32_t id) noexcept;            // no effect on a call that is unknown or over
  double progress(std::uint32_t id) const noexcept;  // units finished, 0 for a call that is unknown or over

 private:
  friend class AsyncCall;
  void finished(AsyncCall& call) noexcept;                                            // on a pool thread
  void deliver(Napi::Env env, std::uint32_t id);                                      // on the JavaScript thread
  static void close(void* port) noexcept;                                             // environment cleanup hook
  static void on_message(napi_env env, napi_value callback, void* port, void* data);  // thread-safe function

  std::mutex mutex_;
  std::condition_variable idle_;
  bool closed_ = false;        // under mutex_
  std::size_t in_flight_ = 0;  // under mutex_: calls the pool still has
  napi_threadsafe_function to_javascript_ = nullptr;

  // JavaScript thread only.
  std::unordered_map<std::uint32_t, std::unique_ptr<AsyncCall>> calls_;
  std::uint32_t next_id_ = 1;
};

}  // namespace gradsift::binding
