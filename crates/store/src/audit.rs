//! The audit log: one chain an organization, locked by the organization's row, and one of the server itself, locked by
//! the row that stands for it.

use crate::connect::SqlTx;
use crate::error::map;
use crate::row::{Columns, columns, document};
use async_trait::async_trait;
use slipway_domain::audit::{AuditRow, Outcome, chain_hash};
use slipway_domain::id::OrgId;
use slipway_portal::access::may::{AuditRead, See};
use slipway_portal::access::{Authorized, Org, Server};
use slipway_portal::ports::{AuditFilter, AuditRecord, AuditTx, Chain, StoreResult};
use sqlx::any::AnyRow;
use sqlx::query;

const COLUMNS_OF_PAGE: &str = "SELECT id, seq, at, actor, via, request_id, action, target_kind, target_id, target, \
     summary, outcome FROM audit_log \
     WHERE org_id = $1 AND ($2 = '' OR project_id = $2) AND ($3 = '' OR app_id = $3) \
     AND ($4 = '' OR action LIKE $4 ESCAPE '!') AND seq < $5 ORDER BY seq DESC LIMIT $6";

const SERVER_PAGE: &str = "SELECT id, seq, at, actor, via, request_id, action, target_kind, target_id, target, \
     summary, outcome FROM server_audit_log \
     WHERE ($1 = '' OR action LIKE $1 ESCAPE '!') AND seq < $2 ORDER BY seq DESC LIMIT $3";

/// What stands for the organization in the hashes of the server's own chain, and is the id of its row.
const SERVER: &str = "server";

/// How many rows are verified at a time.
const BATCH: i64 = 1000;

fn row_of(c: Columns<'_>) -> StoreResult<AuditRow> {
    Ok(AuditRow {
        id: c.id("id")?,
        seq: c.int("seq")?,
        at: c.time("at")?,
        actor: c.text("actor")?,
        via: c.text("via")?,
        request_id: c.text("request_id")?,
        action: c.text("action")?,
        target_kind: c.text("target_kind")?,
        target_id: c.text("target_id")?,
        target: c.text("target")?,
        summary: c.json("summary")?,
        outcome: c.key("outcome", Outcome::from_key)?,
    })
}

/// The filter by action as `LIKE` takes it; empty: all.
fn beginning_with(filter: &AuditFilter) -> String {
    let prefix = filter.action.as_deref().unwrap_or_default();
    if prefix.is_empty() {
        return String::new();
    }
    let mut pattern = String::with_capacity(prefix.len() + 1);
    for letter in prefix.chars() {
        if matches!(letter, '!' | '%' | '_') {
            pattern.push('!');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// What a row is about: organization, project, app, as its hash has them.
type About = [String; 3];

fn about(chain: Chain) -> About {
    let text = |id: Option<String>| id.unwrap_or_default();
    match chain {
        Chain::Org { org, project, app } => [
            org.to_string(),
            text(project.map(|p| p.to_string())),
            text(app.map(|a| a.to_string())),
        ],
        Chain::Server => [SERVER.to_owned(), String::new(), String::new()],
    }
}

/// As a column has it that may be empty.
fn given(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// The hash of a stored row that is about `about` and follows `previous`.
fn hash_of(c: Columns<'_>, [org, project, app]: &About, previous: &str) -> StoreResult<String> {
    let fields: [String; 16] = [
        c.text("id")?,
        org.clone(),
        c.int("seq")?.to_string(),
        project.clone(),
        app.clone(),
        c.int("at")?.to_string(),
        c.opt_text("actor_id")?.unwrap_or_default(),
        c.text("actor")?,
        c.text("via")?,
        c.text("request_id")?,
        c.text("action")?,
        c.text("target_kind")?,
        c.text("target_id")?,
        c.text("target")?,
        c.text("summary")?,
        c.text("outcome")?,
    ];
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    Ok(chain_hash(previous, &fields))
}

/// Where a walk along a chain stands: the number and the hash that the next row must follow.
struct Walk {
    next: i64,
    previous: String,
}

impl Walk {
    const fn new() -> Self {
        Self {
            next: 1,
            previous: String::new(),
        }
    }

    /// Goes on over `rows`; the number of the first that is broken.
    fn over(
        &mut self,
        rows: &[AnyRow],
        about: impl Fn(Columns<'_>) -> StoreResult<About>,
    ) -> StoreResult<Option<i64>> {
        for row in rows {
            let c = columns("audit_log", row);
            let hash = hash_of(c, &about(c)?, &self.previous)?;
            if c.int("seq")? != self.next
                || c.text("previous_hash")? != self.previous
                || c.text("hash")? != hash
            {
                return Ok(Some(self.next));
            }
            (self.next, self.previous) = (self.next + 1, hash);
        }
        Ok(None)
    }

    /// Whether the chain ends here, as `head` says; the number that is missing.
    fn end(self, head: Columns<'_>) -> StoreResult<Option<i64>> {
        let whole = head.int("audit_seq")? == self.next - 1 && head.text("audit_hash")? == self.previous;
        Ok((!whole).then_some(self.next))
    }
}

fn is_last(rows: &[AnyRow]) -> bool {
    i64::try_from(rows.len()).is_ok_and(|count| count < BATCH)
}

#[async_trait]
impl AuditTx for SqlTx {
    async fn append_audit(&mut self, record: &AuditRecord) -> StoreResult<()> {
        let [org, project, app] = about(record.chain);
        let head = query(match record.chain {
            Chain::Org { .. } => {
                "UPDATE organizations SET audit_seq = audit_seq + 1 WHERE id = $1 RETURNING id, audit_seq, audit_hash"
            }
            Chain::Server => {
                "UPDATE server SET audit_seq = audit_seq + 1 WHERE id = $1 RETURNING id, audit_seq, audit_hash"
            }
        })
        .bind(&org)
        .fetch_one(self.conn())
        .await
        .map_err(map)?;
        let head = columns("organizations", &head);
        let (seq, previous) = (head.int("audit_seq")?, head.text("audit_hash")?);
        let actor_id = record.actor_id.map(|u| u.to_string()).unwrap_or_default();
        let summary = document(&record.summary)?;
        let fields = [
            &record.id.to_string(),
            &org,
            &seq.to_string(),
            &project,
            &app,
            &record.at.micros().to_string(),
            &actor_id,
            &record.actor,
            &record.via,
            &record.request_id,
            record.action,
            record.target_kind,
            &record.target_id,
            &record.target,
            &summary,
            record.outcome.key(),
        ];
        let hash = chain_hash(&previous, &fields);
        let insert = match record.chain {
            Chain::Org { .. } => query(
                "INSERT INTO audit_log (org_id, project_id, app_id, id, seq, at, actor_id, actor, via, request_id, \
                 action, target_kind, target_id, target, summary, outcome, previous_hash, hash) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
            )
            .bind(&org)
            .bind(given(&project))
            .bind(given(&app)),
            Chain::Server => query(
                "INSERT INTO server_audit_log (id, seq, at, actor_id, actor, via, request_id, \
                 action, target_kind, target_id, target, summary, outcome, previous_hash, hash) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
            ),
        };
        insert
            .bind(record.id.to_string())
            .bind(seq)
            .bind(record.at.micros())
            .bind(given(&actor_id))
            .bind(&record.actor)
            .bind(&record.via)
            .bind(&record.request_id)
            .bind(record.action)
            .bind(record.target_kind)
            .bind(&record.target_id)
            .bind(&record.target)
            .bind(&summary)
            .bind(record.outcome.key())
            .bind(&previous)
            .bind(&hash)
            .execute(self.conn())
            .await
            .map_err(map)?;
        query(match record.chain {
            Chain::Org { .. } => "UPDATE organizations SET audit_hash = $2 WHERE id = $1",
            Chain::Server => "UPDATE server SET audit_hash = $2 WHERE id = $1",
        })
        .bind(&org)
        .bind(&hash)
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn audit_rows(
        &mut self,
        org: &Authorized<Org, AuditRead>,
        filter: &AuditFilter,
    ) -> StoreResult<Vec<AuditRow>> {
        let rows = query(COLUMNS_OF_PAGE)
            .bind(org.id().to_string())
            .bind(filter.project.map_or_else(String::new, |p| p.to_string()))
            .bind(filter.app.map_or_else(String::new, |a| a.to_string()))
            .bind(beginning_with(filter))
            .bind(filter.before.unwrap_or(i64::MAX))
            .bind(filter.limit)
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter().map(|row| row_of(columns("audit_log", row))).collect()
    }

    async fn verify_audit(&mut self, org: OrgId) -> StoreResult<Option<i64>> {
        let mut walk = Walk::new();
        loop {
            let rows = query("SELECT * FROM audit_log WHERE org_id = $1 AND seq >= $2 ORDER BY seq LIMIT $3")
                .bind(org.to_string())
                .bind(walk.next)
                .bind(BATCH)
                .fetch_all(self.conn())
                .await
                .map_err(map)?;
            let text = |c: Columns<'_>, name| Ok(c.opt_text(name)?.unwrap_or_default());
            let about = |c: Columns<'_>| Ok([text(c, "org_id")?, text(c, "project_id")?, text(c, "app_id")?]);
            if let Some(broken) = walk.over(&rows, about)? {
                return Ok(Some(broken));
            }
            if is_last(&rows) {
                break;
            }
        }
        let head = query("SELECT id, audit_seq, audit_hash FROM organizations WHERE id = $1")
            .bind(org.to_string())
            .fetch_one(self.conn())
            .await
            .map_err(map)?;
        walk.end(columns("organizations", &head))
    }

    async fn server_audit_rows(
        &mut self,
        _: &Authorized<Server, See>,
        filter: &AuditFilter,
    ) -> StoreResult<Vec<AuditRow>> {
        let rows = query(SERVER_PAGE)
            .bind(beginning_with(filter))
            .bind(filter.before.unwrap_or(i64::MAX))
            .bind(filter.limit)
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter()
            .map(|row| row_of(columns("server_audit_log", row)))
            .collect()
    }

    async fn verify_server_audit(&mut self) -> StoreResult<Option<i64>> {
        let mut walk = Walk::new();
        loop {
            let rows = query("SELECT * FROM server_audit_log WHERE seq >= $1 ORDER BY seq LIMIT $2")
                .bind(walk.next)
                .bind(BATCH)
                .fetch_all(self.conn())
                .await
                .map_err(map)?;
            if let Some(broken) = walk.over(&rows, |_| Ok(about(Chain::Server)))? {
                return Ok(Some(broken));
            }
            if is_last(&rows) {
                break;
            }
        }
        let head = query("SELECT id, audit_seq, audit_hash FROM server WHERE id = $1")
            .bind(SERVER)
            .fetch_one(self.conn())
            .await
            .map_err(map)?;
        walk.end(columns("server", &head))
    }
}
