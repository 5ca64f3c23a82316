#include "admin/http/line_diff.h"

#include <algorithm>
#include <boost/json.hpp>
#include <iterator>
#include <span>

namespace penstock::http {
namespace {

namespace json = boost::json;

/// Edits up to which the shortest way is looked for: its memory grows with the square.
constexpr int kEditsMax = 1'000;

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const size_t end = text.find('\n');
        lines.push_back(text.substr(0, end));
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    }
    return lines;
}

using Lines = std::span<const std::string_view>;

void add(std::vector<DiffLine>& out, DiffLine::Op op, Lines lines) {
    for (const std::string_view line : lines) out.push_back({op, std::string(line)});
}

/// Myers' greedy search: `reach[k]` is how far in `a` a path on diagonal k (a's index less b's) has come.
void add_shortest(std::vector<DiffLine>& out, Lines a, Lines b) {
    const int n = static_cast<int>(a.size()), m = static_cast<int>(b.size());
    std::vector<std::vector<int>> trace;
    std::vector<int> reach(2 * kEditsMax + 3, 0);
    const auto at = [](std::vector<int>& v, int k) -> int& {
        return v[static_cast<size_t>(k + kEditsMax + 1)];
    };
    const auto down = [&](std::vector<int>& v, int k, int d) {
        return k == -d || (k != d && at(v, k - 1) < at(v, k + 1));
    };
    int edits = -1;
    for (int d = 0; d <= std::min(kEditsMax, n + m) && edits < 0; ++d) {
        for (int k = -d; k <= d && edits < 0; k += 2) {
            int x = d == 0 ? 0 : down(reach, k, d) ? at(reach, k + 1) : at(reach, k - 1) + 1;
            while (x < n && x - k < m && x - k >= 0 &&
                   a[static_cast<size_t>(x)] == b[static_cast<size_t>(x - k)])
                ++x;
            at(reach, k) = x;
            if (x >= n && x - k >= m) edits = d;
        }
        // Only the diagonals that this round reached.
        trace.emplace_back(reach.begin() + kEditsMax + 1 - d, reach.begin() + kEditsMax + 2 + d);
    }
    if (edits < 0) {
        add(out, DiffLine::Op::kRemoved, a);
        return add(out, DiffLine::Op::kAdded, b);
    }
    std::vector<DiffLine> back;
    int x = n, y = m;
    for (int d = edits; d > 0; --d) {
        const std::vector<int>& before = trace[static_cast<size_t>(d - 1)];
        const auto was = [&](int k) {
            const int i = k + d - 1;
            return i < 0 || i >= static_cast<int>(before.size()) ? -1 : before[static_cast<size_t>(i)];
        };
        const int k = x - y;
        const bool from_above = k == -d || (k != d && was(k - 1) < was(k + 1));
        const int from_x = from_above ? was(k + 1) : was(k - 1);
        const int from_y = from_x - (from_above ? k + 1 : k - 1);
        while (x > from_x && y > from_y && (from_above ? x > from_x : x > from_x + 1)) {
            back.push_back({DiffLine::Op::kSame, std::string(a[static_cast<size_t>(--x)])});
            --y;
        }
        if (from_above)
            back.push_back({DiffLine::Op::kAdded, std::string(b[static_cast<size_t>(--y)])});
        else
            back.push_back({DiffLine::Op::kRemoved, std::string(a[static_cast<size_t>(--x)])});
    }
    while (x > 0) back.push_back({DiffLine::Op::kSame, std::string(a[static_cast<size_t>(--x)])});
    out.insert(out.end(), std::make_move_iterator(back.rbegin()), std::make_move_iterator(back.rend()));
}

void write_pretty(const json::value& value, size_t depth, std::string& out) {
    const std::string margin(2 * depth, ' ');
    if (const json::object* o = value.if_object(); o && !o->empty()) {
        out += "{";
        bool first = true;
        for (const auto& [name, member] : *o) {
            out += (first ? "\n  " : ",\n  ") + margin + json::serialize(json::string(name)) + ": ";
            write_pretty(member, depth + 1, out);
            first = false;
        }
        out += "\n" + margin + "}";
    } else if (const json::array* a = value.if_array(); a && !a->empty()) {
        out += "[";
        bool first = true;
        for (const json::value& element : *a) {
            out += (first ? "\n  " : ",\n  ") + margin;
            write_pretty(element, depth + 1, out);
            first = false;
        }
        out += "\n" + margin + "]";
    } else {
        out += json::serialize(value);
    }
}

}  // namespace

std::vector<DiffLine> diff_lines(std::string_view before, std::string_view after) {
    const auto was = lines_of(before), is = lines_of(after);
    Lines a(was), b(is);
    size_t same = 0;
    while (same < std::min(a.size(), b.size()) && a[same] == b[same]) ++same;
    std::vector<DiffLine> out;
    add(out, DiffLine::Op::kSame, a.first(same));
    a = a.subspan(same), b = b.subspan(same);
    size_t tail = 0;
    while (tail < std::min(a.size(), b.size()) && a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) ++tail;
    add_shortest(out, a.first(a.size() - tail), b.first(b.size() - tail));
    add(out, DiffLine::Op::kSame, a.last(tail));
    return out;
}

std::string pretty_json(std::string_view document) {
    json::error_code failed;
    const json::value value = json::parse(document, failed);
    if (failed) return std::string(document);
    std::string out;
    write_pretty(value, 0, out);
    return out + "\n";
}

}  // namespace penstock::http
