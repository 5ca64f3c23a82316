#include "storage/backup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <atomic>
#include <boost/json.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <thread>
#include <vector>

#include "storage/lmdb.h"

namespace penstock {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::string_view kFormat = "penstock-backup-1";
constexpr size_t kBlockBytes = 1 << 20;
constexpr auto kTold = std::chrono::milliseconds(200);

[[noreturn]] void fail(const std::string& what, int error) {
    throw std::runtime_error(fmt::format("{}: {}", what, std::strerror(error)));
}

class File {
  public:
    File(const std::string& path, int flags)
        : path_(path), fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {
        if (fd_ < 0) fail("cannot open " + path, errno);
    }
    ~File() { ::close(fd_); }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    int fd() const { return fd_; }
    void sync() const {
        if (::fsync(fd_) != 0) fail("cannot sync " + path_, errno);
    }
    uint64_t size() const {
        struct stat s{};
        return ::fstat(fd_, &s) == 0 ? static_cast<uint64_t>(s.st_size) : 0;
    }
    /// Reads at most `size` bytes; 0 at the end.
    size_t read(uint8_t* to, size_t size) const {
        ssize_t n;
        do n = ::read(fd_, to, size);
        while (n < 0 && errno == EINTR);
        if (n < 0) fail("cannot read " + path_, errno);
        return static_cast<size_t>(n);
    }
    void write(const uint8_t* from, size_t size) const {
        while (size > 0) {
            const ssize_t n = ::write(fd_, from, size);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) fail("cannot write " + path_, errno);
            from += n;
            size -= static_cast<size_t>(n);
        }
    }

  private:
    std::string path_;
    int fd_;
};

void sync_folder(const std::string& path) { File(path, O_RDONLY | O_DIRECTORY).sync(); }

void make_folder(const std::string& path) {
    if (::mkdir(path.c_str(), 0700) != 0) fail("cannot create " + path, errno);
}

/// An environment of another process's, opened for reading.
class Environment {
  public:
    explicit Environment(const std::string& path) {
        if (!fs::exists(path + "/data.mdb"))
            throw LogError(
                fmt::format("{} holds nothing; name the data folder of an appliance that has run", path),
                ENOENT);
        lmdb::check(mdb_env_create(&env_), "mdb_env_create");
        lmdb::check(mdb_env_set_maxdbs(env_, 8), "mdb_env_set_maxdbs");
        if (const int rc = mdb_env_open(env_, path.c_str(), MDB_RDONLY | MDB_NOTLS, 0600); rc != 0) {
            mdb_env_close(env_);
            lmdb::fail("cannot open " + path, rc);
        }
    }
    ~Environment() { mdb_env_close(env_); }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;
    MDB_env* get() const { return env_; }
    /// Of all pages in use or free: a copy takes no more.
    uint64_t bytes_max() const {
        MDB_envinfo info;
        MDB_stat stat;
        mdb_env_info(env_, &info);
        mdb_env_stat(env_, &stat);
        return (info.me_last_pgno + 1) * uint64_t{stat.ms_psize};
    }

  private:
    MDB_env* env_ = nullptr;
};

/// Copies one environment, without its free pages, into the new folder `to`.
void copy_environment(const Environment& from, const std::string& to, uint64_t done, uint64_t bytes_max,
                      const BackupProgress& progress) {
    make_folder(to);
    const File file(to + "/data.mdb", O_RDWR | O_CREAT | O_EXCL);
    std::atomic<bool> ended{false};
    std::thread teller([&] {
        for (int i = 0; !ended.load(); ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
            if (i % 20 == 19) progress(done + file.size(), bytes_max);
        }
    });
    const int rc = mdb_env_copyfd2(from.get(), file.fd(), MDB_CP_COMPACT);
    ended = true;
    teller.join();
    if (rc != 0) lmdb::fail("cannot copy to " + to + " (is its disk full?)", rc);
    file.sync();
    sync_folder(to);
}

BackupManifest::File summed(const std::string& path) {
    const File file(path, O_RDONLY);
    const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> hash(XXH3_createState(),
                                                                               XXH3_freeState);
    XXH3_64bits_reset(hash.get());
    std::vector<uint8_t> block(kBlockBytes);
    BackupManifest::File out;
    while (const size_t n = file.read(block.data(), block.size())) {
        XXH3_64bits_update(hash.get(), block.data(), n);
        out.bytes += n;
    }
    out.xxh3 = fmt::format("{:016x}", XXH3_64bits_digest(hash.get()));
    return out;
}

/// `applied_seq` of a state, and the log that it belongs to.
std::pair<Seq, std::string> read_state(const std::string& path) {
    const Environment env(path);
    lmdb::Txn txn(env.get(), MDB_RDONLY);
    MDB_dbi meta;
    lmdb::check(mdb_dbi_open(txn, "meta", 0, &meta), "open meta");
    MDB_val key = lmdb::val("log_id"), value;
    lmdb::check(mdb_get(txn, meta, &key, &value), "read log_id");
    std::pair<Seq, std::string> out{1, std::string(static_cast<const char*>(value.mv_data), value.mv_size)};
    key = lmdb::val("applied_seq");
    if (mdb_get(txn, meta, &key, &value) == 0) std::memcpy(&out.first, value.mv_data, sizeof out.first);
    return out;
}

void write_manifest(const std::string& folder, const BackupManifest& m) {
    const auto file = [](const BackupManifest::File& f) {
        return json::object{{"bytes", f.bytes}, {"xxh3", f.xxh3}};
    };
    const std::string text = json::serialize(json::object{{"format", kFormat},
                                                          {"version", m.version},
                                                          {"log_id", m.log_id},
                                                          {"first_seq", m.first_seq},
                                                          {"next_seq", m.next_seq},
                                                          {"records", m.records},
                                                          {"last_stamp_ns", m.last_stamp_ns},
                                                          {"applied_seq", m.applied_seq},
                                                          {"log", file(m.log)},
                                                          {"state", file(m.state)}}) +
                             "\n";
    const File out(folder + "/manifest.json", O_WRONLY | O_CREAT | O_EXCL);
    out.write(reinterpret_cast<const uint8_t*>(text.data()), text.size());
    out.sync();
}

BackupManifest fill(const std::string& folder, const std::string& data_dir, const std::string& version,
                    const BackupProgress& progress) {
    const Environment state(data_dir + "/state"), log(data_dir + "/log");
    const uint64_t bytes_max = state.bytes_max() + log.bytes_max();
    copy_environment(state, folder + "/state", 0, bytes_max, progress);
    copy_environment(log, folder + "/log", state.bytes_max(), bytes_max, progress);
    BackupManifest m;
    m.version = version;
    std::string state_of;
    std::tie(m.applied_seq, state_of) = read_state(folder + "/state");
    {
        EventLog copy({.path = folder + "/log", .read_only = true});
        const EventLog::Bounds bounds = copy.bounds();
        m.log_id = copy.identity().log_id;
        m.first_seq = bounds.first_seq;
        m.next_seq = bounds.next_seq;
        m.records = bounds.records;
        m.last_stamp_ns = bounds.last_stamp_ns;
    }
    if (state_of != m.log_id)
        throw std::runtime_error(
            fmt::format("{}: the state belongs to log {}, not to {}", data_dir, state_of, m.log_id));
    if (m.applied_seq > 1 && m.records > 0 && m.applied_seq < m.first_seq)
        throw std::runtime_error("retention overtook the copy of the state; run the backup again");
    for (const char* part : {"/log", "/state"}) fs::remove(folder + part + "/lock.mdb");
    m.log = summed(folder + "/log/data.mdb");
    m.state = summed(folder + "/state/data.mdb");
    write_manifest(folder, m);
    return m;
}

}  // namespace

BackupManifest back_up(const std::string& data_dir, const std::string& target, const std::string& version,
                       const BackupProgress& progress) {
    if (fs::exists(target))
        throw std::runtime_error(fmt::format("{} exists; name a folder that does not", target));
    const std::string partial = target + ".partial";
    if (fs::exists(partial))
        throw std::runtime_error(fmt::format(
            "{} exists: another backup runs, or one was cut off; remove it if none runs", partial));
    make_folder(partial);
    try {
        const BackupManifest manifest = fill(partial, data_dir, version, progress);
        sync_folder(partial);
        rename_durably(partial, target);
        return manifest;
    } catch (...) {
        std::error_code ignored;
        fs::remove_all(partial, ignored);
        throw;
    }
}

void rename_durably(const std::string& from, const std::string& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) fail(fmt::format("cannot rename {} to {}", from, to), errno);
    const std::string parent = fs::path(to).parent_path().string();
    sync_folder(parent.empty() ? "." : parent);
}

BackupManifest read_manifest(const std::string& backup) {
    std::ifstream in(backup + "/manifest.json", std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (!in)
        throw std::runtime_error(fmt::format(
            "{} is no backup: it has no manifest.json (one that was cut off is named .partial)", backup));
    try {
        const json::value v = json::parse(text);
        if (json::value_to<std::string>(v.at("format")) != kFormat)
            throw std::runtime_error(
                fmt::format("{} is of a format that this program does not read", backup));
        const auto file = [&](const char* name) {
            return BackupManifest::File{v.at(name).at("bytes").to_number<uint64_t>(),
                                        json::value_to<std::string>(v.at(name).at("xxh3"))};
        };
        BackupManifest m;
        m.version = json::value_to<std::string>(v.at("version"));
        m.log_id = json::value_to<std::string>(v.at("log_id"));
        m.first_seq = v.at("first_seq").to_number<Seq>();
        m.next_seq = v.at("next_seq").to_number<Seq>();
        m.records = v.at("records").to_number<uint64_t>();
        m.last_stamp_ns = v.at("last_stamp_ns").to_number<StampNs>();
        m.applied_seq = v.at("applied_seq").to_number<Seq>();
        m.log = file("log");
        m.state = file("state");
        return m;
    } catch (const boost::system::system_error& e) {
        throw std::runtime_error(fmt::format("{}/manifest.json is damaged: {}", backup, e.what()));
    } catch (const std::out_of_range& e) {
        throw std::runtime_error(fmt::format("{}/manifest.json is damaged: {}", backup, e.what()));
    } catch (const std::invalid_argument& e) {
        throw std::runtime_error(fmt::format("{}/manifest.json is damaged: {}", backup, e.what()));
    }
}

void copy_back(const std::string& backup, const BackupManifest& manifest, const std::string& to,
               const BackupProgress& progress) {
    const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> hash(XXH3_createState(),
                                                                               XXH3_freeState);
    std::vector<uint8_t> block(kBlockBytes);
    uint64_t done = 0;
    auto tell_at = std::chrono::steady_clock::now() + kTold;
    for (const auto& [name, expected] :
         {std::pair<const char*, const BackupManifest::File&>{"log", manifest.log},
          {"state", manifest.state}}) {
        const std::string folder = fmt::format("{}/{}", to, name);
        make_folder(folder);
        const File in(fmt::format("{}/{}/data.mdb", backup, name), O_RDONLY);
        const File out(folder + "/data.mdb", O_WRONLY | O_CREAT | O_EXCL);
        XXH3_64bits_reset(hash.get());
        uint64_t bytes = 0;
        while (const size_t n = in.read(block.data(), block.size())) {
            XXH3_64bits_update(hash.get(), block.data(), n);
            out.write(block.data(), n);
            bytes += n;
            if (std::chrono::steady_clock::now() < tell_at) continue;
            tell_at = std::chrono::steady_clock::now() + kTold;
            progress(done + bytes, manifest.log.bytes + manifest.state.bytes);
        }
        done += bytes;
        if (bytes != expected.bytes ||
            fmt::format("{:016x}", XXH3_64bits_digest(hash.get())) != expected.xxh3)
            throw LogError(
                fmt::format("{}/{}/data.mdb is not what was backed up: its length or checksum differs "
                            "from the manifest; take another backup",
                            backup, name),
                MDB_CORRUPTED);
        out.sync();
        sync_folder(folder);
    }
    sync_folder(to);
}

}  // namespace penstock
