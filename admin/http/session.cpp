#include "admin/http/session.h"

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/detect_ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <optional>

#include "admin/http/origin.h"
#include "admin/http/paging.h"
#include "admin/http/text.h"

namespace penstock::http {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = beast::http;

namespace {

constexpr uint32_t kHeaderBytesMax = 16 * 1024;
constexpr uint64_t kBodyBytesMax = 1024 * 1024;
/// One deadline from the end of the last answer to the end of the next request: bounds both idling and a
/// request that trickles in.
constexpr auto kRequestTimeout = std::chrono::seconds(30);
constexpr auto kWriteTimeout = std::chrono::seconds(30);
constexpr auto kDrainTimeout = std::chrono::seconds(2);
constexpr auto kHandshakeTimeout = std::chrono::seconds(10);
constexpr size_t kBufferBytesMax = kHeaderBytesMax + 64 * 1024;

/// `Stream`: PlainStream or SecureStream.
template <typename Stream>
class Session : public std::enable_shared_from_this<Session<Stream>> {
  public:
    static constexpr bool kSecure = std::is_same_v<Stream, SecureStream>;

    Session(Stream stream, beast::flat_buffer buffer, const SessionContext& context,
            std::shared_ptr<void> lease)
        : stream_(std::move(stream)),
          buffer_(std::move(buffer)),
          context_(context),
          lease_(std::move(lease)) {}

    void shake_hands()
        requires(kSecure)
    {
        socket().expires_after(kHandshakeTimeout);
        stream_.async_handshake(asio::ssl::stream_base::server, buffer_.data(),
                                // Beast 1.81 also asks whether it can be called without `used`.
                                [self = this->shared_from_this()](beast::error_code ec, size_t used = 0) {
                                    if (ec) return;
                                    self->buffer_.consume(used);
                                    self->read_request();
                                });
    }
    /// To a client that speaks plain HTTP where TLS is spoken.
    void refuse_plain() {
        Response answer = problem(400, "tls-required", "This port speaks TLS",
                                  "the request came as plain HTTP; use an address with https://");
        add_common_headers(answer);
        write(std::move(answer), 11, false, false);
    }

    void read_request() {
        parser_.emplace();
        parser_->header_limit(kHeaderBytesMax);
        parser_->body_limit(kBodyBytesMax);
        socket().expires_after(kRequestTimeout);
        bhttp::async_read_header(
            stream_, buffer_, *parser_,
            [self = this->shared_from_this()](beast::error_code ec, size_t) { self->on_header(ec); });
    }

  private:
    void on_header(beast::error_code ec) {
        if (ec) return on_bad_request(ec);
        if (parser_->get().find(bhttp::field::expect) != parser_->get().end()) {
            // Where no body is taken, a client that asks before it sends one is answered at once.
            const bhttp::verb method = parser_->get().method();
            if (method != bhttp::verb::post && method != bhttp::verb::put && method != bhttp::verb::patch)
                return respond(true);
            static constexpr std::string_view kGoOn = "HTTP/1.1 100 Continue\r\n\r\n";
            return asio::async_write(stream_, asio::buffer(kGoOn.data(), kGoOn.size()),
                                     [self = this->shared_from_this()](beast::error_code write_ec, size_t) {
                                         if (!write_ec) self->read_body();
                                     });
        }
        read_body();
    }

    void read_body() {
        bhttp::async_read(stream_, buffer_, *parser_,
                          [self = this->shared_from_this()](beast::error_code read_ec, size_t) {
                              if (read_ec) return self->on_bad_request(read_ec);
                              self->respond(false);
                          });
    }

    void on_bad_request(beast::error_code ec) {
        using bhttp::error;
        if (ec == error::end_of_stream) return close();
        if (ec.category() != bhttp::make_error_code(error::bad_version).category())
            return;  // gone, or timed out
        if (ec == error::partial_message) return;
        Response answer;
        if (ec == error::header_limit || ec == error::buffer_overflow) {
            answer = problem(431, "header-too-large", "The request's header is too large",
                             fmt::format("at most {} bytes are read", kHeaderBytesMax));
        } else if (ec == error::body_limit) {
            answer = problem(413, "body-too-large", "The request's body is too large",
                             fmt::format("at most {} bytes are read", kBodyBytesMax));
        } else {
            answer = problem(400, "bad-request", "The request is not valid HTTP", ec.message());
        }
        add_common_headers(answer);
        write(std::move(answer), 11, false, false);
    }

    void respond(bool body_unread) {
        const auto& message = parser_->get();
        const bool keep_alive = message.keep_alive() && !body_unread;
        const bool head = message.method() == bhttp::verb::head;
        if (auto refused = refusal(message)) {
            add_common_headers(*refused);
            return write(std::move(*refused), message.version(), keep_alive, head);
        }
        const std::string_view target = message.target();
        const size_t question = target.find('?');
        Request request;
        request.method = message.method_string();
        request.path = target.substr(0, question);
        if (question != std::string_view::npos) request.query = target.substr(question + 1);
        request.body = message.body();
        request.content_type = message[bhttp::field::content_type];
        request.origin = message[bhttp::field::origin];
        request.host = message[bhttp::field::host];
        request.cookie = message[bhttp::field::cookie];
        request.authorization = message[bhttp::field::authorization];
        request.api_key = message["X-API-Key"];
        request.idempotency_key = message["Idempotency-Key"];
        request.fetch_site = message["Sec-Fetch-Site"];
        request.user_agent = message[bhttp::field::user_agent];
        request.accept_encoding = message[bhttp::field::accept_encoding];
        request.secure = kSecure;
        beast::error_code ignored;
        const auto peer = socket().socket().remote_endpoint(ignored);
        if (!ignored) request.peer = fmt::format("{}:{}", peer.address().to_string(), peer.port());
        if ((request.path == kStreamPath || request.path == kStreamAlias) &&
            beast::websocket::is_upgrade(message)) {
            auto wrong = context_.gate.identify(request);
            Parameters parameters(request.query, {"since"});
            const Seq since = parameters.number("since", 0, 1, kNewest);
            if (!wrong && !parameters.errors.empty()) wrong = bad_parameters(parameters.errors);
            if (!wrong && request.principal.kind != Principal::Kind::kNobody) {
                socket().expires_never();
                context_.counters.requests.add();
                return serve_stream(std::move(stream_), parser_->release(), context_.hub,
                                    std::move(request.principal), since, std::move(lease_));
            }
            Response refused =
                wrong ? std::move(*wrong) : sign_in_first("the stream is for who has signed in");
            add_common_headers(refused);
            return write(std::move(refused), message.version(), keep_alive, head);
        }
        context_.router.handle(
            request, [self = this->shared_from_this(), version = message.version(), keep_alive,
                      head](Response answer) { self->write(std::move(answer), version, keep_alive, head); });
    }

    /// What is refused whatever it asks for.
    std::optional<Response> refusal(const bhttp::request<bhttp::string_body>& message) const {
        const auto hosts = message.equal_range(bhttp::field::host);
        const auto count = std::distance(hosts.first, hosts.second);
        if (count > 1 || (count == 0 && message.version() >= 11)) {
            return problem(400, "bad-host", "The request needs one Host header", "HTTP/1.1 asks for it");
        }
        const std::string_view host =
            count == 0 ? std::string_view() : std::string_view(hosts.first->value());
        if (context_.loopback_only && count == 1 && !is_loopback_host(host)) {
            return problem(
                421, "misdirected", "This server is not called so",
                "it listens on loopback and answers to localhost, 127.0.0.1 and [::1] only; to reach it by "
                "another name set http.listen to another address");
        }
        if (!std::string_view(message.target()).starts_with('/')) {
            return problem(400, "bad-request", "The request's target is not a path", "it must begin with /");
        }
        if (beast::websocket::is_upgrade(message) && !same_origin(message[bhttp::field::origin], host)) {
            return problem(403, "foreign-origin", "Pages of other sites may not open the stream",
                           "the Origin header names another site than the Host header");
        }
        return std::nullopt;
    }

    void write(Response answer, unsigned version, bool keep_alive, bool head) {
        context_.counters.requests.add();
        if (answer.status >= 500) {
            context_.counters.server_errors.add();
        } else if (answer.status >= 400) {
            context_.counters.client_errors.add();
        }
        out_.emplace();
        out_->version(version);
        out_->result(answer.status);
        out_->set(bhttp::field::server, "Penstock");
        out_->set(bhttp::field::content_type, answer.content_type);
        for (const auto& [name, value] : answer.headers) out_->set(name, value);
        if (kSecure && context_.hsts_s > 0)
            out_->set(bhttp::field::strict_transport_security, fmt::format("max-age={}", context_.hsts_s));
        if (answer.source && !head) return begin_stream(std::move(answer.source), version, keep_alive);
        out_->keep_alive(keep_alive);
        if (answer.source)
            out_->chunked(version >= 11);
        else
            out_->content_length(answer.body.size());
        if (!head) out_->body() = std::move(answer.body);
        socket().expires_after(kWriteTimeout);
        bhttp::async_write(stream_, *out_,
                           [self = this->shared_from_this(), keep_alive](beast::error_code ec, size_t) {
                               if (ec) return;
                               self->out_.reset();
                               if (keep_alive) {
                                   self->read_request();
                               } else {
                                   self->drain();
                               }
                           });
    }

    /// In chunks; to a client that knows none (HTTP/1.0), until the connection's end.
    void begin_stream(std::shared_ptr<BodySource> source, unsigned version, bool keep_alive) {
        source_ = std::move(source);
        chunked_ = version >= 11;
        keep_alive_ = keep_alive && chunked_;
        out_->keep_alive(keep_alive_);
        out_->chunked(chunked_);
        head_serializer_.emplace(*out_);
        socket().expires_after(kWriteTimeout);
        bhttp::async_write_header(stream_, *head_serializer_,
                                  [self = this->shared_from_this()](beast::error_code ec, size_t) {
                                      if (!ec) self->stream_next();
                                  });
    }
    void stream_next() {
        socket().expires_never();  // the source has its own deadlines
        source_->next([self = this->shared_from_this()](std::optional<std::string> piece) {
            if (!piece) return self->close();  // a chunk that ends the body is missing: the client can tell
            self->send_piece(std::move(*piece));
        });
    }
    void send_piece(std::string piece) {
        const bool last = piece.empty();
        piece_ = !chunked_ ? std::move(piece)
                 : last    ? "0\r\n\r\n"
                           : fmt::format("{:x}\r\n{}\r\n", piece.size(), piece);
        socket().expires_after(kWriteTimeout);
        asio::async_write(stream_, asio::buffer(piece_),
                          [self = this->shared_from_this(), last](beast::error_code ec, size_t) {
                              if (ec) return;
                              if (!last) return self->stream_next();
                              self->source_.reset();
                              self->head_serializer_.reset();
                              self->out_.reset();
                              self->keep_alive_ ? self->read_request() : self->drain();
                          });
    }

    /// Reads on for a moment after the last answer: closing over unread bytes would reset the connection and
    /// could take the answer away from a client that is still sending.
    void drain() {
        socket().expires_after(kDrainTimeout);
        if constexpr (kSecure) {
            // What comes instead of the peer's own farewell fails it; that is read away beneath it.
            stream_.async_shutdown(
                [self = this->shared_from_this()](beast::error_code ec) { self->drain_socket(ec); });
        } else {
            drain_socket({});
        }
    }
    void drain_socket(beast::error_code ec) {
        if (ec == beast::error::timeout) return;
        beast::error_code ignored;
        socket().socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
        drain_more(kBodyBytesMax);
    }
    void drain_more(size_t left) {
        buffer_.clear();
        socket().async_read_some(buffer_.prepare(16 * 1024),
                                 [self = this->shared_from_this(), left](beast::error_code ec, size_t n) {
                                     if (ec || n >= left) return;
                                     self->drain_more(left - n);  // under the one deadline set by drain()
                                 });
    }

    void close() {
        beast::error_code ignored;
        if constexpr (kSecure) return drain();
        socket().socket().shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
    }

    beast::tcp_stream& socket() { return beast::get_lowest_layer(stream_); }

    Stream stream_;
    beast::flat_buffer buffer_;
    const SessionContext& context_;
    std::shared_ptr<void> lease_;
    std::optional<bhttp::request_parser<bhttp::string_body>> parser_;
    std::optional<bhttp::response<bhttp::string_body>> out_;
    // Of an answer that is streamed.
    std::optional<bhttp::response_serializer<bhttp::string_body>> head_serializer_;
    std::shared_ptr<BodySource> source_;
    std::string piece_;  ///< being sent
    bool chunked_ = false, keep_alive_ = false;
};

/// A connection whose first bytes tell whether it speaks TLS.
class Opening : public std::enable_shared_from_this<Opening> {
  public:
    Opening(asio::ip::tcp::socket socket, const SessionContext& context, std::shared_ptr<void> lease)
        : stream_(std::move(socket)), context_(context), lease_(std::move(lease)) {}

    void begin() {
        if (context_.tls == nullptr) return as_plain()->read_request();
        stream_.expires_after(kHandshakeTimeout);
        beast::async_detect_ssl(stream_, buffer_,
                                [self = shared_from_this()](beast::error_code ec, bool is_tls) {
                                    if (ec) return;
                                    if (!is_tls) return self->as_plain()->refuse_plain();
                                    self->as_secure()->shake_hands();
                                });
    }

  private:
    std::shared_ptr<Session<PlainStream>> as_plain() {
        return std::make_shared<Session<PlainStream>>(std::move(stream_), std::move(buffer_), context_,
                                                      std::move(lease_));
    }
    std::shared_ptr<Session<SecureStream>> as_secure() {
        const TlsContext tls = context_.tls->context();
        SSL_CTX_up_ref(tls.get());
        asio::ssl::context owner(tls.get());  // takes the reference; the stream has one of its own
        return std::make_shared<Session<SecureStream>>(SecureStream(std::move(stream_), owner),
                                                       std::move(buffer_), context_, std::move(lease_));
    }

    PlainStream stream_;
    beast::flat_buffer buffer_{kBufferBytesMax};
    const SessionContext& context_;
    std::shared_ptr<void> lease_;
};

}  // namespace

void serve_connection(asio::ip::tcp::socket socket, const SessionContext& context,
                      std::shared_ptr<void> lease) {
    std::make_shared<Opening>(std::move(socket), context, std::move(lease))->begin();
}

}  // namespace penstock::http
