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

    void start();  ///< returns when it is ready
    void stop();   ///< SIGTERM; expects exit code 0
    void kill9();
    void set_config(std::string config) { config_ = std::move(config); }

    std::string events() const;  ///< "127.0.0.1:PORT"
    uint16_t http_port() const { return http_port_; }
    const std::string& folder() const { return folder_; }
    std::string config_file() const { return folder_ + "/penstock.toml"; }
    std::string log_text() const;
    /// GET, the body; throws unless 200.
    std::string get(const std::string& path) const;

  private:
    std::string config_, folder_;
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
