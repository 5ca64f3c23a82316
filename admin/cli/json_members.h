// Members of the API's answers; what is missing or of another type is empty.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::cli {

inline std::string text_at(const boost::json::object& o, std::string_view name) {
    const boost::json::value* v = o.if_contains(name);
    return v && v->is_string() ? std::string(v->get_string()) : std::string();
}

inline uint64_t number_at(const boost::json::object& o, std::string_view name) {
    const boost::json::value* v = o.if_contains(name);
    boost::json::error_code failed;
    return v && v->is_number() ? v->to_number<uint64_t>(failed) : 0;
}

inline const boost::json::array& list_at(const boost::json::object& o, std::string_view name) {
    static const boost::json::array kNone;
    const boost::json::value* v = o.if_contains(name);
    return v && v->is_array() ? v->get_array() : kNone;
}

inline bool flag_at(const boost::json::object& o, std::string_view name) {
    const boost::json::value* v = o.if_contains(name);
    return v && v->is_bool() && v->get_bool();
}

}  // namespace penstock::cli
