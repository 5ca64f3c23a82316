#include "admin/cli/event_generator.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "admin/cli/event_text.h"

namespace penstock::cli {
namespace {

constexpr std::array<std::string_view, 5> kRegions{"us", "ca", "eu", "apac", "latam"};
constexpr std::array<std::string_view, 4> kRules{"motion_detection", "object_detection", "face_detection",
                                                 "intrusion_detection"};
constexpr std::array<std::string_view, 5> kLocations{"entrance", "parking_lot", "lobby", "warehouse",
                                                     "office"};
constexpr uint32_t kCamerasOfADevice = 4;
constexpr size_t kRecentLines = 1000;
/// Of so many incidents one stalls, and one ends with an intrusion.
constexpr uint64_t kOneStallsOf = 2048, kOneIntrusionOf = 48;

/// splitmix64 (Steele, Lea, Flood 2014): spreads a small seed over all bits.
uint64_t spread(uint64_t& x) {
    uint64_t z = (x += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

}  // namespace

EventGenerator::EventGenerator(uint64_t seed, const Options& options) : options_(options) {
    uint64_t x = seed;
    state_ = {spread(x), spread(x)};
    prefix_ = fmt::format("{:016x}", spread(x));
    incidents_seed_ = spread(x);
    cameras_.resize(std::max<uint32_t>(options.cameras, 1));
    for (uint32_t i = 0; i < cameras_.size(); ++i) {
        Camera& camera = cameras_[i];
        const std::string device = fmt::format("device-{:03}", i / kCamerasOfADevice);
        camera.before_type = fmt::format("\",\"source\":\"/devices/{}\",\"type\":\"", device);
        camera.subject = fmt::format("\",\"subject\":\"camera-{:04}\",\"time\":\"", i);
        camera.region = kRegions[i % kRegions.size()];
        camera.may_say_na = camera.region == "us";
        camera.after_severity = fmt::format(",\"data\":{{\"location\":\"{}\",\"frame\":\"",
                                            kLocations[(i / kRegions.size()) % kLocations.size()]);
    }
    duplicate_below_ =
        static_cast<uint64_t>(std::clamp(options.duplicates_percent, 0.0, 100.0) / 100 * 4294967296.0);
    if (duplicate_below_ > 0) recent_.resize(kRecentLines);
}

uint64_t EventGenerator::random_seed() {
    std::random_device device;
    return uint64_t{device()} << 32 | device();
}

/// xoroshiro128+ (Blackman, Vigna 2018).
uint64_t EventGenerator::random() {
    const auto rotate = [](uint64_t v, int by) { return v << by | v >> (64 - by); };
    const uint64_t a = state_[0];
    uint64_t b = state_[1];
    const uint64_t result = a + b;
    b ^= a;
    state_ = {rotate(a, 24) ^ b ^ (b << 16), rotate(b, 37)};
    return result;
}

void EventGenerator::next(std::string& out) {
    if (duplicate_below_ == 0) {
        write_event(out);
        return;
    }
    const uint64_t kept = std::min<uint64_t>(count_, kRecentLines);
    const uint64_t dice = random();
    if (kept > 0 && (dice >> 32) < duplicate_below_) {
        out += recent_[(dice & 0xffffffff) % kept];
        return;
    }
    std::string& line = recent_[count_ % kRecentLines];
    line.clear();
    write_event(line);
    out += line;
}

void EventGenerator::write_time(int64_t utc_ns, std::string& out) {
    const int64_t second = utc_ns / 1'000'000'000;
    if (second != second_) {
        second_ = second;
        second_text_ = format_rfc3339(second * 1'000'000'000);
        second_text_.back() = '.';
    }
    out += second_text_;
    const auto ms = static_cast<unsigned>(utc_ns / 1'000'000 % 1000);
    const char digits[] = {static_cast<char>('0' + ms / 100), static_cast<char>('0' + ms / 10 % 10),
                           static_cast<char>('0' + ms % 10), 'Z'};
    out.append(digits, sizeof digits);
}

/// Incidents stand side by side, a gap's worth of them: first the first event of each, then the second, the
/// third.
EventGenerator::Story EventGenerator::incident_story() const {
    constexpr uint64_t kSteps = 3;
    const uint64_t gap = options_.incident_gap;
    const uint64_t step = count_ % (kSteps * gap) / gap;
    uint64_t incident = count_ - step * gap;  // the number of its first event
    uint64_t x = incidents_seed_ + incident;
    uint64_t fate = spread(x);
    const bool stalled = fate % kOneStallsOf == 0;
    if (stalled && step > 0) {  // others begin in its place, and stall as well
        incident = count_;
        x = incidents_seed_ + incident;
        fate = spread(x);
    }
    std::string_view type = kRules[stalled ? 0 : step];
    if (step == kSteps - 1 && !stalled && (fate >> 16) % kOneIntrusionOf == 0) type = kRules.back();
    return {static_cast<uint32_t>((fate >> 32) % cameras_.size()), type, incident};
}

void EventGenerator::write_event(std::string& out) {
    const uint64_t dice = random();
    const Story story =
        options_.incident_gap > 0
            ? incident_story()
            : Story{static_cast<uint32_t>((dice >> 32) % cameras_.size()), kRules[dice & 3], 0};
    const Camera& camera = cameras_[story.camera];
    const auto severity = static_cast<char>('1' + (dice >> 8 & 0xffff) % 5);
    const bool na = camera.may_say_na && (dice >> 2 & 3) == 0;
    const fmt::format_int number(count_);
    const std::string_view number_text(number.data(), number.size());
    const int64_t time_ns = options_.clock != nullptr
                                ? options_.clock->wall_ns()
                                : options_.start_ns + static_cast<int64_t>(count_) * options_.interval_ns;
    ++count_;

    out += R"({"specversion":"1.0","id":")";
    out += prefix_;
    out += '-';
    out += number_text;
    out += camera.before_type;
    out += story.type;
    out += camera.subject;
    write_time(time_ns, out);
    out += R"(","region":")";
    out += na ? std::string_view("na") : std::string_view(camera.region);
    out += R"(","severity":)";
    out += severity;
    out += camera.after_severity;
    out += "frame-";
    out += prefix_;
    out += '-';
    out += number_text;
    if (options_.incident_gap > 0) {
        out += R"(","incident":")";
        out += prefix_;
        out += '-';
        out += fmt::format_int(story.incident).c_str();
    }
    out += "\"}}\n";
}

}  // namespace penstock::cli
