// An event's variables, from one JSON text: for the tests of expressions.
#pragma once

#include <fmt/format.h>

#include <boost/json.hpp>
#include <string>

#include "pipeline/expression/expression.h"

namespace penstock::test {

/// {"id": ..., "severity": 3, "time": nanoseconds, "age": nanoseconds, "keys": {...}, "data": ...}.
/// A variable that is left out has no value.
class JsonVariables final : public Variables {
  public:
    explicit JsonVariables(std::string_view event) : event_(boost::json::parse(event).as_object()) {}

    static const Schema& schema() {
        const Type text = Type::string(), texts = Type::map(Type::string());
        static const Schema kSchema({{"id", text, 0},
                                     {"source", text, 1},
                                     {"type", text, 2},
                                     {"subject", text, 3},
                                     {"region", text, 4},
                                     {"tenant", text, 5},
                                     {"severity", Type::integer(), 6},
                                     {"score", Type::real(), 7},
                                     {"test", Type::boolean(), 8},
                                     {"time", Type::timestamp(), 9},
                                     {"received", Type::timestamp(), 10},
                                     {"age", Type::duration(), 11},
                                     {"keys", texts, 12},
                                     {"groups", texts, 13},
                                     {"tags", Type::list(text), 14},
                                     {"counts", Type::list(Type::integer()), 15},
                                     {"data", Type::dyn(), 16}});
        return kSchema;
    }

    Value get(uint32_t variable, Path path) const override {
        ++reads;
        const Variable& v = schema().variables()[variable];
        const boost::json::value* found = event_.if_contains(v.name);
        if (!found) return Value::error(EvaluationError::kNoSuchMember);
        if (v.type == Type::timestamp()) return Value::timestamp(found->as_int64());
        if (v.type == Type::duration()) return Value::duration(found->as_int64());
        return walk(*found, path);
    }
    Value get_in(Value container, Path path) const override { return walk(json_of(container), path); }
    Value size_of(Value container) const override {
        const boost::json::value& json = json_of(container);
        return Value::integer(
            static_cast<int64_t>(json.is_array() ? json.get_array().size() : json.get_object().size()));
    }
    Value each(Value list, ElementVisitor& visitor) const override {
        for (const boost::json::value& element : json_of(list).as_array())
            if (!visitor.element(value_of(element))) break;
        return Value::null();
    }

    mutable size_t reads = 0;

  private:
    static const boost::json::value& json_of(Value container) {
        return *static_cast<const boost::json::value*>(container.data());
    }
    static Value value_of(const boost::json::value& json) {
        switch (json.kind()) {
            case boost::json::kind::null:
                return Value::null();
            case boost::json::kind::bool_:
                return Value::boolean(json.get_bool());
            case boost::json::kind::int64:
                return Value::integer(json.get_int64());
            case boost::json::kind::uint64:
                return Value::real(static_cast<double>(json.get_uint64()));
            case boost::json::kind::double_:
                return Value::real(json.get_double());
            case boost::json::kind::string:
                return Value::string({json.get_string().data(), json.get_string().size()});
            case boost::json::kind::array:
                return Value::list(&json, 0);
            case boost::json::kind::object:
                return Value::map(&json, 0);
        }
        return Value::null();
    }
    static Value walk(const boost::json::value& from, Path path) {
        const boost::json::value* at = &from;
        for (const Step& step : path) {
            if (step.is_name() ? !at->is_object() : !at->is_array())
                return Value::error(EvaluationError::kWrongType);
            at = step.is_name() ? at->get_object().if_contains(step.name)
                 : step.index < static_cast<int64_t>(at->get_array().size())
                     ? &at->get_array()[static_cast<size_t>(step.index)]
                     : nullptr;
            if (!at) return Value::error(EvaluationError::kNoSuchMember);
        }
        return value_of(*at);
    }

    boost::json::object event_;
};

/// A value as a short text: 3, 2.5, "text", null, true, 5ns, @5ns (an instant), [1, 2], {..}; an error as
/// !Name.
inline std::string shown(Value v, const Variables& variables) {
    switch (v.kind()) {
        case Value::Kind::kError: {
            constexpr const char* kNames[] = {"NoSuchMember", "WrongType",      "NotBool",
                                              "Overflow",     "DivisionByZero", "BadText",
                                              "ListTooLong",  "TooMuchWork",    "TooLarge"};
            return fmt::format("!{}", kNames[static_cast<size_t>(v.as_error())]);
        }
        case Value::Kind::kNull:
            return "null";
        case Value::Kind::kBool:
            return v.as_bool() ? "true" : "false";
        case Value::Kind::kInt:
            return fmt::format("{}", v.as_int());
        case Value::Kind::kDouble:
            return fmt::format("{}", v.as_double());
        case Value::Kind::kString:
            return fmt::format("\"{}\"", v.as_string());
        case Value::Kind::kTimestamp:
            return fmt::format("@{}ns", v.as_timestamp());
        case Value::Kind::kDuration:
            return fmt::format("{}ns", v.as_duration_ns());
        case Value::Kind::kList: {
            std::string out;
            struct Show final : ElementVisitor {
                bool element(Value value) override {
                    (*out += out->empty() ? "" : ", ") += shown(value, *variables);
                    return true;
                }
                std::string* out;
                const Variables* variables;
            } show;
            show.out = &out, show.variables = &variables;
            if (v.is_plain_list())
                for (const Value& one : v.as_plain_list()) show.element(one);
            else
                variables.each(v, show);
            return fmt::format("[{}]", out);
        }
        case Value::Kind::kMap:
            return "{..}";
    }
    return "?";
}

}  // namespace penstock::test
