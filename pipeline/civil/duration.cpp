#include "pipeline/civil/duration.h"

#include <fmt/format.h>

#include <array>
#include <optional>

namespace penstock {
namespace {

struct Unit {
    std::string_view name;
    int64_t ns;
};
constexpr int64_t kSecondNs = 1'000'000'000, kDayNs = 86'400 * kSecondNs;
constexpr std::array<Unit, 7> kShort{{{"d", kDayNs},
                                      {"h", 3600 * kSecondNs},
                                      {"m", 60 * kSecondNs},
                                      {"s", kSecondNs},
                                      {"ms", 1'000'000},
                                      {"us", 1'000},
                                      {"ns", 1}}};
constexpr std::array<Unit, 2> kIsoDate{{{"W", 7 * kDayNs}, {"D", kDayNs}}};
constexpr std::array<Unit, 3> kIsoTime{{{"H", 3600 * kSecondNs}, {"M", 60 * kSecondNs}, {"S", kSecondNs}}};

class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text) {}

    int64_t read() {
        if (text_.empty()) refuse("is empty; write for example 15m or PT15M");
        if (text_[0] == '-' || text_[0] == '+') refuse("has a sign; a duration has none");
        if (text_[0] == 'P') {
            read_iso();
        } else {
            read_short();
        }
        return total_;
    }

  private:
    [[noreturn]] void refuse(std::string_view what) const {
        constexpr size_t kShown = 64;
        throw CivilError(
            fmt::format("'{}{}' {}", text_.substr(0, kShown), text_.size() > kShown ? "..." : "", what));
    }
    [[noreturn]] void refuse_size() const { refuse("is too long; at most 106751d (292 years) are allowed"); }
    bool done() const { return at_ == text_.size(); }
    static bool is_digit(char c) { return c >= '0' && c <= '9'; }

    int64_t number() {
        if (done() || !is_digit(text_[at_]))
            refuse(fmt::format("needs a number at column {}; write for example 1h30m or PT1H30M", at_ + 1));
        int64_t value = 0;
        for (; !done() && is_digit(text_[at_]); ++at_)
            if (__builtin_mul_overflow(value, 10, &value) ||
                __builtin_add_overflow(value, text_[at_] - '0', &value))
                refuse_size();
        return value;
    }
    void add(int64_t count, int64_t unit_ns) {
        int64_t ns = 0;
        if (__builtin_mul_overflow(count, unit_ns, &ns) || __builtin_add_overflow(total_, ns, &total_))
            refuse_size();
    }
    /// Units fall: takes the one named so from `next` on.
    template <size_t N>
    int64_t unit(const std::array<Unit, N>& units, std::string_view name, size_t& next) const {
        for (size_t i = 0; i < N; ++i)
            if (units[i].name == name) {
                if (i < next)
                    refuse(
                        fmt::format("has '{}' out of order; write each unit once, the largest first", name));
                next = i + 1;
                return units[i].ns;
            }
        return 0;
    }

    void read_short() {
        size_t next = 0;
        do {
            const int64_t count = number();
            const size_t from = at_;
            while (!done() && !is_digit(text_[at_])) ++at_;
            const std::string_view name = text_.substr(from, at_ - from);
            if (name.empty()) refuse("has a number without a unit; use d, h, m, s, ms, us or ns");
            const int64_t ns = unit(kShort, name, next);
            if (ns == 0 && (name[0] == '.' || name[0] == ','))
                refuse("has a fraction; write whole numbers, for example 1h30m or 1500ms");
            if (ns == 0) refuse(fmt::format("has the unknown unit '{}'; use d, h, m, s, ms, us or ns", name));
            add(count, ns);
        } while (!done());
    }

    void read_iso() {
        at_ = 1;
        bool time = false, any = false;
        size_t next = 0;
        while (!done()) {
            if (text_[at_] == 'T' && !time) {
                time = true;
                any = false;
                next = 0;
                ++at_;
                continue;
            }
            const int64_t count = number();
            int64_t fraction_ns = 0;
            const bool fraction = !done() && (text_[at_] == '.' || text_[at_] == ',');
            if (fraction) {
                const size_t from = ++at_;
                for (int64_t place = kSecondNs / 10; !done() && is_digit(text_[at_]); ++at_, place /= 10)
                    fraction_ns += (text_[at_] - '0') * place;
                if (at_ == from) refuse(fmt::format("needs a digit at column {}", at_ + 1));
                if (at_ - from > 9) refuse("has more than nine digits of a second's fraction");
            }
            if (done()) refuse("has a number without a unit; write for example PT15M");
            const std::string_view name = text_.substr(at_++, 1);
            if (!time && (name == "Y" || name == "M"))
                refuse("has years or months, whose length is not fixed; use days (minutes come after T)");
            const int64_t ns = time ? unit(kIsoTime, name, next) : unit(kIsoDate, name, next);
            if (ns == 0)
                refuse(fmt::format("has the unknown unit '{}'; use {}", name,
                                   time ? "H, M and S after T" : "W and D, and after T H, M and S"));
            if (fraction && name != "S") refuse("has a fraction; only seconds may have one");
            add(count, ns);
            add(fraction_ns, 1);
            any = true;
        }
        if (!any) refuse("names no length; write for example PT15M");
    }

    std::string_view text_;
    size_t at_ = 0;
    int64_t total_ = 0;
};

}  // namespace

int64_t parse_duration(std::string_view text) { return Reader(text).read(); }

std::string format_duration(int64_t duration_ns) {
    if (duration_ns == 0) return "0s";
    std::string out = duration_ns < 0 ? "-" : "";
    uint64_t left =
        duration_ns < 0 ? 0 - static_cast<uint64_t>(duration_ns) : static_cast<uint64_t>(duration_ns);
    for (const Unit& unit : kShort) {
        const uint64_t ns = static_cast<uint64_t>(unit.ns);
        if (left >= ns) out += fmt::format("{}{}", left / ns, unit.name);
        left %= ns;
    }
    return out;
}

}  // namespace penstock
