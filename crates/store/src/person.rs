//! People and failures to sign in.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::columns;
use async_trait::async_trait;
use slipway_domain::id::UserId;
use slipway_domain::person::Person;
use slipway_domain::text::Locale;
use slipway_domain::time::Timestamp;
use slipway_portal::ports::{Credentials, NewPerson, PersonTx, StoreResult};
use sqlx::any::AnyRow;
use sqlx::query;

pub(crate) fn person(row: &AnyRow) -> StoreResult<Person> {
    let c = columns("users", row);
    Ok(Person {
        id: c.id("id")?,
        username: c.text("username")?,
        name: c.text("name")?,
        email: c.opt_text("email")?,
        locale: c.opt_text("locale")?.as_deref().map(Locale::from_tag),
        created_at: c.time("created_at")?,
        deactivated_at: c.opt_time("deactivated_at")?,
    })
}

#[async_trait]
impl PersonTx for SqlTx {
    async fn insert_person(&mut self, new: &NewPerson) -> StoreResult<()> {
        query(
            "INSERT INTO users (id, username, name, email, password_hash, locale, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(new.person.id.to_string())
        .bind(&new.person.username)
        .bind(&new.person.name)
        .bind(&new.person.email)
        .bind(&new.password_hash)
        .bind(new.person.locale.map(Locale::tag))
        .bind(new.person.created_at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn credentials(&mut self, username: &str) -> StoreResult<Option<Credentials>> {
        let row = query("SELECT * FROM users WHERE username = $1")
            .bind(username)
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.map(|row| {
            let password_hash = columns("users", &row).opt_text("password_hash")?;
            Ok(Credentials {
                person: person(&row)?,
                password_hash,
            })
        })
        .transpose()
    }

    async fn person(&mut self, id: UserId) -> StoreResult<Option<Person>> {
        let row = query("SELECT * FROM users WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref().map(person).transpose()
    }

    async fn people_by_email(&mut self, emails: &[String]) -> StoreResult<Vec<Person>> {
        let mut found = Vec::new();
        for email in emails {
            let rows = query(
                "SELECT u.* FROM users u LEFT JOIN former_emails f ON f.user_id = u.id AND f.email = $1 \
                 WHERE (u.email = $1 OR f.email IS NOT NULL) AND u.deactivated_at IS NULL \
                 ORDER BY CASE WHEN u.email = $1 THEN 0 ELSE 1 END, u.id",
            )
            .bind(email)
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
            for row in &rows {
                found.push(person(row)?);
            }
        }
        Ok(found)
    }

    async fn people(&mut self) -> StoreResult<Vec<Person>> {
        let rows = query("SELECT * FROM users ORDER BY name, id")
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter().map(person).collect()
    }

    async fn set_locale(&mut self, id: UserId, locale: Locale) -> StoreResult<()> {
        let done = query("UPDATE users SET locale = $2 WHERE id = $1")
            .bind(id.to_string())
            .bind(locale.tag())
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn set_deactivated(&mut self, id: UserId, at: Option<Timestamp>) -> StoreResult<()> {
        let done = query("UPDATE users SET deactivated_at = $2 WHERE id = $1")
            .bind(id.to_string())
            .bind(at.map(Timestamp::micros))
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn set_password(&mut self, id: UserId, hash: &str) -> StoreResult<()> {
        let done = query("UPDATE users SET password_hash = $2 WHERE id = $1")
            .bind(id.to_string())
            .bind(hash)
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn lock_person(&mut self, id: UserId) -> StoreResult<()> {
        let done = query("UPDATE users SET name = name WHERE id = $1")
            .bind(id.to_string())
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn set_profile(&mut self, id: UserId, name: &str, email: Option<&str>) -> StoreResult<()> {
        query(
            "INSERT INTO former_emails (user_id, email) SELECT id, email FROM users \
             WHERE id = $1 AND email IS NOT NULL AND email <> $2 ON CONFLICT (user_id, email) DO NOTHING",
        )
        .bind(id.to_string())
        .bind(email.unwrap_or_default())
        .execute(self.conn())
        .await
        .map_err(map)?;
        let done = query("UPDATE users SET name = $2, email = $3 WHERE id = $1")
            .bind(id.to_string())
            .bind(name)
            .bind(email)
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn failures(&mut self, key: &str) -> StoreResult<(i64, Option<Timestamp>)> {
        let row = query("SELECT failures, locked_until FROM sign_in_failures WHERE failure_key = $1")
            .bind(key)
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        let Some(row) = row else { return Ok((0, None)) };
        let c = columns("sign_in_failures", &row);
        Ok((c.int("failures")?, c.opt_time("locked_until")?))
    }

    async fn set_failures(
        &mut self,
        key: &str,
        count: i64,
        locked_until: Option<Timestamp>,
    ) -> StoreResult<()> {
        query(
            "INSERT INTO sign_in_failures (failure_key, failures, locked_until) VALUES ($1, $2, $3) \
             ON CONFLICT (failure_key) DO UPDATE SET failures = excluded.failures, locked_until = excluded.locked_until",
        )
        .bind(key)
        .bind(count)
        .bind(locked_until.map(Timestamp::micros))
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }
}
