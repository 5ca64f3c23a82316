#include "admin/http/event_rows.h"

#include <boost/json.hpp>

#include "admin/http/event_json.h"

namespace penstock::http {
namespace {

std::string_view state_of(const FoundEvent& event) { return event.waiting ? "waiting" : "stored"; }

/// Keys and groups as objects, extensions as members of the event.
void write_attributes(JsonWriter& json, const std::string& attributes) {
    boost::json::error_code failed;
    const boost::json::value all = boost::json::parse(attributes, failed);
    if (failed || !all.is_object()) return;
    for (const auto& group : all.get_object()) {
        if (!group.value().is_object()) continue;
        if (group.key() != "extensions") {
            json.key(group.key()).raw(boost::json::serialize(group.value()));
            continue;
        }
        for (const auto& pair : group.value().get_object())
            json.key(pair.key()).raw(boost::json::serialize(pair.value()));
    }
}

}  // namespace

void write_found_event(JsonWriter& json, const FoundEvent& event) {
    json.begin_object().field("seq", event.seq).field("log", event.log);
    json.field("received", rfc3339(event.received_us * 1000));
    json.field("tenant", event.tenant).field("region", event.region).field("state", state_of(event));
    if (event.withheld) json.field("withheld", true);
    json.key("event").begin_object().field("specversion", "1.0");
    json.field("id", event.id).field("source", event.source).field("type", event.type);
    json.field_if("subject", event.subject).field("time", rfc3339(event.time_us * 1000));
    if (event.severity != 0) json.field("severity", event.severity);
    if (!event.attributes.empty()) write_attributes(json, event.attributes);
    if (!event.data.empty()) write_payload(json.key("data"), event.data);
    json.end_object().end_object();
}

std::string_view csv_header() {
    return "received,time,region,tenant,log,seq,state,severity,type,source,id,subject,data,attributes\r\n";
}

void append_csv_cell(std::string& to, std::string_view text) {
    constexpr std::string_view kFormulaBegins = "=+-@\t\r";
    const bool formula = !text.empty() && kFormulaBegins.find(text.front()) != std::string_view::npos;
    if (!formula && text.find_first_of(",\"\r\n") == std::string_view::npos) {
        to += text;
        return;
    }
    to += '"';
    if (formula) to += '\'';
    for (const char c : text) {
        if (c == '"') to += '"';
        to += c;
    }
    to += '"';
}

void append_csv_row(std::string& to, const FoundEvent& event) {
    const std::string severity = event.severity == 0 ? "" : std::to_string(event.severity);
    const std::string received = rfc3339(event.received_us * 1000), time = rfc3339(event.time_us * 1000);
    const std::string seq = std::to_string(event.seq);
    const std::string_view cells[] = {
        received, time,       event.region, event.tenant, event.log,     seq,        state_of(event),
        severity, event.type, event.source, event.id,     event.subject, event.data, event.attributes};
    for (const std::string_view& cell : cells) {
        if (&cell != cells) to += ',';
        append_csv_cell(to, cell);
    }
    to += "\r\n";
}

}  // namespace penstock::http
