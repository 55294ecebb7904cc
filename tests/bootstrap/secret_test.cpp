#include "bootstrap/secret.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstring>
#include <fstream>
#include <thread>

#include "base/error.hpp"
#include "bootstrap/local_secret.hpp"
#include "bootstrap/store.hpp"
#include "rank_processes.hpp"

namespace motet {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* passphrase = "correct horse battery staple";

Deadline soon() {
  return Deadline::after(std::chrono::seconds(20));
}

std::string error_of(const Options& options, bool single_machine) {
  try {
    find_secret(options, single_machine, Deadline::after(std::chrono::milliseconds(100)));
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// A file with a mode, for MOTET_SECRET_FILE.
class SecretFile : public ::testing::Test {
 protected:
  Options write(const std::string& text, mode_t mode) {
    const std::string path = directory_.name() + "/secret";
    std::ofstream(path) << text;
    chmod(path.c_str(), mode);
    Options options;
    options.secret_file = path;
    return options;
  }
  testing::TemporaryDirectory directory_;
};

TEST_F(SecretFile, GivesTheSameSecretAsTheEnvironment) {
  Options environment;
  environment.secret = passphrase;
  const FoundSecret from_file =
      find_secret(write(std::string(passphrase) + "\n", 0600), false, soon());
  EXPECT_EQ(from_file.secret, find_secret(environment, false, soon()).secret);
  EXPECT_FALSE(from_file.to_be_shared);
}

TEST_F(SecretFile, MustNotBeReadableByOthers) {
  EXPECT_THAT(error_of(write(passphrase, 0640), false),
              AllOf(HasSubstr("0640"), HasSubstr("chmod 600")));
  EXPECT_THAT(error_of(write(passphrase, 0604), true), HasSubstr("0604"));
}

TEST_F(SecretFile, MustExistAndHoldEnough) {
  EXPECT_THAT(error_of(write("too short", 0600), false),
              AllOf(HasSubstr("16"), Not(HasSubstr("too short"))));
  EXPECT_THAT(error_of(write(std::string(10'000, 'x'), 0600), false), HasSubstr("too long"));
  Options missing;
  missing.secret_file = directory_.name() + "/nothing";
  EXPECT_THAT(error_of(missing, false), HasSubstr("No such file"));
  missing.secret_file = directory_.name();
  EXPECT_THAT(error_of(missing, false), HasSubstr("no ordinary file"));
}

TEST_F(SecretFile, MayBeADescriptor) {
  const Options path = write(passphrase, 0600);
  const int fd = open(path.secret_file.c_str(), O_RDONLY | O_CLOEXEC);
  Options options;
  options.secret_file = "fd:" + std::to_string(fd);
  for (int i = 0; i < 2; ++i) {  // two ranks in one process
    EXPECT_EQ(find_secret(options, false, soon()).secret, find_secret(path, false, soon()).secret);
  }
  close(fd);
  EXPECT_THAT(error_of(options, false), HasSubstr("Bad file descriptor"));
  options.secret_file = "fd:x";
  EXPECT_THAT(error_of(options, false), HasSubstr("fd:x"));
}

TEST_F(SecretFile, MustNotBeAFifo) {
  Options options;
  options.secret_file = directory_.name() + "/fifo";
  ASSERT_EQ(mkfifo(options.secret_file.c_str(), 0600), 0);
  EXPECT_THAT(error_of(options, false), HasSubstr("no ordinary file"));
}

TEST_F(SecretFile, MayBeAPipeThatSpeaksInTime) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  Descriptor reading(ends[0]), writing(ends[1]);
  Options options;
  options.secret_file = "fd:" + std::to_string(reading.get());
  EXPECT_THAT(error_of(options, false), HasSubstr(options.secret_file + ": nothing more came"));

  ASSERT_GT(::write(writing.get(), passphrase, std::strlen(passphrase)), 0);
  writing.reset();
  EXPECT_EQ(find_secret(options, false, soon()).secret,
            find_secret(write(passphrase, 0600), false, soon()).secret);
}

TEST(FindSecret, SaysWhatToSetOnSeveralMachines) {
  const std::string text = error_of({}, false);
  EXPECT_THAT(text, AllOf(HasSubstr("MOTET_SECRET_FILE"), HasSubstr("MOTET_SECRET"),
                          HasSubstr("MOTET_INSECURE")));
  Options insecure;
  insecure.insecure = true;
  EXPECT_EQ(find_secret(insecure, false, soon()).secret,
            find_secret(insecure, false, soon()).secret);
}

TEST(FindSecret, IsSharedOnOneMachineByRankZerosServer) {
  Options options;
  options.rank = 0;
  options.master_port = 0;
  FoundSecret made = find_secret(options, true, soon());
  EXPECT_TRUE(made.to_be_shared);
  std::optional<StoreServer> server;
  server.emplace(Credentials::from_secret(made.secret), ListenOn{}, made.secret);
  options.master_port = server->port();

  options.rank = 1;
  EXPECT_EQ(find_secret(options, true, soon()).secret, made.secret);
  // Rank 0 again, for its next communicator.
  options.rank = 0;
  const FoundSecret again = find_secret(options, true, soon());
  EXPECT_EQ(again.secret, made.secret);
  EXPECT_FALSE(again.to_be_shared);

  server.reset();  // nothing is left behind
  options.rank = 1;
  EXPECT_THAT(error_of(options, true), HasSubstr("Connection refused"));
}

TEST(FindSecret, WaitsForRankZero) {
  Options options;
  options.rank = 1;
  options.master_port = 47;  // only part of a name here
  const Secret secret = random_secret();
  Secret got{};
  std::thread rank([&] { got = find_secret(options, true, soon()).secret; });
  LocalSecret local(secret, options.master_port);
  const Deadline deadline = soon();
  while (!wait_for(local.descriptor(), POLLIN, deadline)) FAIL() << "nobody has asked";
  local.advance();
  rank.join();
  EXPECT_EQ(got, secret);
}

TEST(UniqueId, ComesBackFromItsText) {
  const UniqueId id{"10.0.0.7,fe80::1,2001:db8::7", 4711, random_secret()};
  const UniqueId back = UniqueId::from_text(id.to_text());
  EXPECT_EQ(back.host, id.host);
  EXPECT_EQ(back.port, id.port);
  EXPECT_EQ(back.secret, id.secret);
}

TEST(UniqueId, IsHardlyLongerThanItsHost) {
  const UniqueId id{std::string(120, 'h'), 65535, random_secret()};
  EXPECT_LE(id.to_text().size(), id.host.size() + 56);
}

TEST(UniqueId, IsPrintedWithoutItsSecret) {
  const UniqueId id{"10.0.0.7", 4711, random_secret()};
  EXPECT_EQ(id.printable(), "motet:10.0.0.7:4711:***");
}

TEST(UniqueId, RefusesWhatItDidNotWrite) {
  const std::string good = UniqueId{"10.0.0.7", 4711, random_secret()}.to_text();
  EXPECT_NO_THROW(UniqueId::from_text(good));
  std::vector<std::string> bad{
      "",         "motet:",       "motet::1:x", "motet:h:0:" + good.substr(good.rfind(':') + 1),
      good + "A", good.substr(1), good + "=",   "motet:host:port:***"};
  for (std::size_t length = 0; length < good.size(); ++length)
    bad.push_back(good.substr(0, length));
  for (const std::string& text : bad) {
    try {
      UniqueId::from_text(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), Not(HasSubstr(good.substr(good.rfind(':') + 1))));
    }
  }
}

}  // namespace
}  // namespace motet
