// What is wrong with a document, and when its rules are due next: for who is writing it.
#include <boost/json.hpp>
#include <map>

#include "admin/http/workflow_json.h"
#include "admin/http/workflows.h"
#include "pipeline/civil/schedule.h"

namespace penstock::http {
namespace {

namespace json = boost::json;
constexpr int kDueShown = 5;

const json::array& members_of(const json::object& document, std::string_view name) {
    static const json::array none;
    const json::value* found = document.if_contains(name);
    return found && found->is_array() ? found->get_array() : none;
}

std::string text_of(const json::object& object, std::string_view name) {
    const json::value* found = object.if_contains(name);
    return found && found->is_string() ? std::string(found->get_string()) : std::string();
}

/// [{"rule","zone","at"}] of the rules of "expected" whose schedule has no fault.
void write_due(JsonWriter& out, const json::object& document, StampNs now_ns) {
    Faults ignored;
    std::map<std::string, std::shared_ptr<const Calendar>> calendars;
    for (const json::value& value : members_of(document, "calendars"))
        if (auto calendar = read_calendar(value, "", ignored))
            calendars[calendar->name()] = std::make_shared<const Calendar>(*calendar);
    const CalendarLookup lookup = [&](std::string_view name) {
        const auto found = calendars.find(std::string(name));
        return found == calendars.end() ? nullptr : found->second;
    };
    out.begin_array();
    for (const json::value& value : members_of(document, "expected")) {
        const json::object* rule = value.if_object();
        const json::value* due = rule ? rule->if_contains("due") : nullptr;
        const auto schedule = due ? read_schedule(*due, "", lookup, ignored) : std::nullopt;
        if (!schedule) continue;
        out.begin_object().field("rule", text_of(*rule, "name")).field("zone", schedule->zone().name());
        out.key("at").begin_array();
        StampNs after = now_ns;
        for (int i = 0; i < kDueShown; ++i) {
            const auto next = schedule->next(after);
            if (!next) break;
            out.value(rfc3339(next->due_ns));
            after = next->due_ns;
        }
        out.end_array().end_object();
    }
    out.end_array();
}

}  // namespace

Response WorkflowDoor::check(const Request& request) const {
    const std::string faults = access_.faults_of(request.body);
    json::error_code failed;
    const json::value document = json::parse(request.body, failed);
    JsonWriter out;
    out.begin_object().key("faults");
    write_faults(out, faults);
    out.key("due");
    write_due(out, !failed && document.is_object() ? document.get_object() : json::object(),
              clock_.wall_ns());
    Response answer;
    answer.body = out.end_object().take();
    return answer;
}

}  // namespace penstock::http
