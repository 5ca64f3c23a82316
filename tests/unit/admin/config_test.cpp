#include "admin/config.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "admin/config_keys.h"
#include "tests/support/receiver.h"

namespace penstock {
namespace {

/// Writes a file into a folder of its own; faults name it as FILE.
struct ConfigTest : testing::Test {
    std::string folder, file;
    ConfigTest() {
        std::string pattern = testing::TempDir() + "penstock-config-XXXXXX";
        folder = mkdtemp(pattern.data());
        file = folder + "/penstock.toml";
    }
    ~ConfigTest() override {
        for (const std::string& name : variables) unsetenv(name.c_str());
        std::filesystem::remove_all(folder);
    }
    void write(std::string_view text) { std::ofstream(file) << text; }
    void set_variable(const std::string& name, const std::string& value) {
        setenv(name.c_str(), value.c_str(), 1);
        variables.push_back(name);
    }
    Config load(const std::map<std::string, std::string>& flags = {}) {
        return load_config(file, flags, &notes);
    }
    /// The faults, with FILE for the path.
    std::string faults(std::string_view text, const std::map<std::string, std::string>& flags = {}) {
        write(text);
        try {
            load(flags);
        } catch (const ConfigError& e) {
            std::string what = e.what();
            for (size_t at; (at = what.find(file)) != std::string::npos;)
                what.replace(at, file.size(), "FILE");
            return what;
        }
        return "";
    }
    ConfigNotes notes;
    std::vector<std::string> variables;
};

std::string read_file(const std::string& path) {
    std::ifstream in(path);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

TEST_F(ConfigTest, AFlagWinsOverTheEnvironmentWhichWinsOverTheFile) {
    write("[ingest]\nidle_timeout_s = 1\nstall_timeout_s = 1\nconnections_max = 1\n");
    set_variable("PENSTOCK_INGEST_STALL_TIMEOUT_S", "2");
    set_variable("PENSTOCK_INGEST_CONNECTIONS_MAX", "2");
    const Config c = load({{"ingest.connections_max", "3"}});
    EXPECT_EQ(c.ingest.idle_timeout_s, 1u);
    EXPECT_EQ(c.ingest.stall_timeout_s, 2u);
    EXPECT_EQ(c.ingest.connections_max, 3u);
    EXPECT_EQ(c.state.checkpoint_s, Config().state.checkpoint_s);
    const auto origin = [&](std::string_view key) {
        for (const auto& s : notes.settings)
            if (s.key == key) return s.origin;
        return std::string("?");
    };
    EXPECT_EQ(origin("ingest.idle_timeout_s"), file + ":2");
    EXPECT_EQ(origin("ingest.stall_timeout_s"), "PENSTOCK_INGEST_STALL_TIMEOUT_S");
    EXPECT_EQ(origin("ingest.connections_max"), "--set");
    EXPECT_EQ(origin("state.checkpoint_s"), "default");
}

TEST_F(ConfigTest, EveryFaultIsNamedWithFileLineAndKeyInTheOrderOfTheFile) {
    EXPECT_EQ(
        faults("data_dir = 7\n"
               "[ingest]\n"
               "lisen = \"x\"\n"
               "listen = \"nowhere\"\n"
               "idle_timeout_s = \"15 minutes\"\n"
               "connections_max = 0\n"
               "[log]\n"
               "bytes_max = \"64 apples\"\n"
               "retention_s = -1\n"
               "[routing]\n"
               "default_region = \"mars\"\n"
               "unknown_region = \"drop\"\n"
               "[sla]\n"
               "workflows = \"a.json\"\n"
               "[dedupe]\n"),
        "FILE:1: data_dir: is an integer, must be text; put it in double quotes\n"
        "FILE:3: ingest.lisen: unknown key; did you mean listen?\n"
        "FILE:4: ingest.listen: \"nowhere\" is not an address; write host:port, such as 127.0.0.1:7400 or "
        "[::1]:7400\n"
        "FILE:5: ingest.idle_timeout_s: is text, must be an integer in seconds\n"
        "FILE:6: ingest.connections_max: 0 is out of range; allowed is 1 to 1000000\n"
        "FILE:8: log.bytes_max: \"64 apples\" is not a size; write 4096, \"512MiB\" or \"64GiB\"\n"
        "FILE:9: log.retention_s: -1 is out of range; allowed is 0 to 3153600000 seconds\n"
        "FILE:11: routing.default_region: \"mars\" is not a region; configured are: us, ca, eu, apac, latam\n"
        "FILE:12: routing.unknown_region: \"drop\" is not known; write refuse or default\n"
        "FILE:14: sla.workflows: is text, must be a list of text; write [\"…\", \"…\"]\n"
        "FILE:15: dedupe: unknown section; did you mean dedup?");
}

TEST_F(ConfigTest, ASyntaxErrorIsNamedWithLineAndColumn) {
    EXPECT_TRUE(faults("[ingest]\nlisten = 127.0.0.1\n").starts_with("FILE:2:15: not valid TOML: "))
        << faults("[ingest]\nlisten = 127.0.0.1\n");
}

TEST_F(ConfigTest, AMissingFileSaysSo) {
    try {
        load_config(folder + "/nothing.toml", {});
        FAIL();
    } catch (const ConfigError& e) {
        EXPECT_TRUE(std::string(e.what()).starts_with(folder + "/nothing.toml: cannot be read: "))
            << e.what();
    }
}

TEST_F(ConfigTest, FaultsOfTheEnvironmentAndOfFlagsNameTheirSource) {
    set_variable("PENSTOCK_LOG_BYTES_MAX", "lots");
    set_variable("PENSTOCK_REGION_MARS_DSN", "host=x");
    EXPECT_EQ(
        faults("", {{"ingest.idle_timeout", "5"}, {"http.listen", "example.org:80"}}),
        "PENSTOCK_LOG_BYTES_MAX: log.bytes_max: \"lots\" is not a size; write 4096, \"512MiB\" or \"64GiB\"\n"
        "PENSTOCK_REGION_MARS_DSN: region: no region \"MARS\" is configured; add a [[region]] of this name\n"
        "--set: ingest.idle_timeout: unknown key; did you mean ingest.idle_timeout_s?\n"
        "--set: http.listen: \"example.org\" is not an address of this host; write an IP address, 0.0.0.0 "
        "for "
        "all of them, or localhost");
}

TEST_F(ConfigTest, WhatOthersReachNeedsTlsOrAnExplicitWord) {
    EXPECT_EQ(faults("[ingest]\nlisten = \"0.0.0.0:7400\"\n[http]\nlisten = \"[::]:3000\"\n"),
              "FILE:2: ingest.listen: 0.0.0.0:7400 is reached from other hosts, and without TLS everybody on "
              "the way reads along; give ingest.tls_certificate and ingest.tls_key, or say ingest.plain_text "
              "= \"everywhere\"\n"
              "FILE:4: http.listen: [::]:3000 is reached from other hosts, and without TLS everybody on the "
              "way reads along; give http.tls_certificate and http.tls_key, or say http.plain_text = "
              "\"everywhere\"");
    EXPECT_EQ(faults("[ingest]\nlisten = \"0.0.0.0:7400\"\nplain_text = \"everywhere\"\n"), "");
    for (const std::string loopback : {"127.0.0.9:1", "localhost:1", "[::1]:1"})
        EXPECT_EQ(faults("[http]\nlisten = \"" + loopback + "\"\n"), "");
    const test::LocalCertificate certificate;
    EXPECT_EQ(faults("[ingest]\nlisten = \"0.0.0.0:7400\"\ntls_certificate = \"" + certificate.file() +
                     "\"\ntls_key = \"" + certificate.key_file() + "\"\n"),
              "");
}

TEST_F(ConfigTest, ACertificateAndItsKeyAreTriedWhenLoaded) {
    const test::LocalCertificate certificate, other, expired(-1);
    EXPECT_EQ(faults("[http]\ntls_certificate = \"x.pem\"\n"),
              "FILE:2: http.tls_key: is missing; a certificate and its key go together");
    EXPECT_EQ(faults("[http]\ntls_certificate = \"x.pem\"\ntls_key = \"x.key\"\n"),
              "FILE:2: http.tls_certificate: cannot read " + folder + "/x.pem: No such file or directory");
    EXPECT_EQ(faults("[http]\ntls_certificate = \"" + certificate.file() + "\"\ntls_key = \"" +
                     other.key_file() + "\"\n"),
              "FILE:3: http.tls_key: " + other.key_file() + " is not the key of the first certificate in " +
                  certificate.file());
    EXPECT_EQ(faults("[http]\ntls_certificate = \"" + expired.file() + "\"\ntls_key = \"" +
                     expired.key_file() + "\"\n"),
              "");
    ASSERT_EQ(notes.warnings.size(), 1u);
    EXPECT_NE(notes.warnings[0].find("expired at"), std::string::npos) << notes.warnings[0];
}

TEST_F(ConfigTest, AnUnknownVariableIsAWarningBecauseOthersMayHaveSetIt) {
    write("");
    set_variable("PENSTOCK_INGEST_LISTN", "x");
    set_variable("PENSTOCK_PORT_7400_TCP", "tcp://10.0.0.1:7400");  // Kubernetes does this
    load();
    EXPECT_EQ(notes.warnings,
              std::vector<std::string>{"PENSTOCK_INGEST_LISTN: environment: unknown variable; did you "
                                       "mean PENSTOCK_INGEST_LISTEN?"});
}

TEST_F(ConfigTest, AnEmptyVariableCountsAsNotSet) {
    write("[http]\nlisten = \"127.0.0.1:1\"\n");
    set_variable("PENSTOCK_HTTP_LISTEN", "");
    EXPECT_EQ(load().http.listen, "127.0.0.1:1");
}

TEST_F(ConfigTest, SizesAreBytesOrText) {
    write("[log]\nbytes_max = \"1.5 GiB\"\nretention_bytes = 104857600\n[flush]\nbytes_max = \"512kb\"\n");
    const Config c = load({{"dedup.memory_bytes", "64MiB"}});
    EXPECT_EQ(c.log.bytes_max, 3ULL << 29);
    EXPECT_EQ(c.log.retention_bytes, 104857600u);
    EXPECT_EQ(c.flush.bytes_max, 512u * 1024);
    EXPECT_EQ(c.dedup.memory_bytes, 64ULL << 20);
}

TEST_F(ConfigTest, SizesThatAreNoneAreRefused) {
    for (const char* text : {"", "GiB", "1.2.3", "-1", "99999999999999999999", "18000000TiB", "1 PiBs", "."})
        EXPECT_FALSE(parse_bytes(text)) << text;
    for (const uint64_t bytes : {0ULL, 1ULL, 1023ULL, 1024ULL, 1536ULL, 64ULL << 30, 1ULL << 62})
        EXPECT_EQ(parse_bytes(format_bytes(bytes)), bytes);
}

TEST_F(ConfigTest, RelativePathsOfTheFileStartAtItsFolder) {
    std::ofstream(folder + "/w.json") << "{}";
    write("data_dir = \"data\"\n[sla]\nworkflows = [\"w.json\", \"../" +
          std::filesystem::path(folder).filename().string() + "/w.json\"]\n");
    const Config c = load();
    EXPECT_EQ(c.data_dir, folder + "/data");
    EXPECT_EQ(c.sla.workflows, (std::vector<std::string>{folder + "/w.json", folder + "/w.json"}));
    EXPECT_EQ(load({{"data_dir", "data"}}).data_dir, "data");
}

TEST_F(ConfigTest, RegionsOfTheFileReplaceTheDefaultOnes) {
    write(
        "[[region]]\nname = \"north\"\naliases = [\"n\"]\ndsn = \"dbname=a\"\n[[region]]\nname = \"south\"\n"
        "[routing]\ndefault_region = \"north\"\n");
    set_variable("PENSTOCK_REGION_SOUTH_DSN", "dbname=b");
    const Config c = load();
    ASSERT_EQ(c.regions.size(), 2u);
    EXPECT_EQ(c.regions[0].aliases, std::vector<std::string>{"n"});
    EXPECT_EQ(c.regions[1].dsn, "dbname=b");
    EXPECT_EQ(load({{"region.south.dsn", "dbname=c"}}).regions[1].dsn, "dbname=c");
}

TEST_F(ConfigTest, APayloadStaysOrLeavesAndAReaderNeedsADatabase) {
    EXPECT_EQ(faults("[[region]]\nname = \"us\"\npayload = \"hides\"\nread_dsn = \"dbname=a\"\n"),
              "FILE:3: region[0].payload: \"hides\" is not known; write leaves or stays\n"
              "FILE:4: region[0].read_dsn: is given without dsn: nothing would be stored there to be read");
}

TEST_F(ConfigTest, TheDefaultRegionsKnowNaAsUs) {
    const Config c = load_config("", {});
    ASSERT_EQ(c.regions.size(), 5u);
    EXPECT_EQ(c.regions[0].aliases, std::vector<std::string>{"na"});
}

TEST_F(ConfigTest, FaultsOfRegionsTenantsAndLookups) {
    EXPECT_EQ(
        faults("[[region]]\n"
               "name = \"us\"\n"
               "aliases = [\"na\"]\n"
               "[[region]]\n"
               "name = \"NA\"\n"
               "[[region]]\n"
               "name = \"ca\"\n"
               "aliases = [\"Na\", \"us\"]\n"
               "dsn = \"host\"\n"
               "[[region]]\n"
               "dns = \"x\"\n"
               "[[tenant]]\n"
               "name = \"default\"\n"
               "key_hash = \"blake2b:00\"\n"
               "region = \"moon\"\n"
               "[enrich]\n"
               "mask = [\"data.\", \"subject\", \"data.a.b\"]\n"
               "[[enrich.lookup]]\n"
               "file = \"nothing.csv\"\n"
               "match = \"tenant\"\n"
               "[enrich.type_aliases]\n"
               "Motion = 1\n"),
        "FILE:5: region[1].name: \"NA\" is not a name; use 1 to 64 lower case letters, digits, _ and -, "
        "beginning with "
        "a letter or digit\n"
        "FILE:8: region[2].aliases: \"Na\" is taken at FILE:3; each name and alias belongs to one region\n"
        "FILE:8: region[2].aliases: \"us\" is taken at FILE:2; each name and alias belongs to one region\n"
        "FILE:9: region[2].dsn: is not a libpq connection string; write \"host=… port=… dbname=… user=…\" or "
        "\"postgresql://user@host:port/dbname\"\n"
        "FILE:10: region.name: is missing; every [[region]] needs it\n"
        "FILE:11: region.dns: unknown key; did you mean dsn?\n"
        "FILE:13: tenant[0].name: \"default\" is built in and has no key; give the tenant another name\n"
        "FILE:14: tenant[0].key_hash: is not \"blake2b:\" and 64 hexadecimal digits; make one with `penstock "
        "tenant-key NAME`\n"
        "FILE:15: tenant[0].region: \"moon\" is not a configured region\n"
        "FILE:17: enrich.mask: \"data.\" is not a payload field; write data.<field>\n"
        "FILE:17: enrich.mask: \"subject\" is not a payload field; write data.<field>\n"
        "FILE:19: enrich.lookup[0].file: cannot read " +
            std::string("FOLDER/nothing.csv: No such file or directory\n"
                        "FILE:20: enrich.lookup[0].match: \"tenant\" cannot be looked up; write subject, "
                        "source, type "
                        "or data.<field>\n"
                        "FILE:22: enrich.type_aliases.\"Motion\": must be text and not empty")
                .replace(0, 6, folder));
}

TEST_F(ConfigTest, ALoweredLogTakesItsRetentionAlongUnlessThatWasSet) {
    EXPECT_EQ(load_config("", {{"log.bytes_max", "1GiB"}}).log.retention_bytes, 768ULL << 20);
    EXPECT_EQ(faults("[log]\nbytes_max = \"1GiB\"\nretention_bytes = \"2GiB\"\n"),
              "FILE:3: log.retention_bytes: 2GiB is more than log.bytes_max (1GiB); lower it, or raise "
              "log.bytes_max");
}

TEST_F(ConfigTest, TwoServersCannotHaveOneAddress) {
    EXPECT_EQ(faults("[http]\nlisten = \"127.0.0.1:7400\"\n"),
              "FILE:2: http.listen: is the address of ingest.listen too; give one another port");
}

TEST_F(ConfigTest, APasswordThatEveryoneMayReadIsAWarningAndNeverShown) {
    const std::string fault = faults("[[region]]\nname = \"us\"\ndsn = \"host=h password=secret1\"\n");
    EXPECT_EQ(fault, "");
    chmod(file.c_str(), 0644);
    load();
    ASSERT_EQ(notes.warnings.size(), 1u);
    EXPECT_TRUE(notes.warnings[0].starts_with(file + ":3: region[0].dsn: holds a password and every user"));
    for (const auto& s : notes.settings) EXPECT_EQ(s.value.find("secret1"), std::string::npos);
    chmod(file.c_str(), 0640);
    load();
    EXPECT_TRUE(notes.warnings.empty());
}

TEST_F(ConfigTest, ADamagedDsnIsNotQuotedBecauseItMayHoldAPassword) {
    const std::string fault =
        faults("[[region]]\nname = \"us\"\ndsn = \"postgresql://u:secret1@h:port/d\"\n");
    EXPECT_EQ(fault.find("secret1"), std::string::npos);
}

TEST(ConfigTexts, TheDefaultFileLoadsAndChangesNothing) {
    const std::string path = testing::TempDir() + "penstock-defaults.toml";
    std::ofstream(path) << default_config_text();
    ConfigNotes notes;
    const Config c = load_config(path, {}, &notes);
    for (const ConfigKey& key : config_keys()) {
        if (key.name() == "data_dir") continue;  // now in the file's folder
        EXPECT_EQ(toml_value(key, c), toml_value(key, Config())) << key.name();
    }
    EXPECT_TRUE(notes.warnings.empty());
    std::filesystem::remove(path);
}

TEST(ConfigTexts, TheExampleIsTheDefaultFile) {
    EXPECT_EQ(read_file(PENSTOCK_SOURCE_DIR "/deploy/penstock.toml"), default_config_text())
        << "write it anew: penstock config > deploy/penstock.toml";
}

TEST(ConfigTexts, ThePageListsEveryKeyAsTheCodeHasIt) {
    EXPECT_NE(read_file(PENSTOCK_SOURCE_DIR "/docs/configuration.md").find(config_reference_markdown()),
              std::string::npos)
        << "replace its tables by the output of: penstock config --print-reference";
}

}  // namespace
}  // namespace penstock
