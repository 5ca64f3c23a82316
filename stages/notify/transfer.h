// One libcurl transfer at a time, which another thread can end at any moment. What webhooks and mail share:
// no proxies, no signals, addresses looked at when they are connected to.
#pragma once

#include <curl/curl.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace penstock {

/// stop(): any thread. The rest: one thread, the same always.
class Transfer {
  public:
    /// Throws std::runtime_error when libcurl cannot start.
    Transfer();
    ~Transfer();
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;

    struct Rules {
        bool allow_private = false;  ///< also addresses that are no part of the public internet
        int64_t connect_timeout_ms = 0;
        int64_t total_timeout_ms = 0;
        std::string ca_file;  ///< trusted instead of the host's own authorities; empty: those
    };
    /// Forgets the last transfer's options, but not its connection, and sets `rules`.
    CURL* begin(const Rules& rules);
    /// Blocks. CURLE_ABORTED_BY_CALLBACK after stop().
    CURLcode perform();
    /// For good. perform() returns at once; a name being resolved is left to itself.
    void stop();
    bool stopped() const { return stopped_.load(std::memory_order_acquire); }

    /// Why the last perform() failed, in one line: libcurl's words, or that the address is refused.
    std::string error(CURLcode code) const;

  private:
    static curl_socket_t open_socket(void* self, curlsocktype purpose, curl_sockaddr* address);
    static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t);

    struct EasyEnd {
        void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
    };
    struct MultiEnd {
        void operator()(CURLM* handle) const { curl_multi_cleanup(handle); }
    };
    std::unique_ptr<CURLM, MultiEnd> multi_;
    std::unique_ptr<CURL, EasyEnd> easy_;  ///< goes before multi_, which holds its connections
    std::atomic<bool> stopped_{false};
    bool allow_private_ = false;
    std::string refused_;  ///< the address that was not connected to, and why
    char error_[CURL_ERROR_SIZE] = {};
};

/// A list of libcurl's that ends with its owner.
class TextList {
  public:
    TextList() = default;
    ~TextList() { curl_slist_free_all(list_); }
    TextList(const TextList&) = delete;
    TextList& operator=(const TextList&) = delete;
    void add(const std::string& text);
    curl_slist* get() const { return list_; }

  private:
    curl_slist* list_ = nullptr;
};

/// At most `max` bytes of `text`, with a space for whatever is not printable ASCII: what others sent must
/// not reach a log or a terminal as it is.
std::string printable(std::string_view text, size_t max);

}  // namespace penstock
