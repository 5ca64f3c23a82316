// What `send` and `generate` share: the flags of a connection, the progress line, the summary.
#pragma once

#include <cstdio>
#include <optional>
#include <string>

#include "admin/cli/client.h"
#include "admin/cli/terminal.h"

namespace CLI {
class App;
}

namespace penstock::cli {

/// "100000", "100K", "1.5M", "100000/s" as events a second. Throws CommandError for anything else.
double parse_rate(const std::string& text);

struct SendJob {
    std::string to = "localhost:7400";
    std::string tenant, api_key_file, producer, rate, refused_to;
    uint64_t epoch = 0;
    bool binary = false, backfill = false, tls = false;
    std::string ca_file;
    std::optional<double> retry_for_s;
    OutputFormat output;

    void add_flags(CLI::App& command);
    /// Sends all that the source has and prints the summary. `until_interrupted`: an interrupt is the proper
    /// end. Throws CommandError for wrong flags.
    ExitCode run(LineSource& source, bool until_interrupted = false) const;

  private:
    ClientOptions client_options() const;
};

}  // namespace penstock::cli
