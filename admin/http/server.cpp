#include "admin/http/server.h"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <spdlog/spdlog.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <thread>

#include "admin/http/console_files.h"
#include "admin/http/session.h"
#include "admin/http/text.h"

namespace penstock {
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr auto kPushInterval = std::chrono::milliseconds(500);
constexpr auto kIdleInterval = std::chrono::milliseconds(1000);
constexpr auto kFarewell = std::chrono::milliseconds(400);
constexpr auto kAcceptPause = std::chrono::milliseconds(100);

tcp::endpoint resolve(const std::string& listen) {
    const auto bad = [&](std::string_view why) {
        return HttpServerError(
            fmt::format("http.listen \"{}\": {}; write it as 127.0.0.1:3000 or [::1]:3000", listen, why));
    };
    const size_t colon = listen.rfind(':');
    if (colon == std::string::npos) throw bad("the port is missing");
    std::string host = listen.substr(0, colon);
    const auto port = http::parse_unsigned(std::string_view(listen).substr(colon + 1));
    if (!port || *port > 65535) throw bad("the port must be a number from 0 to 65535");
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    if (host.empty()) throw bad("the host is missing (0.0.0.0 means every address)");
    error_code ec;
    if (const auto address = asio::ip::make_address(host, ec); !ec) {
        return {address, static_cast<uint16_t>(*port)};
    }
    asio::io_context io;
    tcp::resolver resolver(io);
    const auto found = resolver.resolve(host, std::to_string(*port), tcp::resolver::passive, ec);
    if (ec || found.empty()) throw bad(ec ? ec.message() : "the name has no address");
    return found.begin()->endpoint();
}

}  // namespace

struct HttpServer::Impl {
    Impl(Options o, Parts parts)
        : options(std::move(o)),
          sampler(parts.telemetry, parts.clock),
          queries(parts.log, parts.clock),
          letters(queries, parts.dead_letters, parts.letter_requests, parts.telemetry, parts.clock,
                  [this](std::function<void()> work) { asio::post(net->io, std::move(work)); }),
          asker(parts.control_requests, parts.telemetry, parts.clock,
                [this](std::function<void()> work) { asio::post(net->io, std::move(work)); }),
          intake(parts.log, parts.event_requests, parts.telemetry, parts.clock,
                 [this](std::function<void()> work) { asio::post(net->io, std::move(work)); }),
          alerts(parts.log, queries, parts.alerts, asker, parts.clock),
          access(std::move(parts.workflows)),
          workflows(access, parts.log, queries, parts.alerts, asker, parts.clock),
          simulations(access, parts.log, parts.clock),
          review(parts.log, parts.review, asker, parts.telemetry, parts.clock),
          audit(parts.audit),
          gate(options.access, parts.telemetry, parts.control_requests, parts.clock),
          passwords(std::make_unique<http::PasswordPool>(
              [this](std::function<void()> work) { asio::post(net->io, std::move(work)); })),
          sessions(gate, asker),
          sign_in(gate, sessions, asker, parts.control_requests, *passwords, parts.clock),
          people(gate, parts.log, asker, *passwords),
          search(parts.search, asker, counters,
                 [this](std::function<void()> work) { asio::post(net->io, std::move(work)); }),
          tenants(with_regions(options.tenants), asker),
          regions(options.regions, tenants, parts.telemetry, asker),
          host(parts.telemetry, parts.clock, sampler, letters, gate, counters, options.settings),
          hot_log(queries),
          once(parts.answers, parts.control_requests, parts.clock,
               [this](std::function<void()> work) { asio::post(net->io, std::move(work)); }),
          router({&host, &hot_log, &letters, &alerts, &workflows, &simulations, &review, &audit, &intake,
                  &search, &tenants, &regions, &sign_in, &sessions, &people, &once},
                 gate),
          hub(parts.telemetry, parts.clock, sampler, queries, gate, parts.review, counters) {
        queries.follow([this] { return regions.rules(); });
    }

    TenantAccess with_regions(TenantAccess tenant_access) const {
        tenant_access.region_names = [this] { return regions.taking(); };
        return tenant_access;
    }

    void listen() {
        const tcp::endpoint endpoint = resolve(options.listen);
        try {
            net->acceptor.open(endpoint.protocol());
            net->acceptor.set_option(tcp::acceptor::reuse_address(true));
            net->acceptor.bind(endpoint);
            net->acceptor.listen();
        } catch (const boost::system::system_error& e) {
            const bool taken = e.code() == asio::error::address_in_use;
            throw HttpServerError(fmt::format(
                "cannot listen on {}: {}; {}", options.listen, e.code().message(),
                taken ? "another program (another Penstock?) has the address: stop it, or set http.listen "
                        "(PENSTOCK_HTTP_LISTEN) to a free one"
                      : "set http.listen (PENSTOCK_HTTP_LISTEN) to an address and port that this user may "
                        "bind"));
        }
        bound_port = net->acceptor.local_endpoint().port();
        context.loopback_only = endpoint.address().is_loopback();
        context.tls = options.tls;
        context.hsts_s = options.hsts_s;
    }

    void run() {
        pthread_setname_np(pthread_self(), "penstock-http");
        hub.on_first_client = [this] { schedule(kPushInterval); };
        sampler.sample();
        schedule(kIdleInterval);
        accept();
        // A handler that throws costs its connection, not the server.
        while (!net->io.stopped()) {
            try {
                net->io.run();
            } catch (const std::exception& e) {
                spdlog::error("http: {}", e.what());
            }
        }
    }

    void accept() {
        net->acceptor.async_accept([this](error_code ec, tcp::socket socket) {
            if (stopping) return;
            if (ec == asio::error::no_descriptors || ec == asio::error::no_memory) {
                // Out of file descriptors: trying again at once would only spin.
                net->accept_timer.expires_after(kAcceptPause);
                net->accept_timer.async_wait([this](error_code timer_ec) {
                    if (!timer_ec && !stopping) accept();
                });
                return;
            }
            if (!ec) admit(std::move(socket));
            accept();
        });
    }

    void admit(tcp::socket socket) {
        if (connections >= options.connections_max) {
            counters.connections_refused.add();
            static constexpr std::string_view kFull =
                "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: "
                "0\r\n\r\n";
            error_code ignored;
            socket.non_blocking(true, ignored);
            socket.send(asio::buffer(kFull.data(), kFull.size()), MSG_NOSIGNAL, ignored);
            return;
        }
        ++connections;
        counters.connections_accepted.add();
        counters.connections_open.set(static_cast<int64_t>(connections));
        std::shared_ptr<void> lease(nullptr, [this](void*) {
            --connections;
            counters.connections_open.set(static_cast<int64_t>(connections));
        });
        error_code ignored;
        socket.set_option(tcp::no_delay(true), ignored);
        http::serve_connection(std::move(socket), context, std::move(lease));
    }

    void schedule(std::chrono::milliseconds interval) {
        net->sample_timer.expires_after(interval);
        net->sample_timer.async_wait([this](error_code ec) {
            if (ec || stopping) return;
            // Set first, so that work that throws does not stop the rhythm.
            schedule(hub.empty() ? kIdleInterval : kPushInterval);
            sampler.sample();
            letters.give_up_old();
            asker.give_up_old();
            once.ask_again();
            intake.give_up_old();
            hub.push();
        });
    }

    /// In the HTTP thread.
    void farewell() {
        stopping = true;
        error_code ignored;
        net->acceptor.close(ignored);
        net->accept_timer.cancel();
        if (hub.empty()) return net->io.stop();
        hub.on_last_left = [this] { net->io.stop(); };
        hub.close_all();
        net->sample_timer.expires_after(kFarewell);
        net->sample_timer.async_wait([this](error_code) { net->io.stop(); });
    }

    Options options;
    http::Counters counters;
    http::Sampler sampler;
    http::EventQueries queries;
    http::DeadLetterDoor letters;
    http::ControlAsker asker;
    http::IntakeDoor intake;
    http::AlertDoor alerts;
    WorkflowAccess access;
    http::WorkflowDoor workflows;
    http::SimulationDoor simulations;
    http::ReviewDoor review;
    http::AuditDoor audit;
    http::Gate gate;
    std::unique_ptr<http::PasswordPool> passwords;  ///< ends before `net`
    http::SessionDoor sessions;
    http::SignInDoor sign_in;
    http::PeopleDoor people;
    http::EventSearchDoor search;
    http::TenantDoor tenants;
    http::RegionDoor regions;
    http::HostDoor host;
    http::HotLogDoor hot_log;
    http::OnceDoor once;
    http::Router router;
    http::StreamHub hub;
    http::SessionContext context{router, gate, hub, counters};
    size_t connections = 0;
    bool stopping = false;
    uint16_t bound_port = 0;
    /// Goes first: its end destroys waiting handlers, and with them connections that use all of the above.
    struct Net {
        asio::io_context io{1};
        tcp::acceptor acceptor{io};
        asio::steady_timer sample_timer{io}, accept_timer{io};
    };
    std::unique_ptr<Net> net = std::make_unique<Net>();
    std::thread thread;
};

HttpServer::HttpServer(Options options, Parts parts)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(parts))) {}

HttpServer::~HttpServer() { stop(); }

void HttpServer::start() {
    impl_->listen();
    // Signals belong to the main thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    impl_->thread = std::thread([impl = impl_.get()] { impl->run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    spdlog::info("http: listening on {}:{} (console, /metrics, /api/v1), build {}",
                 impl_->options.listen.substr(0, impl_->options.listen.rfind(':')), port(),
                 http::console_build());
}

void HttpServer::stop() {
    if (!impl_->thread.joinable()) return;
    impl_->passwords->stop();
    asio::post(impl_->net->io, [impl = impl_.get()] { impl->farewell(); });
    impl_->thread.join();
    impl_->search.stop();
    impl_->hub.on_last_left = nullptr;
    impl_->net.reset();  // closes what is still open
}

uint16_t HttpServer::port() const { return impl_->bound_port; }

}  // namespace penstock
