#include "admin/cli/http_call.h"

#include <CLI/CLI.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <chrono>

#include "admin/cli/terminal.h"

namespace penstock::cli {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

namespace {

/// One request and its answer over a connected stream; `failed` keeps what went wrong.
template <typename Stream>
void exchange(Stream& stream, const http::request<http::string_body>& request,
              http::response_parser<http::string_body>& parser, beast::flat_buffer& buffer,
              beast::error_code& failed) {
    http::async_write(stream, request, [&](beast::error_code ec, size_t) {
        failed = ec;
        if (!ec) http::async_read(stream, buffer, parser, [&](beast::error_code e, size_t) { failed = e; });
    });
}

HttpReply call(const ApiAddress& api, http::request<http::string_body> request, int timeout_s) {
    asio::io_context context;
    asio::ip::tcp::resolver resolver(context);
    asio::ssl::context tls(asio::ssl::context::tls_client);
    if (api.tls.wanted) {
        const TlsContext trusting = api.tls.context();
        SSL_CTX_up_ref(trusting.get());
        tls = asio::ssl::context(trusting.get());  // takes the reference
    }
    beast::ssl_stream<beast::tcp_stream> stream(beast::tcp_stream(context), tls);
    beast::tcp_stream& socket = stream.next_layer();
    beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    request.set(http::field::host, api.at.host);
    request.set(http::field::user_agent, "penstock/" PENSTOCK_VERSION);
    request.set(http::field::connection, "close");
    request.prepare_payload();
    parser.body_limit(64 * 1024 * 1024);

    // Asynchronous, because only so does a stream keep its timeout.
    beast::error_code failed;
    const auto on_handshake = [&](beast::error_code ec) {
        failed = ec;
        if (!ec) exchange(stream, request, parser, buffer, failed);
    };
    const auto on_connect = [&](beast::error_code ec, const asio::ip::tcp::endpoint&) {
        failed = ec;
        if (ec) return;
        if (!api.tls.wanted) return exchange(socket, request, parser, buffer, failed);
        api.tls.expect(stream.native_handle(), api.at.host);
        stream.async_handshake(asio::ssl::stream_base::client, on_handshake);
    };
    const auto found = resolver.resolve(api.at.host, std::to_string(api.at.port), failed);
    if (!failed) {
        socket.expires_after(std::chrono::seconds(timeout_s));
        socket.async_connect(found, on_connect);
        context.run();
    }
    if (failed) {
        const long verified = api.tls.wanted ? SSL_get_verify_result(stream.native_handle()) : X509_V_OK;
        throw CommandError(
            kUnreachable,
            fmt::format(
                "cannot reach {}: {}{}; is the appliance running, and is this its "
                "http.listen?",
                api.text(), failed.message(),
                verified == X509_V_OK ? "" : fmt::format(" ({})", X509_verify_cert_error_string(verified))));
    }
    return {parser.get().result_int(), std::move(parser.get().body())};
}

}  // namespace

HttpReply http_get(const ApiAddress& from, const std::string& target, int timeout_s) {
    return call(from, {http::verb::get, target, 11}, timeout_s);
}

namespace {
HttpReply with_json(http::verb method, const ApiAddress& to, const std::string& target,
                    const std::string& json, int timeout_s) {
    http::request<http::string_body> request(method, target, 11, json);
    request.set(http::field::content_type, "application/json");
    return call(to, std::move(request), timeout_s);
}
}  // namespace

HttpReply http_post(const ApiAddress& to, const std::string& target, const std::string& json, int timeout_s) {
    return with_json(http::verb::post, to, target, json, timeout_s);
}

HttpReply http_patch(const ApiAddress& to, const std::string& target, const std::string& json,
                     int timeout_s) {
    return with_json(http::verb::patch, to, target, json, timeout_s);
}

HttpReply http_delete(const ApiAddress& to, const std::string& target, int timeout_s) {
    return call(to, {http::verb::delete_, target, 11}, timeout_s);
}

std::string ApiAddress::text() const {
    return fmt::format("{}://{}:{}", tls.wanted ? "https" : "http",
                       at.host.find(':') == std::string::npos ? at.host : "[" + at.host + "]", at.port);
}

ApiAddress appliance_at(const ServerFlag& server, std::string_view flag, const ConfigFlags& config) {
    ApiAddress api;
    std::string text = server.place;
    if (text.empty()) {
        const Config loaded = config.load();
        text = loaded.http.listen;
        api.tls = {
            .wanted = loaded.http.tls.wanted(), .ca_file = {}, .certificate = loaded.http.tls.certificate};
    } else if (text.starts_with("https://")) {
        text.erase(0, 8);
        api.tls.wanted = true;
    } else if (text.starts_with("http://")) {
        text.erase(0, 7);
    }
    if (!server.ca_file.empty()) api.tls = {.wanted = true, .ca_file = server.ca_file, .certificate = {}};
    if (text.ends_with('/')) text.pop_back();
    auto address = parse_host_port(text, 3000);
    if (!address)
        throw CommandError(
            kUsage,
            fmt::format("{} \"{}\" is no address; write host:port or https://host:port", flag, server.place));
    if (address->host == "0.0.0.0") address->host = "127.0.0.1";  // what listens everywhere listens here
    if (address->host == "::") address->host = "::1";
    api.at = *address;
    return api;
}

CLI::Option* ServerFlag::add_to(CLI::App& command, const char* flag) {
    command.add_option(
        "--ca", ca_file,
        "over https: PEM file of the authorities to believe; without it the host's own, and for "
        "the configuration's appliance the certificate that it names");
    return command.add_option(flag, place,
                              "the appliance's HTTP address, host:port or https://host:port; without it "
                              "http.listen of the configuration");
}

}  // namespace penstock::cli
