// What conditions of workflows read of an event.
#pragma once

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/value.hpp>
#include <optional>

#include "pipeline/expression/expression.h"
#include "schemas/event_generated.h"

namespace penstock {

/// id, source, type, subject: string; severity: int, 0 where none was given; time, received: timestamp; keys,
/// groups, extensions: map of strings; data: dyn.
const Schema& event_schema();

/// Of one event; borrows it. One thread. The payload is parsed when it is first asked for, once.
class EventVariables final : public Variables {
  public:
    EventVariables(const fb::Event& event, StampNs time_ns, StampNs received_ns)
        : event_(event), time_ns_(time_ns), received_ns_(received_ns) {}

    Value get(uint32_t variable, Path path) const override;
    Value get_in(Value container, Path path) const override;
    Value size_of(Value container) const override;
    Value each(Value list, ElementVisitor& visitor) const override;

  private:
    const boost::json::value& data() const;

    const fb::Event& event_;
    const StampNs time_ns_, received_ns_;
    mutable std::array<unsigned char, 2048> buffer_;
    mutable std::optional<boost::json::monotonic_resource> memory_;
    mutable const boost::json::value* data_ = nullptr;
};

}  // namespace penstock
