#include "tests/support/appliance_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "tests/support/http_client.h"

namespace penstock::test {
namespace {

std::string temporary_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "penstock-test-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
    return name;
}
std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}
void write_file(const std::string& path, const std::string& content) {
    std::ofstream(path, std::ios::binary) << content;
}

/// The program with stdin, stdout and stderr on files.
pid_t spawn(const std::vector<std::string>& arguments, const std::string& in, const std::string& out,
            const std::string& err, const std::vector<std::string>& environment = {}) {
    std::vector<char*> argv{const_cast<char*>(PENSTOCK_PROGRAM)};
    for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
    argv.push_back(nullptr);
    std::vector<char*> env;
    for (char** e = environ; *e; ++e) env.push_back(*e);
    for (const std::string& e : environment) env.push_back(const_cast<char*>(e.c_str()));
    env.push_back(nullptr);
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    const auto redirect = [](const std::string& path, int flags, int to) {
        const int fd = ::open(path.c_str(), flags, 0600);
        if (fd < 0 || ::dup2(fd, to) < 0) ::_exit(126);
    };
    redirect(in, O_RDONLY, 0);
    redirect(out, O_WRONLY | O_CREAT | O_APPEND, 1);
    redirect(err, O_WRONLY | O_CREAT | O_APPEND, 2);
    ::execve(argv[0], argv.data(), env.data());
    ::_exit(127);
}
int exit_code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }
int wait_for(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return exit_code_of(status);
}

}  // namespace

void sleep_ms(int ms) { ::usleep(static_cast<useconds_t>(ms) * 1000); }

CommandResult penstock(const std::vector<std::string>& arguments, const std::string& input) {
    const std::string folder = temporary_folder();
    write_file(folder + "/in", input);
    CommandResult result;
    result.exit_code = wait_for(spawn(arguments, folder + "/in", folder + "/out", folder + "/err"));
    result.out = read_file(folder + "/out");
    result.err = read_file(folder + "/err");
    std::filesystem::remove_all(folder);
    return result;
}

ApplianceProcess::ApplianceProcess(std::string config)
    : config_(std::move(config)), folder_(temporary_folder()), data_(folder_ + "/data") {}

ApplianceProcess::~ApplianceProcess() {
    if (pid_ > 0) kill9();
    std::error_code ec;
    std::filesystem::remove_all(folder_, ec);
}

std::string ApplianceProcess::events() const { return fmt::format("127.0.0.1:{}", events_port_); }
std::string ApplianceProcess::log_text() const { return read_file(folder_ + "/log.txt"); }

void ApplianceProcess::begin_on(const ApplianceProcess& other, const std::vector<std::string>& flags) {
    data_ = other.data_;
    arguments_ = flags;
    launch();
}

void ApplianceProcess::launch() {
    // Ports are taken anew each time, so that no other test is in the way; a log bound that any disk has.
    write_file(config_file(), "data_dir = \"" + data_ +
                                  "\"\n[ingest]\nlisten = \"127.0.0.1:0\"\n[http]\nlisten = "
                                  "\"127.0.0.1:0\"\n[log]\nbytes_max = "
                                  "\"2GiB\"\nretention_bytes = \"1GiB\"\n" +
                                  config_);
    log_before_ = log_text().size();
    events_port_ = http_port_ = 0;
    std::vector<std::string> arguments{"serve", "--config", config_file()};
    arguments.insert(arguments.end(), arguments_.begin(), arguments_.end());
    pid_ = spawn(arguments, "/dev/null", folder_ + "/log.txt", folder_ + "/log.txt", environment_);
}

void ApplianceProcess::start() {
    launch();
    wait_ready();
}

void ApplianceProcess::wait_ready() {
    const auto port_behind = [&](const std::string& log, const std::string& text) -> uint16_t {
        const size_t at = log.find(text);
        return at == log.npos ? 0 : static_cast<uint16_t>(std::atoi(log.c_str() + at + text.size()));
    };
    const bool ready = eventually(
        [&] {
            const std::string log = log_since_start();
            events_port_ = port_behind(log, "events on 127.0.0.1:");
            http_port_ = port_behind(log, "listening on 127.0.0.1:");
            int status = 0;
            if (::waitpid(pid_, &status, WNOHANG) == pid_) {
                pid_ = 0;
                throw std::runtime_error("the appliance ended at its start:\n" + log);
            }
            return events_port_ != 0 && http_port_ != 0;
        },
        60);
    if (!ready) throw std::runtime_error("the appliance is not ready:\n" + log_text());
}

int ApplianceProcess::wait_end(double seconds) {
    int status = 0;
    if (!eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; }, seconds)) return -1;
    pid_ = 0;
    return exit_code_of(status);
}

void ApplianceProcess::stop() {
    ::kill(pid_, SIGTERM);
    const int code = wait_for(pid_);
    pid_ = 0;
    if (code != 0)
        throw std::runtime_error(fmt::format("the appliance ended with {}:\n{}", code, log_text()));
}

void ApplianceProcess::kill9() {
    ::kill(pid_, SIGKILL);
    wait_for(pid_);
    pid_ = 0;
}

std::string ApplianceProcess::get(const std::string& path) const {
    HttpClient client(http_port_);
    const HttpAnswer answer = client.get(path);
    if (answer.status != 200)
        throw std::runtime_error(fmt::format("GET {}: {}\n{}", path, answer.status, answer.body));
    return answer.body;
}

TemporaryFile::TemporaryFile(const std::string& name, const std::string& content)
    : folder_(temporary_folder()), path_(folder_ + "/" + name) {
    write_file(path_, content);
}
TemporaryFile::~TemporaryFile() { std::filesystem::remove_all(folder_); }

}  // namespace penstock::test
