#include "perf/support/log_appends.h"

#include <algorithm>
#include <filesystem>

#include "perf/support/intake_pipe.h"
#include "storage/event_log.h"
#include "storage/lmdb.h"

namespace penstock::bench {
namespace {

constexpr uint64_t kMapBytes = 4ULL << 30;

}  // namespace

Records make_records(size_t count, const EventFeed::Options& options) {
    Records records;
    EventFeed feed(options);
    IntakePipe pipe;
    pipe.engine_on = false;
    pipe.visit = [&](const EventBatch& batch) { records.push_back(std::make_unique<EventBatch>(batch)); };
    std::vector<RawEvent> raw;
    while (records.size() < count) {
        const auto part = feed.next(1024, 1'767'225'600'000'000'000);
        raw_events(feed, feed.position() - part.events, part.events, RawEvent::Format::kJson, raw);
        pipe.take(raw);
    }
    records.resize(count);
    return records;
}

double append_log(const std::string& folder, const Records& records, size_t group, uint64_t events) {
    std::filesystem::remove_all(folder);
    EventLog log({folder, kMapBytes, false});
    const int64_t begin = monotonic_now_ns();
    std::vector<RecordView> views;
    for (size_t i = 0; i < records.size(); i += group) {
        views.clear();
        for (size_t k = i; k < std::min(records.size(), i + group); ++k) views.push_back(records[k]->view());
        log.append(views);
    }
    const double took = seconds_since(begin);
    uint64_t found = 0, at = 0, wrong = 0;
    LogReader(log).scan(
        1,
        [&](const RecordView& record) {
            found += record.count();
            const RecordView sent = records[at++]->view();
            wrong += record.first_seq() != sent.first_seq() || record.count() != sent.count();
            for (size_t i = 0; i < std::min(record.count(), sent.count()); ++i)
                wrong += !std::ranges::equal(record.bytes(i), sent.bytes(i));
            return true;
        },
        true);
    expect_equal(found, events, "events in the log");
    expect_equal(wrong, 0u, "records and events that are not what was appended");
    return took;
}

double append_bare(const std::string& folder, const Records& records, size_t group) {
    std::vector<std::vector<uint8_t>> values;
    for (const auto& record : records) {
        const RecordView view = record->view();
        std::vector<uint8_t>& value = values.emplace_back();
        const auto add = [&](const void* data, size_t size) {
            const auto* bytes = static_cast<const uint8_t*>(data);
            value.insert(value.end(), bytes, bytes + size);
        };
        add(view.header, sizeof(RecordHeader));
        add(view.bloom.data(), view.bloom.size_bytes());
        add(view.producers.data(), view.producers.size_bytes());
        add(view.identities.data(), view.identities.size_bytes());
        add(view.heads.data(), view.heads.size_bytes());
        add(view.heap.data(), view.heap.size_bytes());
        expect_equal(value.size(), view.header->value_bytes(), "bytes of a record");
    }
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    MDB_env* env = nullptr;
    lmdb::check(mdb_env_create(&env), "mdb_env_create");
    const std::unique_ptr<MDB_env, void (*)(MDB_env*)> owner(env, mdb_env_close);
    lmdb::check(mdb_env_set_mapsize(env, kMapBytes), "mdb_env_set_mapsize");
    lmdb::check(mdb_env_open(env, folder.c_str(), MDB_NOTLS | MDB_NORDAHEAD, 0600), "mdb_env_open");
    MDB_dbi dbi = 0;
    {
        lmdb::Txn txn(env, 0);
        lmdb::check(mdb_dbi_open(txn, nullptr, MDB_INTEGERKEY, &dbi), "mdb_dbi_open");
        txn.commit();
    }
    const int64_t begin = monotonic_now_ns();
    for (size_t i = 0; i < values.size(); i += group) {
        lmdb::Txn txn(env, 0);
        for (size_t k = i; k < std::min(values.size(), i + group); ++k) {
            Seq seq = records[k]->header.first_seq;
            MDB_val key = lmdb::val(&seq, sizeof seq), value = lmdb::val(values[k].data(), values[k].size());
            lmdb::check(mdb_put(txn, dbi, &key, &value, MDB_APPEND), "mdb_put");
        }
        txn.commit();
    }
    const double took = seconds_since(begin);
    lmdb::Txn txn(env, MDB_RDONLY);
    MDB_stat stat;
    lmdb::check(mdb_stat(txn, dbi, &stat), "mdb_stat");
    expect_equal(stat.ms_entries, records.size(), "records in the bare store");
    for (size_t i = 0; i < values.size(); ++i) {
        Seq seq = records[i]->header.first_seq;
        MDB_val key = lmdb::val(&seq, sizeof seq), value;
        lmdb::check(mdb_get(txn, dbi, &key, &value), "mdb_get");
        const auto* bytes = static_cast<const uint8_t*>(value.mv_data);
        expect(std::equal(values[i].begin(), values[i].end(), bytes, bytes + value.mv_size),
               "a record in the bare store is not what was put");
    }
    return took;
}

}  // namespace penstock::bench
