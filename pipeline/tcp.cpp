#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "pipeline/net_loop.h"

namespace penstock {

int listen_on(const std::string& address) {
    const size_t colon = address.rfind(':');
    if (colon == std::string::npos)
        throw std::runtime_error(
            fmt::format("'{}' is not an address; write host:port, for example 127.0.0.1:7400", address));
    std::string host = address.substr(0, colon);
    const std::string port = address.substr(colon + 1);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);

    addrinfo hints{}, *found = nullptr;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    hints.ai_socktype = SOCK_STREAM;
    if (const int rc = getaddrinfo(host.empty() ? nullptr : host.c_str(), port.c_str(), &hints, &found);
        rc != 0)
        throw std::runtime_error(fmt::format("cannot listen on '{}': {}", address, gai_strerror(rc)));
    const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int one = 1;
    int failed = fd < 0 ? errno : 0;
    if (!failed) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, 4096) != 0) failed = errno;
    }
    freeaddrinfo(found);
    if (failed) {
        if (fd >= 0) close(fd);
        const char* remedy =
            failed == EADDRINUSE ? "; another program has the port: stop it, or set ingest.listen"
            : failed == EACCES   ? "; ports below 1024 need a privilege: set ingest.listen to a higher one"
                                 : "";
        throw std::runtime_error(
            fmt::format("cannot listen on {}: {}{}", address, std::strerror(failed), remedy));
    }
    return fd;
}

uint16_t port_of(int fd) {
    sockaddr_storage a{};
    socklen_t size = sizeof a;
    getsockname(fd, reinterpret_cast<sockaddr*>(&a), &size);
    return ntohs(a.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&a)->sin6_port
                                         : reinterpret_cast<sockaddr_in*>(&a)->sin_port);
}

std::string peer_name(int fd, bool& is_loopback) {
    sockaddr_storage a{};
    socklen_t size = sizeof a;
    is_loopback = false;
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&a), &size) != 0) return "unknown";
    char text[INET6_ADDRSTRLEN] = "";
    if (a.ss_family == AF_INET6) {
        const auto* six = reinterpret_cast<sockaddr_in6*>(&a);
        inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof text);
        is_loopback = IN6_IS_ADDR_LOOPBACK(&six->sin6_addr) ||
                      (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr) && six->sin6_addr.s6_addr[12] == 127);
        return fmt::format("[{}]:{}", text, ntohs(six->sin6_port));
    }
    const auto* four = reinterpret_cast<sockaddr_in*>(&a);
    inet_ntop(AF_INET, &four->sin_addr, text, sizeof text);
    is_loopback = (ntohl(four->sin_addr.s_addr) >> 24) == 127;
    return fmt::format("{}:{}", text, ntohs(four->sin_port));
}

}  // namespace penstock
