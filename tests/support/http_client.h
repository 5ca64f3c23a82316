// A plain HTTP client on a raw socket, so that tests can also send what no library would.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <stdexcept>
#include <string>

namespace penstock::test {

struct HttpAnswer {
    int status = 0;
    std::map<std::string, std::string> headers;  ///< names in lower case
    std::string body;
    const std::string& header(const std::string& name) const {
        static const std::string kNone;
        const auto it = headers.find(name);
        return it == headers.end() ? kNone : it->second;
    }
};

/// One connection to 127.0.0.1. Reading gives up after five seconds.
class HttpClient {
  public:
    explicit HttpClient(uint16_t port) : port_(port), fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        timeval patience{5, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
            ::close(fd_);
            throw std::runtime_error("cannot connect");
        }
    }
    ~HttpClient() { ::close(fd_); }
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    void send(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (n <= 0) return;  // the server may have closed; its answer is what counts
            bytes.remove_prefix(static_cast<size_t>(n));
        }
    }
    /// The next answer. Status 0: the connection ended without one.
    HttpAnswer receive(bool head = false) {
        HttpAnswer answer;
        size_t end;
        while ((end = unread_.find("\r\n\r\n")) == std::string::npos) {
            if (!more()) return answer;
        }
        answer.status = std::stoi(unread_.substr(9, 3));
        for (size_t at = unread_.find("\r\n") + 2; at < end;) {
            const size_t eol = unread_.find("\r\n", at);
            const size_t colon = unread_.find(':', at);
            std::string name = unread_.substr(at, colon - at);
            for (char& c : name) c = static_cast<char>(std::tolower(c));
            answer.headers[name] = unread_.substr(colon + 2, eol - colon - 2);
            at = eol + 2;
        }
        unread_.erase(0, end + 4);
        const std::string& length = answer.header("content-length");
        const size_t wanted = head || length.empty() ? 0 : std::stoul(length);
        while (unread_.size() < wanted && more()) {
        }
        answer.body = unread_.substr(0, wanted);
        unread_.erase(0, wanted);
        return answer;
    }
    HttpAnswer get(const std::string& target, const std::string& extra_headers = {}) {
        return request("GET", target, extra_headers);
    }
    HttpAnswer request(const std::string& method, const std::string& target,
                       const std::string& extra_headers = {}) {
        const bool own_host = extra_headers.find("Host:") != std::string::npos;
        send(method + " " + target + " HTTP/1.1\r\n" +
             (own_host ? "" : "Host: localhost:" + std::to_string(port_) + "\r\n") + extra_headers + "\r\n");
        return receive(method == "HEAD");
    }
    HttpAnswer post(const std::string& target, const std::string& json,
                    const std::string& extra_headers = {}) {
        send("POST " + target + " HTTP/1.1\r\nHost: localhost:" + std::to_string(port_) + "\r\n" +
             (extra_headers.find("Content-Type") == std::string::npos ? "Content-Type: application/json\r\n"
                                                                      : "") +
             extra_headers + "Content-Length: " + std::to_string(json.size()) + "\r\n\r\n" + json);
        return receive();
    }
    /// Whether the server has closed.
    bool closed() {
        while (more()) {
        }
        return ended_;
    }

  private:
    bool more() {
        char chunk[16384];
        const ssize_t n = ::recv(fd_, chunk, sizeof chunk, 0);
        if (n == 0) ended_ = true;
        if (n <= 0) return false;
        unread_.append(chunk, static_cast<size_t>(n));
        return true;
    }
    uint16_t port_;
    int fd_;
    bool ended_ = false;
    std::string unread_;
};

}  // namespace penstock::test
