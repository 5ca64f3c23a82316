// Where the sender's events come from: whole NDJSON lines, numbered as a person numbers them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::cli {

enum class LineKind : uint8_t { kEvent, kEmpty, kControl };
/// Control lines have "penstock" as their first member. `line` without its end.
LineKind kind_of(std::string_view line);

/// One thread. take() never waits: a source that has nothing yet says so, and names what to poll.
class LineSource {
  public:
    virtual ~LineSource() = default;

    struct Taken {
        uint64_t events = 0;    ///< event lines appended
        uint64_t too_long = 0;  ///< lines left out because no event is so long
        bool ended = false;     ///< nothing will follow
        bool waiting = false;   ///< nothing now; poll wait_fd()
    };
    /// Appends lines, each ended by '\n', until `events_max` events or about `bytes_target` bytes are there.
    /// Control lines travel along; empty ones are left out. Throws CommandError when reading fails.
    virtual Taken take(std::string& out, uint64_t events_max, size_t bytes_target) = 0;

    virtual int wait_fd() const { return -1; }
    /// Part that has been read, 0 to 1; nothing where the whole is not known.
    virtual std::optional<double> fraction() const { return std::nullopt; }
    /// Line number, from 1, of the event at `position` (from 1 over all events taken).
    virtual uint64_t line_of(uint64_t position) const { return position; }
};

/// Bytes of a file, or of stdin ("-"), unpacked when they begin as gzip does. Several gzip members may follow
/// one another. Throws CommandError naming the file.
class ByteInput {
  public:
    explicit ByteInput(const std::string& path);
    ~ByteInput();
    ByteInput(const ByteInput&) = delete;
    ByteInput& operator=(const ByteInput&) = delete;

    static constexpr int64_t kNothingYet = -1;
    /// Up to `size` bytes; 0 at the end; kNothingYet where a pipe has none.
    int64_t read(char* to, size_t size);
    /// To the beginning. Throws where the input is a pipe.
    void rewind();

    int fd() const { return fd_; }
    uint64_t consumed() const { return consumed_; }         ///< of the file itself
    std::optional<uint64_t> size() const { return size_; }  ///< nothing for pipes

  private:
    struct Inflater;
    int64_t read_raw(char* to, size_t size);
    int64_t read_packed(char* to, size_t size);
    void detect();

    std::string name_;
    int fd_ = -1;
    bool waits_ = false;  // a pipe, a terminal or a socket
    std::optional<uint64_t> size_;
    uint64_t consumed_ = 0;
    bool detected_ = false;
    std::string head_;  // read while looking at the first bytes
    std::unique_ptr<Inflater> inflater_;
};

/// The lines of a file, `repeat` times over.
class FileLines final : public LineSource {
  public:
    struct Options {
        uint64_t repeat = 1;
        std::string region;  ///< set in every event; empty: as they are
    };
    FileLines(const std::string& path, const Options& options);

    Taken take(std::string& out, uint64_t events_max, size_t bytes_target) override;
    int wait_fd() const override { return input_.fd(); }
    std::optional<double> fraction() const override;
    uint64_t line_of(uint64_t position) const override;

    /// A line that has not ended by then is left out, so that memory stays bounded.
    static constexpr size_t kLineBytesMax = 4 * 1024 * 1024;

  private:
    enum class Fill { kMore, kEnded, kWaiting };
    Fill fill();
    /// Moves one line (its end found at `newline`) to `out`.
    void take_line(size_t newline, std::string& out, Taken& taken);

    ByteInput input_;
    const Options options_;
    uint64_t passes_left_;
    std::string buffer_;
    size_t begin_ = 0, end_ = 0;  // bytes not yet taken
    bool discarding_ = false;     // inside a line over the limit
    uint64_t events_ = 0, lines_ = 0;
    uint64_t events_of_a_pass_ = 0;  // known after the first
    std::vector<uint64_t>
        uncounted_;  // of the first pass; for each line that is no event: the events before it
};

}  // namespace penstock::cli
