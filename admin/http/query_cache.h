// Answers that may be given again while what they were made from is the same.
#pragma once

#include <list>
#include <map>
#include <optional>
#include <string>

namespace penstock::http {

/// One thread. Bounded in bytes: who was not asked for longest goes first.
class QueryCache {
  public:
    static constexpr size_t kBytesMax = 32u << 20, kAnswerBytesMax = 2u << 20;

    struct Entry {
        std::string mark;  ///< of what it was made from
        std::string body;
    };
    /// Null: there is none. Whether it still holds is for who asks to find out, by its mark.
    const Entry* find(const std::string& question);
    void keep(const std::string& question, Entry entry);
    void forget(const std::string& question);
    size_t bytes() const { return bytes_; }

  private:
    struct Kept {
        std::string question;
        Entry entry;
        size_t bytes() const { return 2 * question.size() + entry.mark.size() + entry.body.size() + 256; }
    };
    std::list<Kept> newest_first_;
    std::map<std::string, std::list<Kept>::iterator> by_question_;
    size_t bytes_ = 0;
};

}  // namespace penstock::http
