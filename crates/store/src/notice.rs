//! Notices, and what somebody does not want to be told.

use crate::access::{app_columns, app_ref, org, org_columns, project_columns, project_ref};
use crate::connect::SqlTx;
use crate::error::map;
use crate::row::{Columns, columns, document};
use async_trait::async_trait;
use slipway_domain::id::{AppId, EnvironmentId, ProjectId, UserId};
use slipway_domain::notice::{Notice, NoticeKind, Quiet};
use slipway_domain::time::Timestamp;
use slipway_portal::access::may::See;
use slipway_portal::access::{AnyScope, App, Authorized};
use slipway_portal::ports::{NewNotice, NoticeRecord, NoticeTx, StoreResult, Which};
use sqlx::query;

const NOTICES: &str = concat!(
    "SELECT n.id, n.kind, n.thread, n.subject, n.path, n.words, n.at, n.read_at, ",
    org_columns!(),
    ", ",
    project_columns!(),
    ", ",
    app_columns!(),
    " FROM notices n JOIN organizations o ON o.id = n.org_id AND o.deleted_at IS NULL \
     LEFT JOIN projects p ON p.id = n.project_id AND p.org_id = n.org_id \
     LEFT JOIN apps a ON a.id = n.app_id AND a.project_id = n.project_id \
     WHERE n.user_id = $1 AND n.at < $2 AND (n.read_at IS NULL OR $3 = 0) \
     AND (n.project_id IS NULL OR p.id IS NOT NULL) AND (n.app_id IS NULL OR a.id IS NOT NULL) \
     ORDER BY n.at DESC, n.id DESC LIMIT $4"
);

const UNREAD: &str = concat!(
    "SELECT n.unread, ",
    org_columns!(),
    ", ",
    project_columns!(),
    ", ",
    app_columns!(),
    " FROM (SELECT org_id, project_id, app_id, COUNT(*) AS unread FROM notices \
     WHERE user_id = $1 AND read_at IS NULL GROUP BY org_id, project_id, app_id) n \
     JOIN organizations o ON o.id = n.org_id AND o.deleted_at IS NULL \
     LEFT JOIN projects p ON p.id = n.project_id AND p.org_id = n.org_id \
     LEFT JOIN apps a ON a.id = n.app_id AND a.project_id = n.project_id \
     WHERE (n.project_id IS NULL OR p.id IS NOT NULL) AND (n.app_id IS NULL OR a.id IS NOT NULL)"
);

fn scope(c: Columns<'_>) -> StoreResult<AnyScope> {
    let project = c.opt_id::<ProjectId>("project_id")?;
    let project = project.map(|_| project_ref(c)).transpose()?;
    let app = c.opt_id::<AppId>("app_id")?;
    let app = app.map(|_| app_ref(c)).transpose()?;
    Ok(AnyScope {
        org: org(c)?,
        project,
        app,
        internal: c.opt_int("internal")?.is_some_and(|flag| flag != 0),
    })
}

#[async_trait]
impl NoticeTx for SqlTx {
    async fn insert_notice(&mut self, new: &NewNotice) -> StoreResult<()> {
        query(
            "INSERT INTO notices (id, user_id, org_id, project_id, app_id, kind, thread, subject, path, words, at, read_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(new.notice.id.to_string())
        .bind(new.user.to_string())
        .bind(new.org.to_string())
        .bind(new.project.map(|p| p.to_string()))
        .bind(new.app.map(|a| a.to_string()))
        .bind(new.notice.kind.key())
        .bind(&new.thread)
        .bind(&new.subject)
        .bind(&new.path)
        .bind(document(&new.notice.words)?)
        .bind(new.notice.at.micros())
        .bind(new.notice.read_at.map(Timestamp::micros))
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn notices(
        &mut self,
        user: UserId,
        unread: bool,
        before: Option<Timestamp>,
        limit: i64,
    ) -> StoreResult<Vec<NoticeRecord>> {
        let rows = query(NOTICES)
            .bind(user.to_string())
            .bind(before.map_or(i64::MAX, Timestamp::micros))
            .bind(i64::from(unread))
            .bind(limit)
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("notices", row);
                Ok(NoticeRecord {
                    scope: scope(c)?,
                    thread: c.text("thread")?,
                    subject: c.text("subject")?,
                    path: c.text("path")?,
                    notice: Notice {
                        id: c.id("id")?,
                        kind: c.key("kind", NoticeKind::from_key)?,
                        words: c.json("words")?,
                        at: c.time("at")?,
                        read_at: c.opt_time("read_at")?,
                    },
                })
            })
            .collect()
    }

    async fn unread_notices(&mut self, user: UserId) -> StoreResult<Vec<(AnyScope, i64)>> {
        let rows = query(UNREAD)
            .bind(user.to_string())
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("notices", row);
                Ok((scope(c)?, c.int("unread")?))
            })
            .collect()
    }

    async fn mark_notices(
        &mut self,
        user: UserId,
        which: &Which,
        read_at: Option<Timestamp>,
    ) -> StoreResult<u64> {
        let (id, thread) = match which {
            Which::One(id) => (id.to_string(), String::new()),
            Which::Thread(thread) => (String::new(), thread.clone()),
            Which::All => (String::new(), String::new()),
        };
        // What is read already keeps its instant: it is forgotten when that is long ago.
        let done = query(
            "UPDATE notices SET read_at = $2 WHERE user_id = $1 AND ($3 = '' OR id = $3) AND ($4 = '' OR thread = $4) \
             AND (($5 = 1 AND read_at IS NULL) OR ($5 = 0 AND read_at IS NOT NULL))",
        )
        .bind(user.to_string())
        .bind(read_at.map(Timestamp::micros))
        .bind(id)
        .bind(thread)
        .bind(i64::from(read_at.is_some()))
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(done.rows_affected())
    }

    async fn prune_notices(&mut self, read_before: Timestamp) -> StoreResult<u64> {
        let done = query("DELETE FROM notices WHERE read_at IS NOT NULL AND read_at < $1")
            .bind(read_before.micros())
            .execute(self.conn())
            .await
            .map_err(map)?;
        Ok(done.rows_affected())
    }

    async fn quiet_of(&mut self, user: UserId) -> StoreResult<Quiet> {
        let rows = query("SELECT project_id, kind FROM notice_quiet WHERE user_id = $1")
            .bind(user.to_string())
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        let mut quiet = Quiet::default();
        for row in &rows {
            let c = columns("notice_quiet", row);
            if c.text("project_id")?.is_empty() {
                quiet.kinds.push(c.key("kind", NoticeKind::from_key)?);
            } else {
                quiet.projects.push(c.id("project_id")?);
            }
        }
        Ok(quiet)
    }

    async fn set_notice_kind(&mut self, user: UserId, kind: NoticeKind, on: bool) -> StoreResult<()> {
        self.set_quiet(user, String::new(), kind.key(), !on).await
    }

    async fn set_muted(&mut self, user: UserId, project: ProjectId, muted: bool) -> StoreResult<()> {
        self.set_quiet(user, project.to_string(), "", muted).await
    }

    async fn insert_run_starter(
        &mut self,
        app: &Authorized<App, See>,
        pipeline: i64,
        user: UserId,
    ) -> StoreResult<()> {
        query(
            "INSERT INTO run_starters (app_id, forge_id, user_id, org_id) VALUES ($1, $2, $3, $4) \
             ON CONFLICT DO NOTHING",
        )
        .bind(app.id().to_string())
        .bind(pipeline)
        .bind(user.to_string())
        .bind(app.org_id().to_string())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn run_starters(&mut self, app: &Authorized<App, See>, pipeline: i64) -> StoreResult<Vec<UserId>> {
        let rows =
            query("SELECT user_id FROM run_starters WHERE org_id = $1 AND app_id = $2 AND forge_id = $3")
                .bind(app.org_id().to_string())
                .bind(app.id().to_string())
                .bind(pipeline)
                .fetch_all(self.conn())
                .await
                .map_err(map)?;
        rows.iter()
            .map(|row| columns("run_starters", row).id("user_id"))
            .collect()
    }

    async fn deployed_by(
        &mut self,
        app: &Authorized<App, See>,
        environment: EnvironmentId,
    ) -> StoreResult<Option<UserId>> {
        let row =
            query("SELECT deployed_by FROM stops WHERE org_id = $1 AND app_id = $2 AND environment_id = $3")
                .bind(app.org_id().to_string())
                .bind(app.id().to_string())
                .bind(environment.to_string())
                .fetch_optional(self.conn())
                .await
                .map_err(map)?;
        row.map_or(Ok(None), |row| columns("stops", &row).opt_id("deployed_by"))
    }
}

impl SqlTx {
    async fn set_quiet(&mut self, user: UserId, project: String, kind: &str, quiet: bool) -> StoreResult<()> {
        let statement = if quiet {
            "INSERT INTO notice_quiet (user_id, project_id, kind) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
        } else {
            "DELETE FROM notice_quiet WHERE user_id = $1 AND project_id = $2 AND kind = $3"
        };
        query(statement)
            .bind(user.to_string())
            .bind(project)
            .bind(kind)
            .execute(self.conn())
            .await
            .map_err(map)?;
        Ok(())
    }
}
