#include "admin/http/stream.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include "admin/http/console_files.h"
#include "admin/http/text.h"

namespace penstock::http {
namespace beast = boost::beast;
namespace websocket = beast::websocket;

namespace {
constexpr size_t kEventsPerPush = 20, kNewsMax = 50;
/// Clients have nothing to say; what they send is read (for close and pong) and ignored.
constexpr size_t kClientMessageBytesMax = 4096;
}  // namespace

/// A WebSocket as the hub sees it.
class StreamClient {
  public:
    explicit StreamClient(Principal client) : who(std::move(client)) {}
    virtual ~StreamClient() = default;
    virtual void push(const StreamHub::Message& message) = 0;
    /// As push, and is not skipped: false, it is to be tried again.
    virtual bool tell(const StreamHub::Message& message) = 0;
    virtual void close(websocket::close_code code, std::string_view why) = 0;

    Principal who;  ///< as it was at the last push
    Seq given = 0;  ///< of the last item that they were told to have been given
};

/// One WebSocket. At most one write is under way; a push that finds it so is skipped, never queued: a client
/// on a slow line sees fewer snapshots, not older ones.
template <typename Stream>
class StreamSocket final : public StreamClient, public std::enable_shared_from_this<StreamSocket<Stream>> {
  public:
    StreamSocket(Stream&& stream, StreamHub& hub, Principal client, Seq since, std::shared_ptr<void> lease)
        : StreamClient(std::move(client)),
          socket_(std::move(stream)),
          hub_(hub),
          since_(since),
          lease_(std::move(lease)) {}
    ~StreamSocket() override { hub_.leave(this); }

    void accept(const UpgradeRequest& request) {
        // The socket has timers of its own from here: pings find a peer that is gone.
        beast::get_lowest_layer(socket_).expires_never();
        websocket::stream_base::timeout timeout{};
        timeout.handshake_timeout = std::chrono::seconds(10);
        timeout.idle_timeout = std::chrono::seconds(30);
        timeout.keep_alive_pings = true;
        socket_.set_option(timeout);
        socket_.read_message_max(kClientMessageBytesMax);
        socket_.async_accept(request, [self = this->shared_from_this()](beast::error_code ec) {
            if (ec) return;
            self->open_ = true;
            self->hub_.join(self.get());
            self->write(self->hub_.hello(self->who.scope, self->since_));
            self->read();
        });
    }

    void push(const StreamHub::Message& message) override {
        if (writing_) {
            hub_.counters_.stream_pushes_skipped.add();
            return;
        }
        write(message);
    }

    bool tell(const StreamHub::Message& message) override {
        if (!open_ || next_) return false;
        if (writing_)
            next_ = message;
        else
            write(message);
        return true;
    }

    void close(websocket::close_code code, std::string_view why) override {
        if (!open_) return;
        open_ = false;
        // Beast allows a close beside a write that is under way only from within the same strand; ours is.
        socket_.async_close({code, why}, [self = this->shared_from_this()](beast::error_code) {});
    }

  private:
    void write(StreamHub::Message message) {
        if (!open_) return;
        writing_ = true;
        hub_.counters_.stream_pushes.add();
        socket_.text(true);
        const auto buffer = boost::asio::buffer(*message);
        socket_.async_write(buffer, [self = this->shared_from_this(), message = std::move(message)](
                                        beast::error_code ec, size_t) {
            self->writing_ = false;
            if (ec) self->open_ = false;
            if (auto next = std::exchange(self->next_, nullptr)) self->write(std::move(next));
        });
    }
    void read() {
        socket_.async_read(incoming_, [self = this->shared_from_this()](beast::error_code ec, size_t) {
            if (ec) {
                self->open_ = false;
                self->hub_.leave(self.get());
                return;
            }
            self->incoming_.consume(self->incoming_.size());
            self->read();
        });
    }

    websocket::stream<Stream> socket_;
    StreamHub& hub_;
    const Seq since_;
    std::shared_ptr<void> lease_;
    beast::flat_buffer incoming_;
    bool open_ = false, writing_ = false;
    StreamHub::Message next_;  ///< to be written when the one under way is
};

void StreamHub::join(StreamClient* client) {
    clients_.insert(client);
    client->given = review_.news_of(client->who.user, std::numeric_limits<Seq>::max(), 0).newest;
    counters_.stream_clients.set(static_cast<int64_t>(clients_.size()));
    if (clients_.size() == 1) {
        next_seq_ = queries_.next_seq();
        if (on_first_client) on_first_client();
    }
}

void StreamHub::leave(StreamClient* client) {
    if (clients_.erase(client) == 0) return;
    counters_.stream_clients.set(static_cast<int64_t>(clients_.size()));
    if (clients_.empty() && on_last_left) on_last_left();
}

NewestEvents StreamHub::newest(Seq since, const Scope& scope) {
    try {
        return queries_.newest(since, kEventsPerPush, scope);
    } catch (const std::exception& e) {
        spdlog::error("http: the live stream cannot read the log: {}", e.what());
        NewestEvents none;
        none.items = "[]";
        none.next_seq = next_seq_;
        return none;
    }
}

StreamHub::Message StreamHub::message(std::string_view kind, const NewestEvents& newest, const Scope& scope,
                                      bool with_trend) const {
    JsonWriter json;
    json.begin_object().field("kind", kind);
    json.key("status").raw(status_json(telemetry_, sampler_, clock_, counters_, console_build(), scope));
    json.key("events").raw(newest.items).field("events_skipped", newest.skipped);
    if (with_trend && scope.all_tenants() && scope.all_regions()) json.key("trend").raw(trend_json(sampler_));
    json.end_object();
    return std::make_shared<const std::string>(json.take());
}

StreamHub::Message StreamHub::hello(const Scope& scope, Seq since) {
    if (since > 0 && since < next_seq_) return message("hello", newest(since + 1, scope), scope, true);
    // The last few events however old, so that a page opened on a quiet log is not empty.
    const Seq next = next_seq_;
    NewestEvents recent = newest(next > 4 * kEventsPerPush ? next - 4 * kEventsPerPush : 1, scope);
    recent.skipped = 0;
    return message("hello", recent, scope, true);
}

void StreamHub::push() {
    if (clients_.empty()) return;
    Seq next = next_seq_;
    std::map<std::pair<std::vector<std::string>, std::vector<std::string>>, Message> messages;  // by scope
    const auto clients = clients_;
    for (StreamClient* client : clients) {
        if (!gate_.is_still(client->who)) {
            client->close(websocket::close_code::policy_error, "sign in again");
            continue;
        }
        const Scope& scope = client->who.scope;
        Message& m = messages[{scope.regions, scope.tenants}];
        if (!m) {
            const NewestEvents found = newest(next_seq_, scope);
            next = std::max(next, found.next_seq);
            m = message("push", found, scope, false);
        }
        client->push(m);
        push_news(*client);
    }
    next_seq_ = next;
}

void StreamHub::push_news(StreamClient& client) {
    if (client.who.user == 0) return;
    const ReviewNews news = review_.news_of(client.who.user, client.given, kNewsMax);
    // What is not durable yet may never have been.
    if (news.items.empty() || news.newest >= telemetry_.committed_seq.load(std::memory_order_acquire)) return;
    JsonWriter json;
    json.begin_object().field("kind", "assigned").key("items").begin_array();
    for (const ReviewItem& item : news.items) {
        json.begin_object().field("id", item.id).field("queue", item.queue).field("type", item.type);
        json.field_if("subject", item.subject).field("priority", item.priority);
        if (item.due_ns != 0) json.field("due", rfc3339(item.due_ns));
        json.end_object();
    }
    if (client.tell(std::make_shared<const std::string>(json.end_array().end_object().take())))
        client.given = news.newest;
}

void StreamHub::close_all() {
    const auto clients = clients_;
    for (StreamClient* client : clients) client->close(websocket::close_code::going_away, "shutting down");
}

void serve_stream(PlainStream&& stream, const UpgradeRequest& request, StreamHub& hub, Principal who,
                  Seq since, std::shared_ptr<void> lease) {
    std::make_shared<StreamSocket<PlainStream>>(std::move(stream), hub, std::move(who), since,
                                                std::move(lease))
        ->accept(request);
}

void serve_stream(SecureStream&& stream, const UpgradeRequest& request, StreamHub& hub, Principal who,
                  Seq since, std::shared_ptr<void> lease) {
    std::make_shared<StreamSocket<SecureStream>>(std::move(stream), hub, std::move(who), since,
                                                 std::move(lease))
        ->accept(request);
}

}  // namespace penstock::http
