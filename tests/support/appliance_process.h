// The real program in a child process, with its own folder and free ports.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace penstock::test {

struct CommandResult {
    int exit_code = -1;
    std::string out, err;
};
/// Runs the program (PENSTOCK_PROGRAM) to its end. `input` is its stdin.
CommandResult penstock(const std::vector<std::string>& arguments, const std::string& input = "");

/// `penstock serve`, killed with the object. Errors throw std::runtime_error with the program's log.
class ApplianceProcess {
  public:
    /// `config`: TOML behind data_dir and the listen addresses, which are set here.
    explicit ApplianceProcess(std::string config = "");
    ~ApplianceProcess();
    ApplianceProcess(const ApplianceProcess&) = delete;
    ApplianceProcess& operator=(const ApplianceProcess&) = delete;

    void start();   ///< returns when it is ready
    void launch();  ///< returns at once; wait_ready() is the rest of start()
    void wait_ready();
    /// launch() on the data folder of another appliance, with these flags.
    void begin_on(const ApplianceProcess& other, const std::vector<std::string>& flags);
    void stop();                        ///< SIGTERM; expects exit code 0
    int wait_end(double seconds = 20);  ///< its exit code when it ends by itself; -1: it runs on
    void kill9();
    void set_config(std::string config) { config_ = std::move(config); }
    /// Behind `serve --config FILE`, for example --set data_dir=...; from the next start.
    void set_arguments(std::vector<std::string> arguments) { arguments_ = std::move(arguments); }
    /// "NAME=value", added to the environment; from the next start.
    void set_environment(std::vector<std::string> variables) { environment_ = std::move(variables); }

    std::string events() const;  ///< "127.0.0.1:PORT"
    uint16_t events_port() const { return events_port_; }
    uint16_t http_port() const { return http_port_; }
    pid_t pid() const { return pid_; }
    std::string data_dir() const { return data_; }
    const std::string& folder() const { return folder_; }
    std::string config_file() const { return folder_ + "/penstock.toml"; }
    std::string log_text() const;
    /// What was logged since the last start.
    std::string log_since_start() const { return log_text().substr(log_before_); }
    /// GET, the body; throws unless 200.
    std::string get(const std::string& path) const;

  private:
    std::string config_, folder_, data_;
    std::vector<std::string> arguments_, environment_;
    size_t log_before_ = 0;
    uint16_t events_port_ = 0, http_port_ = 0;
    pid_t pid_ = 0;
};

/// A file in a folder of its own, gone with the object.
class TemporaryFile {
  public:
    TemporaryFile(const std::string& name, const std::string& content);
    ~TemporaryFile();
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    const std::string& path() const { return path_; }

  private:
    std::string folder_, path_;
};

/// Waits until `holds`, looking every 20 ms; false after `seconds`.
template <typename Condition>
bool eventually(Condition holds, double seconds = 20);

void sleep_ms(int ms);
template <typename Condition>
bool eventually(Condition holds, double seconds) {
    for (int i = 0; i < static_cast<int>(seconds * 50); ++i) {
        if (holds()) return true;
        sleep_ms(20);
    }
    return holds();
}

}  // namespace penstock::test
