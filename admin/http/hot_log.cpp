#include "admin/http/hot_log.h"

#include <fmt/format.h>

#include "admin/http/paging.h"
#include "admin/http/text.h"

namespace penstock::http {

Response HotLogDoor::list(const Request& request) const {
    Parameters parameters(request.query, {"limit", "before", "subject", "tenant", "type", "region"});
    const size_t limit = parameters.number("limit", kItemsDefault, 1, kItemsMax);
    const Seq before = parameters.number("before", kNewest, 1, kNewest);
    const EventFilter filter{parameters.text("subject"), parameters.text("tenant"), parameters.text("type"),
                             parameters.text("region"), request.principal.scope};
    if (!parameters.errors.empty()) return bad_parameters(parameters.errors);
    return page_of_items(queries_.events(filter, limit, before), request.path, limit,
                         {{"subject", filter.subject},
                          {"tenant", filter.tenant},
                          {"type", filter.type},
                          {"region", filter.region}});
}

Response HotLogDoor::show(const Request& request, std::string_view seq) const {
    const auto number = parse_unsigned(seq);
    if (!number || *number == 0) {
        return bad_parameters({{"seq", "must be a log sequence: a whole number from 1"}});
    }
    if (auto found = queries_.event(*number, request.principal.scope)) {
        Response answer;
        answer.body = std::move(*found);
        return answer;
    }
    const Seq first = queries_.first_seq(), next = queries_.next_seq();
    return problem(404, "no-such-event", "The log holds no event with this sequence",
                   *number < first
                       ? fmt::format("the hot log begins at {}; older events are in their region", first)
                   : *number >= next ? fmt::format("the log ends before {}", next)
                                     : "the sequence belongs to a dead letter or a control record");
}

}  // namespace penstock::http
