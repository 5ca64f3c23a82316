#include "perf/support/event_mix.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <unordered_set>

#include "perf/support/bench.h"

namespace penstock::bench {
namespace {

constexpr uint32_t kKeys = 20'000, kRepeatWithin = 1000, kDisplacedBy = 64;
constexpr double kRepeats = 0.05;
constexpr size_t kShort = 170;  ///< events below it have neither a region nor data
constexpr std::array<std::string_view, 4> kWatched{"motion_detection", "object_detection", "face_detection",
                                                   "intrusion_detection"};
constexpr std::array<std::string_view, 4> kOthers{"door.opened", "com.example.temperature.measured",
                                                  "com.example.device.state_changed", "audio.level"};
constexpr std::array<std::string_view, 5> kRegions{"us", "us", "eu", "apac", "latam"};
constexpr std::array<std::string_view, 6> kNotes{"loading bay, north side",
                                                 "Entr\\u00e9e principale",
                                                 "second pass \\\"after hours\\\"",
                                                 "\xe5\x80\x89\xe5\xba\xab 3",  // a warehouse
                                                 "line 4\\tslot 17\\n",
                                                 "recalibrated after maintenance; threshold unchanged"};

class Mixer {
  public:
    explicit Mixer(uint64_t seed) : random_(seed) {}

    std::string line(uint32_t number) {
        const size_t wanted = size();
        const uint32_t key = skewed(kKeys);
        std::string out = fmt::format(R"({{"specversion":"1.0","id":"00000000{:08x}",)", number);
        if (wanted < kShort) {
            out +=
                fmt::format(R"("source":"/d/{}","type":"ping","subject":"k{}",{}}})", key % 97, key, kTime);
            return out + '\n';
        }
        const uint64_t dice = random_.next();
        const std::string_view type = dice % 2 == 0 ? kWatched[dice / 2 % 4] : kOthers[dice / 2 % 4];
        out += fmt::format(
            R"("source":"/sites/{}/devices/{}","type":"{}","subject":"key-{}",{},"region":"{}","severity":{},"data":{{"value":{:.3f})",
            key % 211, key, type, key, kTime, kRegions[key % 5], 1 + dice / 16 % 5,
            number_between(-40, 4000));
        for (uint32_t member = 0; out.size() + 200 < wanted; ++member) add_member(member, out);
        out += R"(,"note":")";
        out += kNotes[random_.next() % kNotes.size()];
        if (out.size() + 5 < wanted) out.append(wanted - out.size() - 5, 'x');
        return out + "\"}}\n";
    }
    uint64_t below(uint64_t end) { return random_.next() % end; }
    bool happens(double share) { return unit() < share; }

  private:
    static constexpr std::string_view kTime = R"("time":"2026-01-01T00:00:00.000Z")";

    double unit() { return static_cast<double>(random_.next() >> 11) * 0x1p-53; }
    double number_between(double low, double high) { return low + (high - low) * unit(); }
    double logarithmic(double low, double high) { return low * std::pow(high / low, unit()); }
    /// Sixty in a hundred are small, ten are large.
    size_t size() {
        const double dice = unit();
        if (dice < 0.6) return static_cast<size_t>(logarithmic(120, 400));
        if (dice < 0.9) return static_cast<size_t>(logarithmic(400, 1200));
        return static_cast<size_t>(logarithmic(1200, 4096));
    }
    /// Zipf's law with exponent 1, by its continuous inverse.
    uint32_t skewed(uint32_t count) { return static_cast<uint32_t>(std::pow(count, unit())) - 1; }

    void add_member(uint32_t number, std::string& out) {
        const uint64_t dice = random_.next();
        switch (dice % 4) {
            case 0:
                out += fmt::format(R"(,"box_{}":[{},{},{},{}])", number, dice / 8 % 1920, dice / 16 % 1080,
                                   dice / 32 % 640, dice / 64 % 480);
                break;
            case 1:
                out += fmt::format(
                    R"(,"found_{}":{{"label":"person","score":{:.4f},"track":"t-{:x}","moving":{}}})", number,
                    unit(), dice >> 32, dice / 8 % 2 == 0);
                break;
            case 2:
                out += fmt::format(R"(,"text_{}":"{}")", number, kNotes[dice / 8 % kNotes.size()]);
                break;
            default:
                out += fmt::format(R"(,"series_{}":[{:.2f},{:.2f},{:.2f},null])", number,
                                   number_between(-40, 80), number_between(-40, 80), number_between(-40, 80));
        }
    }

    Random random_;
};

}  // namespace

std::vector<MixedEvent> make_event_mix(uint64_t seed, uint32_t count) {
    Mixer mixer(seed);
    std::vector<MixedEvent> events(count);
    std::vector<std::pair<uint64_t, uint32_t>> places;
    for (uint32_t i = 0; i < count; ++i) {
        if (i > 0 && mixer.happens(kRepeats)) {
            events[i] = events[i - 1 - mixer.below(std::min(i, kRepeatWithin))];
        } else {
            events[i].line = mixer.line(i);
            events[i].lateness = static_cast<uint8_t>(mixer.below(kLatenessSteps));
        }
        places.emplace_back(i + mixer.below(kDisplacedBy), i);
    }
    std::sort(places.begin(), places.end());
    std::vector<MixedEvent> out;
    std::unordered_set<std::string> seen;
    for (const auto& [place, i] : places) {
        MixedEvent& event = out.emplace_back(std::move(events[i]));
        event.repeat = !seen.insert(event.line).second;
    }
    return out;
}

}  // namespace penstock::bench
