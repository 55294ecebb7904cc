// UCX, loaded while the program runs, so that one which never names it carries none of its threads
// and memory hooks; and owners of its handles. The only place where its headers are included.
#pragma once

#include <ucp/api/ucp.h>

#include <memory>
#include <string>

namespace motet::ucx {

// The functions that are used.
struct Library {
  decltype(&ucp_config_read) config_read;
  decltype(&ucp_config_release) config_release;
  decltype(&ucp_init_version) init_version;
  decltype(&ucp_context_print_info) context_print_info;
  decltype(&ucp_cleanup) cleanup;
  decltype(&ucp_worker_create) worker_create;
  decltype(&ucp_worker_destroy) worker_destroy;
  decltype(&ucp_worker_get_address) worker_get_address;
  decltype(&ucp_worker_release_address) worker_release_address;
  decltype(&ucp_worker_get_efd) worker_get_efd;
  decltype(&ucp_worker_arm) worker_arm;
  decltype(&ucp_worker_progress) worker_progress;
  decltype(&ucp_worker_set_am_recv_handler) worker_set_am_recv_handler;
  decltype(&ucp_ep_create) ep_create;
  decltype(&ucp_ep_close_nbx) ep_close;
  decltype(&ucp_am_send_nbx) am_send;
  decltype(&ucp_am_recv_data_nbx) am_recv_data;
  decltype(&ucp_am_data_release) am_data_release;
  decltype(&ucp_request_check_status) request_check_status;
  decltype(&ucp_request_free) request_free;
  decltype(&ucs_status_string) status_string;
};

// "", or "libucp.so.0: cannot open shared object file".
std::string why_not_loaded();
// Throws Error{unavailable}.
Library load_library();

// Throws Error{unavailable}, "ucp_init: No such device", unless the status is UCS_OK.
void check(const Library& library, ucs_status_t status, const char* call);

using Context = std::unique_ptr<ucp_context, decltype(&ucp_cleanup)>;
using WorkerHandle = std::unique_ptr<ucp_worker, decltype(&ucp_worker_destroy)>;

// This and open_worker() throw Error{unavailable}.
Context open_context(const Library& library);
// Whether there is a device by which a receiver fetches what lies in its peer's memory (RDMA).
bool has_rdma(const Library& library, const Context& context);
WorkerHandle open_worker(const Library& library, const Context& context);
// Its own address, in bytes.
std::string address_of(const Library& library, const WorkerHandle& worker);

}  // namespace motet::ucx
