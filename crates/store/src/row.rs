//! Reading columns of an `Any` row into domain types. A value that no version of Slipway writes becomes
//! [`StoreError::Inconsistent`].

use crate::error::map;
use serde::de::DeserializeOwned;
use slipway_domain::id::TypedId;
use slipway_domain::time::Timestamp;
use slipway_portal::ports::{StoreError, StoreResult};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// One row, with the name of its table for errors.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'r> {
    table: &'static str,
    row: &'r AnyRow,
}

/// Reads the columns of `row`.
pub(crate) const fn columns<'r>(table: &'static str, row: &'r AnyRow) -> Columns<'r> {
    Columns { table, row }
}

impl Columns<'_> {
    fn wrong(self, column: &'static str) -> StoreError {
        let row = self
            .row
            .try_get::<String, _>("id")
            .unwrap_or_else(|_| String::from("?"));
        StoreError::Inconsistent {
            table: self.table,
            column,
            row,
        }
    }

    /// A text.
    pub(crate) fn text(self, column: &'static str) -> StoreResult<String> {
        self.row.try_get(column).map_err(map)
    }

    /// A text or nothing.
    pub(crate) fn opt_text(self, column: &'static str) -> StoreResult<Option<String>> {
        self.row.try_get(column).map_err(map)
    }

    /// A whole number.
    pub(crate) fn int(self, column: &'static str) -> StoreResult<i64> {
        self.row.try_get(column).map_err(map)
    }

    /// A whole number or nothing.
    pub(crate) fn opt_int(self, column: &'static str) -> StoreResult<Option<i64>> {
        self.row.try_get(column).map_err(map)
    }

    /// Bytes.
    pub(crate) fn bytes(self, column: &'static str) -> StoreResult<Vec<u8>> {
        self.row.try_get(column).map_err(map)
    }

    /// 0 or 1.
    pub(crate) fn flag(self, column: &'static str) -> StoreResult<bool> {
        Ok(self.int(column)? != 0)
    }

    /// An instant.
    pub(crate) fn time(self, column: &'static str) -> StoreResult<Timestamp> {
        self.int(column).map(Timestamp)
    }

    /// An instant or nothing.
    pub(crate) fn opt_time(self, column: &'static str) -> StoreResult<Option<Timestamp>> {
        Ok(self.opt_int(column)?.map(Timestamp))
    }

    /// A typed id.
    pub(crate) fn id<T: TypedId>(self, column: &'static str) -> StoreResult<T> {
        let text = self.text(column)?;
        uuid::Uuid::parse_str(&text)
            .map(T::from_uuid)
            .map_err(|_| self.wrong(column))
    }

    /// A typed id or nothing.
    pub(crate) fn opt_id<T: TypedId>(self, column: &'static str) -> StoreResult<Option<T>> {
        let Some(text) = self.opt_text(column)? else {
            return Ok(None);
        };
        uuid::Uuid::parse_str(&text)
            .map(|u| Some(T::from_uuid(u)))
            .map_err(|_| self.wrong(column))
    }

    /// A document.
    pub(crate) fn json<T: DeserializeOwned>(self, column: &'static str) -> StoreResult<T> {
        serde_json::from_str(&self.text(column)?).map_err(|_| self.wrong(column))
    }

    /// A document or nothing.
    pub(crate) fn opt_json<T: DeserializeOwned>(self, column: &'static str) -> StoreResult<Option<T>> {
        let Some(text) = self.opt_text(column)? else {
            return Ok(None);
        };
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|_| self.wrong(column))
    }

    /// A key, read by `parse`.
    pub(crate) fn key<T>(
        self,
        column: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> StoreResult<T> {
        parse(&self.text(column)?).ok_or_else(|| self.wrong(column))
    }
}

/// A document as it is stored.
pub(crate) fn document<T: serde::Serialize>(value: &T) -> StoreResult<String> {
    serde_json::to_string(value).map_err(|e| StoreError::Other(Box::new(e)))
}
