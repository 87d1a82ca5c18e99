//! Merge requests and commits, as far as work items want to know.

use crate::answer::{each, int, text, time};
use crate::call::Call;
use crate::gitlab::{Gitlab, id};
use async_trait::async_trait;
use serde_json::Value;
use slipway_domain::time::Timestamp;
use slipway_portal::ports::{ChangeForge, ForgeChange, ForgeError, ForgeMessage};

/// A merge request.
pub fn change(value: &Value) -> Option<ForgeChange> {
    let commits = ["sha", "merge_commit_sha", "squash_commit_sha"];
    let created_at = time(value, "created_at")?;
    Some(ForgeChange {
        iid: int(value, "iid")?,
        title: text(value, "title").unwrap_or_default(),
        description: text(value, "description").unwrap_or_default(),
        state: text(value, "state")?,
        source_branch: text(value, "source_branch").unwrap_or_default(),
        web_url: text(value, "web_url").unwrap_or_default(),
        author: value
            .get("author")
            .and_then(|author| text(author, "name").or_else(|| text(author, "username")))
            .unwrap_or_default(),
        commits: commits.iter().filter_map(|key| text(value, key)).collect(),
        created_at,
        updated_at: time(value, "updated_at").unwrap_or(created_at),
        merged_at: time(value, "merged_at"),
    })
}

/// A commit with its message.
pub fn message(value: &Value) -> Option<ForgeMessage> {
    let title = text(value, "title").unwrap_or_default();
    Some(ForgeMessage {
        sha: text(value, "id")?,
        message: text(value, "message").unwrap_or_else(|| title.clone()),
        title,
        author: text(value, "author_name").unwrap_or_default(),
        at: time(value, "committed_date")
            .or_else(|| time(value, "created_at"))
            .unwrap_or_default(),
        web_url: text(value, "web_url").unwrap_or_default(),
    })
}

#[async_trait]
impl ChangeForge for Gitlab {
    async fn changes_since(
        &self,
        project: i64,
        since: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<ForgeChange>, ForgeError> {
        let call = Call::get(format!("projects/{}/merge_requests", id(project)?))
            .with("state", "all")
            .with("order_by", "updated_at");
        let call = match since {
            Some(since) => call.with("sort", "asc").with("updated_after", since.rfc3339()),
            None => call.with("sort", "desc"),
        };
        let items = self.list(Ok::<_, ForgeError>(call), limit).await?;
        Ok(each(&items, "merge request", change))
    }

    async fn messages(&self, project: i64, from: &str, to: &str) -> Result<Vec<ForgeMessage>, ForgeError> {
        let call = Call::get(format!("projects/{}/repository/compare", id(project)?))
            .with("from", from)
            .with("to", to);
        let value = self.call(call).await?;
        let items = value.get("commits").and_then(Value::as_array);
        Ok(each(
            items.map(Vec::as_slice).unwrap_or_default(),
            "commit",
            message,
        ))
    }
}
