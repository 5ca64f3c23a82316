// The live stream: one message is made for all clients, twice a second, and only while somebody listens.
#pragma once

#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <memory>
#include <string>
#include <unordered_set>

#include "admin/http/events.h"
#include "admin/http/gate.h"
#include "admin/http/status.h"
#include "schemas/review.h"

namespace penstock::http {

using PlainStream = boost::beast::tcp_stream;
using SecureStream = boost::beast::ssl_stream<boost::beast::tcp_stream>;

class StreamClient;
template <typename Stream>
class StreamSocket;

/// Knows the clients and makes their messages. Lives in the HTTP thread.
class StreamHub {
  public:
    StreamHub(const Telemetry& telemetry, const Clock& clock, const Sampler& sampler,
              const EventQueries& queries, const Gate& gate, const ReviewReader& review, Counters& counters)
        : telemetry_(telemetry),
          clock_(clock),
          sampler_(sampler),
          queries_(queries),
          gate_(gate),
          review_(review),
          counters_(counters) {}

    bool empty() const { return clients_.empty(); }
    /// Sends the present state to every client that has taken the last one, each what it may see. Who may
    /// see nothing any more is closed.
    void push();
    void close_all();

    /// Called when the first client comes, so that the rhythm can quicken.
    std::function<void()> on_first_client;
    /// Called when the last one has gone; may be empty.
    std::function<void()> on_last_left;

    using Message = std::shared_ptr<const std::string>;

  private:
    template <typename Stream>
    friend class StreamSocket;
    void join(StreamClient* client);
    void leave(StreamClient* client);
    /// What a new client begins with: also the curve of the last minutes, and the newest events; of one that
    /// comes again, those behind `since`.
    Message hello(const Scope& scope, Seq since);
    Message message(std::string_view kind, const NewestEvents& newest, const Scope& scope,
                    bool with_trend) const;
    NewestEvents newest(Seq since, const Scope& scope);
    /// Tells a user what they were given since the last time.
    void push_news(StreamClient& client);

    const Telemetry& telemetry_;
    const Clock& clock_;
    const Sampler& sampler_;
    const EventQueries& queries_;
    const Gate& gate_;
    const ReviewReader& review_;
    Counters& counters_;
    std::unordered_set<StreamClient*> clients_;
    Seq next_seq_ = 1;  ///< events below have been pushed
};

using UpgradeRequest = boost::beast::http::request<boost::beast::http::string_body>;

/// Takes the connection over and keeps itself alive until the peer leaves. `lease` is released then. `since`:
/// the last event that the client has seen; 0: none.
void serve_stream(PlainStream&& stream, const UpgradeRequest& request, StreamHub& hub, Principal who,
                  Seq since, std::shared_ptr<void> lease);
void serve_stream(SecureStream&& stream, const UpgradeRequest& request, StreamHub& hub, Principal who,
                  Seq since, std::shared_ptr<void> lease);

}  // namespace penstock::http
