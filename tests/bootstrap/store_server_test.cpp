// The server among strangers, liars and members that vanish.
#include <gmock/gmock.h>

#include <atomic>
#include <random>
#include <thread>

#include "base/error.hpp"
#include "bootstrap/store.hpp"
#include "bootstrap/store_messages.hpp"
#include "net/framed_socket.hpp"
#include "net/handshake.hpp"
#include "net/socket.hpp"
#include "rank_processes.hpp"
#include "scarce_memory.hpp"

namespace motet {
namespace {

using ::testing::HasSubstr;

Deadline soon() {
  return Deadline::after(std::chrono::seconds(20));
}

class AStoreServer : public ::testing::Test {
 protected:
  std::unique_ptr<Store> open() { return tcp_store(server_->addresses(), credentials_, soon()); }
  // A member of the job that speaks as it likes.
  Descriptor open_raw() {
    Dialler dialler({server_->addresses(), Purpose::store, Identity::random(), {}}, credentials_);
    auto connection = dialler.wait(soon());
    EXPECT_TRUE(connection) << dialler.problem();
    return std::move(connection->socket);
  }

  Credentials credentials_ = Credentials::from_secret(random_secret());
  std::unique_ptr<StoreServer> server_ = std::make_unique<StoreServer>(credentials_);
};

TEST_F(AStoreServer, KeepsStrangersOut) {
  const Credentials others = Credentials::from_secret(random_secret());
  try {
    tcp_store(server_->addresses(), others, Deadline::after(std::chrono::milliseconds(300)));
    FAIL() << "another job's secret opened the store";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::timeout);
    EXPECT_THAT(error.what(), HasSubstr(server_->addresses().back()));
    EXPECT_THAT(error.what(), HasSubstr("secret"));
  }
  EXPECT_GT(server_->dropped(), 0U);
}

TEST_F(AStoreServer, NamesItsAddressWhenItHasGone) {
  const auto store = open();
  const Address address = server_->addresses().back();
  server_.reset();
  try {
    store->get("key", soon());
    FAIL() << "there is no server";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unavailable);
    EXPECT_THAT(error.what(), HasSubstr(address));
  }
  EXPECT_THROW(store->set("key", "value"), Error);
}

TEST_F(AStoreServer, ForgetsClientsThatVanishWhileTheyWait) {
  for (int i = 0; i < 20; ++i) {
    FramedSocket client(open_raw(), longest_store_frame);
    client.send(store_request(StoreCall::get, "key"));
  }
  const auto store = open();
  store->set("key", "value");
  EXPECT_EQ(store->get("key", soon()), "value");
}

TEST_F(AStoreServer, DropsWhoAnnouncesTooMuch) {
  const Descriptor socket = open_raw();
  const std::string header = WireWriter().number(std::uint32_t{0xffffffff}).take();
  write_some(socket.get(), std::as_bytes(std::span(header)));
  ASSERT_TRUE(wait_for(socket.get(), POLLIN, soon()));
  std::byte byte{};
  EXPECT_TRUE(read_some(socket.get(), std::span(&byte, 1)).broken());
}

TEST_F(AStoreServer, DropsWhomItHasNoMemoryForAndServesTheOthers) {
  const auto store = open();
  const Descriptor socket = open_raw();
  const std::string header = WireWriter().number(std::uint32_t{1024 * 1024}).take();
  {
    const testing::ScarceMemory scarce(60'000);  // the first piece of a long frame takes 64 KiB
    write_some(socket.get(), std::as_bytes(std::span(header)));
    ASSERT_TRUE(wait_for(socket.get(), POLLIN, soon()));
  }
  std::byte byte{};
  EXPECT_TRUE(read_some(socket.get(), std::span(&byte, 1)).broken());
  store->set("key", "value");
  EXPECT_EQ(open()->get("key", soon()), "value");
}

TEST_F(AStoreServer, SurvivesNonsenseFromMembers) {
  const auto seed = std::random_device()();
  std::printf("seed=%u\n", seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 200; ++i) {
    FramedSocket client(open_raw(), longest_store_frame);
    std::string request =
        store_request(static_cast<StoreCall>(random() % 6), "key", std::string(random() % 99, 'v'));
    for (auto hits = random() % 3; hits > 0; --hits)
      request[random() % request.size()] = static_cast<char>(random());
    request.resize(random() % 4 == 0 ? random() % request.size() : request.size());
    for (int k = 0; k < 3; ++k) client.send(request);
    client.receive();
  }
  const auto store = open();
  store->set("after", "value");
  EXPECT_EQ(store->get("after", soon()), "value");
}

TEST_F(AStoreServer, SurvivesRandomBytesFromStrangers) {
  const auto seed = std::random_device()();
  std::printf("seed=%u\n", seed);
  std::mt19937 random(seed);
  const std::string address = "127.0.0.1:" + std::to_string(server_->port());
  const SocketAddress to = parse_address(address);
  for (int i = 0; i < 200; ++i) {
    const Descriptor socket = open_stream_socket(to.family());
    static_cast<void>(connect(socket.get(), to.get(), to.length));
    wait_for(socket.get(), POLLOUT, soon());
    std::string bytes(random() % 300, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    write_some(socket.get(), std::as_bytes(std::span(bytes)));
  }
  open()->set("after", "value");
  EXPECT_GT(server_->dropped(), 0U);
}

TEST_F(AStoreServer, ServesManyAtOnce) {
  constexpr int clients = 40;
  std::atomic<int> served{0};
  std::vector<std::thread> threads;
  threads.reserve(clients);
  for (int i = 0; i < clients; ++i) {
    threads.emplace_back([this, i, &served] {
      const auto store = open();
      store->set("client/" + std::to_string(i), std::string(1000, 'x'));
      store->get("client/" + std::to_string((i + 1) % clients), soon());
      ++served;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(served, clients);
  EXPECT_EQ(open()->add("count", 1), 1);
}

TEST(TcpStore, SaysThatNobodyListens) {
  const Credentials credentials = Credentials::from_secret(random_secret());
  try {
    tcp_store({"127.0.0.1:1"}, credentials, Deadline::after(std::chrono::milliseconds(100)));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::timeout);
    EXPECT_THAT(error.what(), HasSubstr("127.0.0.1:1: Connection refused"));
  }
}

}  // namespace
}  // namespace motet
