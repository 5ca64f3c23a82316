// What commands that talk to a running appliance share: which appliance is asked, and how its answer is
// shown.
#pragma once

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <string>

#include "admin/cli/config_flags.h"
#include "admin/cli/http_call.h"
#include "admin/cli/terminal.h"

namespace penstock::cli {

/// One line on a terminal, without what could move its cursor.
std::string one_line(std::string text);
/// "2026-01-31 08:00:00": of an RFC 3339 time in UTC.
std::string short_time(const std::string& time);
/// Who runs the command.
std::string user_at_host();

/// Calls throw CommandError where the answer is a problem; its faults, if it lists some, go to stderr.
struct Place {
    ServerFlag server;
    ConfigFlags config;
    OutputFormat output;

    void add_to(CLI::App& command);
    boost::json::object get(const std::string& target) const;
    boost::json::object post(const std::string& target, const boost::json::object& body) const;
    /// `body` is JSON as it is.
    boost::json::object post_text(const std::string& target, const std::string& body) const;
    boost::json::object patch(const std::string& target, const boost::json::object& body) const;
    boost::json::object remove(const std::string& target) const;
    /// Prints what the API answered, or its text.
    void show(const boost::json::object& answer, const std::string& text) const;
};

}  // namespace penstock::cli
