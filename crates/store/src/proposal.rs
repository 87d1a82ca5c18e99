//! Proposals and drafts.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::{columns, document};
use async_trait::async_trait;
use slipway_domain::id::{ProposalId, UserId};
use slipway_domain::proposal::{Draft, ProposalState};
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{App, Authorized};
use slipway_portal::ports::{ProposalRecord, ProposalTx, StoreResult};
use sqlx::any::AnyRow;
use sqlx::query;

fn proposal(row: &AnyRow) -> StoreResult<ProposalRecord> {
    let c = columns("proposals", row);
    Ok(ProposalRecord {
        id: c.id("id")?,
        number: c.int("number")?,
        branch: c.text("branch")?,
        target: c.text("target")?,
        title: c.text("title")?,
        content: c.text("content")?,
        template: c.text("template")?,
        params: c.opt_json("params")?,
        base: c.opt_text("base")?,
        committed: c.opt_text("committed")?,
        state: c.key("state", ProposalState::from_key)?,
        iid: c.opt_int("iid")?,
        sha: c.opt_text("sha")?,
        web_url: c.opt_text("web_url")?,
        blocked: c.opt_json("blocked")?,
        author: c.opt_id("author_id")?,
        created_at: c.time("created_at")?,
        version: c.int("version")?,
    })
}

#[async_trait]
impl ProposalTx for SqlTx {
    async fn insert_proposal(
        &mut self,
        app: &Authorized<App, Modify>,
        proposal: &ProposalRecord,
    ) -> StoreResult<()> {
        query(
            "INSERT INTO proposals (id, org_id, app_id, number, branch, target, title, content, template, base, \
             committed, state, iid, sha, web_url, blocked, author_id, created_at, version, params) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
        )
        .bind(proposal.id.to_string())
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(proposal.number)
        .bind(&proposal.branch)
        .bind(&proposal.target)
        .bind(&proposal.title)
        .bind(&proposal.content)
        .bind(&proposal.template)
        .bind(&proposal.base)
        .bind(&proposal.committed)
        .bind(proposal.state.key())
        .bind(proposal.iid)
        .bind(&proposal.sha)
        .bind(&proposal.web_url)
        .bind(proposal.blocked.as_ref().map(document).transpose()?)
        .bind(proposal.author.map(|a| a.to_string()))
        .bind(proposal.created_at.micros())
        .bind(proposal.version)
        .bind(proposal.params.as_ref().map(document).transpose()?)
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn update_proposal(
        &mut self,
        app: &Authorized<App, Modify>,
        proposal: &ProposalRecord,
    ) -> StoreResult<()> {
        let done = query(
            "UPDATE proposals SET target = $5, title = $6, content = $7, template = $8, base = $9, committed = $10, \
             state = $11, iid = $12, sha = $13, web_url = $14, blocked = $15, author_id = $16, params = $17, version = version + 1 \
             WHERE org_id = $1 AND app_id = $2 AND id = $3 AND version = $4",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(proposal.id.to_string())
        .bind(proposal.version)
        .bind(&proposal.target)
        .bind(&proposal.title)
        .bind(&proposal.content)
        .bind(&proposal.template)
        .bind(&proposal.base)
        .bind(&proposal.committed)
        .bind(proposal.state.key())
        .bind(proposal.iid)
        .bind(&proposal.sha)
        .bind(&proposal.web_url)
        .bind(proposal.blocked.as_ref().map(document).transpose()?)
        .bind(proposal.author.map(|a| a.to_string()))
        .bind(proposal.params.as_ref().map(document).transpose()?)
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn proposal(
        &mut self,
        app: &Authorized<App, See>,
        id: ProposalId,
    ) -> StoreResult<Option<ProposalRecord>> {
        let row = query("SELECT * FROM proposals WHERE org_id = $1 AND app_id = $2 AND id = $3")
            .bind(app.org_id().to_string())
            .bind(app.id().to_string())
            .bind(id.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref().map(proposal).transpose()
    }

    async fn proposals(
        &mut self,
        app: &Authorized<App, See>,
        limit: i64,
    ) -> StoreResult<Vec<ProposalRecord>> {
        let rows =
            query("SELECT * FROM proposals WHERE org_id = $1 AND app_id = $2 ORDER BY number DESC LIMIT $3")
                .bind(app.org_id().to_string())
                .bind(app.id().to_string())
                .bind(limit)
                .fetch_all(self.conn())
                .await
                .map_err(map)?;
        rows.iter().map(proposal).collect()
    }

    async fn put_draft(
        &mut self,
        app: &Authorized<App, Modify>,
        user: UserId,
        draft: &Draft,
    ) -> StoreResult<()> {
        query(
            "INSERT INTO pipeline_drafts (app_id, user_id, org_id, template, inputs, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (app_id, user_id) DO UPDATE SET template = excluded.template, inputs = excluded.inputs, \
             updated_at = excluded.updated_at WHERE pipeline_drafts.org_id = excluded.org_id",
        )
        .bind(app.id().to_string())
        .bind(user.to_string())
        .bind(app.org_id().to_string())
        .bind(&draft.template)
        .bind(document(&draft.inputs)?)
        .bind(draft.updated_at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn draft(&mut self, app: &Authorized<App, See>, user: UserId) -> StoreResult<Option<Draft>> {
        let row = query(
            "SELECT app_id AS id, template, inputs, updated_at FROM pipeline_drafts \
             WHERE org_id = $1 AND app_id = $2 AND user_id = $3",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(user.to_string())
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        let Some(row) = row else { return Ok(None) };
        let c = columns("pipeline_drafts", &row);
        Ok(Some(Draft {
            template: c.text("template")?,
            inputs: c.json("inputs")?,
            updated_at: c.time("updated_at")?,
        }))
    }

    async fn delete_draft(&mut self, app: &Authorized<App, Modify>, user: UserId) -> StoreResult<()> {
        query("DELETE FROM pipeline_drafts WHERE org_id = $1 AND app_id = $2 AND user_id = $3")
            .bind(app.org_id().to_string())
            .bind(app.id().to_string())
            .bind(user.to_string())
            .execute(self.conn())
            .await
            .map_err(map)?;
        Ok(())
    }
}
