// Lists over HTTP: a query's parameters in, a page with its cursor out.
#pragma once

#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "admin/http/events.h"
#include "admin/http/message.h"

namespace penstock::http {

inline constexpr size_t kItemsDefault = 50, kItemsMax = 500;
inline constexpr Seq kNewest = std::numeric_limits<Seq>::max();

/// The query's parameters, each at most once and each known; collects what is wrong.
class Parameters {
  public:
    Parameters(std::string_view query, std::initializer_list<std::string_view> known);

    std::string text(std::string_view name) const;
    uint64_t number(std::string_view name, uint64_t otherwise, uint64_t min, uint64_t max);
    /// An RFC 3339 instant.
    StampNs time(std::string_view name, StampNs otherwise);
    void wrong(std::string_view name, std::string detail) {
        errors.push_back({std::string(name), std::move(detail)});
    }

    std::vector<ParameterError> errors;

  private:
    const std::string* find(std::string_view name) const;
    std::vector<std::pair<std::string, std::string>> values_;
};

/// `filters`: what the next page's address must repeat; empty values are left out.
Response page_of_items(const EventPage& page, std::string_view path, size_t limit,
                       std::initializer_list<std::pair<std::string_view, std::string_view>> filters);

}  // namespace penstock::http
