// Where `penstock deadletter` gets dead letters from: a running appliance, or the data folder of a stopped
// one.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <functional>
#include <string>

#include "admin/cli/config_flags.h"
#include "admin/cli/http_call.h"

namespace penstock::cli {

/// Which appliance is meant.
struct LetterPlace {
    std::string server;    ///< --server; empty: http.listen of the configuration
    std::string api_key;   ///< --api-key
    std::string data_dir;  ///< --data-dir; not empty: its log is read, and nobody is asked
    ConfigFlags config;

    void add_to(CLI::App& command, bool reads_only);
    ApiPlace address() const { return appliance_at(server, "--server", config, api_key); }
};

/// Which letters are meant; texts as the API takes them, empty: any.
struct LetterChoice {
    std::string cause, tenant, since, until, status;

    void add_to(CLI::App& command);
    bool empty() const {
        return cause.empty() && tenant.empty() && since.empty() && until.empty() && status.empty();
    }
    /// Makes instants of times like "2h" (ago), and says what is wrong with the rest. Throws CommandError.
    void settle();
    std::string query() const;
};

/// Each letter as the API's JSON, newest first, until `take` returns false. Throws CommandError.
void for_each_letter(const LetterPlace& place, const LetterChoice& choice,
                     const std::function<bool(const boost::json::object&)>& take);
boost::json::object one_letter(const LetterPlace& place, uint64_t seq);

/// Makes an instant of a time like "2h" (ago). Throws CommandError(kUsage) where it is neither, naming
/// `flag`.
void settle_time(std::string& text, std::string_view flag);

/// The detail of an RFC 9457 problem, or the status where the body is none.
std::string problem_text(const HttpReply& reply);

}  // namespace penstock::cli
