// The body of a request that changes something: a JSON object with known members.
#pragma once

#include <boost/json.hpp>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "admin/http/message.h"
#include "schemas/log_record.h"

namespace penstock::http {

/// A text member that people write, such as `by` and `note`.
inline constexpr size_t kTextBytesMax = 1024;

/// Reads members; keeps the first thing that is wrong.
class RequestBody {
  public:
    RequestBody(const Request& request, std::initializer_list<std::string_view> known);

    void wrong(std::string what) {
        if (fault.empty()) fault = std::move(what);
    }
    std::string text(std::string_view name, bool required = false);
    std::optional<uint64_t> number(std::string_view name, uint64_t min, uint64_t max);
    /// False where it is missing.
    bool flag(std::string_view name);
    /// An RFC 3339 instant.
    std::optional<StampNs> time(std::string_view name);

    boost::json::object members;
    std::string fault;
};

/// 400.
Response bad_body(std::string_view detail);

}  // namespace penstock::http
