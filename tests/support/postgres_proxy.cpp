#include "tests/support/postgres_proxy.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string_view>

namespace penstock::test {
namespace {

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) throw std::runtime_error("socket path too long: " + path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

bool send_all(int to, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n <= 0) return false;
        bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
}

}  // namespace

PostgresProxy::PostgresProxy(const std::string& cluster_dsn) {
    const size_t begin = cluster_dsn.find("host=") + 5, end = cluster_dsn.find(' ', begin);
    server_path_ = cluster_dsn.substr(begin, end - begin) + "/.s.PGSQL.5432";
    char name[] = "/tmp/penstock-proxy-XXXXXX";
    if (!mkdtemp(name)) throw std::runtime_error("mkdtemp failed");
    folder_ = name;
    dsn_ = cluster_dsn.substr(0, begin) + folder_ + cluster_dsn.substr(end);
    listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un address = address_of(folder_ + "/.s.PGSQL.5432");
    if (bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        listen(listener_, 8) != 0)
        throw std::runtime_error("the proxy cannot listen");
    accept_thread_ = std::thread([this] { accept_loop(); });
}

PostgresProxy::~PostgresProxy() {
    stopping_ = true;
    accept_thread_.join();
    for (std::thread& t : threads_) t.join();
    close(listener_);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

void PostgresProxy::spoil_next_commit(Mode mode, std::chrono::milliseconds delay) {
    delay_ms_ = static_cast<int>(delay.count());
    mode_ = mode;
}

void PostgresProxy::accept_loop() {
    while (!stopping_) {
        pollfd fd{listener_, POLLIN, 0};
        if (poll(&fd, 1, 20) <= 0) continue;
        const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (client >= 0) threads_.emplace_back([this, client] { serve(client); });
    }
}

void PostgresProxy::serve(int client) {
    const int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un address = address_of(server_path_);
    bool open = connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    std::vector<char> buffer(256 * 1024);
    while (open && !stopping_) {
        std::array<pollfd, 2> fds{{{client, POLLIN, 0}, {server, POLLIN, 0}}};
        if (poll(fds.data(), 2, 20) <= 0) continue;
        if (fds[1].revents) {
            const ssize_t n = recv(server, buffer.data(), buffer.size(), 0);
            open = n > 0 && send_all(client, {buffer.data(), static_cast<size_t>(n)});
        }
        if (!open || !fds[0].revents) continue;
        const ssize_t n = recv(client, buffer.data(), buffer.size(), 0);
        if (n <= 0) break;
        const std::string_view bytes(buffer.data(), static_cast<size_t>(n));
        // The statement alone, as a message of its own: not a word in somebody's event.
        Mode mode = Mode::kPass;
        if (bytes.size() < 128 && bytes.find(std::string_view("COMMIT\0", 7)) != std::string_view::npos)
            mode = mode_.exchange(Mode::kPass);
        if (mode == Mode::kPass) {
            open = send_all(server, bytes);
            continue;
        }
        ++spoiled_;
        if (mode == Mode::kHang) {
            while (!stopping_ && recv(client, buffer.data(), 0, MSG_DONTWAIT | MSG_PEEK) != 0) usleep(20'000);
            break;
        }
        if (mode == Mode::kLoseAnswer) {
            send_all(server, bytes);
            [[maybe_unused]] const ssize_t answered = recv(server, buffer.data(), buffer.size(), 0);
        }
        shutdown(client, SHUT_RDWR);
        if (mode == Mode::kLate) {
            usleep(static_cast<useconds_t>(delay_ms_) * 1000);
            send_all(server, bytes);
            [[maybe_unused]] const ssize_t answered = recv(server, buffer.data(), buffer.size(), 0);
        }
        break;
    }
    close(client);
    close(server);
}

}  // namespace penstock::test
