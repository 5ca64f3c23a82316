// The hot log's events over HTTP.
#pragma once

#include "admin/http/events.h"
#include "admin/http/message.h"

namespace penstock::http {

/// The HTTP thread.
class HotLogDoor {
  public:
    explicit HotLogDoor(const EventQueries& queries) : queries_(queries) {}

    Response list(const Request& request) const;
    Response show(const Request& request, std::string_view seq) const;

  private:
    const EventQueries& queries_;
};

}  // namespace penstock::http
