// Everything a user can set. getenv appears in options.cpp alone; --help and the docs are printed
// from the table.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/ports.hpp"

namespace motet {

struct Options {
  std::string transport;           // MOTET_TRANSPORT: "shm,tcp" in order of preference; empty: all
  std::string interfaces;          // MOTET_INTERFACE: "eth0,ib*" or "^docker*,lo"; empty: all
  std::string rails;               // MOTET_RAILS: "eth0,eth1"; empty: the nearest NICs
  PortRange ports;                 // MOTET_PORT_RANGE: to listen on
  std::string ofi_provider;        // MOTET_OFI_PROVIDER: "verbs;ofi_rxm"; empty: the best here
  std::string algorithm;           // MOTET_ALGORITHM: used wherever it supports the problem
  std::string topology;            // MOTET_TOPOLOGY: file with the tiers above the nodes
  std::string fabric;              // MOTET_FABRIC: file that says what joins the ranks
  std::string tuning;              // MOTET_TUNING: file of rank 0, or "typical" for none
  std::string configuration;       // the user's folder for such files, from XDG_CONFIG_HOME or HOME
  int slots = 8;                   // MOTET_SLOTS: large blocks under way per rank (soft limit)
  int block_kib = 128;             // MOTET_BLOCK_KIB: longest block
  int ring_lines = 64;             // MOTET_RING_LINES: small messages under way per pair
  int read_peers = 1;              // MOTET_READ_PEERS: large blocks where their sender has them
  int setup_timeout_ms = 120'000;  // MOTET_SETUP_TIMEOUT_MS
  int timeout_ms = 30 * 60 * 1000;    // MOTET_TIMEOUT_MS: one collective
  std::string log_level = "warning";  // MOTET_LOG
  std::string fault;  // MOTET_FAULT: "seed=7,delay=3,full=0.1,reorder=0.2,kill=1000": tests only
  bool progress_thread = false;  // MOTET_PROGRESS_THREAD: where the configuration does not say
  bool blockwise = true;         // MOTET_BLOCKWISE: 0 runs every step whole (tests compare bits)

  // Bootstrap, from what launchers set (RANK, WORLD_SIZE, ... OMPI_*, PMI_*, SLURM_*).
  std::optional<int> rank, world_size, local_rank;
  int launcher = 0;              // the process that has started the ranks of this machine
  bool has_agent_store = false;  // TORCHELASTIC_USE_AGENT_STORE: MASTER_PORT is in use
  std::string master_address;    // MASTER_ADDR
  int master_port = 0;           // MASTER_PORT
  std::string secret_file;       // MOTET_SECRET_FILE
  std::string secret;            // MOTET_SECRET, removed from the environment once read
  bool insecure = false;         // MOTET_INSECURE

  // Reads the environment. Unknown MOTET_* names and values that do not parse throw
  // Error{invalid_argument} with the nearest known name. Not to be called while another thread
  // changes the environment.
  static Options from_environment();
};

struct OptionRow {
  std::string_view name, type, standard, unit, sentence;
};
std::span<const OptionRow> option_table();

// The table as lines for people, for --help and the documentation.
std::string option_help();

}  // namespace motet
