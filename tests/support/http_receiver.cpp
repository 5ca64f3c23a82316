#include "tests/support/http_receiver.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace penstock::test {

HttpReceiver::HttpReceiver(const LocalCertificate* certificate)
    : certificate_(certificate), receiver_([this](ReceiverStream& stream) { serve(stream); }) {}

HttpReceiver::~HttpReceiver() { receiver_.stop(); }

std::string HttpReceiver::url(const std::string& path, const std::string& host) const {
    return fmt::format("http{}://{}:{}{}", certificate_ != nullptr ? "s" : "", host, port(), path);
}

void HttpReceiver::script(HttpReply reply) {
    const std::lock_guard lock(mutex_);
    script_.push_back(std::move(reply));
}

std::vector<HttpPost> HttpReceiver::posts() const {
    const std::lock_guard lock(mutex_);
    return posts_;
}

bool HttpReceiver::has_posts(size_t count) {
    std::unique_lock lock(mutex_);
    return arrived_.wait_for(lock, std::chrono::seconds(5), [&] { return posts_.size() >= count; });
}

void HttpReceiver::serve(ReceiverStream& stream) {
    if (certificate_ != nullptr && !stream.start_tls(*certificate_)) return;
    while (const auto line = stream.read_line()) {
        HttpPost post;
        post.method = line->substr(0, line->find(' '));
        post.target = line->substr(line->find(' ') + 1, line->rfind(' ') - line->find(' ') - 1);
        while (true) {
            const auto header = stream.read_line();
            if (!header) return;
            if (header->empty()) break;
            std::string name = header->substr(0, header->find(':'));
            std::transform(name.begin(), name.end(), name.begin(), [](char c) { return std::tolower(c); });
            post.headers[name] = header->substr(header->find(':') + 2);
        }
        const auto body = stream.read(std::stoul("0" + post.header("content-length")));
        if (!body) return;
        post.body = *body;
        HttpReply reply;
        {
            const std::lock_guard lock(mutex_);
            posts_.push_back(std::move(post));
            if (!script_.empty()) {
                reply = std::move(script_.front());
                script_.pop_front();
            }
        }
        arrived_.notify_all();
        stream.sleep_ms(reply.delay_ms);
        switch (reply.act) {
            case HttpReply::Act::kHang:
                return stream.hang();
            case HttpReply::Act::kClose:
                return;
            case HttpReply::Act::kFloodBody:
                stream.write(
                    fmt::format("HTTP/1.1 {} X\r\nContent-Length: 1000000000000\r\n\r\n", reply.status));
                while (stream.write(std::string(16 * 1024, 'x'))) {
                }
                return;
            case HttpReply::Act::kFloodHeaders:
                stream.write("HTTP/1.1 200 X\r\n");
                while (stream.write("X-More: " + std::string(1'000, 'x') + "\r\n")) {
                }
                return;
            case HttpReply::Act::kAnswer:
                break;
        }
        if (!stream.write(fmt::format("HTTP/1.1 {} X\r\n{}Content-Length: {}\r\n\r\n{}", reply.status,
                                      reply.headers, reply.body.size(), reply.body)))
            return;
    }
}

}  // namespace penstock::test
