#include "tests/support/http_exchange.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/json.hpp>

namespace penstock::test {
namespace {

namespace beast = boost::beast;
namespace bhttp = beast::http;
using boost::asio::ip::tcp;

tcp::endpoint on(const std::string& port) {
    return {boost::asio::ip::address_v4::loopback(), static_cast<uint16_t>(std::stoi(port))};
}

template <typename Message>
HttpExchange::Answer answer_of(const Message& message) {
    HttpExchange::Answer answer;
    answer.status = message.result_int();
    answer.type = message[bhttp::field::content_type];
    answer.body = message.body();
    for (const auto& field : message) {
        std::string name = field.name_string();
        for (char& c : name) c = static_cast<char>(std::tolower(c));
        answer.headers[name] = field.value();
    }
    return answer;
}

}  // namespace

HttpExchange::Answer HttpExchange::ask(const std::string& method, const std::string& target,
                                       const Headers& headers, const std::string& body) {
    boost::asio::io_context io;
    tcp::socket socket(io);
    socket.connect(on(port_));
    bhttp::request<bhttp::string_body> request(bhttp::string_to_verb(method), target, 11);
    request.set(bhttp::field::host, "localhost:" + port_);
    if (!body.empty()) request.set(bhttp::field::content_type, "application/json");
    for (const auto& [name, value] : headers) request.set(name, value);
    request.body() = body;
    request.prepare_payload();
    bhttp::write(socket, request);
    bhttp::response_parser<bhttp::string_body> parser;
    parser.body_limit(64 * 1024 * 1024);
    beast::flat_buffer buffer;
    bhttp::read(socket, buffer, parser);
    Answer answer = answer_of(parser.get());
    keep(method, target, answer);
    return answer;
}

HttpExchange::Answer HttpExchange::open_stream(const std::string& target, const Headers& headers) {
    boost::asio::io_context io;
    beast::websocket::stream<tcp::socket> socket(io);
    socket.next_layer().connect(on(port_));
    socket.set_option(beast::websocket::stream_base::decorator([&](beast::websocket::request_type& request) {
        for (const auto& [name, value] : headers) request.set(name, value);
    }));
    beast::websocket::response_type response;
    beast::error_code refused;
    socket.handshake(response, "localhost:" + port_, target, refused);
    Answer answer = answer_of(response);
    if (!refused) {
        beast::flat_buffer buffer;
        socket.read(buffer);
        answer.type = "application/json";
        answer.body = beast::buffers_to_string(buffer.data());
    }
    keep("GET", target, answer);
    return answer;
}

void HttpExchange::keep(const std::string& method, const std::string& target, const Answer& answer) {
    kept_ += boost::json::serialize(boost::json::object{{"method", method},
                                                        {"target", target},
                                                        {"status", answer.status},
                                                        {"type", answer.type},
                                                        {"body", answer.body}});
    kept_ += '\n';
}

}  // namespace penstock::test
