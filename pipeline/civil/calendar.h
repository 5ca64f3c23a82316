// A business calendar: which days work is done on, and at which hours. docs/calendars.md has the JSON.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/civil/date.h"
#include "pipeline/civil/zone.h"
#include "pipeline/faults.h"

namespace penstock {

/// Of a local day, half open, in seconds since midnight by the clock on the wall.
struct DaySpan {
    int32_t from_s = 0, until_s = kDaySeconds;
    friend bool operator==(const DaySpan&, const DaySpan&) = default;
};
using DaySpans = std::vector<DaySpan>;  ///< in order, apart

/// A date on which the weekday does not decide.
struct SpecialDay {
    Date date;
    std::string name;
    bool works = false;  ///< else a holiday
    DaySpans hours;      ///< of one that works
};

class Calendar {
  public:
    /// `special`: in any order, a date at most once.
    Calendar(std::string name, Zone zone, WeekdayMask working_weekdays, std::array<DaySpans, 7> hours,
             std::vector<SpecialDay> special);

    const std::string& name() const { return name_; }
    const Zone& zone() const { return zone_; }

    bool is_working_day(Date date) const { return (working_days(Month(date)) & bit_of(date)) != 0; }
    DayMask working_days(Month month) const;
    /// Strictly after, or before; none within ten years: nothing.
    std::optional<Date> next_working_day(Date date) const;
    std::optional<Date> previous_working_day(Date date) const;
    std::optional<Date> last_working_day(Month month) const { return nth_working_day(month, -1); }
    /// From 1; negative: from the end.
    std::optional<Date> nth_working_day(Month month, int n) const;

    /// Empty on days without work.
    const DaySpans& hours(Date date) const;
    /// What is known of this date besides its weekday; null: nothing.
    const SpecialDay* special(Date date) const;

  private:
    std::string name_;
    Zone zone_;
    WeekdayMask weekdays_;
    std::array<DaySpans, 7> hours_;
    std::vector<SpecialDay> special_;  // by date
};

inline constexpr int kSearchYears = 10;  ///< how far one looks for a working day

/// {"name", "zone", "working_weekdays", "holidays", "extra_working_days", "hours"}. Throws CivilError.
Calendar parse_calendar(std::string_view document);
/// As a part of a document. With faults: nothing.
std::optional<Calendar> read_calendar(const boost::json::value& value, std::string_view pointer,
                                      Faults& faults);

/// By name; null where there is none.
using CalendarLookup = std::function<std::shared_ptr<const Calendar>(std::string_view name)>;

/// For readers of documents: the zone that a member names. Without the member, or with a faulty one: nothing.
std::optional<Zone> read_zone(const boost::json::object& object, std::string_view pointer, Faults& faults);
/// An array of "mon" to "sun", at least one.
WeekdayMask read_weekdays(const boost::json::value& value, std::string_view pointer, Faults& faults);

}  // namespace penstock
