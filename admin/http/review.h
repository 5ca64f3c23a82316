// The review queue over HTTP: looked at, claimed, decided.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "admin/http/control_asker.h"
#include "admin/http/message.h"
#include "pipeline/clock.h"
#include "pipeline/telemetry.h"
#include "schemas/review.h"
#include "storage/event_log.h"

namespace penstock::http {

class JsonWriter;
class RequestBody;

/// The HTTP thread. What changes something goes to the intake thread, which answers once it is durable.
/// Nobody sees items outside their regions and tenants: they are not there.
class ReviewDoor {
  public:
    ReviewDoor(const EventLog& log, const ReviewReader& book, ControlAsker& asker, const Telemetry& telemetry,
               const Clock& clock)
        : log_(log), book_(book), asker_(asker), telemetry_(telemetry), clock_(clock) {}

    Response list(const Request& request) const;
    Response show(const Request& request, std::string_view id) const;
    Response summary(const Request& request) const;
    /// Claims, decides and so on. Calls `answer` once, possibly later; so do the others that are given one.
    void change(const Request& request, std::string_view id, ControlKind kind, const Answer& answer);
    /// Several decisions, with a result each.
    void decide_batch(const Request& request, const Answer& answer);
    /// PUT /assignments/{id}: {"status": "completed" | "rejected"}.
    void put_assignment(const Request& request, std::string_view id, const Answer& answer);

  private:
    struct Command {
        ControlKind kind{};
        uint64_t item = 0;
        std::string text;  ///< of the control record
    };
    /// The item, if it is there for whoever asks.
    std::optional<ReviewItem> visible(const Request& request, std::string_view id) const;
    bool sees(const Principal& who, const ReviewItem& item) const;
    uint64_t region_mask(const Principal& who) const;
    std::string region_name(uint16_t id) const;
    /// The region's database has the item's decision.
    bool region_has(const ReviewItem& item) const;
    void write_item(JsonWriter& out, const ReviewItem& item, const Principal& who, bool whole) const;
    /// Reads what `kind` needs; false, and the fault in `body`, where something is wrong.
    Command command_of(const Request& request, RequestBody& body, ControlKind kind, uint64_t item,
                       std::string_view key) const;
    Response result(Seq seq) const;

    const EventLog& log_;
    const ReviewReader& book_;
    ControlAsker& asker_;
    const Telemetry& telemetry_;
    const Clock& clock_;
};

}  // namespace penstock::http
