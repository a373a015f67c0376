#include "native/binding/async_call.h"

#include <atomic>
#include <utility>

#include "native/core/thread_pool.h"

namespace gradsift::binding {

class AsyncCall final : public Job {
 public:
  AsyncCall(std::shared_ptr<Port> port, std::uint32_t id, std::unique_ptr<Operation> operation, unsigned threads,
            Napi::Function callback, Napi::Array arguments)
      : port_(std::move(port)),
        id_(id),
        operation_(std::move(operation)),
        threads_(threads),
        callback_(Napi::Persistent(callback)),
        arguments_(Napi::Persistent(arguments.As<Napi::Object>())) {}

  void run() noexcept override {
    // A copy: once finished() has counted this call out, the environment may end and delete it.
    const std::shared_ptr<Port> port = port_;
    const Execution execution{threads_, Priority::async, &cancel_, &progress_};
    status_ = execution.cancelled() ? Status::cancelled : operation_->run(execution);
    port->finished(*this);
  }

  std::uint32_t id() const noexcept { return id_; }
  void cancel() noexcept { cancel_.store(true, std::memory_order_relaxed); }
  double progress() const noexcept { return static_cast<double>(progress_.load(std::memory_order_relaxed)); }
  Status status() const noexcept { return status_; }
  Napi::Function callback() const { return callback_.Value(); }

 private:
  const std::shared_ptr<Port> port_;
  const std::uint32_t id_;
  const std::unique_ptr<Operation> operation_;
  const unsigned threads_;
  const Napi::FunctionReference callback_;
  const Napi::ObjectReference arguments_;  // holds the typed arrays while the pool reads and writes them
  std::atomic<bool> cancel_{false};
  std::atomic<std::uint64_t> progress_{0};
  Status status_ = Status::ok;
};

std::shared_ptr<Port> Port::open(Napi::Env env) {
  auto port = std::make_shared<Port>();
  const Napi::String name = Napi::String::New(env, "gradsift");
  if (napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, port.get(), on_message,
                                      &port->to_javascript_) != napi_ok) {
    throw Napi::Error::New(env, "cannot create a thread-safe function");
  }
  napi_unref_threadsafe_function(env, port->to_javascript_);
  // After the thread-safe function: hooks run last in, first out, and a pool thread must never see a dead one. Without
  // this barrier worker.terminate() with a call in flight aborts the process on Node 20 and 22 (nodejs/node#55706).
  napi_add_env_cleanup_hook(env, close, port.get());
  return port;
}

std::uint32_t Port::start(Napi::Env env, std::unique_ptr<Operation> operation, unsigned threads,
                          Napi::Function callback, Napi::Array arguments) {
  const std::uint32_t id = next_id_++;
  auto owned = std::make_unique<AsyncCall>(shared_from_this(), id, std::move(operation), threads, callback, arguments);
  AsyncCall& call = *owned;
  calls_.emplace(id, std::move(owned));
  {
    const std::lock_guard lock(mutex_);
    ++in_flight_;
  }
  if (!ThreadPool::instance().submit(call)) {
    const std::lock_guard lock(mutex_);
    --in_flight_;
    calls_.erase(id);
    throw Napi::Error::New(env, "the system refuses to start a thread");
  }
  if (calls_.size() == 1) napi_ref_threadsafe_function(env, to_javascript_);
  return id;
}

void Port::cancel(std::uint32_t id) noexcept {
  if (const auto found = calls_.find(id); found != calls_.end()) found->second->cancel();
}

double Port::progress(std::uint32_t id) const noexcept {
  const auto found = calls_.find(id);
  return found == calls_.end() ? 0 : found->second->progress();
}

void Port::finished(AsyncCall& call) noexcept {
  const std::lock_guard lock(mutex_);
  if (!closed_) {
    // The id, not a pointer: a message still queued when the environment ends must not reach a deleted call.
    void* message = reinterpret_cast<void*>(static_cast<std::uintptr_t>(call.id()));
    napi_call_threadsafe_function(to_javascript_, message, napi_tsfn_nonblocking);
  }
  --in_flight_;
  idle_.notify_all();
}

void Port::on_message(napi_env env, napi_value, void* port, void* data) {
  if (env == nullptr) return;  // the environment is ending; its hook deletes the call
  static_cast<Port*>(port)->deliver(Napi::Env(env), static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(data)));
}

void Port::deliver(Napi::Env env, std::uint32_t id) {
  const Napi::HandleScope scope(env);
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  const std::unique_ptr<AsyncCall> call = std::move(found->second);
  calls_.erase(found);
  if (calls_.empty()) napi_unref_threadsafe_function(env, to_javascript_);
  napi_value status = Napi::Number::New(env, static_cast<int>(call->status()));
  // A callback that throws leaves its exception pending: Node reports it as uncaught, which is what it is.
  napi_call_function(env, env.Undefined(), call->callback(), 1, &status, nullptr);
}

void Port::close(void* data) noexcept {
  Port& port = *static_cast<Port*>(data);
  for (const auto& entry : port.calls_) entry.second->cancel();
  std::unique_lock lock(port.mutex_);
  port.closed_ = true;
  // Bounded by one tile: every routine polls its cancel flag. The wait is needed in any case, because running calls
  // read arrays that the ending isolate is about to free.
  port.idle_.wait(lock, [&] { return port.in_flight_ == 0; });
  lock.unlock();
  port.calls_.clear();
}

}  // namespace gradsift::binding
