//! Objects outside of the database that no file names: on their way in, or out.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::columns;
use async_trait::async_trait;
use slipway_domain::time::Timestamp;
use slipway_portal::ports::{ShelfTx, StoreResult};
use sqlx::query;

#[async_trait]
impl ShelfTx for SqlTx {
    async fn object_arrives(&mut self, key: &str, now: Timestamp) -> StoreResult<()> {
        query("INSERT INTO shelf_objects (object_key, leaving, since) VALUES ($1, 0, $2)")
            .bind(key)
            .bind(now.micros())
            .execute(self.conn())
            .await
            .map_err(map)?;
        Ok(())
    }

    async fn object_arrived(&mut self, key: &str) -> StoreResult<()> {
        let done = query("DELETE FROM shelf_objects WHERE object_key = $1 AND leaving = 0")
            .bind(key)
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn object_leaves(&mut self, key: &str, now: Timestamp) -> StoreResult<()> {
        query(
            "INSERT INTO shelf_objects (object_key, leaving, since) VALUES ($1, 1, $2) \
             ON CONFLICT (object_key) DO UPDATE SET leaving = 1",
        )
        .bind(key)
        .bind(now.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn objects_leaving(&mut self, before: Timestamp, limit: i64) -> StoreResult<Vec<String>> {
        query("UPDATE shelf_objects SET leaving = 1 WHERE leaving = 0 AND since < $1")
            .bind(before.micros())
            .execute(self.conn())
            .await
            .map_err(map)?;
        let rows = query(
            "SELECT object_key FROM shelf_objects WHERE leaving = 1 ORDER BY since, object_key LIMIT $1",
        )
        .bind(limit)
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| columns("shelf_objects", row).text("object_key"))
            .collect()
    }

    async fn object_left(&mut self, key: &str) -> StoreResult<()> {
        query("DELETE FROM shelf_objects WHERE object_key = $1 AND leaving = 1")
            .bind(key)
            .execute(self.conn())
            .await
            .map_err(map)?;
        Ok(())
    }
}
