#include "stages/sla/workflow.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <xxhash.h>

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <set>

#include "pipeline/civil/duration.h"
#include "pipeline/expression/event_variables.h"
#include "pipeline/faults.h"
#include "schemas/limits.h"
#include "stages/sla/absence.h"
#include "stages/sla/expected_arrival.h"
#include "stages/sla/key_selector.h"
#include "stages/sla/volume.h"
#include "stages/sla/workflow_graph.h"

namespace penstock {
namespace {

namespace json = boost::json;

constexpr size_t kStagesMax = 2'000, kEdgesMax = 10'000, kCalendarsMax = 100;
/// A century: deadlines stay inside 64 bits of nanoseconds.
constexpr int64_t kWithinNsMax = 100LL * 366 * 86'400'000'000'000;
constexpr size_t kRunbookBytesMax = 2'048;
constexpr size_t kGroupsMax = 8;
constexpr int64_t kLoopMax = 200;
/// Share of an edge's span after which it is at risk, where the document names its stages.
constexpr double kAmber = 0.8;

uint64_t hash_of(std::string_view text) { return XXH3_64bits(text.data(), text.size()); }

/// Reads one document; faults are gathered.
class Reader {
  public:
    Workflow read(const json::value& root) {
        if (!root.is_object()) throw WorkflowError("/: must be an object with name, key and edges");
        const json::object& object = root.get_object();
        check_members(object,
                      {"name", "description", "tenant", "key", "groups", "alerts_by", "calendars", "disorder",
                       "order", "expected", "absence", "volume", "stages", "edges"},
                      "", faults_);
        w_.name = read_text(object, "name", "", faults_);
        const bool clock_only =
            !object.if_contains("edges") && !object.if_contains("stages") &&
            (object.if_contains("expected") || object.if_contains("absence") || object.if_contains("volume"));
        if (!clock_only || object.if_contains("key")) w_.key_text = read_text(object, "key", "", faults_);
        if (!w_.key_text.empty())
            w_.key = parse_key_selector(w_.key_text, "/key", faults_).value_or(KeySelector{});
        if (const json::value* d = object.if_contains("description"); d && !d->is_string())
            faults_.add("/description", "must be a string");
        if (object.if_contains("tenant")) w_.tenant = read_text(object, "tenant", "", faults_);
        read_groups(object);
        read_order(object);
        if (const json::value* calendars = object.if_contains("calendars")) read_calendars(*calendars);
        if (const json::value* stages = object.if_contains("stages")) read_stages(*stages);
        read_watches<ExpectedRules>(object, "expected", read_expected, make_expected);
        read_watches<AbsenceRules>(object, "absence", read_absence, make_absence);
        read_watches<VolumeRules>(object, "volume", read_volume, make_volume);
        if (!clock_only) read_edges(object.if_contains("edges"));
        if (faults_.count() == 0) connect(w_, faults_);
        if (faults_.count() > 0) throw WorkflowError(faults_.text());
        return std::move(w_);
    }

  private:
    using Object = json::object;

    const json::array* array_of(const json::value* value, std::string_view pointer, size_t most,
                                std::string_view what) {
        if (value && value->is_array() && !value->get_array().empty() && value->get_array().size() <= most)
            return &value->get_array();
        faults_.add(pointer, fmt::format("must be an array of 1 to {} {}", most, what));
        return nullptr;
    }
    const Object* object_of(const json::value& value, const std::string& pointer, std::string_view members) {
        if (value.is_object()) return &value.get_object();
        faults_.add(pointer, fmt::format("must be an object with {}", members));
        return nullptr;
    }
    /// 0 with a fault.
    int64_t duration(const json::value& value, const std::string& pointer, int64_t least_ns) {
        if (!value.is_string()) {
            faults_.add(pointer, "must be a duration as text, for example \"90s\" or \"1h30m\"");
            return 0;
        }
        try {
            const int64_t ns = parse_duration(std::string_view(value.get_string()));
            if (ns >= least_ns && ns <= kWithinNsMax) return ns;
            faults_.add(pointer, least_ns > 0 ? "must be longer than nothing and at most a century"
                                              : "must be at most a century");
        } catch (const CivilError& e) {
            faults_.add(pointer, e.what());
        }
        return 0;
    }
    bool flag(const Object& object, std::string_view name, const std::string& pointer) {
        const json::value* v = object.if_contains(name);
        if (!v) return false;
        if (v->is_bool()) return v->get_bool();
        faults_.add(member_pointer(pointer, name), "must be true or false");
        return false;
    }
    /// The place of a word in a list; the first where it is not given.
    size_t choice(const Object& object, std::string_view name, const std::string& pointer,
                  std::initializer_list<std::string_view> words, size_t otherwise) {
        const json::value* v = object.if_contains(name);
        if (!v) return otherwise;
        const auto it = v->is_string()
                            ? std::find(words.begin(), words.end(), std::string_view(v->get_string()))
                            : words.end();
        if (it != words.end()) return static_cast<size_t>(it - words.begin());
        faults_.add(member_pointer(pointer, name), fmt::format("must be one of {}", fmt::join(words, ", ")));
        return otherwise;
    }

    template <typename Rules, typename Read, typename Make>
    void read_watches(const Object& object, std::string_view name, Read read_rules, Make make) {
        const json::value* value = object.if_contains(name);
        if (!value) return;
        const auto calendar = [this](std::string_view of) {
            const auto it = calendars_.find(of);
            return it == calendars_.end() ? nullptr : it->second;
        };
        for (const auto& rule : Rules(read_rules(*value, member_pointer("", name), calendar, faults_)))
            w_.watches.push_back({rule->watch, [rule, make](uint16_t tenant) { return make(rule, tenant); }});
    }

    void read_groups(const Object& object) {
        if (const json::value* groups = object.if_contains("groups")) {
            const json::array* fields = array_of(groups, "/groups", kGroupsMax, "attributes");
            for (size_t i = 0; fields && i < fields->size(); ++i) {
                const std::string pointer = member_pointer("/groups", i);
                if (!(*fields)[i].is_string()) {
                    faults_.add(pointer, "must be text, for example \"groups.market\"");
                    continue;
                }
                const std::string text((*fields)[i].get_string());
                const size_t dot = text.rfind('.');
                w_.groups.push_back({dot == text.npos ? text : text.substr(dot + 1),
                                     parse_key_selector(text, pointer, faults_).value_or(KeySelector{}),
                                     false});
                group_texts_.push_back(text);
            }
        }
        const json::value* by = object.if_contains("alerts_by");
        const json::array* fields = by ? array_of(by, "/alerts_by", kGroupsMax, "of /groups") : nullptr;
        for (size_t i = 0; fields && i < fields->size(); ++i) {
            const json::value& v = (*fields)[i];
            const auto it = v.is_string() ? std::find(group_texts_.begin(), group_texts_.end(),
                                                      std::string_view(v.get_string()))
                                          : group_texts_.end();
            if (it == group_texts_.end())
                faults_.add(member_pointer("/alerts_by", i), "must be one of /groups; add it there");
            else
                w_.groups[static_cast<size_t>(it - group_texts_.begin())].tells_alerts_apart = true;
        }
    }

    void read_order(const Object& object) {
        if (const json::value* disorder = object.if_contains("disorder"))
            w_.disorder_ns = duration(*disorder, "/disorder", 0);
        const json::value* order = object.if_contains("order");
        if (!order) return;
        const Object* o = object_of(*order, "/order", "unexpected, out_of_order and duplicate");
        if (!o) return;
        check_members(*o, {"unexpected", "out_of_order", "duplicate"}, "/order", faults_);
        const auto policy = [&](std::string_view name) {
            return static_cast<OnDisorder>(choice(*o, name, "/order", {"drop", "flag", "alert"}, 1));
        };
        w_.unexpected = policy("unexpected");
        w_.out_of_order = policy("out_of_order");
        w_.duplicate = policy("duplicate");
    }

    void read_calendars(const json::value& value) {
        const json::array* calendars = array_of(&value, "/calendars", kCalendarsMax, "calendars");
        for (size_t i = 0; calendars && i < calendars->size(); ++i) {
            const std::string pointer = member_pointer("/calendars", i);
            auto calendar = read_calendar((*calendars)[i], pointer, faults_);
            if (!calendar) continue;
            const std::string name = calendar->name();
            if (!calendars_.emplace(name, std::make_shared<const Calendar>(std::move(*calendar))).second)
                faults_.add(pointer + "/name",
                            fmt::format("'{}' is taken; give each calendar its own name", name));
        }
    }

    void read_stages(const json::value& value) {
        w_.long_form = true;
        const json::array* stages = array_of(&value, "/stages", kStagesMax, "stages");
        for (size_t i = 0; stages && i < stages->size(); ++i) {
            const std::string pointer = member_pointer("/stages", i);
            const Object* o = object_of((*stages)[i], pointer, "name and type");
            if (!o) continue;
            check_members(*o, {"name", "type", "when", "terminal", "optional", "exclusive", "join"}, pointer,
                          faults_);
            WorkflowStage stage;
            stage.name = read_text(*o, "name", pointer, faults_);
            // Often one event type is one stage; a join is often reached by no event of its own.
            const json::value* join = o->if_contains("join");
            stage.type = o->if_contains("type") ? read_text(*o, "type", pointer, faults_)
                         : join                 ? std::string()
                                                : stage.name;
            if (!stage.type.empty()) stage.type_hash = hash_of(stage.type);
            if (stage.type.empty() && o->if_contains("when"))
                faults_.add(pointer + "/when", "needs the \"type\" of the events that it is about");
            stage.when = condition(*o, pointer);
            stage.terminal = static_cast<WorkflowStage::Terminal>(
                choice(*o, "terminal", pointer, {"success", "failure"}, SIZE_MAX) + 1);
            stage.optional = flag(*o, "optional", pointer);
            stage.exclusive = flag(*o, "exclusive", pointer);
            if (!stage_of_.emplace(stage.name, static_cast<uint32_t>(w_.stages.size())).second)
                faults_.add(pointer + "/name",
                            fmt::format("'{}' is taken; give each stage its own name", stage.name));
            w_.stages.push_back(std::move(stage));
        }
        for (size_t i = 0; stages && i < stages->size() && i < w_.stages.size(); ++i)
            if (const Object* o = (*stages)[i].if_object(); o && o->if_contains("join")) read_join(*o, i);
    }

    void read_join(const Object& object, size_t stage) {
        const std::string pointer = member_pointer("/stages", stage) + "/join";
        const json::array* members = array_of(object.if_contains("join"), pointer, kStagesMax, "stages");
        for (size_t i = 0; members && i < members->size(); ++i) {
            const json::value& v = (*members)[i];
            const auto it =
                v.is_string() ? stage_of_.find(std::string_view(v.get_string())) : stage_of_.end();
            if (it == stage_of_.end())
                faults_.add(member_pointer(pointer, i), "is no stage of /stages; write the name of one");
            else if (it->second == stage)
                faults_.add(member_pointer(pointer, i), "is the join itself; write the stages before it");
            else
                w_.stages[stage].joins.push_back(it->second);
        }
    }

    std::optional<Expression> condition(const Object& object, const std::string& pointer) {
        if (!object.if_contains("when")) return std::nullopt;
        const std::string text = read_text(object, "when", pointer, faults_);
        if (text.empty()) return std::nullopt;
        try {
            return Expression::compile(text, event_schema());
        } catch (const ExpressionError& e) {
            faults_.add(pointer + "/when", e.what());
            return std::nullopt;
        }
    }

    void read_edges(const json::value* value) {
        const json::array* edges = array_of(value, "/edges", kEdgesMax, "edges");
        for (size_t i = 0; edges && i < edges->size(); ++i) {
            const std::string pointer = member_pointer("/edges", i);
            const Object* o = object_of((*edges)[i], pointer, "from, to and within");
            if (!o) continue;
            check_members(*o,
                          {"name", "from", "to", "within", "within_ms", "hours", "anchor", "grace", "amber",
                           "loop", "severity", "runbook", "escalation"},
                          pointer, faults_);
            Edge edge;
            edge.from = stage_of(*o, "from", pointer);
            edge.to = stage_of(*o, "to", pointer);
            edge.within_ns = within(*o, pointer);
            edge.anchor =
                static_cast<Edge::Anchor>(choice(*o, "anchor", pointer, {"first", "last", "each"}, 0));
            if (const json::value* grace = o->if_contains("grace"))
                edge.grace_ns = duration(*grace, pointer + "/grace", 0);
            read_amber(*o, pointer, edge);
            read_loop(*o, pointer, edge);
            read_hours(*o, pointer, edge);
            read_severity(*o, pointer, edge);
            if (o->if_contains("runbook")) {
                edge.runbook = read_text(*o, "runbook", pointer, faults_);
                if (!edge.runbook.starts_with("https://") && !edge.runbook.starts_with("http://"))
                    faults_.add(pointer + "/runbook", "must be a link that begins with https:// or http://");
                if (edge.runbook.size() > kRunbookBytesMax)
                    faults_.add(pointer + "/runbook",
                                fmt::format("must have at most {} bytes", kRunbookBytesMax));
            }
            if (o->if_contains("escalation")) edge.escalation = read_text(*o, "escalation", pointer, faults_);
            if (o->if_contains("name")) edge.name = read_text(*o, "name", pointer, faults_);
            w_.edges.push_back(std::move(edge));
        }
    }

    uint32_t stage_of(const Object& object, std::string_view name, const std::string& pointer) {
        const std::string text = read_text(object, name, pointer, faults_);
        if (text.empty()) return 0;
        const auto it = stage_of_.find(text);
        if (it != stage_of_.end()) return it->second;
        if (w_.long_form) {
            std::vector<std::string_view> known;
            for (const WorkflowStage& s : w_.stages) known.push_back(s.name);
            const std::string_view meant = nearest(text, known);
            faults_.add(
                member_pointer(pointer, name),
                fmt::format("'{}' is no stage of /stages{}", text,
                            meant.empty() ? "; add it there" : fmt::format("; did you mean '{}'?", meant)));
            return 0;
        }
        const auto number = static_cast<uint32_t>(w_.stages.size());
        WorkflowStage stage;
        stage.name = stage.type = text;
        stage.type_hash = hash_of(text);
        w_.stages.push_back(std::move(stage));
        stage_of_.emplace(text, number);
        return number;
    }

    int64_t within(const Object& object, const std::string& pointer) {
        const json::value* text = object.if_contains("within");
        const json::value* ms = object.if_contains("within_ms");
        if ((text != nullptr) == (ms != nullptr)) {
            faults_.add(pointer + "/within", text ? "stands beside within_ms; give one of them"
                                                  : "is missing; write for example \"within\": \"5m\"");
            return 0;
        }
        if (ms) {
            const int64_t most = kWithinNsMax / 1'000'000;
            if (ms->is_int64() && ms->get_int64() >= 0 && ms->get_int64() <= most)
                return ms->get_int64() * 1'000'000;
            faults_.add(pointer + "/within_ms",
                        fmt::format("must be an integer of milliseconds from 0 to {}", most));
            return 0;
        }
        return duration(*text, pointer + "/within", 1);
    }

    void read_hours(const Object& object, const std::string& pointer, Edge& edge) {
        if (!object.if_contains("hours")) return;
        const std::string name = read_text(object, "hours", pointer, faults_);
        if (name.empty()) return;
        const auto it = calendars_.find(name);
        if (it == calendars_.end())
            faults_.add(pointer + "/hours",
                        fmt::format("'{}' is no calendar of /calendars; add it there", name));
        else
            edge.hours = it->second;
    }

    void read_amber(const Object& object, const std::string& pointer, Edge& edge) {
        const json::value* v = object.if_contains("amber");
        edge.amber = w_.long_form ? kAmber : 0;
        if (!v) return;
        boost::system::error_code error;
        const double share = v->to_number<double>(error);
        if (!error && share > 0 && share <= 1)
            edge.amber = share < 1 ? share : 0;
        else
            faults_.add(pointer + "/amber",
                        "must be a share of within, above 0 and at most 1 (never at risk)");
    }

    void read_loop(const Object& object, const std::string& pointer, Edge& edge) {
        const json::value* v = object.if_contains("loop");
        if (!v) return;
        if (v->is_int64() && v->get_int64() >= 0 && v->get_int64() <= kLoopMax)
            edge.loop_max = static_cast<int32_t>(v->get_int64());
        else
            faults_.add(pointer + "/loop",
                        fmt::format("must be how often it leads back at most, 0 to {}", kLoopMax));
    }

    void read_severity(const Object& object, const std::string& pointer, Edge& edge) {
        const json::value* v = object.if_contains("severity");
        if (!v) return;
        if (v->is_int64() && v->get_int64() >= 1 && v->get_int64() <= 5)
            edge.severity = static_cast<uint8_t>(v->get_int64());
        else
            faults_.add(pointer + "/severity", "must be an integer from 1 to 5, 5 the worst");
    }

    Workflow w_;
    Faults faults_;
    std::vector<std::string> group_texts_;
    std::map<std::string, uint32_t, std::less<>> stage_of_;
    std::map<std::string, std::shared_ptr<const Calendar>, std::less<>> calendars_;
};

}  // namespace

Workflow parse_workflow(std::string_view document) {
    try {
        Workflow w = Reader().read(parse_json_document(document));
        w.document = document;
        return w;
    } catch (const CivilError& e) {
        throw WorkflowError(e.what());
    }
}

}  // namespace penstock
