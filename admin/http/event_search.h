// Searches, statistics and exports over all events, wherever they lie (docs/queries.md).
#pragma once

#include <functional>
#include <memory>

#include "admin/http/control_asker.h"
#include "admin/http/counters.h"
#include "admin/http/message.h"
#include "admin/http/paging.h"
#include "admin/http/query_cache.h"
#include "admin/http/query_threads.h"
#include "storage/event_search.h"

namespace penstock::http {

/// The HTTP thread; what takes time is done on threads of its own. All references outlive it.
class EventSearchDoor {
  public:
    using Post = ControlAsker::Post;
    static constexpr size_t kExportsMax = 2;

    /// `search` null: there are no events here to be found.
    EventSearchDoor(EventSearch* search, ControlAsker& asker, Counters& counters, Post post)
        : search_(search), asker_(asker), counters_(counters), post_(std::move(post)) {}

    void search(const Request& request, const Answer& answer);
    void statistics(const Request& request, const Answer& answer);
    void export_events(const Request& request, const Answer& answer);

    /// Ends what is under way, before the server's sockets go. Any thread but its own.
    void stop();

  private:
    class Export;
    struct Made {
        Response response;
        std::string mark;  ///< empty: not to be kept
    };
    bool takes(const Answer& answer);
    EventQuery read_query(Parameters& parameters, const Principal& who) const;
    EventOrder read_order(Parameters& parameters) const;
    void busy(const Answer& answer);
    /// Answers from the cache where that still holds, else by `make`, on a thread of its own.
    void answer_later(std::string question, const EventQuery& query, int64_t deadline_ns,
                      std::function<Made()> make, const Answer& answer);

    EventSearch* const search_;
    ControlAsker& asker_;
    Counters& counters_;
    Post post_;
    QueryCache cache_;
    size_t exports_ = 0;
    QueryThreads threads_;
};

}  // namespace penstock::http
