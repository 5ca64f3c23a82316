#include "perf/support/loopback.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace penstock::bench {
namespace {

sockaddr_in loopback(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}
int new_socket() { return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }
bool connects(int fd, uint16_t port) {
    const sockaddr_in address = loopback(port);
    return fd >= 0 && connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

uint16_t free_port() {
    const int fd = new_socket();
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    const bool bound = fd >= 0 && bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                       getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    close(fd);
    if (!bound) throw std::runtime_error("no free port on loopback");
    return ntohs(address.sin_port);
}

int connect_loopback(uint16_t port) {
    const int fd = new_socket();
    if (!connects(fd, port)) {
        const std::string why = std::strerror(errno);
        close(fd);
        throw std::runtime_error(fmt::format("cannot connect to port {} on loopback: {}", port, why));
    }
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

bool listens(uint16_t port) {
    const int fd = new_socket();
    const bool yes = connects(fd, port);
    close(fd);
    return yes;
}

int listen_on(uint16_t port) {
    const int fd = new_socket();
    const sockaddr_in address = loopback(port);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || listen(fd, 8) != 0) {
        close(fd);
        throw std::runtime_error(fmt::format("cannot listen on port {} on loopback", port));
    }
    return fd;
}

}  // namespace penstock::bench
