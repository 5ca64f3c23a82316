// Signing in to the real program, through a restart.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <boost/json.hpp>
#include <fstream>

#include "tests/support/appliance_process.h"
#include "tests/support/http_client.h"

namespace penstock::test {
namespace {

namespace json = boost::json;

std::string cookie_of(const HttpAnswer& a) {
    const std::string& set = a.header("set-cookie");
    return "Cookie: " + set.substr(0, set.find(';')) + "\r\n";
}
HttpAnswer get(const ApplianceProcess& p, const std::string& path, const std::string& headers = "") {
    return HttpClient(p.http_port()).get(path, headers);
}
HttpAnswer sign_in(const ApplianceProcess& p, const std::string& body) {
    return HttpClient(p.http_port()).post("/api/v1/session", body);
}
std::string admin_key(const ApplianceProcess& p) {
    std::string key;
    std::ifstream(p.data_dir() + "/admin.key") >> key;
    return "X-API-Key: " + key + "\r\n";
}

TEST(Access, ASessionByTheDemosTokenOutlivesAReloadARestartAndAKill) {
    ApplianceProcess p("[access]\ndemo = true\n");
    p.start();
    EXPECT_EQ(get(p, "/").header("location"), "/sign-in");
    const HttpAnswer link = get(p, "/123123123123123");
    ASSERT_EQ(link.status, 303);
    const std::string place = link.header("location");
    EXPECT_NE(get(p, place).body.find("abc-5"), std::string::npos);
    const HttpAnswer in =
        HttpClient(p.http_port())
            .post("/api/v1/session", "choice=" + place.substr(place.find('=') + 1) + "&user=3",
                  "Content-Type: application/x-www-form-urlencoded\r\n");
    ASSERT_EQ(in.status, 303);
    const std::string cookie = cookie_of(in);
    for (int reload = 0; reload < 2; ++reload) EXPECT_EQ(get(p, "/", cookie).status, 200);
    HttpClient client(p.http_port());
    client.send("PUT /api/v1/preferences HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
                cookie + "Content-Length: 16\r\n\r\n{\"theme\":\"dark\"}");
    EXPECT_EQ(client.receive().status, 200);
    const auto still_in = [&] {
        const HttpAnswer me = get(p, "/api/v1/session", cookie);
        EXPECT_EQ(me.status, 200) << me.body;
        EXPECT_NE(me.body.find(R"("name":"abc-3")"), std::string::npos);
        EXPECT_NE(me.body.find(R"({"theme":"dark"})"), std::string::npos);
    };
    still_in();
    p.stop();
    p.start();
    still_in();
    p.kill9();
    p.start();
    still_in();
    EXPECT_EQ(p.log_text().find("123123123123123"), std::string::npos) << "a token is never logged";
    // The configuration takes its users back.
    p.stop();
    p.set_config("[access]\nrequired = true\n");
    p.start();
    EXPECT_EQ(get(p, "/api/v1/session", cookie).status, 401);
    EXPECT_EQ(get(p, "/api/v1/users", admin_key(p)).body, R"({"items":[]})");
}

TEST(Access, TheLocalAdminsKeyIsItsOwnersAloneAndManagesSessions) {
    ApplianceProcess p("[access]\ndemo = true\n");
    p.start();
    struct stat status{};
    ASSERT_EQ(stat((p.data_dir() + "/admin.key").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    const HttpAnswer one = sign_in(p, R"({"name":"emma.wilson","password":"pass123"})"),
                     two = sign_in(p, R"({"name":"emma.wilson","password":"pass123"})");
    ASSERT_EQ(one.status, 201) << one.body;
    ASSERT_EQ(two.status, 201);
    const json::value me = json::parse(one.body);
    EXPECT_EQ(me.at("role").as_string(), "supervisor");
    EXPECT_EQ(me.at("regions").at(0).as_string(), "eu");
    const std::string id(me.at("session").at("id").as_string());
    HttpClient client(p.http_port());
    client.send("DELETE /api/v1/sessions/" + id + " HTTP/1.1\r\nHost: localhost\r\n" + admin_key(p) + "\r\n");
    EXPECT_EQ(client.receive().status, 200);
    EXPECT_EQ(get(p, "/api/v1/session", cookie_of(one)).status, 401);
    EXPECT_EQ(get(p, "/api/v1/session", cookie_of(two)).status, 200) << "the other goes on";
    p.stop();
    p.start();
    EXPECT_EQ(get(p, "/api/v1/session", cookie_of(one)).status, 401) << "what is revoked stays revoked";
}

TEST(Access, ASessionEndsWhenIdleAndNotWhileItIsUsed) {
    ApplianceProcess p("[access]\ndemo = true\nsession_idle_s = 4\nsession_life_s = 600\n");
    p.start();
    const std::string cookie = cookie_of(sign_in(p, R"({"name":"mike.ross","password":"pass123"})"));
    for (int i = 0; i < 10; ++i) {  // longer than it may be idle
        EXPECT_EQ(get(p, "/api/v1/session", cookie).status, 200) << i;
        sleep_ms(500);
    }
    EXPECT_TRUE(
        eventually([&] { return get(p, "/api/v1/sessions", admin_key(p)).body == R"({"items":[]})"; }));
    EXPECT_EQ(get(p, "/api/v1/session", cookie).status, 401);
}

TEST(Access, TheDemoAndOpenDoorsAreRefusedBeyondLoopback) {
    for (const char* access : {"demo = true", "required = false"}) {
        ApplianceProcess p(std::string("[access]\n") + access + "\n");
        p.set_arguments({"--set", "http.listen=0.0.0.0:0"});
        p.launch();
        EXPECT_NE(p.wait_end(), 0) << access;
        EXPECT_NE(p.log_text().find("http.listen"), std::string::npos) << p.log_text();
    }
}

}  // namespace
}  // namespace penstock::test
