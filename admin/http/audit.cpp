#include "admin/http/audit.h"

#include "admin/http/paging.h"
#include "admin/http/text.h"
#include "pipeline/audit_chain.h"

namespace penstock::http {

Response AuditDoor::list(const Request& request) const {
    Parameters parameters(request.query, {"limit", "before", "by", "action", "target", "from", "to"});
    const size_t limit = parameters.number("limit", kItemsDefault, 1, kItemsMax);
    const uint64_t before = parameters.number("before", kNewest, 1, kNewest);
    AuditFilter filter;
    filter.by = parameters.text("by");
    filter.action = parameters.text("action");
    filter.target = parameters.text("target");
    filter.from_ns = parameters.time("from", 0);
    filter.to_ns = parameters.time("to", 0);
    if (!parameters.errors.empty()) return bad_parameters(parameters.errors);
    AuditPage page = trail_.entries(filter, before, limit);
    JsonWriter out;
    out.begin_object().key("items").begin_array();
    for (const AuditEntry& e : page.entries) {
        out.begin_object().field("number", e.number).field("seq", e.seq).field("at", rfc3339(e.at_ns));
        out.field("action", e.action).field("target", e.target).field("by", e.by).field_if("address", e.peer);
        out.field("done", e.done).field_if("before", e.before).field_if("after", e.after);
        out.field_if("why", e.why).field("chain", hex_of(e.chain)).end_object();
    }
    out.end_array().key("next");
    std::string next;
    if (page.more_below != 0) {
        next = fmt::format("{}?limit={}&before={}", request.path, limit, page.more_below);
        for (const char* name : {"by", "action", "target", "from", "to"})
            if (const std::string value = parameters.text(name); !value.empty())
                next += fmt::format("&{}={}", name, percent_encode(value));
    }
    next.empty() ? out.null() : out.value(next);
    Response answer;
    answer.body = out.end_object().take();
    if (!next.empty()) answer.header("Link", fmt::format("<{}>; rel=\"next\"", next));
    return answer;
}

Response AuditDoor::head(const Request&) const {
    const AuditHead head = trail_.head();
    Response answer;
    answer.body = JsonWriter()
                      .begin_object()
                      .field("number", head.number)
                      .field("chain", hex_of(head.chain))
                      .end_object()
                      .take();
    return answer;
}

}  // namespace penstock::http
