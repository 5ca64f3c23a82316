#include "stages/sla/series.h"

namespace penstock {

void Series::begin_point(Level& level, StampNs now_ns, int64_t span_ns, int64_t kept_ns) {
    const StampNs start_ns = now_ns - ((now_ns % span_ns) + span_ns) % span_ns;
    while (!level.points.empty() && level.points.front().start_ns < start_ns - kept_ns) {
        level.gone.push_back(level.points.front().start_ns);
        level.points.pop_front();
    }
    level.points.push_back({start_ns});
}

std::vector<SeriesPoint> Series::points(bool hours, StampNs from_ns, StampNs to_ns) const {
    std::vector<SeriesPoint> out;
    for (const Point& p : (hours ? hours_ : minutes_).points)
        if (p.start_ns >= from_ns && p.start_ns < to_ns)
            out.push_back({p.start_ns, p.n[kAnchored], p.n[kMet], p.n[kLate], p.n[kMissed], p.n[kCancelled],
                           p.n[kCompleted], p.n[kFailed]});
    return out;
}

void Series::load(bool hours, StampNs start_ns, RowReader& value) {
    Point point{start_ns};
    point.changed = false;
    for (uint32_t& n : point.n) n = value.value<uint32_t>();
    (hours ? hours_ : minutes_).points.push_back(point);
}

}  // namespace penstock
