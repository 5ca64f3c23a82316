// Sockets on loopback.
#pragma once

#include <cstdint>

namespace penstock::bench {

/// A port that nobody listened on a moment ago.
uint16_t free_port();
/// A connection that sends at once. Throws where nobody listens.
int connect_loopback(uint16_t port);
bool listens(uint16_t port);
int listen_on(uint16_t port);

}  // namespace penstock::bench
