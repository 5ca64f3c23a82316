#include "admin/cli/line_source.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "admin/cli/event_text.h"
#include "admin/cli/terminal.h"

namespace penstock::cli {
namespace {

constexpr size_t kReadBytes = 256 * 1024;

bool is_blank(char c) { return c == ' ' || c == '\t'; }

}  // namespace

LineKind kind_of(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) return LineKind::kEmpty;
    size_t at = 0;
    while (at < line.size() && is_blank(line[at])) ++at;
    if (at == line.size() || line[at] != '{') return LineKind::kEvent;
    do ++at;
    while (at < line.size() && is_blank(line[at]));
    return line.substr(at).starts_with("\"penstock\"") ? LineKind::kControl : LineKind::kEvent;
}

// --- ByteInput ----------------------------------------------------------------------------------

struct ByteInput::Inflater {
    z_stream stream{};
    char packed[64 * 1024];
    bool ended = false;  // between two members
    Inflater() {
        // 15 window bits, and 16 for a gzip header.
        if (inflateInit2(&stream, 15 + 16) != Z_OK) throw CommandError(kFailed, "zlib cannot start");
    }
    ~Inflater() { inflateEnd(&stream); }
};

ByteInput::ByteInput(const std::string& path) : name_(path == "-" ? "stdin" : path) {
    fd_ = path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd_ < 0) throw CommandError(kUsage, fmt::format("cannot open {}: {}", name_, std::strerror(errno)));
    struct stat status{};
    if (fstat(fd_, &status) == 0 && S_ISREG(status.st_mode)) {
        size_ = static_cast<uint64_t>(status.st_size);
        posix_fadvise(fd_, 0, 0, POSIX_FADV_SEQUENTIAL);
    } else if (S_ISDIR(status.st_mode)) {
        throw CommandError(kUsage, fmt::format("{} is a folder; name a file", name_));
    } else {
        waits_ = true;
    }
}

ByteInput::~ByteInput() {
    if (fd_ != STDIN_FILENO) close(fd_);
}

int64_t ByteInput::read_raw(char* to, size_t size) {
    if (waits_) {
        pollfd p{fd_, POLLIN, 0};
        if (poll(&p, 1, 0) == 0) return kNothingYet;
    }
    for (;;) {
        const ssize_t n = ::read(fd_, to, size);
        if (n >= 0) {
            consumed_ += static_cast<uint64_t>(n);
            return n;
        }
        if (errno == EAGAIN) return kNothingYet;
        if (errno == EINTR) return kNothingYet;
        throw CommandError(kFailed, fmt::format("cannot read {}: {}", name_, std::strerror(errno)));
    }
}

void ByteInput::detect() {
    char bytes[2];
    while (head_.size() < 2) {
        const int64_t n = read_raw(bytes, 2 - head_.size());
        if (n == kNothingYet) return;
        if (n == 0) break;
        head_.append(bytes, static_cast<size_t>(n));
    }
    detected_ = true;
    if (head_ == "\x1f\x8b") inflater_ = std::make_unique<Inflater>();
}

int64_t ByteInput::read(char* to, size_t size) {
    if (!detected_) detect();
    if (!detected_) return kNothingYet;
    if (inflater_) return read_packed(to, size);
    if (!head_.empty()) {
        const size_t n = std::min(size, head_.size());
        std::memcpy(to, head_.data(), n);
        head_.erase(0, n);
        return static_cast<int64_t>(n);
    }
    return read_raw(to, size);
}

int64_t ByteInput::read_packed(char* to, size_t size) {
    Inflater& in = *inflater_;
    in.stream.next_out = reinterpret_cast<Bytef*>(to);
    in.stream.avail_out = static_cast<uInt>(size);
    while (in.stream.avail_out == size) {
        if (in.stream.avail_in == 0) {
            int64_t n = 0;
            if (!head_.empty()) {
                n = static_cast<int64_t>(head_.copy(in.packed, head_.size()));
                head_.clear();
            } else {
                n = read_raw(in.packed, sizeof in.packed);
            }
            if (n == kNothingYet) return kNothingYet;
            if (n == 0) {
                if (in.ended || in.stream.total_in == 0) return 0;
                throw CommandError(
                    kFailed, fmt::format("{} ends inside its gzip data; the copy is incomplete", name_));
            }
            in.stream.next_in = reinterpret_cast<Bytef*>(in.packed);
            in.stream.avail_in = static_cast<uInt>(n);
        }
        if (in.ended) {
            inflateReset(&in.stream);
            in.ended = false;
        }
        const int rc = inflate(&in.stream, Z_NO_FLUSH);
        if (rc == Z_STREAM_END)
            in.ended = true;
        else if (rc != Z_OK && rc != Z_BUF_ERROR)
            throw CommandError(kFailed, fmt::format("{} is not valid gzip: {}", name_,
                                                    in.stream.msg != nullptr ? in.stream.msg : "damaged"));
    }
    return static_cast<int64_t>(size - in.stream.avail_out);
}

void ByteInput::rewind() {
    if (waits_ || lseek(fd_, 0, SEEK_SET) != 0)
        throw CommandError(kUsage, fmt::format("{} cannot be read again; --repeat needs a file", name_));
    consumed_ = 0;
    detected_ = false;
    head_.clear();
    inflater_.reset();
}

// --- FileLines ----------------------------------------------------------------------------------

FileLines::FileLines(const std::string& path, const Options& options)
    : input_(path), options_(options), passes_left_(options.repeat) {
    buffer_.resize(kReadBytes);
}

FileLines::Fill FileLines::fill() {
    if (begin_ > 0) {
        std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    if (end_ == buffer_.size()) buffer_.resize(2 * buffer_.size());
    const int64_t n = input_.read(buffer_.data() + end_, buffer_.size() - end_);
    if (n == ByteInput::kNothingYet) return Fill::kWaiting;
    if (n > 0) {
        end_ += static_cast<size_t>(n);
        return Fill::kMore;
    }
    if (end_ > begin_ || discarding_) {  // a last line without its end
        buffer_[end_++] = '\n';
        return Fill::kMore;
    }
    if (events_of_a_pass_ == 0) events_of_a_pass_ = events_;
    if (passes_left_ <= 1 || events_of_a_pass_ == 0) return Fill::kEnded;
    --passes_left_;
    input_.rewind();
    return Fill::kMore;
}

void FileLines::take_line(size_t newline, std::string& out, Taken& taken) {
    const std::string_view line(buffer_.data() + begin_, newline - begin_);
    begin_ = newline + 1;
    const LineKind kind = discarding_ ? LineKind::kEmpty : kind_of(line);
    const bool first_pass = events_of_a_pass_ == 0;
    if (first_pass) ++lines_;
    if (first_pass && kind != LineKind::kEvent) uncounted_.push_back(events_);
    discarding_ = false;
    if (kind == LineKind::kEmpty) return;
    if (kind == LineKind::kEvent) {
        ++events_;
        ++taken.events;
        if (!options_.region.empty()) {
            append_with_region(line, options_.region, out);
            out += '\n';
            return;
        }
    }
    out.append(line.data(), line.size() + 1);
}

LineSource::Taken FileLines::take(std::string& out, uint64_t events_max, size_t bytes_target) {
    Taken taken;
    while (taken.events < events_max && out.size() < bytes_target) {
        const void* newline =
            end_ > begin_ ? std::memchr(buffer_.data() + begin_, '\n', end_ - begin_) : nullptr;
        if (newline != nullptr) {
            take_line(static_cast<size_t>(static_cast<const char*>(newline) - buffer_.data()), out, taken);
            continue;
        }
        if (end_ - begin_ > kLineBytesMax) {
            if (!discarding_) ++taken.too_long;
            discarding_ = true;
            begin_ = end_;
        }
        const Fill filled = fill();
        taken.waiting = filled == Fill::kWaiting;
        taken.ended = filled == Fill::kEnded;
        if (filled != Fill::kMore) break;
    }
    return taken;
}

std::optional<double> FileLines::fraction() const {
    if (!input_.size() || *input_.size() == 0) return std::nullopt;
    const double pass = static_cast<double>(input_.consumed()) / static_cast<double>(*input_.size());
    return (static_cast<double>(options_.repeat - passes_left_) + pass) /
           static_cast<double>(options_.repeat);
}

uint64_t FileLines::line_of(uint64_t position) const {
    if (events_of_a_pass_ != 0) position = (position - 1) % events_of_a_pass_ + 1;
    const auto before = std::lower_bound(uncounted_.begin(), uncounted_.end(), position);
    return position + static_cast<uint64_t>(before - uncounted_.begin());
}

}  // namespace penstock::cli
