// What people write into files, and what lies in the log's: a sound result or an error with a text, and the
// same for the same bytes.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstring>
#include <map>

#include "admin/config.h"
#include "admin/http/counters.h"
#include "admin/http/events.h"
#include "admin/http/router.h"
#include "admin/http/status.h"
#include "schemas/event_fields.h"
#include "stages/alert/alert_book.h"
#include "stages/enrich/lookup_table.h"
#include "stages/sla/workflow.h"
#include "storage/event_log.h"
#include "tests/fuzz/targets.h"
#include "tests/support/hot_log.h"
#include "tests/support/http_parts.h"
#include "tests/support/memory_workflows.h"

namespace penstock::fuzz {
namespace {

/// The bytes as a file without a folder.
class MemoryFile {
  public:
    MemoryFile(const uint8_t* data, size_t size) : fd_(::memfd_create("fuzz", MFD_CLOEXEC)) {
        require(fd_ >= 0 && ::write(fd_, data, size) == static_cast<ssize_t>(size), "no memory file");
    }
    ~MemoryFile() { ::close(fd_); }
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;
    std::string path() const { return fmt::format("/proc/self/fd/{}", fd_); }

  private:
    int fd_;
};

}  // namespace

int config(const uint8_t* data, size_t size) {
    // It names files, which are looked at; only such that are here.
    if (text_of(data, size).find("/dev/") != std::string_view::npos) return 0;
    const MemoryFile file(data, size);
    std::string before;
    for (int i = 0; i < 2; ++i) {
        std::string result;
        try {
            const Config c = load_config(file.path(), {});
            result = fmt::format("{} {} {}", c.data_dir, c.regions.size(), c.log.bytes_max);
            require(!c.regions.empty() && c.log.retention_bytes <= c.log.bytes_max,
                    "a config that is not whole");
        } catch (const ConfigError& e) {
            result = e.what();
            require(!result.empty(), "a fault without a text");
        }
        require(i == 0 || result == before, "two loads differ:\n" + before + "\n" + result);
        before = result;
    }
    return 0;
}

int workflow(const uint8_t* data, size_t size) {
    try {
        const Workflow w = parse_workflow(text_of(data, size));
        require(!w.name.empty() && !(w.edges.empty() && w.watches.empty()),
                "a workflow without name, edges or rules on the clock");
        for (const Edge& e : w.edges)
            require(e.within_ns >= 0 && !e.name.empty() && e.from < w.stages.size() && e.to < w.stages.size(),
                    "an edge that is not whole");
        require(w.document == text_of(data, size), "the document is kept as given");
        const Workflow again = parse_workflow(w.document);
        require(again.edges.size() == w.edges.size() && again.watches.size() == w.watches.size(),
                "it does not read back");
    } catch (const WorkflowError& e) {
        require(*e.what() != 0, "a fault without a text");
    }
    return 0;
}

int log_record(const uint8_t* data, size_t size) {
    // LMDB gives 8-byte aligned values, or the reader copies them so.
    std::vector<uint64_t> aligned((size + 7) / 8);
    if (size > 0) std::memcpy(aligned.data(), data, size);
    auto* const begin = reinterpret_cast<uint8_t*>(aligned.data());
    if (size >= 8) {  // half of them with the magic and version that are looked at first
        if (data[size - 1] & 1) std::memcpy(begin, &kRecordMagic, sizeof kRecordMagic);
        if (data[size - 1] & 1) std::memcpy(begin + 4, &kRecordVersion, sizeof kRecordVersion);
    }
    for (const bool verify : {true, false}) {
        try {
            RecordView r = parse_record({begin, size}, verify);
            const bool closed = r.opener != nullptr;
            RecordOpener opener(nullptr);
            opener.take(r);
            const auto inside = [&](const void* at, size_t bytes) {
                const auto* p = static_cast<const uint8_t*>(at);
                require(bytes == 0 || (p >= begin && p + bytes <= begin + size), "a part lies outside");
            };
            inside(r.bloom.data(), r.bloom.size());
            inside(r.producers.data(), r.producers.size_bytes());
            inside(r.identities.data(), r.identities.size_bytes());
            inside(r.heads.data(), r.heads.size_bytes());
            inside(r.heap.data(), r.heap.size());
            bloom_may_hold(r.bloom, {1, 2});
            for (size_t i = 0; i < r.heads.size(); ++i) {
                if (!closed) inside(r.bytes(i).data(), r.bytes(i).size());
                flatbuffers::Verifier verifier(r.bytes(i).data(), r.bytes(i).size());
                if (r.bytes(i).size() >= 8 && verifier.VerifyBuffer<fb::Event>(nullptr)) {
                    EventFields fields;
                    read_event(*event_of(r.bytes(i)), fields);
                }
            }
        } catch (const LogError& e) {
            require(*e.what() != 0, "damage without a text");
        }
    }
    return 0;
}

int lookup_table(const uint8_t* data, size_t size) {
    const MemoryFile file(data, size);
    try {
        const auto table = LookupTable::load(file.path());
        require(!table->columns().empty(), "a table without columns");
        for (const std::string_view key : {"", "a", "cam-1"})
            if (const auto* row = table->find(key))
                require(row->size() == table->columns().size(), "a row is not as wide as its table");
    } catch (const LookupError& e) {
        require(*e.what() != 0, "a fault without a text");
    }
    return 0;
}

int http_query(const uint8_t* data, size_t size) {
    struct Api {
        Telemetry telemetry;
        SystemClock clock;
        test::HotLog hot;
        http::Counters counters;
        http::Sampler sampler{telemetry, clock};
        http::EventQueries queries{hot.log(), clock};
        DeadLetterBook book;
        LetterMailbox mailbox{2};
        http::DeadLetterDoor letters{queries,   book,  mailbox,
                                     telemetry, clock, [](const auto& work) { work(); }};
        AlertBook alert_book;
        ControlMailbox control_requests{2};
        http::ControlAsker asker{control_requests, telemetry, clock, [](const auto& work) { work(); }};
        http::AlertDoor alerts{hot.log(), queries, alert_book, asker, clock};
        WorkflowAccess access = test::no_workflows();
        http::WorkflowDoor workflows{access, hot.log(), queries, alert_book, asker, clock};
        http::SimulationDoor simulations{access, hot.log(), clock};
        http::Gate gate{{}, telemetry, control_requests, clock};
        http::PasswordPool passwords{[](const auto& work) { work(); }};
        http::SessionDoor sessions{gate, asker};
        http::SignInDoor sign_in{gate, sessions, asker, control_requests, passwords, clock};
        http::PeopleDoor people{gate, hot.log(), asker, passwords};
        HttpServer::Parts parts =
            test::http_parts(telemetry, hot.log(), clock, book, mailbox, control_requests, alert_book);
        http::ReviewDoor review{hot.log(), parts.review, asker, telemetry, clock};
        http::AuditDoor audit{parts.audit};
        http::IntakeDoor intake{hot.log(), parts.event_requests, telemetry, clock,
                                [](const auto& work) { work(); }};
        http::EventSearchDoor search{parts.search, asker, counters, [](const auto& work) { work(); }};
        http::TenantDoor tenants{{}, asker};
        http::RegionDoor regions{{}, tenants, telemetry, asker};
        std::vector<http::Setting> settings;
        http::HostDoor host{telemetry, clock, sampler, letters, gate, counters, settings};
        http::HotLogDoor hot_log{queries};
        http::OnceDoor once{parts.answers, control_requests, clock, [](const auto& work) { work(); }};
        http::Router router{{&host, &hot_log, &letters, &alerts, &workflows, &simulations, &review, &audit,
                             &intake, &search, &tenants, &regions, &sign_in, &sessions, &people, &once},
                            gate};
        Api() {
            hot.append({{.id = "1", .subject = "k"}, {.id = "2", .tenant = "acme", .region = "eu"}});
            hot.append(std::vector<test::LoggedDeadLetter>{{.detail = "d", .raw = "raw"}});
        }
    };
    static Api api;
    const std::string_view target = text_of(data, size);
    const size_t question = std::min(target.find('?'), target.size());
    http::Request request;
    request.method = "GET";
    request.path = target.substr(0, question);
    if (question < target.size()) request.query = target.substr(question + 1);
    http::Response response;
    int answers = 0;
    api.router.handle(request, [&](http::Response r) {
        response = std::move(r);
        ++answers;
    });
    require(answers == 1, "not one answer");
    require(response.status == 200 || response.status == 400 || response.status == 404 ||
                response.status == 405 || response.status == 426 || response.status == 503,
            fmt::format("status {}", response.status));
    if (response.content_type.find("json") == std::string::npos || response.body.empty()) return 0;
    boost::system::error_code error;
    boost::json::parse(response.body, error);
    require(!error, "an answer that is no JSON: " + response.body);
    return 0;
}

}  // namespace penstock::fuzz
