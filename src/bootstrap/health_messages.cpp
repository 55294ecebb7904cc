#include "bootstrap/health_messages.hpp"

#include <algorithm>

#include "net/wire.hpp"

namespace motet {
namespace {

constexpr std::size_t record_bytes = 8 + 1 + 1 + 1 + 4 + 8 + 1 + 4;  // at least

void put(WireWriter& writer, const CallRecord& record) {
  writer.number(record.sequence)
      .number(static_cast<std::uint8_t>(record.collective))
      .number(static_cast<std::uint8_t>(record.type))
      .number(static_cast<std::uint8_t>(record.op))
      .number(record.root)
      .number(record.count)
      .number(static_cast<std::uint8_t>(record.is_uneven))
      .number(record.counts.ranks);
  if (record.counts.ranks == 0) return;
  writer.number(record.counts.digest);
  for (const std::uint32_t count : record.counts.first) writer.number(count);
}

CallRecord take_record(WireReader& reader) {
  CallRecord record;
  record.sequence = reader.number<std::uint64_t>();
  record.collective = static_cast<Collective>(reader.number<std::uint8_t>());
  record.type = static_cast<DataType>(reader.number<std::uint8_t>());
  record.op = static_cast<ReduceOp>(reader.number<std::uint8_t>());
  record.root = reader.number<Rank>();
  record.count = reader.number<std::uint64_t>();
  record.is_uneven = reader.flag();
  record.counts.ranks = reader.number<std::uint32_t>();
  if (record.counts.ranks == 0) return record;
  record.counts.digest = reader.number<std::uint32_t>();
  for (std::uint32_t& count : record.counts.first) count = reader.number<std::uint32_t>();
  return record;
}

bool sane(const CallRecord& record) {
  return static_cast<int>(record.collective) < collective_count &&
         static_cast<int>(record.type) < data_type_count &&
         static_cast<int>(record.op) < reduce_op_count;
}

// The announced number of things, as far as they can be there.
std::size_t take_count(WireReader& reader, std::size_t bytes_each) {
  return std::min<std::size_t>(reader.number<std::uint32_t>(), longest_health_frame / bytes_each);
}

bool sane(const HealthMessage& message) {
  return message.call <= HealthCall::places && message.presence <= Presence::here &&
         message.code <= ErrorCode::system &&
         std::all_of(message.records.begin(), message.records.end(),
                     [](const CallRecord& record) { return sane(record); });
}

}  // namespace

std::string encode(const HealthMessage& message) {
  WireWriter writer;
  writer.number(static_cast<std::uint8_t>(message.call))
      .number(message.communicator)
      .number(message.number)
      .number(message.token)
      .number(message.patience_ms)
      .number(message.rank)
      .number(static_cast<std::uint8_t>(message.presence))
      .number(static_cast<std::uint8_t>(message.code))
      .text(message.text);
  writer.number(static_cast<std::uint32_t>(message.members.size()));
  for (const Rank member : message.members) writer.number(member);
  writer.number(static_cast<std::uint32_t>(message.records.size()));
  for (const CallRecord& record : message.records) put(writer, record);
  writer.text(message.process.machine)
      .text(message.process.host)
      .number(message.process.pid)
      .number(message.process.started);
  return writer.take();
}

std::optional<HealthMessage> decode_health_message(const std::string& frame) {
  WireReader reader(frame);
  HealthMessage message;
  message.call = static_cast<HealthCall>(reader.number<std::uint8_t>());
  message.communicator = reader.number<std::uint32_t>();
  message.number = reader.number<std::uint64_t>();
  message.token = reader.number<std::uint64_t>();
  message.patience_ms = reader.number<std::uint32_t>();
  message.rank = reader.number<Rank>();
  message.presence = static_cast<Presence>(reader.number<std::uint8_t>());
  message.code = static_cast<ErrorCode>(reader.number<std::uint8_t>());
  message.text = reader.text();
  for (std::size_t n = take_count(reader, sizeof(Rank)); n > 0 && reader.good(); --n) {
    message.members.push_back(reader.number<Rank>());
  }
  for (std::size_t n = take_count(reader, record_bytes); n > 0 && reader.good(); --n) {
    message.records.push_back(take_record(reader));
  }
  message.process.machine = reader.text();
  message.process.host = reader.text();
  message.process.pid = reader.number<std::int64_t>();
  message.process.started = reader.number<std::uint64_t>();
  if (!reader.complete() || !sane(message)) return {};
  return message;
}

}  // namespace motet
