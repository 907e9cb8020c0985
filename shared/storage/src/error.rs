//! What can go wrong with Postgres, sorted by what the caller can do about it.

/// A failed call. Only [`StorageError::is_unavailable`] ones are worth repeating as they are.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Postgres cannot be reached, is shutting down, is out of resources, or did not answer in time.
    #[error("Postgres is unavailable: {reason}")]
    Unavailable {
        /// What the driver or the server said; no data of customers.
        reason: String,
    },
    /// A COMMIT got no answer: it may or may not have happened. Drop what is in memory and read epoch and positions again.
    #[error("Postgres did not say whether it committed: {reason}")]
    CommitUnknown {
        /// What the driver said.
        reason: String,
    },
    /// Postgres cannot hold a row, or a row is not what this version writes. Repeating does not help.
    #[error("Postgres refused: {reason}")]
    Data {
        /// SQLSTATE and message, or what is wrong with the row; no values.
        reason: String,
    },
    /// Postgres refused a statement for what it is and not for its rows: a right, a table or a column is missing, or an index is
    /// damaged. An operator has to look; no row may be set aside for it.
    #[error("Postgres refused a statement: {reason}")]
    Refused {
        /// SQLSTATE and message; no values.
        reason: String,
    },
    /// The database was laid out for another number of partitions. Ids would be looked for in the wrong places.
    #[error(
        "this deployment has {stored} partitions and TRIBUTARY_PARTITIONS asks for {asked}: \
         the number is fixed for ever; set TRIBUTARY_PARTITIONS={stored} or use another database"
    )]
    OtherDeployment {
        /// What the database was laid out for.
        stored: u16,
        /// What the settings ask for.
        asked: u16,
    },
    /// The partition has no row yet: `ensure_deployment` was not called on this database.
    #[error("partition {partition} is not known to this database; start the collector first")]
    UnknownPartition {
        /// Its number.
        partition: u16,
    },
    /// A page token that no answer ever contained.
    #[error("the page token is not one that was handed out")]
    PageToken,
    /// The address is not one of a Postgres database.
    #[error("DATABASE_URL is not a Postgres address: {reason}")]
    Address {
        /// What is wrong with it; not the address, which may hold a password.
        reason: String,
    },
    /// The schema could not be brought up to date.
    #[error("the database could not be migrated: {reason}")]
    Migration {
        /// Which migration and why.
        reason: String,
    },
}

impl StorageError {
    /// True where the same call may succeed later.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// True where a table is not there yet: the collector lays the database out as soon as it can.
    pub fn is_not_laid_out(&self) -> bool {
        matches!(self, Self::UnknownPartition { .. })
            || matches!(self, Self::Refused { reason } if reason.ends_with("(42P01)"))
    }

    pub(crate) fn data(reason: impl Into<String>) -> Self {
        Self::Data { reason: reason.into() }
    }

    /// What a failed COMMIT means: an answer of the server is definite, anything else leaves it open.
    pub(crate) fn of_commit(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(_) => error.into(),
            other => Self::CommitUnknown { reason: other.to_string() },
        }
    }
}

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error;
        match &error {
            Error::Io(_)
            | Error::Tls(_)
            | Error::Protocol(_)
            | Error::PoolTimedOut
            | Error::PoolClosed
            | Error::WorkerCrashed
            | Error::BeginFailed => Self::Unavailable { reason: error.to_string() },
            Error::Database(refusal) => {
                let code = refusal.code().unwrap_or_default();
                // The message alone: the detail of a refusal quotes rows.
                let reason = format!("{} ({code})", refusal.message());
                if passes_by_itself(&code) {
                    Self::Unavailable { reason }
                } else if is_about_a_row(&code) {
                    Self::Data { reason }
                } else {
                    Self::Refused { reason }
                }
            }
            Error::Configuration(reason) => Self::Address { reason: reason.to_string() },
            other => Self::Data { reason: other.to_string() },
        }
    }
}

/// SQLSTATEs that say something of a value: data exceptions, violated constraints, limits exceeded.
fn is_about_a_row(code: &str) -> bool {
    ["22", "23", "54"].iter().any(|class| code.starts_with(class))
}

/// SQLSTATEs that say something of the server's condition and nothing of the statement.
fn passes_by_itself(code: &str) -> bool {
    const CLASSES: [&str; 3] = [
        "08", // connection
        "53", // out of memory, disk or connections
        "57", // cancelled (statement timeout), shutting down, starting up
    ];
    const CODES: [&str; 6] = [
        "25P03", // idle in a transaction for too long
        "40001", // serialization failure
        "40P01", // deadlock
        "55P03", // lock not available
        "25006", // read only: a standby that is being promoted
        "58030", // I/O error
    ];
    CLASSES.iter().any(|class| code.starts_with(class)) || CODES.contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_shuts_down_or_is_full_is_unavailable_and_bad_data_is_not() {
        for code in ["57P01", "57P03", "57014", "53300", "53100", "40P01", "08006"] {
            assert!(passes_by_itself(code), "{code}");
        }
        for code in ["23505", "22P05", "22P02", "42P01", "42501"] {
            assert!(!passes_by_itself(code), "{code}");
        }
    }

    #[test]
    fn only_what_is_about_a_value_may_cost_a_row() {
        assert!(["22P05", "23505", "54000"].iter().all(|code| is_about_a_row(code)));
        assert!(!["42501", "42703", "42P01", "XX002"].iter().any(|code| is_about_a_row(code)));
    }

    #[test]
    fn a_pool_without_a_free_connection_is_unavailable() {
        assert!(StorageError::from(sqlx::Error::PoolTimedOut).is_unavailable());
    }

    #[test]
    fn a_commit_without_an_answer_is_unknown_and_not_unavailable() {
        let lost = sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        let error = StorageError::of_commit(lost);
        assert!(matches!(error, StorageError::CommitUnknown { .. }) && !error.is_unavailable());
    }
}
