#include "pipeline/civil/cron.h"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <string>
#include <vector>

namespace penstock {
namespace {

constexpr size_t kTextBytesMax = 1024;
constexpr std::string_view kForm =
    "write five fields: minute, hour, day of month, month, day of week; for example '0 8 * * mon-fri'";

struct Field {
    std::string_view name;
    int low, high;
    std::string_view names;  ///< three letters each; the first stands for `first_named`
    int first_named;
};
constexpr std::array<Field, 5> kFields{{{"minute", 0, 59, "", 0},
                                        {"hour", 0, 23, "", 0},
                                        {"day of month", 1, 31, "", 0},
                                        {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec", 1},
                                        {"day of week", 0, 7, "sunmontuewedthufrisat", 0}}};
constexpr size_t kMonthDay = 2, kWeekday = 4;

struct Parsed {
    uint64_t bits = 0;
    bool star = false, step = false, last = false;
};

/// One field. Throws CivilError with the column.
class FieldReader {
  public:
    FieldReader(const Field& field, std::string_view text, size_t column)
        : field_(field), text_(text), column_(column) {}

    Parsed read() {
        out_.star = text_.starts_with('*');
        do {
            part();
            if (done()) return out_;
            if (peek() != ',') refuse(at_, "'{}' is not understood; {}", rest(), hint());
            ++at_;
        } while (true);
    }

  private:
    template <typename... Args>
    [[noreturn]] void refuse(size_t at, fmt::format_string<Args...> form, Args&&... args) const {
        throw CivilError(fmt::format("{}, column {}: {}", field_.name, column_ + at + 1,
                                     fmt::format(form, std::forward<Args>(args)...)));
    }
    bool done() const { return at_ == text_.size(); }
    char peek() const { return done() ? '\0' : text_[at_]; }
    std::string_view rest() const { return text_.substr(at_, 16); }
    std::string_view hint() const {
        switch (peek()) {
            case '?':
                return "write * for any";
            case '#':
            case 'W':
            case 'w':
                return "it is not part of cron; use working_month_days, month_days or dates instead";
            default:
                return "use numbers, names, lists (1,2), ranges (1-5), steps (*/5) and *";
        }
    }

    void part() {
        const size_t from = at_;
        int low = field_.low, high = field_.high == 7 ? 6 : field_.high;
        bool range = true;
        if (peek() == '*') {
            ++at_;
        } else if (&field_ == &kFields[kMonthDay] && (peek() == 'L' || peek() == 'l')) {
            ++at_;
            out_.last = true;
            if (peek() == '-' || peek() == '/')
                refuse(at_, "'L' stands alone; for days before the last use month_days with -2, -3, ...");
            return;
        } else {
            low = value();
            high = low;
            range = peek() == '-';
            if (range) {
                ++at_;
                high = value();
                if (field_.high == 7 && high == 0 && low > 0) high = 7;  // until Sunday
                if (low > high)
                    refuse(from, "'{}' goes backwards; write two ranges, with a comma between",
                           text_.substr(from, at_ - from));
            }
        }
        int step = 1;
        if (peek() == '/') {
            const size_t at = at_++;
            if (!range)
                refuse(from, "a step needs a range before it; write {}-{}{}", low,
                       field_.high == 7 ? 6 : field_.high, text_.substr(at, 3));
            out_.step = true;
            step = number();
            if (step < 1 || step > field_.high - field_.low)
                refuse(at + 1, "a step of {} does not fit; use 1 to {}", step, field_.high - field_.low);
        }
        for (int i = low; i <= high; i += step) out_.bits |= uint64_t{1} << i;
    }

    int number() {
        int value = 0;
        const size_t from = at_;
        for (; std::isdigit(static_cast<unsigned char>(peek())) != 0; ++at_) {
            if (at_ - from == 4) refuse(from, "'{}' is too large", text_.substr(from, 8));
            value = value * 10 + (peek() - '0');
        }
        if (at_ == from)
            refuse(at_, "{}; {}",
                   done() ? "a number is missing at its end" : fmt::format("'{}' is no number", rest()),
                   hint());
        return value;
    }

    int value() {
        const size_t from = at_;
        if (!field_.names.empty() && std::isalpha(static_cast<unsigned char>(peek())) != 0) {
            std::string name;
            for (; std::isalpha(static_cast<unsigned char>(peek())) != 0; ++at_)
                name += static_cast<char>(std::tolower(static_cast<unsigned char>(peek())));
            for (size_t i = 0; i < field_.names.size(); i += 3)
                if (field_.names.substr(i, 3) == name) return static_cast<int>(i / 3) + field_.first_named;
            refuse(from, "'{}' is no {}; names have three letters, such as {}", name, field_.name,
                   field_.names.substr(0, 3));
        }
        const int value = number();
        if (value < field_.low || value > field_.high)
            refuse(from, "{} is not from {} to {}", value, field_.low, field_.high);
        return value;
    }

    const Field& field_;
    std::string_view text_;
    size_t column_;  // from 0
    size_t at_ = 0;
    Parsed out_;
};

/// What an @word stands for; empty: nothing.
std::string_view expanded(std::string_view text) {
    if (text == "@hourly") return "0 * * * *";
    if (text == "@daily") return "0 0 * * *";
    if (text == "@weekly") return "0 0 * * 0";
    if (text == "@monthly") return "0 0 1 * *";
    return "";
}

/// Some date matches, in a leap year or any other.
bool possible(const Cron& cron) {
    if (cron.last_day || (!cron.month_day_star && !cron.weekday_star)) return true;
    for (int month = 1; month <= 12; ++month)
        if ((cron.months >> (month - 1) & 1) != 0 && (cron.month_days & all_days(Month(2000, month))) != 0)
            return true;
    return false;
}

}  // namespace

DayMask Cron::days(Month month) const {
    if ((months >> (month.month() - 1) & 1) == 0) return 0;
    const DayMask all = all_days(month);
    const DayMask by_date = (month_days & all) | (last_day ? all & ~(all >> 1) : 0);
    const DayMask by_week = days_on(weekdays, month);
    return month_day_star || weekday_star ? by_date & by_week : by_date | by_week;
}

std::optional<Cron> parse_cron(std::string_view text, std::string_view pointer, Faults& faults) {
    const size_t before = faults.count();
    if (text.size() > kTextBytesMax) {
        faults.add(pointer, fmt::format("has {} bytes; at most {} are allowed", text.size(), kTextBytesMax));
        return std::nullopt;
    }
    if (text.starts_with('@')) {
        const std::string_view fields = expanded(text);
        if (fields.empty())
            faults.add(pointer,
                       fmt::format("'{}' is not known; use @hourly, @daily, @weekly, @monthly or five fields",
                                   text.substr(0, 32)));
        text = fields;
        if (fields.empty()) return std::nullopt;
    }
    std::vector<std::pair<size_t, std::string_view>> fields;
    for (size_t at = 0; (at = text.find_first_not_of(" \t", at)) != std::string_view::npos;) {
        const size_t end = std::min(text.find_first_of(" \t", at), text.size());
        fields.emplace_back(at, text.substr(at, end - at));
        at = end;
    }
    if (fields.size() != kFields.size()) {
        if (fields.size() > kFields.size()) {
            faults.add(pointer, fmt::format("column {}: has {} fields; {}", fields[kFields.size()].first + 1,
                                            fields.size(), kForm));
        } else {
            faults.add(pointer,
                       fmt::format("column {}: has {} of five fields, and {} is missing; {}", text.size() + 1,
                                   fields.size(), kFields[fields.size()].name, kForm));
        }
        return std::nullopt;
    }
    std::array<Parsed, kFields.size()> parsed;
    for (size_t i = 0; i < kFields.size(); ++i) try {
            parsed[i] = FieldReader(kFields[i], fields[i].second, fields[i].first).read();
        } catch (const CivilError& e) {
            faults.add(pointer, e.what());
        }
    if (faults.count() > before) return std::nullopt;

    Cron cron;
    cron.minutes = parsed[0].bits;
    cron.hours = static_cast<uint32_t>(parsed[1].bits);
    cron.hourly = parsed[1].star || parsed[1].step;
    cron.month_days = static_cast<DayMask>(parsed[kMonthDay].bits >> 1);
    cron.last_day = parsed[kMonthDay].last;
    cron.month_day_star = parsed[kMonthDay].star;
    cron.months = static_cast<uint16_t>(parsed[3].bits >> 1);
    // Sunday is 0 and 7 here, and bit 6 there.
    const uint64_t week = parsed[kWeekday].bits;
    cron.weekdays = static_cast<WeekdayMask>((week >> 1 & 0x7f) | (week & 1) << 6);
    cron.weekday_star = parsed[kWeekday].star;
    if (!possible(cron)) {
        faults.add(pointer,
                   fmt::format("day of month, column {}: '{}' is no day of the month {}; mend one of the two",
                               fields[kMonthDay].first + 1, fields[kMonthDay].second, fields[3].second));
        return std::nullopt;
    }
    return cron;
}

}  // namespace penstock
