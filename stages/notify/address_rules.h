// Which addresses a webhook may reach. What the configuration names resolves to whatever DNS says at that
// moment; an answer that points into the own network must not turn the appliance into a way in.
#pragma once

#include <sys/socket.h>

#include <string>
#include <string_view>

namespace penstock {

/// Why the address is not one of the public internet: "loopback", "private", ... Empty: it is one. Families
/// other than IPv4 and IPv6, and IPv6 outside of 2000::/3 (so also addresses that hold an IPv4 address), are
/// not.
std::string_view private_reason(const sockaddr& address);

/// The address as text, without the port.
std::string address_text(const sockaddr& address);

}  // namespace penstock
