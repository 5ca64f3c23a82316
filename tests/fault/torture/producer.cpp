#include "tests/fault/torture/producer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstring>

#include "pipeline/clock.h"
#include "schemas/wire.h"

namespace penstock::test::torture {

namespace {
namespace json = boost::json;

constexpr uint64_t kUnderWayMax = 4'000;
constexpr int64_t kPatienceNs = 45'000'000'000;  ///< within the dedup window, which makes resends safe

int connect_to(uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
    ::close(fd);
    return -1;
}

std::string frame(wire::FrameType type, const std::string& body, uint32_t count, uint64_t epoch,
                  uint64_t first) {
    wire::FrameHeader h{};
    h.magic = wire::kMagic;
    h.type = type;
    h.body_bytes = static_cast<uint32_t>(body.size());
    h.count = count;
    h.epoch = epoch;
    h.first_seq = first;
    std::string bytes(reinterpret_cast<const char*>(&h), offsetof(wire::FrameHeader, checksum));
    const std::string hashed = bytes + body;
    const uint64_t checksum = XXH3_64bits(hashed.data(), hashed.size());
    bytes.append(reinterpret_cast<const char*>(&checksum), sizeof checksum);
    return bytes + body;
}

}  // namespace

void Field::wrong(const std::string& what) {
    std::lock_guard lock(mutex_);
    if (faults_.size() < 20) faults_.push_back(what);
}
std::vector<std::string> Field::faults() {
    std::lock_guard lock(mutex_);
    return faults_;
}

Producer::Producer(const Options& options, Field& field)
    : options_(options), field_(field), random_(100 + options.index), thread_([this] { run(); }) {}
Producer::~Producer() {
    field_.stop = true;
    if (thread_.joinable()) thread_.join();
}

std::string Producer::description() const {
    return fmt::format("producer {} ({}, {})", options_.index, options_.named ? "named" : "anonymous",
                       options_.binary ? "binary" : "NDJSON");
}

void Producer::run() {
    began_ns_ = progress_ns_ = monotonic_now_ns();
    while (!field_.stop) {
        if (field_.finish && acked_below_ > made_) break;
        const uint16_t port = field_.port;
        const int fd = port ? connect_to(port) : -1;
        if (fd < 0) {
            ::usleep(2'000);
            continue;
        }
        session(fd);
        ::close(fd);
    }
    done_ = true;
}

void Producer::session(int fd) {
    received_.clear();
    under_way_.clear();
    answered_ = 0;
    position_ = 1;
    if (!introduce(fd)) return;
    while (!field_.stop) {
        if (field_.finish && acked_below_ > made_) return;
        if (monotonic_now_ns() - progress_ns_ > kPatienceNs && acked_below_ <= made_) {
            wrong("no answer for 45 s");
            field_.stop = true;
        }
        if (random_.below(2'000) == 0) {  // vanishes inside an event
            made_ = std::max(made_, next_);
            const std::string part = bytes_of({next_}, options_.named ? next_ : position_);
            send_all(fd, std::string_view(part).substr(0, 1 + random_.below(part.size() - 1)));
            return;
        }
        if (!send_some(fd) || !read_answers(fd, 2)) return;
    }
}

/// Hello and welcome, and where to go on.
bool Producer::introduce(int fd) {
    next_ = acked_below_;
    if (!options_.named) {
        // What was not answered, and now and then some of what was.
        if (random_.chance(30)) next_ -= std::min(next_ - 1, random_.below(50));
        return true;
    }
    const std::string name = fmt::format("torture-{}", options_.index);
    welcomed_ = false;
    const std::string hello =
        options_.binary ? frame(wire::FrameType::kHello, fmt::format(R"({{"producer":"{}"}})", name), 0, 0, 0)
                        : fmt::format(R"({{"penstock":"hello","producer":"{}"}})"
                                      "\n",
                                      name);
    if (!send_all(fd, hello)) return false;
    while (!welcomed_)
        if (field_.stop || !read_answers(fd, 100)) return false;
    if (next_ < acked_below_)
        wrong(fmt::format("the appliance expects {}, but acknowledged {} before", next_, acked_below_ - 1));
    if (next_ > made_ + 1) wrong(fmt::format("the appliance expects {}, but {} were sent", next_, made_));
    if (random_.chance(50) && next_ > 1) {  // says again what is known already
        next_ -= std::min(next_ - 1, random_.below(300));
        if (!options_.binary)
            return send_all(fd, fmt::format(R"({{"penstock":"seq","seq":{}}})"
                                            "\n",
                                            next_));
    }
    return true;
}

bool Producer::send_some(int fd) {
    const uint64_t due = 1 + static_cast<uint64_t>(monotonic_now_ns() - began_ns_) / 1'000 *
                                 options_.events_per_second / 1'000'000;
    uint64_t count = 1 + random_.below(random_.chance(10) ? 400 : 40);
    if (field_.finish || made_ >= due) count = std::min(count, made_ + 1 - std::min(next_, made_ + 1));
    const uint64_t unanswered = options_.named ? next_ - std::min(next_, acked_below_) : under_way_.size();
    if (count == 0 || unanswered > kUnderWayMax) return true;
    std::vector<uint64_t> numbers;
    for (uint64_t i = 0; i < count; ++i) numbers.push_back(next_ + i);
    const std::string bytes = bytes_of(numbers, options_.named ? next_ : position_);
    if (next_ <= made_) resent_ += std::min(made_ + 1, next_ + count) - next_;
    if (acked_below_ > made_) progress_ns_ = monotonic_now_ns();
    made_ = std::max(made_, next_ + count - 1);
    next_ += count;
    position_ += count;
    if (!options_.named) under_way_.insert(under_way_.end(), numbers.begin(), numbers.end());
    return send_all(fd, bytes);
}

std::string Producer::bytes_of(const std::vector<uint64_t>& numbers, uint64_t first_position) {
    std::string out;
    for (const uint64_t n : numbers) {
        const Event e = event_of(options_.index, n);
        if (e.bad) {
            const SystemClock clock;
            refused_.try_emplace(n, clock.wall_ns());
        }
        if (!options_.binary) {
            out += e.line();
            continue;
        }
        const auto bytes = builder_.build(e.fields());
        const uint32_t head[2] = {static_cast<uint32_t>(bytes.size()), 0};
        out.append(reinterpret_cast<const char*>(head), sizeof head);
        out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        out.resize((out.size() + 7) / 8 * 8);
    }
    if (!options_.binary) return out;
    return frame(wire::FrameType::kEvents, out, static_cast<uint32_t>(numbers.size()),
                 options_.named ? epoch_ : 0, options_.named ? first_position : 0);
}

bool Producer::send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            bytes.remove_prefix(static_cast<size_t>(n));
        } else if (errno != EAGAIN && errno != EINTR) {
            return false;
        } else if (field_.stop || !read_answers(fd, 5)) {
            return false;
        }
    }
    return true;
}

/// False: the connection has ended.
bool Producer::read_answers(int fd, int timeout_ms) {
    pollfd p{fd, POLLIN, 0};
    if (::poll(&p, 1, timeout_ms) <= 0) return true;
    char buffer[65536];
    const ssize_t n = ::recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return false;
    if (n < 0) return true;
    received_.append(buffer, static_cast<size_t>(n));
    size_t at = 0;
    if (options_.binary) {
        wire::FrameHeader h;
        while (received_.size() - at >= sizeof h) {
            std::memcpy(&h, received_.data() + at, sizeof h);
            if (received_.size() - at < sizeof h + h.body_bytes) break;
            take_frame(static_cast<uint8_t>(h.type), received_.substr(at + sizeof h, h.body_bytes));
            at += sizeof h + h.body_bytes;
        }
    } else {
        for (size_t end; (end = received_.find('\n', at)) != received_.npos; at = end + 1)
            take_line(received_.substr(at, end - at));
    }
    received_.erase(0, at);
    return true;
}

void Producer::take_line(const std::string& line) {
    boost::system::error_code error;
    const json::value v = json::parse(line, error);
    if (error || !v.is_object()) return wrong("an answer is no JSON object: " + line);
    const json::object& o = v.get_object();
    const auto number = [&](const char* name) { return o.at(name).to_number<uint64_t>(); };
    if (o.contains("welcome")) {
        welcomed_ = true;
        next_ = number("next");
        epoch_ = number("epoch");
    } else if (o.contains("refused") && o.contains("error")) {
        take_refused(number("refused"), std::string(o.at("error").as_string()));
    } else if (o.contains("acked")) {
        take_ack(number("acked"));
    } else if (!o.contains("notice")) {
        wrong("an error: " + line);
    }
}

void Producer::take_frame(uint8_t type, const std::string& body) {
    if (type == static_cast<uint8_t>(wire::FrameType::kAck)) {
        wire::Ack ack;
        std::memcpy(&ack, body.data(), sizeof ack);
        return take_ack(ack.seq);
    }
    const json::object o = json::parse(body).as_object();
    if (type == static_cast<uint8_t>(wire::FrameType::kWelcome)) {
        welcomed_ = true;
        next_ = o.at("next").to_number<uint64_t>();
        epoch_ = o.at("epoch").to_number<uint64_t>();
    } else if (type == static_cast<uint8_t>(wire::FrameType::kRefused)) {
        take_refused(o.at("seq").to_number<uint64_t>(), std::string(o.at("error").as_string()));
    } else if (type != static_cast<uint8_t>(wire::FrameType::kNotice)) {
        wrong("an error: " + body);
    }
}

void Producer::take_ack(uint64_t position) {
    progress_ns_ = monotonic_now_ns();
    if (options_.named) {
        if (position > made_) wrong(fmt::format("{} acknowledged, {} sent", position, made_));
        acked_below_ = std::max(acked_below_, position + 1);
    } else {
        for (; answered_ < position; ++answered_) {
            if (under_way_.empty()) return wrong(fmt::format("{} acknowledged, fewer sent", position));
            acked_below_ = std::max(acked_below_, under_way_.front() + 1);
            under_way_.pop_front();
        }
    }
    acked_ = acked_below_ - 1;
}

void Producer::take_refused(uint64_t position, const std::string& cause) {
    uint64_t n = position;
    if (!options_.named) {
        if (position <= answered_ || position - answered_ > under_way_.size())
            return wrong(fmt::format("position {} was refused, which is not under way", position));
        n = under_way_[position - answered_ - 1];
    }
    if (!event_of(options_.index, n).bad) wrong(fmt::format("event {} was refused: {}", n, cause));
}

}  // namespace penstock::test::torture
