#include "transport/ucx/library.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <initializer_list>
#include <string_view>

#include "base/error.hpp"
#include "base/handle.hpp"

namespace motet::ucx {
namespace {

// Loading UCX makes it the handler of several signals; they belong to the program.
class SignalHandlers {
 public:
  SignalHandlers() {
    for (int number = 1; number < SIGRTMIN; ++number) ::sigaction(number, nullptr, &of(number));
  }
  void restore() {
    for (int number = 1; number < SIGRTMIN; ++number) ::sigaction(number, &of(number), nullptr);
  }

 private:
  struct sigaction& of(int number) {
    return handlers_[static_cast<std::size_t>(number)];
  }
  std::array<struct sigaction, NSIG> handlers_{};
};

template <class Function>
void find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  if (function == nullptr) throw Error(ErrorCode::unavailable, fmt::format("UCX has no {}", name));
}

// Failures come out of its functions, so that it need not print them too; unless the user has asked
// for more or less than UCX says by itself.
void silence(void* library) {
  ucs_status_t (*get)(const char*, char*, std::size_t) = nullptr;
  ucs_status_t (*set)(const char*, const char*) = nullptr;
  find(library, "ucs_global_opts_get_value", get);
  find(library, "ucs_global_opts_set_value", set);
  std::array<char, 32> level{};
  if (get("LOG_LEVEL", level.data(), level.size()) != UCS_OK) return;
  if (std::string_view(level.data()) == "WARN") set("LOG_LEVEL", "FATAL");
}

struct Loaded {
  void* handle = nullptr;
  std::string problem;
};

Loaded load() {
  SignalHandlers before;
  void* handle = ::dlopen("libucp.so.0", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr) return {nullptr, ::dlerror()};
  before.restore();
  silence(handle);
  return {handle, {}};
}

// Once per process, for good: UCX cannot be unloaded safely.
const Loaded& loaded() {
  static const Loaded once = load();
  return once;
}

using Stream = Handle<FILE, std::fclose>;
using Text = Handle<char, std::free>;

// What a function of UCX prints.
template <class Print>
std::string printed(Print&& print) {
  char* memory = nullptr;
  std::size_t bytes = 0;
  Stream stream(::open_memstream(&memory, &bytes));
  if (stream == nullptr) return {};
  print(stream.get());
  stream.reset();
  const Text text(memory);
  return {memory, bytes};
}

// The transports and devices that a context may use.
std::string resources_of(const Library& library, const Context& context) {
  return printed([&](FILE* stream) { library.context_print_info(context.get(), stream); });
}

bool has_any(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::any_of(
      words, [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

// By RLIMIT_MEMLOCK or by privilege; what devices hold already is not counted. Nothing is touched.
bool may_lock(std::size_t bytes) {
  void* const memory = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  const bool locked = ::mlock2(memory, bytes, MLOCK_ONFAULT) == 0;
  ::munmap(memory, bytes);
  return locked;
}

}  // namespace

std::string why_not_loaded() {
  return loaded().problem;
}

Library load_library() {
  void* const library = loaded().handle;
  if (library == nullptr) throw Error(ErrorCode::unavailable, loaded().problem);
  Library ucx{};
  find(library, "ucp_config_read", ucx.config_read);
  find(library, "ucp_config_release", ucx.config_release);
  find(library, "ucp_init_version", ucx.init_version);
  find(library, "ucp_context_print_info", ucx.context_print_info);
  find(library, "ucp_cleanup", ucx.cleanup);
  find(library, "ucp_worker_create", ucx.worker_create);
  find(library, "ucp_worker_destroy", ucx.worker_destroy);
  find(library, "ucp_worker_get_address", ucx.worker_get_address);
  find(library, "ucp_worker_release_address", ucx.worker_release_address);
  find(library, "ucp_worker_get_efd", ucx.worker_get_efd);
  find(library, "ucp_worker_arm", ucx.worker_arm);
  find(library, "ucp_worker_progress", ucx.worker_progress);
  find(library, "ucp_worker_set_am_recv_handler", ucx.worker_set_am_recv_handler);
  find(library, "ucp_ep_create", ucx.ep_create);
  find(library, "ucp_ep_close_nbx", ucx.ep_close);
  find(library, "ucp_am_send_nbx", ucx.am_send);
  find(library, "ucp_am_recv_data_nbx", ucx.am_recv_data);
  find(library, "ucp_am_data_release", ucx.am_data_release);
  find(library, "ucp_request_check_status", ucx.request_check_status);
  find(library, "ucp_request_free", ucx.request_free);
  find(library, "ucs_status_string", ucx.status_string);
  return ucx;
}

void check(const Library& library, ucs_status_t status, const char* call) {
  if (status == UCS_OK) return;
  throw Error(ErrorCode::unavailable, fmt::format("{}: {}", call, library.status_string(status)));
}

Context open_context(const Library& library) {
  ucp_config_t* read = nullptr;
  check(library, library.config_read(nullptr, nullptr, &read), "ucp_config_read");
  const std::unique_ptr<ucp_config_t, decltype(&ucp_config_release)> config(read,
                                                                            library.config_release);
  ucp_params_t params{};
  params.field_mask = UCP_PARAM_FIELD_FEATURES;
  params.features = UCP_FEATURE_AM | UCP_FEATURE_WAKEUP;
  ucp_context* context = nullptr;
  check(library,
        library.init_version(UCP_API_MAJOR, UCP_API_MINOR, &params, config.get(), &context),
        "ucp_init");
  return {context, library.cleanup};
}

// UCX 1.13 has no function that says so.
bool has_rdma(const Library& library, const Context& context) {
  return has_any(resources_of(library, context), {" rc_", " dc_"});
}

WorkerHandle open_worker(const Library& library, const Context& context) {
  // Where a device may not lock memory for its queues, UCX (1.13) tries for ever: here, and later
  // on a thread of its own. For one peer over Soft-RoCE it takes 50 to 64 MiB; this finds limits
  // that are far too low, not those that many peers exceed.
  constexpr std::size_t queue_mib = 64;
  const bool has_devices = has_any(resources_of(library, context), {" rc_", " dc_", " ud_"});
  if (has_devices && !may_lock(queue_mib << 20)) {
    throw Error(ErrorCode::unavailable,
                fmt::format("{} MiB of memory cannot be locked for RDMA devices: raise the limit "
                            "(ulimit -l), or leave them out (UCX_TLS=tcp)",
                            queue_mib));
  }
  ucp_worker_params_t params{};
  params.field_mask = UCP_WORKER_PARAM_FIELD_THREAD_MODE | UCP_WORKER_PARAM_FIELD_AM_ALIGNMENT;
  params.thread_mode = UCS_THREAD_MODE_SERIALIZED;
  params.am_alignment = alignof(std::max_align_t);  // elements are read where they have arrived
  ucp_worker* worker = nullptr;
  check(library, library.worker_create(context.get(), &params, &worker), "ucp_worker_create");
  return {worker, library.worker_destroy};
}

std::string address_of(const Library& library, const WorkerHandle& worker) {
  ucp_address_t* address = nullptr;
  std::size_t bytes = 0;
  check(library, library.worker_get_address(worker.get(), &address, &bytes),
        "ucp_worker_get_address");
  std::string copy(reinterpret_cast<const char*>(address), bytes);
  library.worker_release_address(worker.get(), address);
  return copy;
}

}  // namespace motet::ucx
