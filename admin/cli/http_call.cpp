#include "admin/cli/http_call.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <cstdlib>
#include <fstream>

#include "admin/cli/terminal.h"

namespace penstock::cli {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

namespace {

HttpReply call(const ApiPlace& from, http::request<http::string_body> request, int timeout_s) {
    asio::io_context context;
    asio::ip::tcp::resolver resolver(context);
    beast::tcp_stream stream(context);
    beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    request.set(http::field::host, from.host);
    request.set(http::field::user_agent, "penstock/" PENSTOCK_VERSION);
    request.set(http::field::connection, "close");
    if (!from.key.empty()) request.set("X-API-Key", from.key);
    request.prepare_payload();
    parser.body_limit(64 * 1024 * 1024);

    // Asynchronous, because only so does a stream keep its timeout.
    beast::error_code failed;
    const auto on_read = [&](beast::error_code ec, size_t) { failed = ec; };
    const auto on_write = [&](beast::error_code ec, size_t) {
        failed = ec;
        if (!ec) http::async_read(stream, buffer, parser, on_read);
    };
    const auto on_connect = [&](beast::error_code ec, const asio::ip::tcp::endpoint&) {
        failed = ec;
        if (!ec) http::async_write(stream, request, on_write);
    };
    const auto found = resolver.resolve(from.host, std::to_string(from.port), failed);
    if (!failed) {
        stream.expires_after(std::chrono::seconds(timeout_s));
        stream.async_connect(found, on_connect);
        context.run();
    }
    if (failed)
        throw CommandError(kUnreachable,
                           fmt::format("cannot reach http://{}:{}: {}; is the appliance running, and is "
                                       "this its http.listen?",
                                       from.host, from.port, failed.message()));
    return {parser.get().result_int(), std::move(parser.get().body())};
}

http::request<http::string_body> with_json(http::verb method, const std::string& target,
                                           const std::string& json) {
    http::request<http::string_body> request(method, target, 11, json);
    request.set(http::field::content_type, "application/json");
    return request;
}

}  // namespace

HttpReply http_get(const ApiPlace& from, const std::string& target, int timeout_s) {
    return call(from, {http::verb::get, target, 11}, timeout_s);
}

HttpReply http_post(const ApiPlace& to, const std::string& target, const std::string& json, int timeout_s) {
    return call(to, with_json(http::verb::post, target, json), timeout_s);
}

HttpReply http_patch(const ApiPlace& to, const std::string& target, const std::string& json, int timeout_s) {
    return call(to, with_json(http::verb::patch, target, json), timeout_s);
}

HttpReply http_delete(const ApiPlace& to, const std::string& target, int timeout_s) {
    return call(to, {http::verb::delete_, target, 11}, timeout_s);
}

ApiPlace appliance_at(const std::string& place, std::string_view flag, const ConfigFlags& config,
                      const std::string& key) {
    std::string text = place;
    ApiPlace at;
    at.key = key;
    if (const char* given = std::getenv("PENSTOCK_API_KEY"); at.key.empty() && given) at.key = given;
    if (place.empty()) {
        const Config own = config.load();
        text = own.http.listen;
        if (at.key.empty()) std::ifstream(own.data_dir + "/admin.key") >> at.key;
    }
    const auto address = parse_host_port(text, 3000);
    if (!address)
        throw CommandError(kUsage, fmt::format("{} \"{}\" is no address; write host:port", flag, text));
    at.host = address->host;
    at.port = address->port;
    if (at.host == "0.0.0.0") at.host = "127.0.0.1";  // what listens everywhere listens here
    if (at.host == "::") at.host = "::1";
    return at;
}

}  // namespace penstock::cli
