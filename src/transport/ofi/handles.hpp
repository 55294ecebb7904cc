// Owners of libfabric's handles. The only header that includes libfabric's.
#pragma once

#include <rdma/fabric.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_eq.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_rma.h>

#include <memory>

#include "base/handle.hpp"

namespace motet::ofi {

template <class Fid>
void close_fid(Fid* handle) noexcept {
  fi_close(&handle->fid);
}
using FabricHandle = Handle<fid_fabric, close_fid<fid_fabric>>;
using DomainHandle = Handle<fid_domain, close_fid<fid_domain>>;
using AddressesHandle = Handle<fid_av, close_fid<fid_av>>;
using CompletionsHandle = Handle<fid_cq, close_fid<fid_cq>>;
using EventsHandle = Handle<fid_eq, close_fid<fid_eq>>;
using EndpointHandle = Handle<fid_ep, close_fid<fid_ep>>;
using MemoryHandle = Handle<fid_mr, close_fid<fid_mr>>;

// Freed by the function of the library that made it (library.hpp).
using Info = std::unique_ptr<fi_info, decltype(&fi_freeinfo)>;

}  // namespace motet::ofi
