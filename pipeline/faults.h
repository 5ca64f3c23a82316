// Reading JSON documents so that all their faults are told at once, each with the place and how to mend it.
#pragma once

#include <boost/json/fwd.hpp>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace penstock {

/// A zone, duration, calendar or schedule that cannot be used. Of documents: one line a fault,
/// "/holidays/3/date: '2026-02-30' is not a date; write it as 2026-12-25".
struct CivilError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class Faults {
  public:
    /// `pointer`: JSON pointer (RFC 6901); that of the whole document, "", is written as "/".
    void add(std::string_view pointer, std::string_view what);
    size_t count() const { return count_; }
    const std::string& text() const { return text_; }
    void raise() const {
        if (count_ > 0) throw CivilError(text_);
    }

  private:
    std::string text_;
    size_t count_ = 0;
};

/// The pointer of a member, with ~ and / escaped.
std::string member_pointer(std::string_view pointer, std::string_view name);
std::string member_pointer(std::string_view pointer, size_t index);

/// Parses text into one value. Throws CivilError when it is too long or not JSON.
boost::json::value parse_json_document(std::string_view document);

void check_members(const boost::json::object& object, std::initializer_list<std::string_view> known,
                   std::string_view pointer, Faults& faults);
/// The non-empty string that must be there; without it a fault and an empty string.
std::string read_text(const boost::json::object& object, std::string_view name, std::string_view pointer,
                      Faults& faults);

}  // namespace penstock
