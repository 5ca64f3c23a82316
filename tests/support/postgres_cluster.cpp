#include "tests/support/postgres_cluster.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <thread>

namespace penstock::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

/// The newest installed version's programs; empty: none.
std::string find_bin() {
    if (const char* given = std::getenv("PENSTOCK_PG_BIN")) return given;
    std::string best;
    int best_version = 0;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", error)) {
        const int version = std::atoi(entry.path().filename().c_str());
        if (version > best_version && fs::exists(entry.path() / "bin/initdb")) {
            best_version = version;
            best = entry.path() / "bin";
        }
    }
    return best;
}

void write_file(const fs::path& path, const std::string& text, uint32_t uid, uint32_t gid) {
    std::ofstream(path, std::ios::app) << text;
    if (geteuid() == 0 && chown(path.c_str(), uid, gid) != 0)
        throw std::runtime_error("chown " + path.string());
}

/// -1: no such process, or only its remains.
pid_t parent_of(pid_t pid) {
    std::ifstream stat(fmt::format("/proc/{}/stat", pid));
    std::string line;
    if (!std::getline(stat, line)) return -1;
    char state = 0;
    int parent = -1;
    if (std::sscanf(line.c_str() + line.rfind(')') + 1, " %c %d", &state, &parent) != 2 || state == 'Z')
        return -1;
    return parent;
}

}  // namespace

bool PostgresCluster::available() { return !find_bin().empty() && (geteuid() != 0 || getpwnam("postgres")); }

PostgresCluster::PostgresCluster() : bin_(find_bin()), uid_(geteuid()), gid_(getegid()) {
    if (geteuid() == 0) {
        const passwd* user = getpwnam("postgres");
        if (!user) throw std::runtime_error("there is no user postgres");
        uid_ = user->pw_uid, gid_ = user->pw_gid;
    }
    // Short, since a socket's path has at most 107 bytes; outside the home folders, since another user may
    // have to reach it.
    char name[] = "/tmp/penstock-test-XXXXXX";
    if (!mkdtemp(name)) throw std::runtime_error("mkdtemp failed");
    home_ = name;
    data_ = home_ + "/data";
    if (chmod(name, 0755) != 0 || (geteuid() == 0 && chown(name, uid_, gid_) != 0))
        throw std::runtime_error("cannot prepare " + home_);
    start_janitor();
    if (run({bin_ + "/initdb", "-D", data_, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-A", "trust",
             "--no-sync", "--no-instructions"}) != 0)
        throw std::runtime_error("initdb failed, see " + home_ + "/log");
    write_file(data_ + "/postgresql.conf",
               fmt::format("listen_addresses = ''\nunix_socket_directories = '{}'\nfsync = off\n"
                           "shared_buffers = 32MB\nmax_wal_size = 256MB\nmax_connections = 30\njit = off\n",
                           home_),
               uid_, gid_);
    if (run({bin_ + "/postgres", "--single", "-j", "-D", data_, "postgres"},
            "CREATE ROLE penstock LOGIN;\n\nCREATE DATABASE penstock OWNER penstock;\n\n") != 0)
        throw std::runtime_error("the role could not be made, see " + home_ + "/log");
    start();
}

PostgresCluster::~PostgresCluster() {
    close(janitor_pipe_);
    while (waitpid(janitor_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

/// A shell that waits for the end of a pipe, which comes with the object's end or with the program's crash.
void PostgresCluster::start_janitor() {
    int pipe_ends[2];
    if (pipe2(pipe_ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe failed");
    const std::string script = fmt::format(
        "read -r line; pid=$(head -n 1 {0}/data/postmaster.pid 2>/dev/null) && kill -QUIT $pid && "
        "for i in 1 2 3 4 5 6 7 8 9; do [ -e {0}/data/postmaster.pid ] || break; sleep 0.1; done; rm -rf {0}",
        home_);
    janitor_ = fork();
    if (janitor_ < 0) throw std::runtime_error("fork failed");
    if (janitor_ == 0) {
        dup2(pipe_ends[0], 0);
        setsid();
        execl("/bin/sh", "sh", "-c", script.c_str(), nullptr);
        _exit(127);
    }
    close(pipe_ends[0]);
    janitor_pipe_ = pipe_ends[1];
}

std::string PostgresCluster::dsn() const {
    return "host=" + home_ + " port=5432 dbname=penstock user=penstock";
}
std::string PostgresCluster::admin_dsn() const {
    return "host=" + home_ + " port=5432 dbname=penstock user=postgres";
}

/// Runs a program as the servers' user; output goes to home_/log.
int PostgresCluster::run(const std::vector<std::string>& arguments, const std::string& input) const {
    int in[2];
    if (pipe2(in, O_CLOEXEC) != 0) throw std::runtime_error("pipe failed");
    std::vector<char*> argv;
    for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
    argv.push_back(nullptr);
    const std::string log = home_ + "/log";
    const pid_t child = fork();
    if (child < 0) throw std::runtime_error("fork failed");
    if (child == 0) {  // only calls that are safe between fork and exec
        const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
        dup2(in[0], 0), dup2(out, 1), dup2(out, 2);
        if (chdir("/") != 0) _exit(126);
        if (geteuid() == 0 && (setgroups(0, nullptr) != 0 || setgid(gid_) != 0 || setuid(uid_) != 0))
            _exit(126);
        setsid();  // a Ctrl-C at the terminal is for the tests
        execv(argv[0], argv.data());
        _exit(127);
    }
    close(in[0]);
    [[maybe_unused]] const ssize_t n = write(in[1], input.data(), input.size());
    close(in[1]);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

pid_t PostgresCluster::postmaster() const {
    std::ifstream file(data_ + "/postmaster.pid");
    pid_t pid = 0;
    return file >> pid && parent_of(pid) >= 0 ? pid : 0;
}

void PostgresCluster::start() {
    for (int attempt = 0; attempt < 20; ++attempt) {  // killed backends may hold its memory for a moment
        if (run({bin_ + "/pg_ctl", "-D", data_, "-w", "-t", "60", "-s", "-l", home_ + "/server.log",
                 "start"}) == 0)
            return;
        std::this_thread::sleep_for(100ms);
    }
    throw std::runtime_error("the cluster did not start, see " + home_ + "/server.log");
}
void PostgresCluster::stop() {
    if (run({bin_ + "/pg_ctl", "-D", data_, "-m", "fast", "-w", "-t", "60", "-s", "stop"}) != 0)
        throw std::runtime_error("the cluster did not stop, see " + home_ + "/log");
}
void PostgresCluster::kill9() {
    const pid_t master = postmaster();
    if (master <= 0) return;
    // The children are found before the parent dies and they are nobody's.
    std::vector<pid_t> all{master};
    for (const auto& entry : fs::directory_iterator("/proc")) {
        const int pid = std::atoi(entry.path().filename().c_str());
        if (pid > 0 && parent_of(pid) == master) all.push_back(pid);
    }
    for (const pid_t pid : all) kill(pid, SIGKILL);
    for (int i = 0; i < 500; ++i) {
        if (std::none_of(all.begin(), all.end(), [](pid_t pid) { return parent_of(pid) >= 0; })) break;
        std::this_thread::sleep_for(10ms);
    }
    // Where nobody reaps the dead, the server would take its own remains for a running server.
    fs::remove(data_ + "/postmaster.pid");
}

void PostgresCluster::reset() {
    sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = 'penstock' AND "
        "pid <> pg_backend_pid()");
    sql("DROP SCHEMA IF EXISTS penstock CASCADE");
}

std::string PostgresCluster::sql(const std::string& statement) const {
    const std::unique_ptr<PGconn, void (*)(PGconn*)> connection(PQconnectdb(admin_dsn().c_str()), PQfinish);
    if (PQstatus(connection.get()) != CONNECTION_OK)
        throw std::runtime_error(PQerrorMessage(connection.get()));
    PQsetNoticeReceiver(connection.get(), [](void*, const PGresult*) {}, nullptr);
    const std::unique_ptr<PGresult, void (*)(PGresult*)> result(PQexec(connection.get(), statement.c_str()),
                                                                PQclear);
    const ExecStatusType status = PQresultStatus(result.get());
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        throw std::runtime_error(statement + ": " + PQresultErrorMessage(result.get()));
    return PQntuples(result.get()) > 0 && PQnfields(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
}
int64_t PostgresCluster::number(const std::string& statement) const {
    const std::string text = sql(statement);
    return text.empty() ? 0 : std::stoll(text);
}

PostgresCluster& shared_cluster() {
    static PostgresCluster cluster;
    return cluster;
}

}  // namespace penstock::test
