//! What the desk's pages read of the log.

use rusqlite::params;

use super::read::{LOG_ROW, log_row};
use super::{LogRow, Reader, StoreError};

impl Reader {
    /// The last `count` rows of the log before number `before` (the newest if `None`), in order.
    pub fn log_before(&self, before: Option<u64>, count: usize) -> Result<Vec<LogRow>, StoreError> {
        let sql = format!("{LOG_ROW} WHERE e.number < ?1 ORDER BY e.number DESC LIMIT ?2");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let before = before.map_or(i64::MAX, |number| number as i64);
        let rows = statement.query_map(params![before, count as i64], log_row)?;
        let mut rows = rows.collect::<Result<Vec<_>, _>>()?;
        rows.reverse();
        Ok(rows)
    }

    /// How many entries the other side said and no desk of ours was shown.
    pub fn unread(&self) -> Result<u64, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT ifnull(sum(unread), 0) FROM conversation")?;
        Ok(statement.query_row([], |row| row.get::<_, i64>(0))? as u64)
    }

    /// Settings of the shell whose names begin with `prefix`, by the rest of their names.
    pub fn settings_under(&self, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        let sql = "SELECT substr(name, length(?1) + 1), value FROM setting
                   WHERE name >= ?1 AND substr(name, 1, length(?1)) = ?1 ORDER BY name";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([prefix], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    }
}
