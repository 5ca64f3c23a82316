#include "admin/cli/send_job.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>

#include "admin/cli/event_text.h"

namespace penstock::cli {
namespace {

constexpr uint64_t kRefusalsShown = 20;
constexpr double kRetryDefault_s = 10;

double milliseconds(uint64_t ns) { return static_cast<double>(ns) / 1e6; }

/// Refusals and progress on stderr; all refusals to a file where asked.
class Reporter final : public ClientObserver {
  public:
    explicit Reporter(const std::string& refused_to) : bar_(stderr_is_terminal()) {
        if (refused_to.empty()) return;
        file_.open(refused_to, std::ios::trunc);
        if (!file_)
            throw CommandError(kUsage, fmt::format("cannot write {}: {}", refused_to, std::strerror(errno)));
    }

    void on_refused(uint64_t line, std::string_view error, std::string_view detail) override {
        if (file_.is_open())
            file_ << fmt::format("{{\"line\":{},\"error\":{},\"detail\":{}}}\n", line, json_string(error),
                                 json_string(detail));
        if (++refused_ > kRefusalsShown) return;
        clear_bar();
        fmt::print(stderr, "line {}: {}: {}\n", line, coloured(Ink::kYellow, error), detail);
        if (refused_ == kRefusalsShown && !file_.is_open())
            fmt::print(stderr, "(further refusals are counted only; --refused-to FILE keeps all)\n");
    }

    void on_progress(const SendReport& so_far, std::optional<double> fraction) override {
        if (!bar_) return;
        winsize size{};
        const int columns =
            ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
        const double rate = so_far.seconds > 0 ? static_cast<double>(so_far.acked) / so_far.seconds : 0;
        std::string line;
        if (fraction) {
            constexpr int kCells = 20;
            const int full = static_cast<int>(std::clamp(*fraction, 0.0, 1.0) * kCells);
            line = fmt::format("[{:=>{}}{:{}}] {:3.0f}%  ", "", full, "", kCells - full, *fraction * 100);
        }
        line += fmt::format("{}  acked {}", short_rate(rate), with_commas(so_far.acked));
        if (so_far.sent > so_far.acked) line += fmt::format(" of {}", with_commas(so_far.sent));
        line += fmt::format("  duplicates {}  refused {}", with_commas(so_far.duplicates),
                            with_commas(so_far.refused));
        if (line.size() >= static_cast<size_t>(columns)) line.resize(static_cast<size_t>(columns) - 1);
        fmt::print(stderr, "\r{}\033[K", line);
        std::fflush(stderr);
        drawn_ = true;
    }

    void on_notice(std::string_view text) override {
        clear_bar();
        warn(text);
    }

    void clear_bar() {
        if (!drawn_) return;
        fmt::print(stderr, "\r\033[K");
        drawn_ = false;
    }

  private:
    const bool bar_;
    bool drawn_ = false;
    uint64_t refused_ = 0;
    std::ofstream file_;
};

std::string as_json(const SendReport& r) {
    const Histogram::Snapshot latency = r.latency_ns.snapshot();
    const auto at = [&](double q) { return milliseconds(std::min(latency.quantile(q), r.latency_max_ns)); };
    std::string text = fmt::format(
        "{{\"sent\":{},\"acked\":{},\"stored\":{},\"duplicates\":{},\"refused\":{},\"refused_here\":{},"
        "\"skipped\":{},"
        "\"unclassified\":{},\"resent\":{},\"reconnects\":{},\"seconds\":{:.6f},\"events_per_second\":{:.1f},"
        "\"ack_latency_ms\":{{\"p50\":{:.3f},\"p99\":{:.3f},\"p999\":{:.3f},\"max\":{:.3f}}}",
        r.sent, r.acked, r.stored, r.duplicates, r.refused, r.refused_here, r.skipped, r.unclassified,
        r.resent, r.reconnects, r.seconds, r.seconds > 0 ? static_cast<double>(r.acked) / r.seconds : 0,
        at(0.5), at(0.99), at(0.999), milliseconds(r.latency_max_ns));
    if (!r.error.empty()) text += fmt::format(",\"error\":{}", json_string(r.error));
    return text + "}\n";
}

std::string as_text(const SendReport& r) {
    const Histogram::Snapshot latency = r.latency_ns.snapshot();
    const auto at = [&](double q) {
        return short_duration(static_cast<double>(std::min(latency.quantile(q), r.latency_max_ns)) / 1e9);
    };
    std::string text = fmt::format("sent {} events in {}: {} stored, {} duplicates, {} refused ({})\n",
                                   with_commas(r.sent), short_duration(r.seconds), with_commas(r.stored),
                                   with_commas(r.duplicates), with_commas(r.refused),
                                   short_rate(r.seconds > 0 ? static_cast<double>(r.acked) / r.seconds : 0));
    if (latency.count > 0)
        text += fmt::format("acknowledged after p50 {}, p99 {}, p99.9 {}, at most {}\n", at(0.5), at(0.99),
                            at(0.999), short_duration(static_cast<double>(r.latency_max_ns) / 1e9));
    if (r.skipped > 0)
        text += fmt::format("skipped {} that this producer had sent before\n", with_commas(r.skipped));
    if (r.acked < r.sent) text += fmt::format("not acknowledged: {}\n", with_commas(r.sent - r.acked));
    if (r.unclassified > 0)
        text +=
            fmt::format("durable, but the answer that told how was lost: {}\n", with_commas(r.unclassified));
    if (r.reconnects > 0)
        text +=
            fmt::format("connections lost: {}, events sent again: {}\n", r.reconnects, with_commas(r.resent));
    return text;
}

std::string read_key(const std::string& file) {
    if (file.empty()) {
        const char* key = std::getenv("PENSTOCK_API_KEY");
        return key == nullptr ? "" : key;
    }
    std::ifstream in(file);
    std::string key;
    if (!in || !std::getline(in, key))
        throw CommandError(kUsage, fmt::format("cannot read an API key from {}: {}", file,
                                               errno != 0 ? std::strerror(errno) : "it is empty"));
    while (!key.empty() && static_cast<unsigned char>(key.back()) <= ' ') key.pop_back();
    return key;
}

}  // namespace

double parse_rate(const std::string& text) {
    std::string number = text;
    if (number.ends_with("/s")) number.resize(number.size() - 2);
    double factor = 1;
    if (number.ends_with('K') || number.ends_with('k')) factor = 1e3;
    if (number.ends_with('M')) factor = 1e6;
    if (factor > 1) number.pop_back();
    char* end = nullptr;
    const double value = std::strtod(number.c_str(), &end) * factor;
    if (number.empty() || *end != 0 || !(value > 0) || value > 1e9)
        throw CommandError(kUsage,
                           fmt::format("--rate \"{}\" is no rate; write 500/s, 100K/s or 1.5M/s", text));
    return value;
}

void SendJob::add_flags(CLI::App& command) {
    command.add_option("--to", to, "the appliance's TCP ingest, host:port")->capture_default_str();
    command.add_flag("--tls", tls, "speak TLS, as ingest.tls_certificate asks for");
    command.add_option("--ca", ca_file,
                       "with TLS: PEM file of the authorities to believe; without it the host's own");
    command.add_option("--rate", rate,
                       "steady rate such as 100K/s; each event leaves at its time (open loop)");
    command.add_flag("--binary", binary, "send FlatBuffers frames instead of JSON lines");
    command.add_option("--tenant", tenant, "send as this tenant; without it: default, loopback only");
    command.add_option("--api-key-file", api_key_file,
                       "the tenant's API key, first line; or set PENSTOCK_API_KEY");
    command.add_option("--producer", producer, "a name: a second run continues where the first one stopped");
    command.add_option("--epoch", epoch, "takes over from the same producer's lower epochs");
    command.add_option("--retry-for", retry_for_s,
                       "seconds to reconnect for, 0: none; default 10 after a loss, none at the start");
    command.add_option("--refused-to", refused_to, "write every refusal to this file, a JSON line each");
    output.add_to(command);
}

ClientOptions SendJob::client_options() const {
    ClientOptions options;
    const auto address = parse_host_port(to, 7400);
    if (!address) throw CommandError(kUsage, fmt::format("--to \"{}\" is no address; write host:port", to));
    options.to = *address;
    options.tls = {.wanted = tls || !ca_file.empty(), .ca_file = ca_file, .certificate = {}};
    options.tenant = tenant;
    options.api_key = read_key(api_key_file);
    if (!options.api_key.empty() && tenant.empty()) {
        if (!api_key_file.empty())
            throw CommandError(kUsage, "an API key belongs to a tenant; add --tenant NAME");
        options.api_key.clear();  // of the environment, meant for another command
    }
    if (epoch != 0 && producer.empty())
        throw CommandError(kUsage, "--epoch belongs to a producer; add --producer NAME");
    options.producer = producer;
    options.epoch = epoch;
    options.binary = binary;
    options.backfill = backfill;
    options.rate = rate.empty() ? 0 : parse_rate(rate);
    options.retry_for_s = retry_for_s.value_or(kRetryDefault_s);
    options.retry_first = retry_for_s.has_value() && *retry_for_s > 0;
    return options;
}

ExitCode SendJob::run(LineSource& source, bool until_interrupted) const {
    Reporter reporter(refused_to);
    Client client(client_options(), source, reporter);
    catch_interrupts();
    const SendReport& report = client.run();
    reporter.clear_bar();
    using End = SendReport::End;
    if (report.end != End::kUnreachable) print(output.json() ? as_json(report) : as_text(report));
    switch (report.end) {
        case End::kDone:
            break;
        case End::kInterrupted:
            if (!until_interrupted) return kInterrupted;
            if (report.acked < report.sent) return kFailed;
            break;
        case End::kRejected:
            throw CommandError(kFailed, report.error);
        case End::kLost:
        case End::kUnreachable:
            throw CommandError(kUnreachable, report.error);
    }
    return report.refused > 0 ? kFailed : kOk;
}

}  // namespace penstock::cli
