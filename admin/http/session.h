// One HTTP connection: reads a request, asks the router, writes the answer, and again.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "admin/http/router.h"
#include "admin/http/stream.h"
#include "pipeline/tls_identity.h"

namespace penstock::http {

/// What every connection uses; lives longer than any of them.
struct SessionContext {
    const Router& router;
    Gate& gate;
    StreamHub& hub;
    Counters& counters;
    bool loopback_only = false;        ///< bound to loopback: only loopback names are answered
    const TlsIdentity* tls = nullptr;  ///< none: plain HTTP
    uint64_t hsts_s = 0;               ///< browsers come by TLS alone for so long; 0: they are not told
};

/// Keeps itself alive until the connection ends. `lease` is held as long as the socket is, also after it has
/// become a WebSocket.
void serve_connection(boost::asio::ip::tcp::socket socket, const SessionContext& context,
                      std::shared_ptr<void> lease);

}  // namespace penstock::http
