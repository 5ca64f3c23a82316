// The appliance's end of a connection, played by a test: accepts on loopback and runs a script for each
// connection.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "admin/cli/frame_encoder.h"

namespace penstock::test {

/// One accepted connection. Waits at most five seconds for bytes.
class Peer {
  public:
    explicit Peer(int fd) : fd_(fd) {}
    ~Peer() { close(fd_); }

    /// Without its '\n'; nothing at the end of the stream. Caught-up is only counted.
    std::optional<std::string> line() {
        for (;;) {
            auto text = any_line();
            if (!text || *text != R"({"penstock":"caught-up"})") return text;
            ++caught_up;
        }
    }
    std::optional<std::string> any_line() {
        size_t end;
        while ((end = buffer_.find('\n')) == std::string::npos)
            if (!receive()) return std::nullopt;
        std::string text = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return text;
    }
    /// All lines up to the end of the stream.
    std::vector<std::string> lines_to_end() {
        std::vector<std::string> lines;
        while (auto text = line()) lines.push_back(*text);
        return lines;
    }

    struct HttpRequest {
        std::string line;  ///< "GET /healthz HTTP/1.1"
        std::string body;
    };
    /// Reads one request over HTTP, and answers it.
    HttpRequest serve_http(int status, const std::string& json) {
        HttpRequest request;
        size_t length = 0;
        for (auto text = line(); text && *text != "\r"; text = line()) {
            if (request.line.empty()) request.line = text->substr(0, text->size() - 1);
            if (text->starts_with("Content-Length: ")) length = std::stoul(text->substr(16));
        }
        while (buffer_.size() < length && receive()) {
        }
        request.body = buffer_.substr(0, length);
        say("HTTP/1.1 " + std::to_string(status) + " x\r\nContent-Length: " + std::to_string(json.size()) +
            "\r\nConnection: close\r\n\r\n" + json);
        return request;
    }

    struct Frame {
        wire::FrameHeader header;
        std::string body;
    };
    std::optional<Frame> frame() {
        for (;;) {
            auto f = any_frame();
            if (!f || f->header.type != wire::FrameType::kCaughtUp) return f;
            ++caught_up;
        }
    }
    std::optional<Frame> any_frame() {
        Frame f;
        while (buffer_.size() < sizeof f.header)
            if (!receive()) return std::nullopt;
        std::memcpy(&f.header, buffer_.data(), sizeof f.header);
        EXPECT_EQ(f.header.magic, wire::kMagic);
        while (buffer_.size() < sizeof f.header + f.header.body_bytes)
            if (!receive()) return std::nullopt;
        f.body = buffer_.substr(sizeof f.header, f.header.body_bytes);
        buffer_.erase(0, sizeof f.header + f.header.body_bytes);
        EXPECT_EQ(f.header.checksum, cli::frame_checksum(f.header, f.body));
        return f;
    }
    /// Whether more arrives within the time.
    bool sends_within(int milliseconds) {
        if (!buffer_.empty()) return true;
        pollfd p{fd_, POLLIN, 0};
        return poll(&p, 1, milliseconds) > 0;
    }

    void say(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (n <= 0) return;
            bytes.remove_prefix(static_cast<size_t>(n));
        }
    }
    void ack_frame(uint64_t seq, uint64_t credits_bytes = 4 << 20) {
        const wire::Ack ack{seq, seq, 0, 0, credits_bytes};
        say(cli::make_frame(wire::FrameType::kAck, {reinterpret_cast<const char*>(&ack), sizeof ack}));
    }
    /// Breaks the connection so that the other side sees an error.
    void reset() {
        const linger now{1, 0};
        setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }

    int caught_up = 0;

  private:
    bool receive() {
        pollfd p{fd_, POLLIN, 0};
        if (poll(&p, 1, 5000) <= 0) return false;
        char bytes[16384];
        const ssize_t n = recv(fd_, bytes, sizeof bytes, 0);
        if (n <= 0) return false;
        buffer_.append(bytes, static_cast<size_t>(n));
        return true;
    }
    int fd_;
    std::string buffer_;
};

/// Serves connections one after another, on a thread of its own.
class FakeAppliance {
  public:
    using Script = std::function<void(Peer&)>;

    explicit FakeAppliance(std::vector<Script> scripts) : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
        EXPECT_EQ(listen(listener_, 8), 0);
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this, scripts = std::move(scripts)] {
            for (const Script& script : scripts) {
                pollfd p{listener_, POLLIN, 0};
                if (poll(&p, 1, 5000) <= 0) return;
                Peer peer(accept(listener_, nullptr, nullptr));
                script(peer);
            }
        });
    }
    ~FakeAppliance() {
        thread_.join();
        close(listener_);
    }
    uint16_t port() const { return port_; }

  private:
    int listener_;
    uint16_t port_ = 0;
    std::thread thread_;
};

}  // namespace penstock::test
