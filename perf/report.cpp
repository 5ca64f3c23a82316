// bench_report OUT REVISION LOAD < lines: gathers the benchmarks' JSON lines into one document with the
// host's facts, and prints them as a table. A line of a benchmark that could not run has the member
// `skipped`.
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace {

namespace json = boost::json;

std::string first_match(const std::string& path, const std::string& name) {
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) {
        if (line.rfind(name, 0) != 0) continue;
        const size_t value = line.find_first_not_of(" \t:", name.size());
        return value == std::string::npos ? "" : line.substr(value);
    }
    return "";
}

/// The file system that holds `path`, and whether its disk turns; no names of devices or places.
json::object disk_facts(const std::string& path) {
    json::object out;
    std::ifstream mounts("/proc/mounts");
    std::string device, place, type, rest, best;
    while (mounts >> device >> place >> type && std::getline(mounts, rest)) {
        if (path.rfind(place, 0) != 0 || place.size() < best.size()) continue;
        best = place;
        out["file_system"] = type;
        std::string disk = device.substr(device.rfind('/') + 1);
        while (!disk.empty() && !std::ifstream("/sys/block/" + disk + "/queue/rotational")) disk.pop_back();
        int turns = -1;
        if (!disk.empty()) std::ifstream("/sys/block/" + disk + "/queue/rotational") >> turns;
        out["disk"] = disk.rfind("vd", 0) == 0 ? "virtual"
                      : turns == 1             ? "rotating"
                      : turns == 0             ? "solid state"
                                               : "unknown";
    }
    return out;
}

json::object host_facts(const std::string& out_path, const std::string& revision) {
    utsname kernel{};
    uname(&kernel);
    char date[32] = "";
    const std::time_t now = std::time(nullptr);
    std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
    json::object host = disk_facts(out_path);
    host["cpu"] = first_match("/proc/cpuinfo", "model name");
    host["cores"] = sysconf(_SC_NPROCESSORS_ONLN);
    host["memory_mib"] = std::atoll(first_match("/proc/meminfo", "MemTotal").c_str()) / 1024;
    host["kernel"] = std::string(kernel.release).substr(0, std::string(kernel.release).find('-'));
    host["machine"] = kernel.machine;
    host["virtual"] = first_match("/proc/cpuinfo", "flags").find(" hypervisor") != std::string::npos;
    host["compiler"] = "g++ " __VERSION__;
    host["date"] = date;
    host["revision"] = revision;
    return host;
}

/// A line without `value` becomes a line for each of its numbers.
std::vector<json::object> spread(const json::object& line) {
    if (line.contains("value") || line.contains("skipped")) return {line};
    std::vector<json::object> out;
    const std::string name = json::value_to<std::string>(line.at("name"));
    for (const auto& member : line)
        if (member.value().is_number())
            out.push_back({{"name", fmt::format("{}/{}", name, std::string(member.key()))},
                           {"value", member.value()},
                           {"unit", ""}});
    return out;
}

std::string readable(double v) {
    const double size = std::fabs(v);
    if (size >= 1e6) return fmt::format("{:.2f}M", v / 1e6);
    if (size >= 1e4) return fmt::format("{:.0f}K", v / 1e3);
    if (size >= 100) return fmt::format("{:.0f}", v);
    if (size >= 1) return fmt::format("{:.2f}", v);
    return fmt::format("{:.3f}", v);
}

void print_row(const json::object& line) {
    const auto text = [&](const char* name) {
        return line.contains(name) ? json::value_to<std::string>(line.at(name)) : "";
    };
    const auto number = [&](const char* name) { return line.at(name).to_number<double>(); };
    if (line.contains("skipped")) {
        fmt::print("{:<56} skipped: {}\n", text("name"), text("skipped"));
        return;
    }
    std::string spread_text, target;
    if (line.contains("low"))
        spread_text = fmt::format("{} .. {}", readable(number("low")), readable(number("high")));
    if (line.contains("target")) {
        const bool at_most = text("target_is") == "at most";
        const bool met = at_most ? number("value") <= number("target") : number("value") >= number("target");
        target =
            fmt::format("{} {} {}", met ? "met:" : "MISSED:", text("target_is"), readable(number("target")));
    }
    fmt::print("{:<56} {:>9} {:<13} {:<20} {}{}\n", text("name"), readable(number("value")), text("unit"),
               spread_text, target, text("durability"));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::cerr << "usage: bench_report OUT REVISION LOAD < lines\n";
        return 2;
    }
    json::array results;
    fmt::print("{:<56} {:>9} {:<13} {:<20} {}\n", "what", "value", "unit", "spread",
               "target, or what is durable");
    for (std::string text; std::getline(std::cin, text);) {
        if (text.empty() || text.front() != '{') continue;
        boost::system::error_code error;
        const json::value line = json::parse(text, error);
        if (error || !line.is_object() || !line.as_object().contains("name")) {
            std::cerr << "bench_report: this line is no result: " << text << '\n';
            return 1;
        }
        for (const json::object& row : spread(line.as_object())) print_row(row);
        results.push_back(line);
    }
    const double load = std::atof(argv[3]);
    json::object facts = host_facts(std::filesystem::absolute(argv[1]).string(), argv[2]);
    facts["load_average_before"] = load;
    const json::object document{{"host", facts}, {"results", results}};
    std::ofstream out(argv[1]);
    out << json::serialize(document) << '\n';
    if (!out.flush()) {
        std::cerr << "bench_report: cannot write " << argv[1] << '\n';
        return 1;
    }
    const auto& host = document.at("host").as_object();
    fmt::print("\non {} cores of {}, {} MiB, Linux {}, {}; all results: {}\n", host.at("cores").as_int64(),
               std::string(host.at("cpu").as_string()), host.at("memory_mib").as_int64(),
               std::string(host.at("kernel").as_string()), std::string(host.at("file_system").as_string()),
               argv[1]);
    if (load > 0.5)
        fmt::print(
            "other work ran when this began (load average {:.1f}): take times and rates again when it is "
            "gone\n",
            load);
    return 0;
}
