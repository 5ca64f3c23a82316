// Log append against bare LMDB: the same bytes, the same groups, both durable, in turns.
#include <sys/stat.h>

#include <filesystem>

#include "perf/micro/micro.h"
#include "perf/support/intake_pipe.h"
#include "storage/event_log.h"
#include "storage/lmdb.h"

namespace penstock::bench {
namespace {

constexpr uint64_t kMapBytes = 4ULL << 30;

/// Records of a thousand events, about 300 KB each.
std::vector<std::unique_ptr<EventBatch>> make_records(size_t count) {
    std::vector<std::unique_ptr<EventBatch>> records;
    EventFeed feed({});
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

double append_log(const std::string& folder, const std::vector<std::unique_ptr<EventBatch>>& records,
                  size_t group, uint64_t events) {
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
            wrong += record.first_seq() != sent.first_seq() ||
                     !std::equal(record.heap.begin(), record.heap.end(), sent.heap.begin(), sent.heap.end());
            return true;
        },
        true);
    expect_equal(found, events, "events in the log");
    expect_equal(wrong, 0u, "records that are not what was appended");
    return took;
}

/// What the library does at its best for these bytes: one put a record from memory that lies ready.
double append_bare(const std::string& folder, const std::vector<std::unique_ptr<EventBatch>>& records,
                   size_t group) {
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
    return took;
}

void run_group(const MicroOptions& options, const std::vector<std::unique_ptr<EventBatch>>& records,
               size_t group, const std::string& name) {
    uint64_t events = 0, bytes = 0;
    for (const auto& record : records) events += record->count(), bytes += record->header.value_bytes();
    Runs ratio, log, bare;
    append_bare(options.folder + "/bare", records, group);  // once unmeasured
    for (size_t i = 0; i < std::max<size_t>(options.runs, 5); ++i) {
        const double b = append_bare(options.folder + "/bare", records, group);
        const double l = append_log(options.folder + "/log", records, group, events);
        ratio.add(b / l);
        bare.add(static_cast<double>(events) / b), log.add(static_cast<double>(events) / l);
    }
    Result("log/append_" + name, log, "events/s")
        .more("bytes_an_event", static_cast<double>(bytes) / static_cast<double>(events))
        .print();
    Result("log/bare_lmdb_" + name, bare, "events/s")
        .note("the same bytes and groups; both fdatasync each group")
        .print();
    Result("log/ratio_" + name, ratio, "of bare LMDB").target(0.8).print();
}

/// What it costs to keep every event sealed: sealing and opening a record's items, without the disk.
void run_sealed(const MicroOptions& options, const std::vector<std::unique_ptr<EventBatch>>& records) {
    const std::string file = options.folder + "/seal.key";
    std::filesystem::remove(file);
    read_or_make_seal_keys(file);
    SealKeys keys;
    for (uint16_t region = 0; region < limits::kRegionsMax; ++region) keys.add_region(region, file);
    RecordOpener opener(&keys);
    Runs sealed, opened;
    for (size_t run = 0; run < options.runs; ++run) {
        int64_t sealing_ns = 0, opening_ns = 0;
        uint64_t events = 0;
        for (const auto& record : records) {
            const RecordView view = record->view();
            std::vector<uint8_t> heap(view.heap.begin(), view.heap.end());
            heap.resize(heap.size() + seal_bytes_for(view, keys));
            const int64_t begin = monotonic_now_ns();
            seal_items(view, keys, heap.data(), heap.data() + view.heap.size());
            const int64_t between = monotonic_now_ns();
            RecordHeader header = *view.header;
            header.seal_bytes = seal_bytes_of(header.count);
            RecordView stored = view;
            stored.header = &header;
            stored.heap = {heap.data(), view.heap.size()};
            opener.take(stored);
            uint64_t wrong = 0;
            std::vector<std::span<const uint8_t>> items;
            for (size_t i = 0; i < stored.count(); ++i) items.push_back(stored.bytes(i));
            opening_ns += monotonic_now_ns() - between;
            sealing_ns += between - begin;
            for (size_t i = 0; i < stored.count(); ++i)
                wrong += !std::equal(items[i].begin(), items[i].end(), view.bytes(i).begin());
            expect_equal(wrong, 0u, "items that are not what was sealed");
            events += stored.count();
        }
        sealed.add(static_cast<double>(events) * 1e9 / static_cast<double>(sealing_ns));
        opened.add(static_cast<double>(events) * 1e9 / static_cast<double>(opening_ns));
    }
    Result("log/seal", sealed, "events/s").note("XChaCha20-Poly1305, an event by itself").print();
    Result("log/open", opened, "events/s").print();
}

}  // namespace

void bench_log(const MicroOptions& options) {
    const auto records = make_records(options.quick ? 40 : 400);
    run_group(options, records, 1, "1_record");
    run_group(options, records, 8, "8_records");
    run_sealed(options, records);
}

}  // namespace penstock::bench
