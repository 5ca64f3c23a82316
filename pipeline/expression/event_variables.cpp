#include "pipeline/expression/event_variables.h"

#include <boost/json.hpp>

#include "schemas/event_fields.h"

namespace penstock {

namespace {

namespace json = boost::json;

using Pairs = flatbuffers::Vector<flatbuffers::Offset<fb::Pair>>;

enum : uint32_t {
    kId,
    kSource,
    kType,
    kSubject,
    kSeverity,
    kTime,
    kReceived,
    kKeys,
    kGroups,
    kExtensions,
    kData
};

/// Containers that are handed out: the size field of a Value tells what data() points to.
enum : uint32_t { kOfJson, kOfPairs };

constexpr int kDataDepthMax = 128;

Value value_of(const json::value& v) {
    switch (v.kind()) {
        case json::kind::null:
            return Value::null();
        case json::kind::bool_:
            return Value::boolean(v.get_bool());
        case json::kind::int64:
            return Value::integer(v.get_int64());
        case json::kind::uint64:
            return Value::real(static_cast<double>(v.get_uint64()));
        case json::kind::double_:
            return Value::real(v.get_double());
        case json::kind::string:
            return Value::string({v.get_string().data(), v.get_string().size()});
        case json::kind::array:
            return Value::list(&v, kOfJson);
        case json::kind::object:
            return Value::map(&v, kOfJson);
    }
    return Value::null();
}

Value walk(const json::value& from, Path path) {
    const json::value* at = &from;
    for (const Step& step : path) {
        if (step.is_name() ? !at->is_object() : !at->is_array())
            return Value::error(EvaluationError::kWrongType);
        if (step.is_name()) {
            at = at->get_object().if_contains(json::string_view(step.name.data(), step.name.size()));
        } else {
            const json::array& array = at->get_array();
            at = step.index >= 0 && static_cast<size_t>(step.index) < array.size()
                     ? &array[static_cast<size_t>(step.index)]
                     : nullptr;
        }
        if (!at) return Value::error(EvaluationError::kNoSuchMember);
    }
    return value_of(*at);
}

Value walk(const Pairs* pairs, Path path) {
    if (path.empty()) return Value::map(pairs, kOfPairs);
    if (path.size() > 1 || !path[0].is_name()) return Value::error(EvaluationError::kWrongType);
    if (pairs)
        for (const fb::Pair* p : *pairs)
            if (view_of(p->name()) == path[0].name) return Value::string(view_of(p->value()));
    return Value::error(EvaluationError::kNoSuchMember);
}

}  // namespace

const Schema& event_schema() {
    const Type text = Type::string(), texts = Type::map(Type::string());
    static const Schema kSchema({{"id", text, kId},
                                 {"source", text, kSource},
                                 {"type", text, kType},
                                 {"subject", text, kSubject},
                                 {"severity", Type::integer(), kSeverity},
                                 {"time", Type::timestamp(), kTime},
                                 {"received", Type::timestamp(), kReceived},
                                 {"keys", texts, kKeys},
                                 {"groups", texts, kGroups},
                                 {"extensions", texts, kExtensions},
                                 {"data", Type::dyn(), kData}});
    return kSchema;
}

const json::value& EventVariables::data() const {
    if (data_) return *data_;
    memory_.emplace(buffer_.data(), buffer_.size());
    boost::system::error_code error;
    json::parse_options options;
    options.max_depth = kDataDepthMax;
    const std::string_view text = view_of(event_.data());
    // Its destructor would only give back memory that goes with the resource.
    auto* parsed = new (memory_->allocate(sizeof(json::value), alignof(json::value))) json::value(
        text.empty() ? json::value(nullptr, &*memory_) : json::parse(text, error, &*memory_, options));
    data_ = parsed;
    return *data_;
}

Value EventVariables::get(uint32_t variable, Path path) const {
    if (variable == kData) {
        if (event_.data() == nullptr) return Value::error(EvaluationError::kNoSuchMember);
        return walk(data(), path);
    }
    if (variable == kKeys) return walk(event_.keys(), path);
    if (variable == kGroups) return walk(event_.groups(), path);
    if (variable == kExtensions) return walk(event_.extensions(), path);
    if (!path.empty()) return Value::error(EvaluationError::kWrongType);
    switch (variable) {
        case kId:
            return Value::string(view_of(event_.id()));
        case kSource:
            return Value::string(view_of(event_.source()));
        case kType:
            return Value::string(view_of(event_.type()));
        case kSubject:
            return Value::string(view_of(event_.subject()));
        case kSeverity:
            return Value::integer(event_.severity());
        case kTime:
            return Value::timestamp(time_ns_);
        case kReceived:
            return Value::timestamp(received_ns_);
        default:
            return Value::error(EvaluationError::kNoSuchMember);
    }
}

Value EventVariables::get_in(Value container, Path path) const {
    if (container.size() == kOfPairs) return walk(static_cast<const Pairs*>(container.data()), path);
    return walk(*static_cast<const json::value*>(container.data()), path);
}

Value EventVariables::size_of(Value container) const {
    if (container.size() == kOfPairs) {
        const auto* pairs = static_cast<const Pairs*>(container.data());
        return Value::integer(pairs ? pairs->size() : 0);
    }
    const auto& v = *static_cast<const json::value*>(container.data());
    return Value::integer(static_cast<int64_t>(v.is_array() ? v.get_array().size() : v.get_object().size()));
}

Value EventVariables::each(Value list, ElementVisitor& visitor) const {
    for (const json::value& element : static_cast<const json::value*>(list.data())->get_array())
        if (!visitor.element(value_of(element))) break;
    return Value::null();
}

}  // namespace penstock
