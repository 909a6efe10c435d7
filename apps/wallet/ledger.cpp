#include "apps/wallet/ledger.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "events/assert.hpp"
#include "events/limits.hpp"

namespace bestow::wallet {
namespace {

constexpr const char* schema = R"(
  CREATE TABLE IF NOT EXISTS payment (
    promotion INTEGER NOT NULL, target INTEGER NOT NULL, customer INTEGER NOT NULL,
    amount INTEGER NOT NULL, exponent INTEGER NOT NULL, transaction_key TEXT NOT NULL,
    PRIMARY KEY (promotion, target)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS recalled (
    promotion INTEGER NOT NULL, target INTEGER NOT NULL, recall INTEGER NOT NULL,
    amount INTEGER NOT NULL, PRIMARY KEY (promotion, target)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS held_result (
    id INTEGER PRIMARY KEY, due INTEGER NOT NULL, subject TEXT NOT NULL, payload TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS held_result_due ON held_result (due, id);
)";

/// SQLite's integers are signed; ids above 2^63 keep their bits.
[[nodiscard]] auto to_stored(std::uint64_t value) -> std::int64_t {
  return static_cast<std::int64_t>(value);
}
[[nodiscard]] auto from_stored(std::int64_t value) -> std::uint64_t {
  return static_cast<std::uint64_t>(value);
}

/// Runs `work`, which throws SQLite's errors, and turns them into a fault.
template <class Work>
[[nodiscard]] auto guarded(std::string_view operation, Work work) -> result<decltype(work())> {
  try {
    if constexpr (std::is_void_v<decltype(work())>) {
      work();
      return {};
    } else {
      return work();
    }
  } catch (const SQLite::Exception& e) {
    return fail(fault_code::file_io_failed, operation, e.what());
  }
}

/// Adds non-negative 64-bit numbers without overflow.
class wide_sum {
 public:
  void add(std::uint64_t value) {
    low_ += value;
    if (low_ < value) ++high_;
  }
  [[nodiscard]] auto text() const -> std::string {
    // Two halves to decimal: divide by 10^9 from the top, 32 bits at a time.
    std::uint32_t words[4] = {
        static_cast<std::uint32_t>(high_ >> 32U), static_cast<std::uint32_t>(high_),
        static_cast<std::uint32_t>(low_ >> 32U), static_cast<std::uint32_t>(low_)};
    std::string digits;
    for (int round = 0; round < 5; ++round) {
      std::uint64_t rest = 0;
      for (auto& w : words) {
        rest = (rest << 32U) + w;
        w = static_cast<std::uint32_t>(rest / 1'000'000'000U);
        rest %= 1'000'000'000U;
      }
      digits = fmt::format("{:09}", rest) + digits;
    }
    const std::size_t first = std::min(digits.find_first_not_of('0'), digits.size() - 1);
    return digits.substr(first);
  }

 private:
  std::uint64_t high_{0};
  std::uint64_t low_{0};
};

class lock_file {
 public:
  explicit lock_file(int fd) : fd_{fd} {}
  lock_file(const lock_file&) = delete;
  auto operator=(const lock_file&) -> lock_file& = delete;
  ~lock_file() {
    if (fd_ >= 0) ::close(fd_);
  }

 private:
  int fd_;
};

}  // namespace

struct ledger::storage {
  storage(std::unique_ptr<lock_file> lock, const std::string& path, int flags)
      : lock{std::move(lock)}, db{path, flags, limits::wallet_busy_within_ms} {}

  std::unique_ptr<lock_file> lock;
  SQLite::Database db;
  // Only for mode write; prepared once.
  std::optional<SQLite::Statement> insert;
  std::optional<SQLite::Statement> find;
  std::optional<SQLite::Statement> take;
  std::optional<SQLite::Statement> hold;
  std::optional<SQLite::Statement> select_due;
  std::optional<SQLite::Statement> select_next;
  std::optional<SQLite::Statement> remove;

  void prepare_for_writing() {
    db.exec("PRAGMA journal_mode=WAL");
    db.exec("PRAGMA synchronous=FULL");
    db.exec("PRAGMA wal_autocheckpoint=8000");
    db.exec("PRAGMA cache_size=-65536");
    db.exec(schema);
    insert.emplace(db, "INSERT INTO payment VALUES (?,?,?,?,?,?) ON CONFLICT DO NOTHING");
    find.emplace(db,
                 "SELECT customer, amount, exponent FROM payment "
                 "WHERE promotion = ? AND target = ?");
    take.emplace(db, "INSERT INTO recalled VALUES (?,?,?,?) ON CONFLICT DO NOTHING");
    hold.emplace(db, "INSERT INTO held_result (due, subject, payload) VALUES (?,?,?)");
    select_due.emplace(db,
                       "SELECT id, due, subject, payload FROM held_result "
                       "WHERE due <= ? ORDER BY due, id LIMIT ?");
    select_next.emplace(db, "SELECT min(due) FROM held_result");
    remove.emplace(db, "DELETE FROM held_result WHERE id = ?");
  }

  [[nodiscard]] auto credit_one(const ledger_entry& e) -> credit {
    insert->reset();
    insert->bind(1, to_stored(e.promotion.value));
    insert->bind(2, to_stored(e.target.value));
    insert->bind(3, to_stored(e.customer.value));
    insert->bind(4, e.amount.value);
    insert->bind(5, static_cast<std::int64_t>(e.currency_exponent));
    insert->bindNoCopy(6, e.transaction_key);
    if (insert->exec() == 1) return credit::credited;
    find->reset();
    find->bind(1, to_stored(e.promotion.value));
    find->bind(2, to_stored(e.target.value));
    BESTOW_ASSERT(find->executeStep());  // The insert has just met it.
    const bool same = find->getColumn(0).getInt64() == to_stored(e.customer.value) &&
                      find->getColumn(1).getInt64() == e.amount.value &&
                      find->getColumn(2).getUInt() == e.currency_exponent;
    return same ? credit::repeated : credit::contradicted;
  }
  [[nodiscard]] auto take_one(const recall_entry& e) -> take_back {
    find->reset();
    find->bind(1, to_stored(e.promotion.value));
    find->bind(2, to_stored(e.target.value));
    const bool paid = find->executeStep() && find->getColumn(1).getInt64() == e.amount.value;
    if (!paid) return take_back::refused;
    take->reset();
    take->bind(1, to_stored(e.promotion.value));
    take->bind(2, to_stored(e.target.value));
    take->bind(3, static_cast<std::int64_t>(e.recall.value));
    take->bind(4, e.amount.value);
    return take->exec() == 1 ? take_back::taken : take_back::repeated;
  }
};

ledger::ledger(std::unique_ptr<storage> opened) : storage_{std::move(opened)} {}
ledger::~ledger() = default;

auto ledger::open(const std::string& directory, mode how) -> result<std::unique_ptr<ledger>> {
  std::unique_ptr<lock_file> lock;
  if (how == mode::write) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    const std::string path = directory + "/LOCK";
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (error || fd < 0) {
      return fail(fault_code::file_io_failed, "open",
                  fmt::format("{}: {}", path, error ? error.message() : std::strerror(errno)));
    }
    lock = std::make_unique<lock_file>(fd);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      return fail(fault_code::log_locked, "flock", "another wallet uses " + directory);
    }
  }
  const int flags =
      how == mode::write ? SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE : SQLite::OPEN_READONLY;
  return guarded("open_ledger", [&] {
    auto opened = std::make_unique<storage>(std::move(lock), directory + "/ledger.db", flags);
    if (how == mode::write) opened->prepare_for_writing();
    return std::make_unique<ledger>(std::move(opened));
  });
}

auto ledger::record(std::span<const ledger_entry> entries, std::span<const held_result> held)
    -> result<std::vector<credit>> {
  if (entries.empty() && held.empty()) return std::vector<credit>{};
  return guarded("record", [&] {
    SQLite::Transaction transaction{storage_->db};
    std::vector<credit> out;
    out.reserve(entries.size());
    for (const auto& e : entries) out.push_back(storage_->credit_one(e));
    storage_->find->reset();
    for (const auto& h : held) {
      storage_->hold->reset();
      storage_->hold->bind(1, h.due.value);
      storage_->hold->bindNoCopy(2, h.subject);
      storage_->hold->bindNoCopy(3, h.payload);
      storage_->hold->exec();
    }
    transaction.commit();
    return out;
  });
}

auto ledger::take(std::span<const recall_entry> recalls) -> result<std::vector<take_back>> {
  if (recalls.empty()) return std::vector<take_back>{};
  return guarded("take", [&] {
    SQLite::Transaction transaction{storage_->db};
    std::vector<take_back> out;
    out.reserve(recalls.size());
    for (const auto& e : recalls) out.push_back(storage_->take_one(e));
    storage_->find->reset();
    transaction.commit();
    return out;
  });
}

auto ledger::due(timestamp now, std::size_t count) -> result<std::vector<held_result>> {
  return guarded("due", [&] {
    auto& select = *storage_->select_due;
    select.reset();
    select.bind(1, now.value);
    select.bind(2, static_cast<std::int64_t>(count));
    std::vector<held_result> out;
    while (select.executeStep()) {
      out.push_back({from_stored(select.getColumn(0).getInt64()),
                     {select.getColumn(1).getInt64()},
                     select.getColumn(2).getString(),
                     select.getColumn(3).getString()});
    }
    select.reset();  // Ends its read transaction.
    return out;
  });
}

auto ledger::next_due() -> result<std::optional<timestamp>> {
  return guarded("next_due", [&] {
    auto& select = *storage_->select_next;
    select.reset();
    std::optional<timestamp> out;
    if (select.executeStep() && !select.getColumn(0).isNull()) {
      out = timestamp{select.getColumn(0).getInt64()};
    }
    select.reset();
    return out;
  });
}

auto ledger::forget(std::span<const held_result> sent) -> result<void> {
  return guarded("forget", [&] {
    SQLite::Transaction transaction{storage_->db};
    for (const auto& h : sent) {
      storage_->remove->reset();
      storage_->remove->bind(1, to_stored(h.id));
      storage_->remove->exec();
    }
    transaction.commit();
  });
}

auto ledger::totals(promotion_id promotion) -> result<ledger_totals> {
  ledger_totals out;
  wide_sum sum;
  auto visited = visit(promotion, [&](const ledger_entry& e) {
    ++out.count;
    sum.add(static_cast<std::uint64_t>(e.amount.value));
  });
  if (!visited) return tl::unexpected<fault>{std::move(visited.error())};
  out.sum = sum.text();
  wide_sum recalled;
  auto seen = guarded("totals", [&] {
    // A ledger that was never recalled from may have been made before there were recalls.
    if (!storage_->db.tableExists("recalled")) return;
    SQLite::Statement select{storage_->db, "SELECT amount FROM recalled WHERE promotion = ?"};
    select.bind(1, to_stored(promotion.value));
    while (select.executeStep()) {
      ++out.recalled_count;
      recalled.add(static_cast<std::uint64_t>(select.getColumn(0).getInt64()));
    }
  });
  if (!seen) return tl::unexpected<fault>{std::move(seen.error())};
  out.recalled_sum = recalled.text();
  return out;
}

auto ledger::visit(promotion_id promotion, const std::function<void(const ledger_entry&)>& visitor)
    -> result<void> {
  return guarded("visit", [&] {
    SQLite::Statement select{storage_->db,
                             "SELECT target, customer, amount, exponent, transaction_key "
                             "FROM payment WHERE promotion = ? ORDER BY target"};
    select.bind(1, to_stored(promotion.value));
    ledger_entry e;
    e.promotion = promotion;
    while (select.executeStep()) {
      e.target.value = from_stored(select.getColumn(0).getInt64());
      e.customer.value = from_stored(select.getColumn(1).getInt64());
      e.amount.value = select.getColumn(2).getInt64();
      e.currency_exponent = select.getColumn(3).getUInt();
      e.transaction_key = select.getColumn(4).getText();
      visitor(e);
    }
  });
}

auto decimal_of(const ledger_entry& e) -> std::string {
  std::string digits = std::to_string(e.amount.value);
  if (e.currency_exponent == 0) return digits;
  if (digits.size() <= e.currency_exponent) {
    digits.insert(0, e.currency_exponent + 1 - digits.size(), '0');
  }
  digits.insert(digits.size() - e.currency_exponent, 1, '.');
  return digits;
}

}  // namespace bestow::wallet
