// For fault tests: an appliance whose disk and clock a test can spoil, and what is in its log afterwards.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <fstream>
#include <set>
#include <stdexcept>
#include <string>

#include "schemas/event_fields.h"
#include "storage/event_log.h"
#include "tests/fault/shim/faults.h"
#include "tests/support/appliance_process.h"

namespace penstock::test {

/// The shim's controls, and the environment that preloads it. Outlives the appliance.
class SpoiledHost {
  public:
    SpoiledHost() : file_("faults", std::string(sizeof(Faults), '\0')) {
        const int fd = ::open(file_.path().c_str(), O_RDWR | O_CLOEXEC);
        void* at = ::mmap(nullptr, sizeof(Faults), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        ::close(fd);
        if (at == MAP_FAILED) throw std::runtime_error("cannot map the shim's controls");
        faults_ = static_cast<Faults*>(at);
    }
    ~SpoiledHost() { ::munmap(faults_, sizeof(Faults)); }
    SpoiledHost(const SpoiledHost&) = delete;
    SpoiledHost& operator=(const SpoiledHost&) = delete;

    Faults* operator->() { return faults_; }
    Faults& faults() { return *faults_; }
    std::vector<std::string> environment() const {
        return {"LD_PRELOAD=" PENSTOCK_FAULT_SHIM, "PENSTOCK_FAULTS=" + file_.path()};
    }

  private:
    TemporaryFile file_;
    Faults* faults_;
};

/// `count` events of no region's, numbered from `first`, one a line; each about `data_bytes` long.
inline std::string numbered_events(int first, int count, size_t data_bytes = 20) {
    std::string text;
    for (int i = first; i < first + count; ++i)
        text += fmt::format(
            R"({{"specversion":"1.0","id":"{}","source":"/fault","type":"t","subject":"k{}","data":"{}"}})"
            "\n",
            i, i % 100, std::string(data_bytes, 'x'));
    return text;
}

struct Sent {
    int exit_code = -1;
    int64_t acked = 0, stored = 0, duplicates = 0;
};
inline Sent send_file(const ApplianceProcess& appliance, const std::string& path,
                      const std::string& retry_for_s = "0") {
    const CommandResult r =
        penstock({"send", path, "--to", appliance.events(), "--retry-for", retry_for_s, "-o", "json"});
    Sent sent;
    sent.exit_code = r.exit_code;
    boost::system::error_code error;
    const boost::json::value v = boost::json::parse(r.out, error);
    if (error || !v.is_object()) return sent;
    sent.acked = v.at("acked").to_number<int64_t>();
    sent.stored = v.at("stored").to_number<int64_t>();
    sent.duplicates = v.at("duplicates").to_number<int64_t>();
    return sent;
}

/// Ids of the events in a log that no appliance has open, in its order. Throws LogError where it is damaged.
inline std::vector<std::string> ids_in_log(const std::string& data_dir) {
    std::vector<std::string> ids;
    const EventLog log({data_dir + "/log", 4ULL << 30, true});
    LogReader(log).scan(
        1,
        [&](const RecordView& record) {
            if (record.header->kind == RecordKind::kEvents)
                for (size_t i = 0; i < record.count(); ++i)
                    ids.emplace_back(view_of(event_of(record.bytes(i))->id()));
            return true;
        },
        true);
    return ids;
}
inline void expect_each_once(const std::string& data_dir, size_t count) {
    const std::vector<std::string> ids = ids_in_log(data_dir);
    EXPECT_EQ(ids.size(), count);
    EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), count);
}

}  // namespace penstock::test
