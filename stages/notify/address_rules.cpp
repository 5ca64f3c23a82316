#include "stages/notify/address_rules.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <cstring>

namespace penstock {
namespace {

// The special-purpose registries of IANA, as far as they are no part of the public internet.
struct Rule4 {
    uint32_t network;
    int bits;
    std::string_view reason;
};
constexpr uint32_t ipv4(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
    return a << 24 | b << 16 | c << 8 | d;
}
constexpr std::array kRules4{
    Rule4{ipv4(0, 0, 0, 0), 8, "unspecified"},        Rule4{ipv4(10, 0, 0, 0), 8, "private"},
    Rule4{ipv4(100, 64, 0, 0), 10, "shared (CGNAT)"}, Rule4{ipv4(127, 0, 0, 0), 8, "loopback"},
    Rule4{ipv4(169, 254, 0, 0), 16, "link-local"},    Rule4{ipv4(172, 16, 0, 0), 12, "private"},
    Rule4{ipv4(192, 0, 0, 0), 24, "reserved"},        Rule4{ipv4(192, 0, 2, 0), 24, "documentation"},
    Rule4{ipv4(192, 88, 99, 0), 24, "reserved"},      Rule4{ipv4(192, 168, 0, 0), 16, "private"},
    Rule4{ipv4(198, 18, 0, 0), 15, "benchmarking"},   Rule4{ipv4(198, 51, 100, 0), 24, "documentation"},
    Rule4{ipv4(203, 0, 113, 0), 24, "documentation"}, Rule4{ipv4(224, 0, 0, 0), 4, "multicast"},
    Rule4{ipv4(240, 0, 0, 0), 4, "reserved"},
};

struct Rule6 {
    std::array<uint8_t, 6> network;
    int bits;
    std::string_view reason;
};
constexpr std::array kRules6{
    Rule6{{0xfe, 0x80}, 10, "link-local"},
    Rule6{{0xfe, 0xc0}, 10, "site-local"},
    Rule6{{0xfc}, 7, "unique-local"},
    Rule6{{0xff}, 8, "multicast"},
    Rule6{{0x20, 0x01}, 23, "reserved"},  // Teredo, ORCHID, benchmarking
    Rule6{{0x20, 0x01, 0x0d, 0xb8}, 32, "documentation"},
    Rule6{{0x20, 0x02}, 16, "6to4"},
    Rule6{{0x3f, 0xff}, 20, "documentation"},
};

bool begins_with(const uint8_t* address, const uint8_t* network, int bits) {
    const auto whole = static_cast<size_t>(bits / 8);
    if (std::memcmp(address, network, whole) != 0) return false;
    const int rest = bits % 8;
    return rest == 0 || (address[whole] ^ network[whole]) >> (8 - rest) == 0;
}

std::string_view reason4(uint32_t address) {
    for (const Rule4& rule : kRules4)
        if ((address ^ rule.network) >> (32 - rule.bits) == 0) return rule.reason;
    return {};
}

std::string_view reason6(const in6_addr& address) {
    if (IN6_IS_ADDR_LOOPBACK(&address)) return "loopback";
    if (IN6_IS_ADDR_UNSPECIFIED(&address)) return "unspecified";
    if (IN6_IS_ADDR_V4MAPPED(&address)) return "IPv4-mapped";
    for (const Rule6& rule : kRules6)
        if (begins_with(address.s6_addr, rule.network.data(), rule.bits)) return rule.reason;
    return address.s6_addr[0] >> 5 == 1 ? std::string_view{} : "reserved";
}

}  // namespace

std::string_view private_reason(const sockaddr& address) {
    if (address.sa_family == AF_INET) {
        sockaddr_in in;
        std::memcpy(&in, &address, sizeof in);
        return reason4(ntohl(in.sin_addr.s_addr));
    }
    if (address.sa_family == AF_INET6) {
        sockaddr_in6 in6;
        std::memcpy(&in6, &address, sizeof in6);
        return reason6(in6.sin6_addr);
    }
    return "not an internet address";
}

std::string address_text(const sockaddr& address) {
    char text[INET6_ADDRSTRLEN] = "?";
    if (address.sa_family == AF_INET) {
        sockaddr_in in;
        std::memcpy(&in, &address, sizeof in);
        inet_ntop(AF_INET, &in.sin_addr, text, sizeof text);
    } else if (address.sa_family == AF_INET6) {
        sockaddr_in6 in6;
        std::memcpy(&in6, &address, sizeof in6);
        inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof text);
    }
    return text;
}

}  // namespace penstock
