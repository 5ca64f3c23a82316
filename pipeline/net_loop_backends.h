// How NetLoop::create finds its mechanisms. For the loop's own files only.
#pragma once

#include <memory>

#include "pipeline/net_loop.h"

namespace penstock {

/// Throws std::runtime_error when the kernel refuses io_uring; the text names the remedy.
std::unique_ptr<NetLoop> make_uring_loop(const NetLoop::Options& options, NetHandler& handler);
std::unique_ptr<NetLoop> make_epoll_loop(const NetLoop::Options& options, NetHandler& handler);
/// TLS over one of the two.
std::unique_ptr<NetLoop> make_tls_loop(const NetLoop::Options& options, NetHandler& handler);

/// No delay for small answers; keep-alive, so that a peer that vanished is noticed.
void set_socket_options(int fd);

}  // namespace penstock
