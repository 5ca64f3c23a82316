#include "stages/notify/transfer.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <new>
#include <stdexcept>

#include "stages/notify/address_rules.h"

namespace penstock {
namespace {

constexpr int kPollMs = 1'000;  ///< a missed wake-up costs no more than this
constexpr size_t kErrorBytesMax = 200;

void start_curl() {
    static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);  // once; thread safe
    if (started != CURLE_OK)
        throw std::runtime_error(fmt::format("libcurl cannot start: {}", curl_easy_strerror(started)));
}

}  // namespace

std::string printable(std::string_view text, size_t max) {
    std::string out;
    for (const char c : text.substr(0, max)) out += c >= ' ' && c <= '~' ? c : ' ';
    out.erase(out.find_last_not_of(' ') + 1);
    return out;
}

void TextList::add(const std::string& text) {
    curl_slist* longer = curl_slist_append(list_, text.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    list_ = longer;
}

Transfer::Transfer() {
    start_curl();
    multi_.reset(curl_multi_init());
    easy_.reset(curl_easy_init());
    if (!multi_ || !easy_) throw std::runtime_error("libcurl cannot start: no memory");
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, 1L);
}

Transfer::~Transfer() = default;

CURL* Transfer::begin(const Rules& rules) {
    CURL* curl = easy_.get();
    curl_easy_reset(curl);
    allow_private_ = rules.allow_private;
    refused_.clear();
    error_[0] = 0;
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error_);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);  // or ending waits for a resolver that hangs
    curl_easy_setopt(curl, CURLOPT_PROXY, "");       // nor one of the environment
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    if (!rules.ca_file.empty()) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, rules.ca_file.c_str());
        curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
    }
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(rules.connect_timeout_ms));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(rules.total_timeout_ms));
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, this);
    // While libcurl says goodbye to a mail server it waits by itself, and hears of a stop here.
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, this);
    return curl;
}

CURLcode Transfer::perform() {
    if (stopped()) return CURLE_ABORTED_BY_CALLBACK;
    if (curl_multi_add_handle(multi_.get(), easy_.get()) != CURLM_OK) return CURLE_FAILED_INIT;
    CURLcode result = CURLE_ABORTED_BY_CALLBACK;
    while (true) {
        // Told to stop, libcurl goes round once more and hears of it from on_progress(). Only taken out, it
        // would take a mail that is half sent for a whole one, and say so to the server.
        const bool last = stopped();
        int running = 0;
        if (curl_multi_perform(multi_.get(), &running) != CURLM_OK) {
            result = CURLE_FAILED_INIT;
            break;
        }
        if (running == 0 || last) break;
        curl_multi_poll(multi_.get(), nullptr, 0, kPollMs, nullptr);
    }
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left))
        if (message->msg == CURLMSG_DONE) result = message->data.result;
    curl_multi_remove_handle(multi_.get(), easy_.get());
    return result;
}

void Transfer::stop() {
    stopped_.store(true, std::memory_order_release);
    curl_multi_wakeup(multi_.get());
}

std::string Transfer::error(CURLcode code) const {
    if (code == CURLE_ABORTED_BY_CALLBACK) return "stopped";
    if (!refused_.empty() && code == CURLE_COULDNT_CONNECT) return refused_;
    return printable(error_[0] ? error_ : curl_easy_strerror(code), kErrorBytesMax);
}

/// The last look before the connection: a name that resolves to something else by now is seen here.
curl_socket_t Transfer::open_socket(void* self, curlsocktype, curl_sockaddr* address) {
    auto& transfer = *static_cast<Transfer*>(self);
    if (!transfer.allow_private_) {
        if (const auto reason = private_reason(address->addr); !reason.empty()) {
            transfer.refused_ = fmt::format("refused: {} is a {} address; allow_private = true allows it",
                                            address_text(address->addr), reason);
            return CURL_SOCKET_BAD;
        }
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

int Transfer::on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<const Transfer*>(self)->stopped() ? 1 : 0;
}

}  // namespace penstock
