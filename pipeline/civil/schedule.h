// When something is due, again and again: days by a rule, times of those days. docs/calendars.md has the JSON
// and the rules for changes of the clocks.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "pipeline/civil/calendar.h"
#include "pipeline/civil/cron.h"

namespace penstock {

/// What becomes of an occurrence on a day that the calendar does not work on.
enum class OnHoliday : uint8_t { kSkip, kPrevious, kNext };

struct Occurrence {
    Date date;           ///< local business date: where a holiday moved it, the date it was moved to
    int n = 0;           ///< of that date, from 1
    StampNs due_ns = 0;  ///< may lie on the next date, when the clocks skip the rest of this one
    friend bool operator==(const Occurrence&, const Occurrence&) = default;
};

struct WeekdayRule {
    WeekdayMask weekdays = 0;
};
struct WorkingDayRule {};
struct MonthDayRule {
    std::vector<int> days;      ///< -1: the last
    bool working_days = false;  ///< counts these only
};
struct DateRule {
    std::vector<Date> dates;  ///< in order
};
using DayRule = std::variant<WeekdayRule, WorkingDayRule, MonthDayRule, DateRule, Cron>;

/// No two occurrences have the same instant. Immutable: any thread.
class Schedule {
  public:
    /// `times_s`: of the day, rising, at least one; a Cron's are its own. `calendar`: null where the rule
    /// needs none and no day is a holiday.
    Schedule(Zone zone, DayRule rule, std::vector<int32_t> times_s, std::shared_ptr<const Calendar> calendar,
             OnHoliday on_holiday);

    const Zone& zone() const { return zone_; }

    /// The first with due_ns > after_ns; none within twelve years: nothing.
    std::optional<Occurrence> next(StampNs after_ns) const;
    /// Those of one business date, in order.
    std::vector<Occurrence> on(Date date) const;
    /// The dates of a month that have occurrences, holidays taken into account.
    DayMask due_days(Month month) const;

  private:
    struct Frame;
    Frame frame(Date date) const;
    DayMask by_rule(Month month) const;
    bool is_due(Date date) const { return (due_days(Month(date)) & bit_of(date)) != 0; }
    bool repeats_the_day_before(Date date, StampNs first_ns) const;
    std::vector<StampNs> instants(Date date) const;
    std::optional<Occurrence> first_after(Date date, StampNs after_ns, bool& settled) const;

    Zone zone_;
    DayRule rule_;
    std::vector<int32_t> times_s_;
    std::shared_ptr<const Calendar> calendar_;
    OnHoliday on_holiday_;
    bool hourly_ = false;
};

/// {"zone" or "calendar", one rule, "at", "on_holiday"}. Throws CivilError.
Schedule parse_schedule(std::string_view document, const CalendarLookup& calendars = {});
/// As a part of a document. With faults: nothing.
std::optional<Schedule> read_schedule(const boost::json::value& value, std::string_view pointer,
                                      const CalendarLookup& calendars, Faults& faults);

}  // namespace penstock
