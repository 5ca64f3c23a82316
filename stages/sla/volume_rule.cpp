// The reader of `volume`.
#include <boost/json.hpp>

#include "stages/sla/tumbling.h"
#include "stages/sla/volume.h"
#include "stages/sla/watch_rule.h"

namespace penstock {

namespace json = boost::json;

namespace {

constexpr size_t kByMax = 8;
constexpr int64_t kBoundMax = 1'000'000'000'000;
constexpr uint32_t kBaselineWindows = 12, kBaselineWindowsMax = 168;
constexpr int64_t kLatenessWindowsMax = 1'000;

std::optional<uint64_t> bound(RuleReader& reader, std::string_view name) {
    const json::value* v = reader.find(name);
    if (!v) return std::nullopt;
    if (v->is_int64() && v->get_int64() >= 0 && v->get_int64() <= kBoundMax)
        return static_cast<uint64_t>(v->get_int64());
    reader.fault(name, "must be an integer of events from 0 to 1000000000000");
    return std::nullopt;
}

double share(RuleReader& reader, std::string_view name, double above, double most, std::string_view what) {
    const json::value* v = reader.find(name);
    if (!v) return 0;
    if (v->is_number()) {
        const double share = v->to_number<double>();
        if (share > above && share <= most) return share;
    }
    reader.fault(name, what);
    return 0;
}

void read_window(RuleReader& reader, VolumeRule& rule) {
    if (!reader.has("window")) reader.fault("window", "is missing; write for example \"window\": \"5m\"");
    const auto window_ns = reader.duration("window", kSecondNs, 31 * kDayNs);
    rule.window_ns = window_ns.value_or(kSecondNs);
    if (reader.has("zone")) {
        rule.zone = reader.zone();
        if (window_ns && !Tumbling::fits(rule.window_ns))
            reader.fault("window",
                         "must divide an hour, or be hours that divide a day, or whole days, where "
                         "there is a zone");
    }
    const auto lateness_ns = reader.duration("lateness", 0, kDayNs);
    rule.lateness_ns = lateness_ns.value_or(30 * kSecondNs);
    if (window_ns && lateness_ns && rule.lateness_ns / rule.window_ns > kLatenessWindowsMax)
        reader.fault("lateness", "must be at most a thousand windows");
}

void read_bounds(RuleReader& reader, VolumeRule& rule) {
    rule.min = bound(reader, "min");
    rule.max = bound(reader, "max");
    if (rule.min && rule.max && *rule.min > *rule.max) reader.fault("min", "must not be above max");
    rule.drop =
        share(reader, "drop", 0, 1, "must be a share of the baseline above 0, at most 1, for example 0.5");
    rule.spike =
        share(reader, "spike", 1, 1e6, "must be a multiple of the baseline above 1, for example 3.0");
    const bool by_baseline = reader.has("drop") || reader.has("spike");
    if (!by_baseline && !reader.has("min") && !reader.has("max"))
        reader.fault("min", "is missing; give one of min, max, drop and spike");
    rule.baseline_windows = kBaselineWindows;
    if (const json::value* v = reader.find("baseline_windows")) {
        if (v->is_int64() && v->get_int64() >= 1 && v->get_int64() <= kBaselineWindowsMax)
            rule.baseline_windows = static_cast<uint32_t>(v->get_int64());
        else
            reader.fault("baseline_windows", "must be an integer from 1 to 168");
        if (!by_baseline)
            reader.fault("baseline_windows", "means nothing without drop and spike; leave it out");
    }
}

}  // namespace

VolumeRules read_volume(const json::value& value, std::string_view pointer, const CalendarLookup&,
                        Faults& faults) {
    VolumeRules out;
    read_rules(
        value, pointer,
        {"name", "type", "when", "by", "window", "zone", "lateness", "min", "max", "drop", "spike",
         "baseline_windows", "severity", "runbook", "escalation"},
        faults, [&](RuleReader& reader) {
            auto rule = std::make_shared<VolumeRule>();
            reader.common(RuleView::Kind::kVolume, rule->watch);
            const std::vector<std::string> by = reader.texts("by", kByMax);
            for (size_t i = 0; i < by.size(); ++i)
                if (auto s = parse_key_selector(by[i], member_pointer(reader.pointer("by"), i), faults))
                    rule->by.push_back({by[i].substr(by[i].rfind('.') + 1), std::move(*s)});
            read_window(reader, *rule);
            read_bounds(reader, *rule);
            out.push_back(rule);
            return rule->watch.name;
        });
    return out;
}

}  // namespace penstock
