// What control records say, as JSON.
#pragma once

#include <boost/json.hpp>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock {

/// Members of an object; what is missing or of another type is as if empty. Cheap to make of a part.
class RecordText {
  public:
    explicit RecordText(std::string_view text) {
        boost::json::error_code failed;
        value_ = boost::json::parse(text, failed);
        if (failed || !value_.is_object()) value_ = boost::json::object();
    }
    explicit RecordText(boost::json::value value) : value_(std::move(value)) {
        if (!value_.is_object()) value_ = boost::json::object();
    }
    const boost::json::value* find(std::string_view name) const {
        return value_.get_object().if_contains(name);
    }
    std::string text(std::string_view name) const { return text_if(name).value_or(""); }
    std::optional<std::string> text_if(std::string_view name) const {
        const boost::json::value* v = find(name);
        return v && v->is_string() ? std::optional<std::string>(v->get_string()) : std::nullopt;
    }
    int64_t number(std::string_view name, int64_t otherwise = 0) const {
        const boost::json::value* v = find(name);
        boost::json::error_code failed;
        const int64_t n = v && v->is_number() ? v->to_number<int64_t>(failed) : otherwise;
        return failed ? otherwise : n;
    }
    bool flag(std::string_view name) const {
        const boost::json::value* v = find(name);
        return v && v->is_bool() && v->get_bool();
    }
    RecordText part(std::string_view name) const {
        const boost::json::value* v = find(name);
        return RecordText(v ? *v : boost::json::value());
    }
    /// Those of a list that are objects.
    std::vector<RecordText> parts(std::string_view name) const {
        std::vector<RecordText> out;
        if (const boost::json::value* v = find(name); v && v->is_array())
            for (const boost::json::value& item : v->get_array())
                if (item.is_object()) out.push_back(RecordText(item));
        return out;
    }
    std::vector<std::string> texts(std::string_view name) const {
        std::vector<std::string> out;
        if (const boost::json::value* v = find(name); v && v->is_array())
            for (const boost::json::value& item : v->get_array())
                if (item.is_string()) out.emplace_back(item.get_string());
        return out;
    }

  private:
    boost::json::value value_;
};

inline std::optional<uint64_t> number_of(std::string_view text, int base) {
    uint64_t n = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), n, base);
    if (fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return n;
}

}  // namespace penstock
